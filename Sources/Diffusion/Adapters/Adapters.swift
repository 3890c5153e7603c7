internal import PlainText

/// A LoRA file and how much of it counts.
public struct LoRAChoice: Sendable, Hashable {
    public var path: String
    /// 1 as it was trained, 0 none, negative values the opposite.
    public var weight: Float
    /// For the text encoders; `nil` for the same.
    public var textWeight: Float?

    public init(path: String, weight: Float = 1, textWeight: Float? = nil) {
        self.path = path
        self.weight = weight
        self.textWeight = textWeight
    }
}

/// An embedding file and what it is called in prompts.
public struct EmbeddingChoice: Sendable, Hashable {
    public var path: String
    /// `nil` for the file's own word.
    public var word: String?

    public init(path: String, word: String? = nil) {
        self.path = path
        self.word = word
    }
}

/// What is added to a model while it is opened: changes to layers, and words.
public struct Adapters: Sendable, Hashable {
    /// In this order, which matters to DoRA alone.
    public var loras: [LoRAChoice]
    public var embeddings: [EmbeddingChoice]

    public init(loras: [LoRAChoice] = [], embeddings: [EmbeddingChoice] = []) {
        self.loras = loras
        self.embeddings = embeddings
    }
}
