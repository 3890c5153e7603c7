internal import Diffusion

/// A file that is read and that nothing which is written may replace.
public struct ReadFile: Sendable, Hashable {
    /// What it is, as messages call it.
    public enum Role: String, Sendable {
        case input = "the input"
        case request = "the request"
        case mask = "a mask"
        case model = "the model"
        case autoencoder = "an autoencoder"
        case lora = "a LoRA"
        case embedding = "an embedding"
        case font = "the font"
    }

    public var path: String
    public var role: Role

    public init(_ path: String, _ role: Role) {
        self.path = path
        self.role = role
    }

    /// `nil` for what is no file. Bytes may be those of a file that standard input was redirected to.
    init?(_ input: PictureInput, _ role: Role) {
        switch input {
        case .file(let path): self.init(path, role)
        case .bytes: self.init(redirected: role)
        }
    }

    /// The file that standard input was redirected to; `nil` where it comes from none.
    public init?(redirected role: Role) {
        guard FileSystem.isFile(Self.standardInput) else { return nil }
        self.init(Self.standardInput, role)
    }

    private static let standardInput = "/dev/stdin"

    /// Whether writing to that path would change the file, or one below the folder: by any spelling, and by links.
    func isAt(_ other: String) -> Bool {
        if FileSystem.isSamePlace(path, other) { return true }
        guard FileSystem.isFile(other), FileSystem.isFolder(path) else { return false }
        return FileSystem.isFile(other, below: path)
    }
}

extension ModelChoice {
    /// The files that it names.
    public var readFiles: [ReadFile] {
        let model: [ReadFile] =
            switch source {
            case .folder(let path), .file(let path): [ReadFile(path, .model)]
            case .embedded: []
            }
        return model + [autoencoder, previewAutoencoder].compactMap { $0.map { ReadFile($0, .autoencoder) } }
            + adapters.loras.map { ReadFile($0.path, .lora) }
            + adapters.embeddings.map { ReadFile($0.path, .embedding) }
    }
}

extension EditRequest {
    /// The files of its masks.
    var maskFiles: [ReadFile] { (masks + protected).compactMap { $0.input.flatMap { ReadFile($0, .mask) } } }

    /// The LoRA files that its prompt calls by name; none where the library cannot be opened, which is said later.
    ///
    /// - Parameter openLibrary: asked for where the prompt calls one.
    public func loraFiles(in openLibrary: () throws -> LoRALibrary) -> [ReadFile] {
        let tags = PromptNotation(prompt).loras
        guard !tags.isEmpty, let library = try? openLibrary() else { return [] }
        return EditJob.files(of: tags, in: library).loras.map { ReadFile($0.path, .lora) }
    }
}
