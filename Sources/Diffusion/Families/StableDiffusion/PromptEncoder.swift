internal import Tensors

/// Prompts to what the denoiser attends to.
///
/// Stable Diffusion 1.x and 2.x take the last states of one encoder. SDXL takes the states before the last layer, of
/// two encoders side by side or (refiner) of one, and the pooled text of the last (`encode_prompt`, diffusers 0.42.1,
/// pipeline_stable_diffusion_xl.py).
struct PromptEncoder {
    /// What the encoders make of prompts.
    struct Output {
        /// `[prompts, tokens, channels]`
        let states: Tensor
        /// `[prompts][pooledChannels]`; empty for models without.
        let pooled: [[Float]]
    }

    /// Of the states: all encoders' together.
    let channels: Int
    /// Of the pooled text; `nil` for models without.
    let pooledChannels: Int?
    private let parts: [Part]
    private let model: String

    private struct Part {
        var encoder: TextEncoder
        var tokenizer: CLIPTokenizer

        var configuration: TextEncoderConfiguration { encoder.configuration }
    }

    /// - Parameters:
    ///   - weights: one for each of `files.textEncoders`.
    ///   - adapters: whose words prompts may use.
    /// - Throws: `TokenizerError`, `ConfigurationError`, `WeightError`, `AdapterError`, or `ModelError.mismatch` where
    ///   tokenizer and encoder do not fit.
    init(files: ModelFiles, weights: [any WeightSource], adapters: MatchedAdapters) throws {
        let isPooled = files.textEncoders.contains(ModelFiles.secondTextEncoder)
        parts = try zip(files.textEncoders, weights).map { part, weights in
            let configuration = try TextEncoderConfiguration(files.configuration("\(part)/config.json"))
            let isSecond = part == ModelFiles.secondTextEncoder
            var encoder = try MissingTensors.counted(in: weights) {
                try TextEncoder(configuration: configuration, weights: $0, part: part, isPooled: isSecond)
            }
            var tokenizer = try files.tokenizer(of: part)
            for (word, vectors) in try adapters.words(part: part, channels: configuration.channels) {
                let first = configuration.vocabularySize + encoder.learned.count
                encoder.learned += vectors
                tokenizer.learn(word, as: Array(first ..< first + vectors.count))
            }
            let window = tokenizer.windowLength
            guard window <= configuration.maximumTokens else {
                throw ModelError.mismatch(
                    model: files.name,
                    reason: "the tokenizer's windows have \(window) tokens, the text encoder takes "
                        + "\(configuration.maximumTokens)")
            }
            return Part(encoder: encoder, tokenizer: tokenizer)
        }
        if let length = parts.first?.tokenizer.windowLength,
            let other = parts.first(where: { $0.tokenizer.windowLength != length })
        {
            throw ModelError.mismatch(
                model: files.name,
                reason: "the tokenizers' windows have \(length) and \(other.tokenizer.windowLength) tokens")
        }
        channels = parts.reduce(0) { $0 + $1.configuration.channels }
        pooledChannels = isPooled ? parts.last?.configuration.projectionChannels : nil
        model = files.name
    }

    /// - Parameter prompts: `nil` stands for zeros in place of all states (`force_zeros_for_empty_prompt`).
    /// - Returns: prompts that need fewer windows than the longest are filled up with empty ones. Of a prompt of
    ///   several windows the first one's pooled text counts (as in AUTOMATIC1111, `modules/sd_hijack_clip.py`,
    ///   v1.10.1).
    func callAsFunction(_ prompts: [String?], _ compute: Compute) throws -> Output {
        var tokenized = parts.map { part in
            prompts.map { $0.map { TokenizedPrompt(Prompt($0), tokenizer: part.tokenizer) } }
        }
        let count = tokenized.joined().reduce(1) { max($0, $1?.windows.count ?? 1) }
        for part in tokenized.indices {
            for index in tokenized[part].indices { tokenized[part][index]?.pad(toWindows: count) }
            let known = parts[part].configuration.vocabularySize + parts[part].encoder.learned.count
            for id in tokenized[part].flatMap({ $0?.windows.flatMap(\.tokens) ?? [] }) where id >= known {
                throw ModelError.mismatch(
                    model: model, reason: "the tokenizer has token \(id), the text encoder knows \(known)")
            }
        }
        let length = count * (parts.first?.tokenizer.windowLength ?? 0)
        var states = [Float](repeating: 0, count: prompts.count * length * channels)
        var pooled = pooledChannels.map { [[Float]](repeating: [Float](repeating: 0, count: $0), count: prompts.count) }
        var offset = 0
        for (part, prompts) in zip(parts, tokenized) {
            // Prompts change less often than the memory is needed.
            defer { part.encoder.releaseWeights(compute) }
            let width = part.configuration.channels
            for (index, prompt) in prompts.enumerated() {
                guard let prompt else { continue }
                var token = index * length
                for (number, window) in prompt.windows.enumerated() {
                    // One window a call: a hundred of them must not need a hundred times the memory.
                    let output: Tensor
                    if pooledChannels == nil {
                        output = try part.encoder([window.tokens], compute)
                    } else {
                        let (penultimate, text) = try part.encoder.penultimate([window.tokens], compute)
                        output = penultimate
                        if number == 0, let text = text.first { pooled?[index] = text }
                    }
                    var values = compute.floats(output)
                    if prompt.isWeighted { values = Self.weighted(values, window.weights) }
                    for row in 0 ..< values.count / width {
                        let start = (token + row) * channels + offset
                        states.replaceSubrange(start ..< start + width, with: values[row * width ..< (row + 1) * width])
                    }
                    token += values.count / width
                }
            }
            offset += width
        }
        return Output(
            states: try compute.tensor(states, shape: [prompts.count, length, channels]), pooled: pooled ?? [])
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
