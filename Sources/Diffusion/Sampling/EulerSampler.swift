/// Euler's method on the noise level σ (Karras et al. 2022, arXiv 2206.00364, algorithm 1 without churn), and its
/// ancestral form, which steps lower and adds fresh noise (k-diffusion's `sample_euler_ancestral`).
///
/// After scheduling_euler_discrete.py and scheduling_euler_ancestral_discrete.py, diffusers 0.42.1. Where the reference's
/// ancestral class refuses (clean latents as prediction, Karras and exponential σ), this does what the plain one does.
struct EulerSampler: Sampler {
    let steps: Int
    let timesteps: [Float]
    let initialNoiseScale: Float
    var path: NoisePath { .variancePreserving(prediction) }
    private let prediction: SchedulerConfiguration.Prediction
    private let isAncestral: Bool
    private let sigmas: [Float]

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        let schedule = SigmaSchedule(continuous: settings, steps: steps)
        self.steps = steps
        timesteps = schedule.timesteps.map { Float($0) }
        sigmas = schedule.sigmas
        initialNoiseScale = Sigma.initialNoiseScale(schedule.sigmas, spacing: settings.timestepSpacing)
        prediction = settings.prediction
        isAncestral = settings.kind == .eulerAncestral
    }

    func scaleInput(_ latents: [Float], index: Int) -> [Float] { Sigma.scaleInput(latents, sigma: sigmas[index]) }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        (Vector(latents) + sigmas[index] * Vector(noise)).values
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let latents = Vector(latents)
        let sigma = sigmas[index]
        let next = sigmas[index + 1]
        let clean = Sigma.clean(prediction, output: Vector(modelOutput), latents: latents, sigma: sigma)
        let derivative = (latents - clean) / sigma
        guard isAncestral else { return (latents + (next - sigma) * derivative).values }

        let up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
        let down = (next * next - up * up).squareRoot()
        let stepped = latents + (down - sigma) * derivative
        return (stepped + up * Vector(noise())).values
    }
}

/// What the samplers that treat σ as time share: latents x = x₀ + σ·ε.
enum Sigma {
    /// `init_noise_sigma`.
    static func initialNoiseScale(
        _ sigmas: [Float], spacing: SchedulerConfiguration.TimestepSpacing
    ) -> Float {
        let maximum = sigmas.max() ?? 0
        return spacing == .leading ? (maximum * maximum + 1).squareRoot() : maximum
    }

    /// The latents at the variance that the network was trained on.
    static func scaleInput(_ latents: [Float], sigma: Float) -> [Float] {
        (Vector(latents) / (sigma * sigma + 1).squareRoot()).values
    }

    /// The clean latents that a network's output stands for.
    static func clean(
        _ prediction: SchedulerConfiguration.Prediction, output: Vector, latents: Vector, sigma: Float
    ) -> Vector {
        switch prediction {
        case .epsilon: latents - sigma * output
        case .velocity:
            (-sigma / (sigma * sigma + 1).squareRoot()) * output + latents / (sigma * sigma + 1)
        case .sample: output
        }
    }
}
