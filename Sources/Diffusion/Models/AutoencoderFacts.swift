/// What is known of an autoencoder that lies by itself.
public struct AutoencoderFacts: Sendable, Equatable {
    /// Whether it is of TAESD's kind.
    public var isTiny: Bool
    public var latentChannels: Int
    /// Picture pixels a latent pixel, each way.
    public var scaleFactor: Int
    /// What its latents are multiplied by, where it states that.
    public var latentScale: Float?
    public var parameters: Int
    /// The files that it is in, where they are two.
    public var halves: [String]

    /// Reads the facts of a file or folder; `nil` where it is no autoencoder, or more than one (a whole model).
    /// - Throws: `ModelError`, `WeightError`, `ConfigurationError` or `NetworkError` for an autoencoder that cannot be used.
    public static func read(_ path: String) throws -> AutoencoderFacts? {
        if MappedFile.exists(path + "/.") {
            // A whole model's folder has its autoencoder one level down.
            guard AutoencoderFiles.isFolderOfOne(path) else { return nil }
        } else {
            guard AutoencoderFiles.isFileOfOne(try WeightFile.open(path).weights.allNames) else { return nil }
        }
        // The scale given is read back where none is stated.
        let unstated: Float = -1
        let files = try AutoencoderFiles(path: path, modelScale: unstated)
        let autoencoder = files.autoencoder
        return AutoencoderFacts(
            isTiny: autoencoder is TinyAutoencoder, latentChannels: autoencoder.latentChannels,
            scaleFactor: autoencoder.scaleFactor,
            latentScale: autoencoder.latentScale == unstated ? nil : autoencoder.latentScale,
            parameters: files.weights.reduce(0) { $0 + $1.parameterCount },
            halves: files.weights.count > 1 ? files.weights.map(\.file) : [])
    }
}
