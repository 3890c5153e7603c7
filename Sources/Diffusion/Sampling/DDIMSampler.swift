/// Denoising diffusion implicit models with η = 0: deterministic (Song et al. 2020, arXiv 2010.02502, equation 12).
///
/// After scheduling_ddim.py, diffusers 0.42.1.
struct DDIMSampler: Sampler {
    let steps: Int
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let indices: [Int]

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        self.settings = settings
        self.steps = steps
        let timesteps = NoiseSchedule.timesteps(
            settings.timestepSpacing, count: steps, of: settings.trainTimesteps, offset: settings.stepsOffset,
            isRounded: true)
        indices = try settings.indices(timesteps, steps: steps)
    }

    var timesteps: [Float] { indices.map { Float($0) } }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        settings.noise.add(noise, to: latents, timestep: indices[index])
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let timestep = indices[index]
        let previous = timestep - settings.trainTimesteps / steps
        let alpha = settings.noise.alphas[timestep]
        let previousAlpha = previous >= 0 ? settings.noise.alphas[previous] : settings.finalAlpha

        let split = Prediction(
            settings.prediction, output: Vector(modelOutput), latents: Vector(latents), alpha: alpha)
        let clean = settings.correction(split.clean)
        // The direction that points to x_t; the reference keeps the noise predicted before any clipping.
        let direction = (1 - previousAlpha).squareRoot() * split.noise
        return (previousAlpha.squareRoot() * clean + direction).values
    }
}

/// The clean latents and the noise that a network's output stands for, where x = √ᾱ·x₀ + √(1 − ᾱ)·ε.
struct Prediction {
    var clean: Vector
    var noise: Vector

    init(_ kind: SchedulerConfiguration.Prediction, output: Vector, latents: Vector, alpha: Float) {
        let signal = alpha.squareRoot()
        let spread = (1 - alpha).squareRoot()
        switch kind {
        case .epsilon:
            clean = (latents - spread * output) / signal
            noise = output
        case .sample:
            clean = output
            noise = (latents - signal * output) / spread
        case .velocity:
            clean = signal * latents - spread * output
            noise = signal * output + spread * latents
        }
    }
}

extension NoiseSchedule {
    /// √ᾱ·x₀ + √(1 − ᾱ)·ε at a training timestep (`add_noise` of scheduling_ddpm.py).
    func add(_ noise: [Float], to latents: [Float], timestep: Int) -> [Float] {
        let alpha = alphas[timestep]
        return (alpha.squareRoot() * Vector(latents) + (1 - alpha).squareRoot() * Vector(noise)).values
    }
}
