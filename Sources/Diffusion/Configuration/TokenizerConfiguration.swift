/// A tokenizer's `tokenizer_config.json`: its special tokens and the length of a window.
public struct TokenizerConfiguration: Sendable, Equatable {
    /// Starts every window.
    public var beginToken = "<|startoftext|>"
    /// Ends every window.
    public var endToken = "<|endoftext|>"
    /// Fills a window up; SD 1.x has the end token, SD 2.x `!`.
    public var padToken = "<|endoftext|>"
    /// Stands for what the vocabulary lacks.
    public var unknownToken = "<|endoftext|>"
    /// Tokens in a window, begin and end included.
    public var windowLength = 77

    /// CLIP's own.
    public init() {}

    /// - Throws: `ConfigurationError`.
    public init(_ json: JSONConfiguration) throws(ConfigurationError) {
        if let token = try Self.token(json, "bos_token") { beginToken = token }
        if let token = try Self.token(json, "eos_token") { endToken = token }
        if let token = try Self.token(json, "pad_token") { padToken = token }
        if let token = try Self.token(json, "unk_token") { unknownToken = token }
        // A tokenizer without a limit is written as 10³⁰.
        if let length = try json.double("model_max_length"), length < 1e6 {
            guard length >= 3 else {
                throw .outOfRange(file: json.file, key: "model_max_length", expected: "3 or more", found: "\(length)")
            }
            windowLength = Int(length)
        }
    }

    /// Reads the file at a path.
    public init(path: String) throws { try self.init(JSONConfiguration(path: path)) }

    /// A token is written as a string, or as an object with its `content`.
    private static func token(_ json: JSONConfiguration, _ key: String) throws(ConfigurationError) -> String? {
        if case .object? = json.value(key) { return try json.object(key)?.string("content") }
        return try json.string(key)
    }
}
