/// The visited timesteps and noise levels, computed in double precision where the reference's NumPy does.
///
/// After `set_timesteps` of scheduling_euler_discrete.py, scheduling_dpmsolver_multistep.py and
/// scheduling_unipc_multistep.py, diffusers 0.42.1.
extension NoiseSchedule {
    /// `numpy.linspace`.
    static func evenlySpaced(_ start: Double, _ stop: Double, count: Int) -> [Double] {
        guard count > 1 else { return [start] }
        let step = (stop - start) / Double(count - 1)
        return (0 ..< count).map { $0 == count - 1 ? stop : Double($0) * step + start }
    }

    /// Evenly spaced timesteps, noisiest first.
    ///
    /// - Parameter isRounded: whether the linspace spacing rounds to whole timesteps (ties to even).
    static func timesteps(
        _ spacing: SchedulerConfiguration.TimestepSpacing, count: Int, of total: Int, offset: Int, isRounded: Bool
    ) -> [Double] {
        switch spacing {
        case .linspace:
            let all = evenlySpaced(0, Double(total - 1), count: count).reversed()
            return isRounded ? all.map { $0.rounded(.toNearestOrEven) } : all.map { Double(Float($0)) }
        case .leading:
            return (0 ..< count).reversed().map { Double($0 * (total / count) + offset) }
        case .trailing:
            return trailing(from: Double(total), step: Double(total) / Double(count))
        }
    }

    /// `numpy.arange(start, 0, -step).round() - 1`, whose length follows from the rounding of the quotient.
    static func trailing(from start: Double, step: Double) -> [Double] {
        let count = Int((start / step).rounded(.up))
        let delta = (start - step) - start
        return (0 ..< count).map { (start + Double($0) * delta).rounded(.toNearestOrEven) - 1 }
    }

    /// σ at timesteps between the whole ones: `numpy.interp` over the training schedule.
    static func interpolate(_ sigmas: [Float], at timesteps: [Double]) -> [Double] {
        timesteps.map { timestep in
            guard timestep > 0 else { return Double(sigmas[0]) }
            let below = Int(timestep)
            guard below < sigmas.count - 1 else { return Double(sigmas[sigmas.count - 1]) }
            let slope = Double(sigmas[below + 1]) - Double(sigmas[below])
            return slope * (timestep - Double(below)) + Double(sigmas[below])
        }
    }

    /// σ^(1/ρ) evenly spaced from the largest to the smallest, ρ = 7 (arXiv 2206.00364, equation 5).
    static func karras(from maximum: Double, to minimum: Double, count: Int) -> [Double] {
        let rho = 7.0
        let first = Scalar.power(maximum, 1 / rho)
        let last = Scalar.power(minimum, 1 / rho)
        return evenlySpaced(0, 1, count: count).map { Scalar.power(first + $0 * (last - first), rho) }
    }

    /// log σ evenly spaced from the largest to the smallest.
    static func exponential(from maximum: Double, to minimum: Double, count: Int) -> [Double] {
        evenlySpaced(Scalar.log(maximum), Scalar.log(minimum), count: count).map { Scalar.exp($0) }
    }

    /// The timesteps at which the training schedule has these σ, between whole ones (`_sigma_to_t`).
    ///
    /// The logarithms of the training schedule are float32, as the reference's are.
    static func timesteps(ofSigmas sigmas: [Double], in schedule: [Float]) -> [Double] {
        let logarithms = schedule.map(vectorLogarithm)
        return sigmas.map { sigma in
            let logarithm = Scalar.log(max(sigma, 1e-10))
            let above = logarithms.firstIndex { Double($0) > logarithm } ?? logarithms.count
            let low = min(max(above - 1, 0), logarithms.count - 2)
            let span = Double(logarithms[low] - logarithms[low + 1])
            let weight = min(max((Double(logarithms[low]) - logarithm) / span, 0), 1)
            return (1 - weight) * Double(low) + weight * Double(low + 1)
        }
    }
}

/// The noise levels of a run and the timesteps that stand for them.
struct SigmaSchedule: Sendable {
    /// One a step.
    var timesteps: [Double]
    /// One a step, and the final one.
    var sigmas: [Float]

