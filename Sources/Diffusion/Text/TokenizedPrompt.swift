/// A prompt as windows of tokens for a text encoder, which reads no more than one window at a time.
///
/// A prompt that fits gives one window, equal to the reference's. A longer one is cut where a window is full, after 75
/// tokens of CLIP's (as AUTOMATIC1111 does, without its moving of the cut to the last comma); the encoder's outputs are
/// then joined along the tokens.
public struct TokenizedPrompt: Sendable, Equatable {
    /// One window, as the tokenizer fills it.
    public struct Window: Sendable, Equatable {
        /// `windowLength` token numbers.
        public var tokens: [Int]
        /// As many weights; 1 for all that is not of the prompt.
        public var weights: [Float]
    }

    /// At least one.
    public private(set) var windows: [Window]

    private let empty: Window

    /// Cuts a prompt into windows.
    public init(_ prompt: Prompt, tokenizer: some Tokenizer) {
        let length = tokenizer.contentLength
        func window(_ content: ArraySlice<(token: Int, weight: Float)>) -> Window {
            var weights = [Float](repeating: 1, count: tokenizer.windowLength)
            let start = tokenizer.contentRange.lowerBound
            weights.replaceSubrange(start ..< start + content.count, with: content.map(\.weight))
            return Window(tokens: tokenizer.window(content.map(\.token)), weights: weights)
        }
        empty = window([])
        windows = prompt.stretches.flatMap { stretch -> [Window] in
            let content = stretch.flatMap { part in
                tokenizer.tokens(part.text).map { (token: $0, weight: part.weight) }
            }
            guard !content.isEmpty else { return [window([])] }
            return stride(from: 0, to: content.count, by: length).map {
                window(content[$0 ..< min($0 + length, content.count)])
            }
        }
    }

    /// Whether any token weighs other than 1.
    public var isWeighted: Bool { windows.contains { $0.weights.contains { $0 != 1 } } }

    /// Appends empty windows, so that the negative prompt is as long as the prompt, or the other way round.
    public mutating func pad(toWindows count: Int) {
        while windows.count < count { windows.append(empty) }
    }
}
