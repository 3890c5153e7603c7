internal import Raster
internal import Tensors

/// What one kind of diffusion model knows of itself: how its text is encoded, what its denoiser is told beside the
/// latents, and how it is asked for a prediction.
///
/// The pipeline owns the rest, which is the same for all: pictures and their autoencoder, noise, the loop, the
/// sampler's steps, masks and previews. A family owns its text encoders and its denoiser, and packs their weights at
/// first use.
///
/// A new family is a folder here with a type that conforms, and an entry in `ModelFamilies.all`. Not for use by two
/// threads at once.
protocol ModelFamily {
    /// What `prepare` makes of a request for some branches: encoded text and whatever else the denoiser takes, in the
    /// family's own layout.
    associatedtype Conditioning

    /// Whether a model is of this family, told by its configurations.
    /// - Throws: `ConfigurationError` or `WeightError` where one cannot be read.
    static func recognises(_ files: ModelFiles) throws -> Bool

    /// The parts, by their folders in the diffusers layout, whose weights the family takes.
    static func parts(of files: ModelFiles) -> FamilyParts

    /// The scale of latents that the model was trained with, where its autoencoder does not state one.
    /// - Throws: `ConfigurationError` or `NetworkError`.
    static func usualLatentScale(of files: ModelFiles) throws -> Float

    /// Makes the networks and checks that all their tensors are there and that they fit each other and the autoencoder.
    /// - Throws: `ModelError.mismatch`, `AdapterError`, `WeightError`, `ConfigurationError`, `TokenizerError` or
    ///   `NetworkError`.
    init(_ opening: FamilyOpening) throws

    /// What is known of the model, but for what was added to it or put in its place.
    var facts: ModelFacts { get }

    /// The colour that a latent pixel stands for; `nil` where nobody has measured it.
    var latentColors: LatentColors? { get }

    /// The sampler of a request, of which no step was taken.
    /// - Throws: `SamplingError`.
    func sampler(for request: DenoiseRequest) throws -> any Sampler

    /// How a request is guided: the branches that the denoiser is to be asked for, and how they are combined.
    func guidanceRule(for request: DenoiseRequest) -> GuidanceRule

    /// What the denoiser is told in each of these branches.
    /// - Throws: `ModelError.notANumber`, `ModelError.mismatch` or `ComputeError`.
    func prepare(_ branches: [GuidanceRule.Branch], for request: DenoiseRequest) throws -> Conditioning

    /// The denoiser's predictions.
    /// - Parameter reused: what the denoiser computed at earlier steps and takes again where it is there; what it
    ///   computes and could take again is added. A family that reuses nothing leaves it empty.
    /// - Returns: for each candidate `[branches, latentChannels, height, width]`, the branches in the order in which
    ///   they were prepared.
    /// - Throws: `ModelError.notANumber` or `ComputeError`.
    func predict(
        _ input: DenoiserInput, conditioning: Conditioning, reused: inout ReusedFeatures
    ) throws -> [[Float]]

    /// Whether candidates after the first are worth computing in a region only (`Compute.following`).
    func follows(_ region: MapRegion) -> Bool

    /// Runs the text encoders, and remembers nothing of it: for measurements.
    /// - Throws: as `prepare`.
    func encodeText(_ prompts: [String]) throws
}

extension ModelFamily {
    var latentColors: LatentColors? { nil }
    func follows(_ region: MapRegion) -> Bool { false }
}
