internal import Diffusion

/// What AUTOMATIC1111's web UI names models and autoencoders by in its record, beside their names: the first ten digits of
/// a file's SHA-256 (`modules/sd_models.py`, `modules/sd_vae.py`, f2844bd). Folders have none.
struct ModelHashes {
    /// Of a single file whose hash is known, or soon computed.
    let model: String?
    /// Of the file of an autoencoder that stands in for the model's own.
    let autoencoder: String?

    /// A file that cannot be read any more has none.
    init(_ facts: ModelFacts) {
        model = facts.file.flatMap { Self.known($0) ?? Self.computed($0, upTo: Self.quickSize) }.map(Self.short)
        let file = facts.autoencoderFile.flatMap { $0.hasSuffix(".json") ? nil : $0 }
        autoencoder = file.flatMap { Self.known($0) ?? Self.computed($0) }.map(Self.short)
    }

    /// Bytes that are hashed in half a second.
    private static let quickSize = 256 << 20
    private static let digits = 10

    private static func short(_ hash: String) -> String { String(hash.prefix(digits)) }

    private static func computed(_ file: String, upTo limit: Int = .max) -> String? {
        FileSystem.size(of: file) <= limit ? try? FileHash.of(file: file) : nil
    }

    /// The Hugging Face cache calls large files by their SHA-256, and `models pull` writes it down.
    private static func known(_ file: String) -> String? {
        let name = FileSystem.name(of: FileSystem.resolved(file))
        return ModelHub.isSHA256(name) ? name : PullManifest.sha256(of: file)
    }
}
