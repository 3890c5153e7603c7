/// What is known of a LoRA from its tensors and metadata, and, once it is in a model, what it does there.
public struct AdapterFacts: Sendable, Equatable {
    public var path: String
    /// The file's name without its ending.
    public var name: String
    /// Where the tensors of a safetensors file begin, in bytes; `nil` for other files.
    public var dataStart: Int?
    /// The SHA-256 of its tensors as its metadata state it (`sshs_model_hash`, kohya-ss/sd-scripts).
    public var statedHash: String?
    /// What its tensors' names are those of: `kohya`, `diffusers` or `cloneofsimo`.
    public var layout: String
    /// The model that it was made for, as a phrase.
    public var family: String
    /// Such as "LoRA" or "LoHa"; several where its layers differ.
    public var algorithms: [String]
    /// `nil` where nothing is of low rank.
    public var ranks: ClosedRange<Int>?
    /// `nil` where none is stated, and the changes count as they are.
    public var alphas: ClosedRange<Float>?
    /// How many layers of each part it changes, by the parts' names in the diffusers layout.
    public var layers: [String: Int]
    /// Words that it brings, with the number of their vectors.
    public var words: [Word]
    /// Whether its metadata call it a LoRA of latent consistency.
    public var isLatentConsistency: Bool
    /// Tensors in the file that are nothing known.
    public var unknownTensors: [String]
    /// The user's weight.
    public var weight: Float = 1
    /// The user's weight for the text encoders; `nil` for the same as `weight`.
    public var textWeight: Float?
    /// Layers that the model does not have, in the file's words.
    public var unusedLayers: [String] = []

    public struct Word: Sendable, Equatable {
        public var word: String
        public var vectors: Int
    }

    /// Reads a file's facts; `nil` where it is no LoRA.
    /// - Throws: `WeightError`.
    public static func read(_ path: String) throws -> AdapterFacts? {
        let (source, hints) = try WeightFile.open(path)
        return try LoRAFile(source, metadata: hints).map(AdapterFacts.init)
    }

    init(_ file: LoRAFile) {
        path = file.file
        name = file.file.fileStem
        dataStart = file.dataStart
        statedHash = file.metadata["sshs_model_hash"]
        layout = file.layout.rawValue
        family = file.family
        algorithms = Set(file.layers.values.map(\.algorithm)).sorted()
        ranks = file.ranks
        alphas = file.alphas
        layers = Dictionary(file.places.map { ($0.part.rawValue, 1) }, uniquingKeysWith: +)
        words = file.tokens.map { Word($0) }
        isLatentConsistency = file.isLatentConsistency
        unknownTensors = file.unknown
    }
}

/// What is known of an embedding file.
public struct EmbeddingFacts: Sendable, Equatable {
    public var file: String
    public var words: [AdapterFacts.Word]
    /// Values of a vector, for each text encoder that it is for.
    public var widths: [Int]

    /// Reads a file's facts; `nil` where it is no embedding.
    /// - Throws: `WeightError`.
    public static func read(_ path: String) throws -> EmbeddingFacts? {
        let (source, _) = try WeightFile.open(path)
        guard let tokens = try? LearnedToken.read(source) else { return nil }
        return EmbeddingFacts(path, tokens)
    }

    init(_ path: String, _ tokens: [LearnedToken]) {
        file = path
        words = tokens.map { AdapterFacts.Word($0) }
        let parts = [LoRAKey.Part.textEncoder, .secondTextEncoder]
        widths = parts.compactMap { part in tokens.first?.vectors[part]?.first?.count }
    }
}

extension AdapterFacts.Word {
    init(_ token: LearnedToken) {
        word = token.word
        vectors = token.vectors.values.map(\.count).max() ?? 0
    }
}
