internal import Tensors

/// One question to a denoiser, about all candidates that go step by step together.
struct DenoiserInput {
    /// Of each candidate, `[inputChannels, height, width]`: the latents as the sampler scales them, then the planes
    /// that `ModelFacts.pictureInput` asks for.
    let candidates: [[Float]]
    /// In latent pixels.
    let height: Int
    let width: Int
    /// As the sampler gives it, 0…1000.
    let timestep: Float
    /// Where candidates after the first differ from it; `nil` where all are computed whole.
    var region: MapRegion?
}

/// What a denoiser computed for the candidates of a run, for as long as it takes it again at later steps.
struct ReusedFeatures {
    /// By the number of the first candidate of a batch.
    var tensors: [Int: Tensor] = [:]
}
