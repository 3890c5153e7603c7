public import Diffusion

/// Which model an edit uses, and how it is run.
public struct ModelChoice: Sendable, Hashable {
    public var source: ModelSource
    /// The path of an autoencoder to take in place of the model's own.
    public var autoencoder: String?
    /// The path of an autoencoder that decodes previews alone.
    public var previewAutoencoder: String?
    /// `nil` for the fastest that this processor runs well.
    public var precision: Precision?
    /// `nil` for one a core.
    public var threads: Int?
    /// Whether the weights of a large model, as they are packed for this CPU, are kept in the user's cache folder.
    public var keepsPackedWeights: Bool
    public var adapters: Adapters

    public init(
        source: ModelSource, autoencoder: String? = nil, previewAutoencoder: String? = nil,
        precision: Precision? = nil, threads: Int? = nil, keepsPackedWeights: Bool = false,
        adapters: Adapters = Adapters()
    ) {
        self.source = source
        self.autoencoder = autoencoder
        self.previewAutoencoder = previewAutoencoder
        self.precision = precision
        self.threads = threads
        self.keepsPackedWeights = keepsPackedWeights
        self.adapters = adapters
    }

    /// Opens the model. Throws `ModelError` or `AdapterError`.
    public func open() throws -> any PictureModel { try openPipeline() }

    func openPipeline() throws -> DiffusionPipeline {
        let weightFolder = keepsPackedWeights ? CacheFolder.packedWeights : nil
        // When the pipeline is open, so that what it uses is the last.
        defer { if let weightFolder { CacheFolder.trim(weightFolder) } }
        return try DiffusionPipeline(
            model: source, precision: precision, threads: threads, packedWeightFolder: weightFolder,
            spillFolder: weightFolder ?? FileSystem.environment("TMPDIR") ?? "/var/tmp",
            clipVocabulary: DataFolder.clipVocabulary, autoencoder: autoencoder,
            previewAutoencoder: previewAutoencoder, adapters: adapters)
    }
}
