/// Heun's second-order method on the noise level σ (Karras et al. 2022, arXiv 2206.00364, algorithm 1 without churn): an
/// Euler step, then the same step again with the mean of the slopes at both ends. The last step is Euler's alone.
///
/// After scheduling_heun_discrete.py, diffusers 0.42.1.
struct HeunSampler: Sampler {
    let steps: Int
    let timesteps: [Float]
    let initialNoiseScale: Float
    var order: Int { 2 }
    var isWithinStep: Bool { half != nil }
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let sigmas: [Float]

    /// What the first half of a step leaves for the second.
    private var half: (derivative: Vector, length: Float, latents: Vector)?

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        let schedule = SigmaSchedule(continuous: settings, steps: steps)
        self.settings = settings
        self.steps = steps
        let all = schedule.timesteps.map { Float($0) }
        timesteps = all.prefix(1) + all.dropFirst().flatMap { [$0, $0] }
        sigmas =
            schedule.sigmas.prefix(1) + schedule.sigmas.dropFirst().dropLast().flatMap { [$0, $0] }
            + schedule.sigmas.suffix(1)
        initialNoiseScale = Sigma.initialNoiseScale(schedule.sigmas, spacing: settings.timestepSpacing)
    }

    func scaleInput(_ latents: [Float], index: Int) -> [Float] { Sigma.scaleInput(latents, sigma: sigmas[index]) }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        (Vector(latents) + sigmas[index] * Vector(noise)).values
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let latents = Vector(latents)
        let sigma = sigmas[index]
        let clean = settings.correction(
            Sigma.clean(settings.prediction, output: Vector(modelOutput), latents: latents, sigma: sigma))
        let derivative = (latents - clean) / sigma
        if let first = half {
            half = nil
            let mean = (first.derivative + derivative) / 2
            return (first.latents + first.length * mean).values
        }
        let length = sigmas[index + 1] - sigma
        half = (derivative, length, latents)
        return (latents + length * derivative).values
    }
}