    /// Of the samplers that treat σ as time: Euler, Euler ancestral and Heun.
    init(continuous settings: SamplerSettings, steps: Int) {
        let training = settings.noise.sigmas
        timesteps = NoiseSchedule.timesteps(
            settings.timestepSpacing, count: steps, of: settings.trainTimesteps, offset: settings.stepsOffset,
            isRounded: false)
        var levels = NoiseSchedule.interpolate(training, at: timesteps)
        let configuration = settings.configuration
        // Only EulerDiscreteScheduler takes bounds from the configuration.
        let bounds = settings.kind == .euler ? (configuration.sigmaMaximum, configuration.sigmaMinimum) : (nil, nil)
        let maximum = bounds.0 ?? levels[0]
        let minimum = bounds.1 ?? levels[levels.count - 1]
        if settings.usesKarrasSigmas || settings.usesExponentialSigmas {
            levels =
                settings.usesKarrasSigmas
                ? NoiseSchedule.karras(from: maximum, to: minimum, count: steps)
                : NoiseSchedule.exponential(from: maximum, to: minimum, count: steps)
            timesteps = NoiseSchedule.timesteps(ofSigmas: levels, in: training)
        }
        // The other two always end at 0.
        let last: Float = settings.kind == .euler && settings.finalSigma == .minimum ? training[0] : 0
        sigmas = levels.map { Float($0) } + [last]
    }

    /// Of the multistep samplers, whose timesteps are whole: DPM-Solver++ and UniPC.
    init(multistep settings: SamplerSettings, steps: Int) {
        let training = settings.noise.sigmas
        let isUniPC = settings.kind == .unipc
        let configuration = settings.configuration
        let maximum = isUniPC ? configuration.sigmaMaximum : nil
        let minimum = isUniPC ? configuration.sigmaMinimum : nil
        var last = settings.finalSigma == .minimum ? training[0] : 0

        if settings.usesKarrasSigmas || settings.usesExponentialSigmas {
            let from = maximum ?? Double(training[training.count - 1])
            let to = minimum ?? Double(training[0])
            let levels =
                settings.usesKarrasSigmas
                ? NoiseSchedule.karras(from: from, to: to, count: steps)
                : NoiseSchedule.exponential(from: from, to: to, count: steps)
            timesteps = NoiseSchedule.timesteps(ofSigmas: levels, in: training)
            // The reference then cuts what is left of a fraction.
            let isRounded = settings.usesKarrasSigmas && (isUniPC || configuration.betaSchedule != .squaredCosine)
            timesteps = timesteps.map { $0.rounded(isRounded ? .toNearestOrEven : .towardZero) }
            sigmas = levels.map { Float($0) }
            if isUniPC, settings.finalSigma == .minimum, let smallest = sigmas.last { last = smallest }
        } else {
            timesteps = Self.wholeTimesteps(settings, training: training, steps: steps)
            sigmas = NoiseSchedule.interpolate(training, at: timesteps).map { Float($0) }
        }
        sigmas.append(last)
    }

    /// One timestep more than there are steps is spaced evenly, and the last left out.
    private static func wholeTimesteps(_ settings: SamplerSettings, training: [Float], steps: Int) -> [Double] {
        let total = settings.trainTimesteps
        var end = total
        if settings.kind != .unipc, let limit = settings.configuration.lambdaMinimumClipped {
            // λ = log √ᾱ − log √(1 − ᾱ) = −log σ falls with time: timesteps whose λ is below the limit are not visited.
            end = max(training.count { -Scalar.log(Double($0)) >= limit }, 1)
        }
        switch settings.timestepSpacing {
        case .linspace:
            return NoiseSchedule.timesteps(.linspace, count: steps + 1, of: end, offset: 0, isRounded: true).dropLast()
        case .leading:
            let all = NoiseSchedule.timesteps(
                .leading, count: steps + 1, of: end, offset: settings.stepsOffset, isRounded: true)
            return all.dropLast()
        case .trailing:
            return NoiseSchedule.trailing(from: Double(end), step: Double(total) / Double(steps))
        }
    }
}
