/// Latent consistency models: each step predicts the clean latents, then noises them again for the next (Luo et al. 2023,
/// arXiv 2310.04378, algorithm 3).
///
/// After scheduling_lcm.py, diffusers 0.42.1. Its timesteps are picked from the steps of the distillation, whatever
/// spacing is asked for.
struct LCMSampler: Sampler {
    let steps: Int
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let indices: [Int]

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        self.settings = settings
        self.steps = steps
        let original = settings.configuration.originalInferenceSteps ?? 50
        guard original <= settings.trainTimesteps else {
            throw .badSchedule(
                reason: "original_inference_steps is \(original), num_train_timesteps \(settings.trainTimesteps)")
        }
        guard steps <= original else {
            throw .stepsOutOfRange(sampler: .lcm, steps: steps, allowed: 1 ... original)
        }
        let stride = settings.trainTimesteps / original
        let distilled = (1 ... original).reversed().map { $0 * stride - 1 }
        let spacing = Double(original) / Double(steps)
        indices = (0 ..< steps).map { distilled[Int(Double($0) * spacing)] }
    }

    var timesteps: [Float] { indices.map { Float($0) } }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        settings.noise.add(noise, to: latents, timestep: indices[index])
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let latents = Vector(latents)
        let alphas = settings.noise.alphas
        let split = Prediction(
            settings.prediction, output: Vector(modelOutput), latents: latents, alpha: alphas[indices[index]])
        let clean = settings.correction(split.clean)

        // The boundary condition of consistency models: c_skip and c_out with σ_data = 0.5.
        let scaled = Float(indices[index]) * Float(settings.configuration.timestepScaling ?? 10)
        let sum = scaled * scaled + 0.25
        let denoised = (scaled / sum.squareRoot()) * clean + (0.25 / sum) * latents

        guard index < steps - 1 else { return denoised.values }
        let next = alphas[indices[index + 1]]
        return (next.squareRoot() * denoised + (1 - next).squareRoot() * Vector(noise())).values
    }
}
