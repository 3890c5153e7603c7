internal import PlainText

/// What stands beside a tokenizer's vocabulary: its special tokens and the length of a window.
public struct TokenizerConfiguration: Sendable, Equatable {
    /// A token that stands for a stretch of text as a whole, such as a word that was learned. Whether it wants white space
    /// beside it taken away makes no difference here, as none becomes a token; that it be a whole word is not looked at.
    public struct AddedToken: Sendable, Equatable {
        public var content: String
        public var number: Int
        /// Found in text that is composed and in lower case; else in the text as it was written.
        public var isNormalized: Bool

        /// `nil` where the content is missing or empty, or the number is out of range.
        init?(_ members: [String: JSONValue], number: Int) {
            guard case .string(let content)? = members["content"], !content.isEmpty, !content.isTooLongForName,
                (0 ... BytePairEncoding.maximumToken).contains(number)
            else { return nil }
            self.content = content
            self.number = number
            isNormalized = members["normalized"] == .bool(true)
        }

        init(content: String, number: Int, isNormalized: Bool) {
            self.content = content
            self.number = number
            self.isNormalized = isNormalized
        }
    }

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
    /// Further tokens, and those above where the file lists them too.
    public private(set) var addedTokens: [AddedToken] = []

    /// CLIP's own.
    public init() {}

    /// Reads `tokenizer_config.json`.
    ///
    /// - Throws: `ConfigurationError`.
    public init(_ json: JSONConfiguration) throws(ConfigurationError) {
        try readTokens(json)
        // A tokenizer without a limit is written as 10³⁰.
        if let length = try json.double("model_max_length"), length < 1e6 {
            guard length >= 3 else {
                throw .outOfRange(file: json.file, key: "model_max_length", expected: "3 or more", found: "\(length)")
            }
            windowLength = Int(length)
        }
        if let tokens = try json.object("added_tokens_decoder") {
            for key in tokens.keys.sorted() {
                guard case .object(let members)? = tokens.value(key), let number = Int(key),
                    let token = AddedToken(members, number: number)
                else {
                    throw .mistyped(
                        file: tokens.file, key: String(key.prefix(60)),
                        expected: "the number of a token with its content",
                        found: tokens.value(key)?.kind ?? "null")
                }
                addedTokens.append(token)
            }
        }
    }

    /// Reads the files of a tokenizer's folder that are there: `tokenizer_config.json`; where this does not list its tokens
    /// (`added_tokens_decoder`), also `special_tokens_map.json`, which then counts more, and `added_tokens.json`
    /// (transformers 5.23.0, `PreTrainedTokenizerBase._from_pretrained`).
    ///
    /// - Throws: `ConfigurationError`, or `WeightError.unreadable`.
    public init(folder: String) throws {
        func read(_ name: String) throws -> JSONConfiguration? {
            let path = "\(folder)/\(name)"
            return MappedFile.exists(path) ? try JSONConfiguration(path: path) : nil
        }
        let own = try read("tokenizer_config.json")
        if let own { try self.init(own) } else { self.init() }
        guard own?.has("added_tokens_decoder") != true else { return }
        if let map = try read("special_tokens_map.json") { try readTokens(map) }
        if let tokens = try read("added_tokens.json") {
            for key in tokens.keys.sorted() where !key.isEmpty {
                guard let number = try tokens.integer(key, in: 0 ... BytePairEncoding.maximumToken) else { continue }
                addedTokens.append(AddedToken(content: key, number: number, isNormalized: true))
            }
        }
    }

    /// The added tokens besides the four special ones.
    var furtherTokens: [AddedToken] {
        let own: Set = [beginToken, endToken, padToken, unknownToken]
        return addedTokens.filter { !own.contains($0.content) }
    }

    /// Adds those that are not known yet.
    mutating func add(_ tokens: [AddedToken]) {
        let known = Set(addedTokens.map(\.content))
        addedTokens += tokens.filter { !known.contains($0.content) }
    }

    private mutating func readTokens(_ json: JSONConfiguration) throws(ConfigurationError) {
        if let token = try Self.token(json, "bos_token") { beginToken = token }
        if let token = try Self.token(json, "eos_token") { endToken = token }
        if let token = try Self.token(json, "pad_token") { padToken = token }
        if let token = try Self.token(json, "unk_token") { unknownToken = token }
    }

    /// A token is written as a string, or as an object with its `content`.
    private static func token(_ json: JSONConfiguration, _ key: String) throws(ConfigurationError) -> String? {
        if case .object? = json.value(key) { return try json.object(key)?.string("content") }
        return try json.string(key)
    }
}
