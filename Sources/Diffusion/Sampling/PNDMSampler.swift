/// Pseudo numerical methods: linear multistep, by default after a Runge–Kutta start (Liu et al. 2022, arXiv 2202.09778,
/// equation 9 and algorithm 2).
///
/// Stable Diffusion's configuration skips the start and calls the network twice at the second timestep instead (PLMS).
/// After scheduling_pndm.py, diffusers 0.42.1, whose counters are kept: started in the middle of the schedule it behaves
/// as there.
struct PNDMSampler: Sampler {
    let steps: Int
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let indices: [Int]
    /// The part of `indices` that belongs to the Runge–Kutta start.
    private let rungeKuttaIndices: [Int]

    /// Network calls so far.
    private var counter = 0
    /// The latest outputs of the network, newest last.
    private var outputs: [Vector] = []
    /// The latents from which the present step started.
    private var origin: Vector?
    /// The weighted sum of the outputs of the present Runge–Kutta step.
    private var sum: Vector?

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        self.settings = settings
        self.steps = steps
        let ascending: [Double] = NoiseSchedule.timesteps(
            settings.timestepSpacing, count: steps, of: settings.trainTimesteps, offset: settings.stepsOffset,
            isRounded: true
        ).reversed()

        var start: [Double] = []
        let multistep: [Double]
        if settings.skipsRungeKuttaSteps {
            multistep = (ascending.dropLast() + ascending.suffix(2).dropLast() + ascending.suffix(1)).reversed()
        } else {
            guard steps >= 4 else {
                throw .stepsOutOfRange(sampler: .pndm, steps: steps, allowed: 4 ... max(4, settings.trainTimesteps))
            }
            // Each of the last four timesteps and the one half a step before it, every one but the ends twice.
            let half = Double(settings.trainTimesteps / steps / 2)
            let pairs = ascending.suffix(4).flatMap { [$0, $0 + half] }.dropLast()
            start = pairs.flatMap { [$0, $0] }.dropFirst().dropLast().reversed()
            multistep = ascending.dropLast(3).reversed()
        }
        rungeKuttaIndices = start.map { Int($0) }
        indices = try settings.indices(start + multistep, steps: steps)
    }

    var timesteps: [Float] { indices.map { Float($0) } }

    var isWithinStep: Bool { counter < rungeKuttaIndices.count ? counter % 4 != 0 : counter == 1 }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        settings.noise.add(noise, to: latents, timestep: indices[index])
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let output = Vector(modelOutput)
        let latents = Vector(latents)
        defer { counter += 1 }
        return counter < rungeKuttaIndices.count
            ? rungeKuttaStep(output, latents, timestep: indices[index]).values
            : multistepStep(output, latents, timestep: indices[index]).values
    }

    /// Outputs for other latents differ by their noise. Not between the two calls of a first step, which belong together.
    mutating func forgetLatents() { if !isWithinStep { outputs = [] } }

    private mutating func rungeKuttaStep(_ output: Vector, _ latents: Vector, timestep: Int) -> Vector {
        let half = counter % 2 == 0 ? settings.trainTimesteps / steps / 2 : 0
        let start = rungeKuttaIndices[counter / 4 * 4]
        var used = output
        switch counter % 4 {
        case 0:
            sum = weighted(1 / 6, output)
            outputs.append(output)
            origin = latents
        case 1, 2:
            sum = weighted(1 / 3, output)
        default:
            used = weighted(1 / 6, output)
            sum = nil
        }
        return transfer(origin ?? latents, used, from: start, to: timestep - half)
    }

    private func weighted(_ weight: Float, _ output: Vector) -> Vector {
        let share = weight * output
        return sum.map { $0 + share } ?? share
    }

    private mutating func multistepStep(_ output: Vector, _ latents: Vector, timestep: Int) -> Vector {
        let stride = settings.trainTimesteps / steps
        var (from, to) = (timestep, timestep - stride)
        if counter == 1 {
            // The second call at the same timestep, which corrects the first step.
            (from, to) = (timestep + stride, timestep)
        } else {
            outputs = outputs.suffix(3) + [output]
        }
        func past(_ back: Int) -> Vector { outputs[outputs.count - back] }

        var start = latents
        let used: Vector
        switch outputs.count {
        case 1 where counter == 0:
            used = output
            origin = latents
        case 1 where counter == 1:
            used = (output + past(1)) / 2
            start = origin ?? latents
            origin = nil
        case 1:
            used = output
        case 2:
            used = (3 * past(1) - past(2)) / 2
        case 3:
            used = (23 * past(1) - 16 * past(2) + 5 * past(3)) / 12
        default:
            used = (1 / 24) * (55 * past(1) - 59 * past(2) + 37 * past(3) - 9 * past(4))
        }
        return transfer(start, used, from: from, to: to)
    }

    /// Equation 9: from x_t to x_(t−δ) with a network output.
    private func transfer(_ latents: Vector, _ output: Vector, from timestep: Int, to previous: Int) -> Vector {
        let alphas = settings.noise.alphas
        let alpha = alphas[timestep]
        let previousAlpha = previous >= 0 ? alphas[previous] : settings.finalAlpha
        let noise = Prediction(settings.prediction, output: output, latents: latents, alpha: alpha).noise
        let scale = (previousAlpha / alpha).squareRoot()
        let divisor =
            alpha * (1 - previousAlpha).squareRoot() + (alpha * (1 - alpha) * previousAlpha).squareRoot()
        return scale * latents - (previousAlpha - alpha) * noise / divisor
    }
}
