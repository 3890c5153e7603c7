/// Euler's method on a flow path: x′ = x + (σ′ − σ)·v, where the network predicts the velocity v = ε − x₀
/// (`NoisePath.flow`).
///
/// After scheduling_flow_match_euler_discrete.py, diffusers 0.42.1, without its stochastic sampling.
struct FlowSampler: Sampler {
    let steps: Int
    /// 1000·σ.
    let timesteps: [Float]
    var path: NoisePath { .flow }
    private let sigmas: [Float]

    init(_ schedule: FlowSchedule) {
        steps = schedule.sigmas.count - 1
        sigmas = schedule.sigmas
        timesteps = schedule.sigmas.dropLast().map { 1000 * $0 }
    }

    /// σ·ε + (1 − σ)·x₀ (`scale_noise`).
    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        (sigmas[index] * Vector(noise) + (1 - sigmas[index]) * Vector(latents)).values
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        (Vector(latents) + (sigmas[index + 1] - sigmas[index]) * Vector(modelOutput)).values
    }

    /// Pipelines of flow models round what is left out, not what is taken (`get_timesteps`,
    /// pipeline_flux2_klein_inpaint.py, diffusers 0.42.1): 0.8 of 4 steps are all 4, where 3.2 steps are asked for.
    func start(strength: Float) -> Int {
        let written = Double(strength.description) ?? Double(strength)
        return min(max(Int(Double(steps) - min(Double(steps) * written, Double(steps))), 0), steps - 1)
    }
}

/// The noise levels σ of a run on a flow path, 1 (noise) to 0 (picture).
struct FlowSchedule: Sendable, Equatable {
    /// One a step, noisiest first, and 0.
    let sigmas: [Float]

    /// Evenly spaced levels, shifted; 0 follows the last. Traps unless `steps` ≥ 1 and 1 ≥ `first` ≥ `last` ≥ 0.
    /// - Parameters:
    ///   - last: of the last step, before the shift: 1/n in most pipelines; `shifted(1/1000, by: shift)` in the
    ///     scheduler itself, which so shifts it twice.
    ///   - shift: of `shifted`.
    init(steps: Int, from first: Double = 1, to last: Double, shift: Double) {
        precondition(steps >= 1 && first <= 1 && first >= last && last >= 0, "levels between 1 and 0")
        sigmas =
            NoiseSchedule.evenlySpaced(first, last, count: steps).map { Float(Self.shifted($0, by: shift)) } + [0]
    }

    /// A level moved towards noise, as larger pictures need it: s·σ / (1 + (s − 1)·σ) (Esser et al. 2024,
    /// arXiv:2403.03206, equation 23).
    /// - Parameter shift: s, 1 and up; eᵘ for what diffusers calls an exponential shift by µ = u.
    static func shifted(_ sigma: Double, by shift: Double) -> Double { shift * sigma / (1 + (shift - 1) * sigma) }
}
