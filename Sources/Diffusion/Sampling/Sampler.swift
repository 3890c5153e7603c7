/// Steps latents from noise to picture, given what the network predicts at each timestep.
///
/// Use, for one picture (samplers carry state, so each picture takes its own copy):
///
///     var sampler = try SamplerKind.make(kind, configuration: configuration, steps: 20, schedule: nil)
///     let start = sampler.start(strength: 0.75)
///     var latents = sampler.addNoise(to: image, noise: noise, index: start)
///     // or, from pure noise: noise × sampler.initialNoiseScale
///     for index in start ..< sampler.timesteps.count {
///         let output = network(sampler.scaleInput(latents, index: index), sampler.timesteps[index])
///         latents = sampler.step(modelOutput: output, latents: latents, index: index) { generator.normal(count: n) }
///     }
///
/// Latents are flat, of any length and order, but always the same for one run: nothing here depends on the shape, except
/// that dynamic thresholding treats the whole as one picture.
public protocol Sampler: Sendable {
    /// The timesteps at which the network is called, first to last, as it is given them.
    var timesteps: [Float] { get }
    /// The steps asked for. `timesteps` may hold more, as some samplers call the network more than once a step.
    var steps: Int { get }
    /// How many entries of `timesteps` belong to a step: 2 for Heun's method, else 1.
    var order: Int { get }
    /// What noise of deviation 1 is multiplied by to be the latents of the first step.
    var initialNoiseScale: Float { get }

    /// The path from picture to noise that the network was trained on, and what its output stands for there.
    var path: NoisePath { get }

    /// Whether the coming network call belongs to a step that has begun, and starts from what it left.
    var isWithinStep: Bool { get }

    /// The first entry of `timesteps` to run so that `strength`, 0…1, of the steps are taken.
    func start(strength: Float) -> Int

    /// What the network is given for the latents.
    func scaleInput(_ latents: [Float], index: Int) -> [Float]

    /// Clean latents with as much noise as they have before step `index` of `timesteps`.
    ///
    /// Serves to start from a picture, and to write known latents back after step `index − 1`.
    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float]

    /// The latents after step `index`.
    ///
    /// Steps are taken in order from the first one run, each once: multistep samplers remember what came before.
    /// - Parameter noise: draws as many numbers as there are latents, mean 0, deviation 1. Called at most once, and only
    ///   by the samplers that add noise; when, is part of the reference's order of draws (docs/numerics.md).
    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float]

    /// Prepares for a step from latents that were changed since the last one, or before it is taken once more: forgets what it
    /// remembers of others, of which the differences to these would be taken for a slope.
    mutating func forgetLatents()
}

extension Sampler {
    public var order: Int { 1 }
    public var initialNoiseScale: Float { 1 }
    public var isWithinStep: Bool { false }
    public func scaleInput(_ latents: [Float], index: Int) -> [Float] { latents }
    public mutating func forgetLatents() {}

    /// Latents as they are after step `index` with so much noise more that they are as before it: x_t from x_(t−1), the
    /// forward step of RePaint (Lugmayr et al. 2022, arXiv 2201.09865, equation 1 and algorithm 1, line 9) in the
    /// sampler's own scale.
    /// - Parameter noise: draws as many numbers as there are latents; not called where the result is `nil`.
    /// - Returns: `nil` where both are of the same level, as within a step of two network calls.
    func renoised(_ latents: [Float], index: Int, noise: () -> [Float]) -> [Float]? {
        let (before, after) = (level(index), level(index + 1))
        let factor = before.a / after.a
        let variance = before.b * before.b - factor * factor * after.b * after.b
        guard factor.isFinite, variance > 1e-8 else { return nil }
        let deviation = variance.squareRoot()
        return zip(latents, noise()).map { factor * $0 + deviation * $1 }
    }

    /// The latents before step `index`: clean latents times a plus noise times b. After the last step a = 1, b = 0.
    func level(_ index: Int) -> (a: Float, b: Float) {
        guard index < timesteps.count else { return (1, 0) }
        return (addNoise(to: [1], noise: [0], index: index)[0], addNoise(to: [0], noise: [1], index: index)[0])
    }

    /// As `get_timesteps` of pipeline_stable_diffusion_img2img.py, diffusers 0.42.1.
    ///
    /// The strength counts as the shortest decimal that names it, since the reference multiplies in double precision
    /// what the user wrote: 0.7 of 10 steps is 7 there, and 6 from the Float 0.7. At least one step is run, where the
    /// reference runs none or fails.
    public func start(strength: Float) -> Int {
        let written = Double(strength.description) ?? Double(strength)
        let taken = min(max(Int((Double(steps) * written)), 1), steps)
        return min((steps - taken) * order, timesteps.count - 1)
    }
}
