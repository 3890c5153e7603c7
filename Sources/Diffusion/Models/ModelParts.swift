/// The parts of a model that were found in files of another layout than diffusers', from however many files.
///
/// A layout reads files and sorts their tensors into parts under the names of the diffusers layout: `LDMCheckpoint`
/// those of one file that holds them all. Where each part is in a file of its own, every file's parts are joined to the
/// model's.
struct ModelParts: Sendable {
    /// By their paths in the diffusers layout.
    private(set) var configurations: [String: JSONConfiguration]
    /// By the folders of the diffusers layout.
    private(set) var weights: [String: any WeightSource]
    /// By the folders of the text encoders.
    private(set) var vocabularies: [String: Vocabulary]
    /// What the files say beside their tensors.
    private(set) var hints: [String: String]
    /// How it was told what the denoiser predicts, where no configuration says so.
    private(set) var predictionReason: String?

    /// What a text encoder without a tokenizer of its own asks of the one that its kind shares.
    struct Vocabulary: Sendable, Equatable {
        /// The tokens that it knows.
        var size: Int
        /// What its windows are filled up with.
        var padToken: String
    }

    init(
        configurations: [String: JSONConfiguration], weights: [String: any WeightSource],
        vocabularies: [String: Vocabulary] = [:], hints: [String: String] = [:], predictionReason: String? = nil
    ) {
        self.configurations = configurations
        self.weights = weights
        self.vocabularies = vocabularies
        self.hints = hints
        self.predictionReason = predictionReason
    }

    /// These parts and those of further files. Where two have the same part or configuration, the former's counts: so
    /// that a file that is named first is the choice, and the others complete it.
    func joined(with others: ModelParts) -> ModelParts {
        var result = self
        result.configurations.merge(others.configurations) { own, _ in own }
        result.weights.merge(others.weights) { own, _ in own }
        result.vocabularies.merge(others.vocabularies) { own, _ in own }
        result.hints.merge(others.hints) { own, _ in own }
        result.predictionReason = predictionReason ?? others.predictionReason
        return result
    }
}
