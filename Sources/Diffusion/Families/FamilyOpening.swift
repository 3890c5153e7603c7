internal import Tensors

/// The parts of a model that belong to a family, by their folders in the diffusers layout.
struct FamilyParts {
    /// In the order in which their states are joined.
    var textEncoders: [String]
    var denoiser: String
}

/// What a family is made from.
struct FamilyOpening {
    let files: ModelFiles
    /// `model_index.json`
    let index: JSONConfiguration
    /// Of each of `FamilyParts.textEncoders`, with the adapters in them.
    let textWeights: [any WeightSource]
    let denoiserWeights: any WeightSource
    /// Whose words prompts may use.
    let adapters: MatchedAdapters
    let precision: Precision
    let compute: Compute
    /// The model's own autoencoder, or the one in its place.
    let autoencoder: any PictureAutoencoder
    /// The scale of latents of the model's own.
    let ownLatentScale: Float
    /// The model's parameters, all parts together.
    let parameters: Int
    let check: NumberCheck
}
