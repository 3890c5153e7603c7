internal import Tensors

/// Prompts to what the denoiser attends to.
struct PromptEncoder {
    let configuration: TextEncoderConfiguration
    private var encoder: TextEncoder
    private var tokenizer: CLIPTokenizer
    private let model: String

    /// - Parameter adapters: whose words prompts may use.
    /// - Throws: `TokenizerError`, `ConfigurationError`, `WeightError`, `AdapterError`, or `ModelError.mismatch` where
    ///   tokenizer and encoder do not fit.
    init(files: ModelFiles, weights: any WeightSource, adapters: MatchedAdapters) throws {
        let configuration = try TextEncoderConfiguration(files.configuration("text_encoder/config.json"))
        self.configuration = configuration
        encoder = try MissingTensors.counted(in: weights) {
            try TextEncoder(configuration: configuration, weights: $0)
        }
        tokenizer = try files.tokenizer()
        model = files.name
        for (word, vectors) in try adapters.words(part: "text_encoder", channels: configuration.channels) {
            let first = configuration.vocabularySize + encoder.learned.count
            encoder.learned += vectors
            tokenizer.learn(word, as: Array(first ..< first + vectors.count))
        }
        let window = tokenizer.contentLength + 2
        guard window <= configuration.maximumTokens else {
            throw ModelError.mismatch(
                model: files.name,
                reason: "the tokenizer's windows have \(window) tokens, the text encoder takes "
                    + "\(configuration.maximumTokens)")
        }
    }

    /// - Returns: `[prompts.count, tokens, channels]`; prompts that need fewer windows than the longest are filled up with
    ///   empty ones.
    func callAsFunction(_ prompts: [String], _ compute: Compute) throws -> Tensor {
        var tokenized = prompts.map { TokenizedPrompt(Prompt($0), tokenizer: tokenizer) }
        let count = tokenized.reduce(1) { max($0, $1.windows.count) }
        for index in tokenized.indices { tokenized[index].pad(toWindows: count) }
        let known = configuration.vocabularySize + encoder.learned.count
        for id in tokenized.flatMap({ $0.windows.flatMap(\.tokens) }) where id >= known {
            throw ModelError.mismatch(
                model: model,
                reason: "the tokenizer has token \(id), the text encoder knows \(configuration.vocabularySize)")
        }
        // Prompts change less often than the memory is needed.
        defer { encoder.releaseWeights(compute) }
        let length = tokenizer.contentLength + 2
        var values: [Float] = []
        for prompt in tokenized {
            for window in prompt.windows {
                // One window a call: a hundred of them must not need a hundred times the memory.
                let states = compute.floats(try encoder([window.tokens], compute))
                values += prompt.isWeighted ? Self.weighted(states, window.weights) : states
            }
        }
        return try compute.tensor(values, shape: [prompts.count, count * length, configuration.channels])
    }

    /// Each token's states times its weight, then all scaled so that their mean is what it was (AUTOMATIC1111 1.10.1,
    /// `modules/sd_emphasis.py`, "Original").
    private static func weighted(_ states: [Float], _ weights: [Float]) -> [Float] {
        let channels = states.count / weights.count
        let scaled = states.indices.map { states[$0] * weights[$0 / channels] }
        let before = states.reduce(0.0) { $0 + Double($1) }
        let after = scaled.reduce(0.0) { $0 + Double($1) }
        guard after != 0 else { return scaled }
        let factor = Float(before / after)
        return scaled.map { $0 * factor }
    }
}
