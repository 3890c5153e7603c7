/// CLIP's byte-level byte-pair encoding: text to the token numbers that a text encoder was trained with.
///
/// Equal to transformers' `CLIPTokenizer` (models/clip/tokenization_clip.py, v5.23.0, on tokenizers 0.23.3): special tokens
/// are taken from the raw text; the rest is composed (NFC), each run of white space becomes a space, letters lower case;
/// then it is cut into pieces by CLIP's expression, and each piece into tokens by merging pairs of bytes.
public struct CLIPTokenizer: Tokenizer {
    /// The special tokens and the length of a window.
    public let configuration: TokenizerConfiguration
    /// The number of the token that starts a window.
    public let begin: Int
    /// The number of the token that ends a window.
    public let end: Int
    /// The number of the token that fills a window up.
    public let pad: Int

    private let encoding: BytePairEncoding
    /// Tokens that may stand beside a vocabulary.
    static let maximumAddedTokens = 10_000
    /// Tokens that are found as they stand in raw text.
    private let specials: SpecialTokens
    /// Tokens that are found in what is left of it, once composed and in lower case.
    private let normalizedSpecials: SpecialTokens
    /// Words learned afterwards, longest first, and the tokens that each stands for.
    private var learned: [(scalars: [Unicode.Scalar], tokens: [Int])] = []

    /// Reads a folder: `vocab.json` and `merges.txt`, or `tokenizer.json` where these are not both there, and what
    /// `TokenizerConfiguration` takes from the files beside them.
    ///
    /// - Throws: `TokenizerError`, `ConfigurationError` or `WeightError.unreadable`.
    public init(path folder: String) throws {
        let configuration = try TokenizerConfiguration(folder: folder)
        let names = ["vocab.json", "merges.txt"].map { "\(folder)/\($0)" }
        let whole = "\(folder)/tokenizer.json"
        if !names.allSatisfy(MappedFile.exists), MappedFile.exists(whole) {
            let mapping = try MappedFile(path: whole, limit: MappedFile.maximumText)
            defer { withExtendedLifetime(mapping) {} }
            try self.init(parsing: mapping.bytes, configuration: configuration, file: whole)
            return
        }
        let vocabulary = try MappedFile(path: names[0], limit: MappedFile.maximumText)
        let merges = try MappedFile(path: names[1], limit: MappedFile.maximumText)
        defer { withExtendedLifetime((vocabulary, merges)) {} }
        try self.init(
            vocabulary: vocabulary.bytes, merges: merges.bytes, configuration: configuration, name: folder)
    }

    /// Reads `vocab.json` and `merges.txt` from memory; `name` is what errors call their folder.
    ///
    /// - Throws: `TokenizerError`.
    public init(
        vocabulary: UnsafeRawBufferPointer, merges: UnsafeRawBufferPointer, configuration: TokenizerConfiguration,
        name: String
    ) throws(TokenizerError) {
        let (vocabularyFile, mergesFile) = ("\(name)/vocab.json", "\(name)/merges.txt")
        try self.init(
            numbers: BytePairEncoding.vocabulary(parsing: vocabulary, name: vocabularyFile),
            merges: BytePairEncoding.merges(parsing: merges, name: mergesFile), configuration: configuration,
            vocabularyFile: vocabularyFile, mergesFile: mergesFile)
    }

    /// Reads `tokenizer.json` from memory; `file` is what errors call it.
    ///
    /// - Throws: `TokenizerError`.
    public init(
        parsing bytes: UnsafeRawBufferPointer, configuration: TokenizerConfiguration, file: String
    ) throws(TokenizerError) {
        let contents = try TokenizerFile(parsing: bytes, name: file)
        var configuration = configuration
        configuration.add(contents.addedTokens)
        try self.init(
            numbers: contents.numbers, merges: contents.merges, configuration: configuration, vocabularyFile: file,
            mergesFile: file)
    }

    /// Takes the tokens' numbers and the merges. The files are what errors call them.
    init(
        numbers: [String: Int], merges: [BytePairEncoding.Pair], configuration: TokenizerConfiguration,
        vocabularyFile: String, mergesFile: String
    ) throws(TokenizerError) {
        // Each is looked for at every place of a prompt.
        guard configuration.addedTokens.count <= Self.maximumAddedTokens else {
            throw .badVocabulary(
                file: vocabularyFile,
                reason: "\(configuration.addedTokens.count) tokens are added to it, expected at most "
                    + "\(Self.maximumAddedTokens)")
        }
        let added = Dictionary(
            configuration.addedTokens.map { ($0.content, $0.number) }, uniquingKeysWith: { first, _ in first })
        for (content, number) in added {
            if let known = numbers[content], known != number {
                throw .badVocabulary(
                    file: vocabularyFile,
                    reason: "token '\(content.prefix(60))' is number \(known), and as an added token \(number)")
            }
        }
        func number(_ token: String) throws(TokenizerError) -> Int {
            guard let number = numbers[token] ?? added[token] else {
                throw .missingToken(file: vocabularyFile, token: token)
            }
            return number
        }
        self.configuration = configuration
        begin = try number(configuration.beginToken)
        end = try number(configuration.endToken)
        pad = try number(configuration.padToken)
        let unknown = try number(configuration.unknownToken)
        let own = Set([
            configuration.beginToken, configuration.endToken, configuration.padToken, configuration.unknownToken,
        ])
        let others = configuration.furtherTokens
        specials = SpecialTokens(
            own.compactMap { token in (numbers[token] ?? added[token]).map { (Array(token.unicodeScalars), $0) } }
                + others.filter { !$0.isNormalized }.map { (Array($0.content.unicodeScalars), $0.number) })
        normalizedSpecials = SpecialTokens(
            others.filter(\.isNormalized).map { (Self.normalized(Array($0.content.unicodeScalars)), $0.number) })
        encoding = try BytePairEncoding(
            numbers: numbers, merges: merges, unknown: unknown, name: mergesFile)
    }

    /// Takes a word for those tokens wherever it stands by itself: whatever its letters' case, and not inside a longer word
    /// (diffusers finds it there too; AUTOMATIC1111 compares tokens, and so finds words only). Traps where it is empty.
    public mutating func learn(_ word: String, as tokens: [Int]) {
        precondition(!word.isEmpty && !tokens.isEmpty, "a word that is nothing")
        learned.append((Array(word.unicodeScalars), tokens))
        learned.sort { $0.scalars.count > $1.scalars.count }
    }

    public var windowLength: Int { configuration.windowLength }
    /// All but the begin and the end.
    public var contentRange: Range<Int> { 1 ..< windowLength - 1 }

    public func tokens(_ text: String) -> [Int] {
        var cache: [[UInt8]: [Int]] = [:]
        var result: [Int] = []
        func append(_ piece: ArraySlice<Unicode.Scalar>) {
            let bytes = piece.flatMap { Array(String($0).utf8) }
            let tokens = cache[bytes] ?? encoding.tokens(bytes)
            cache[bytes] = tokens
            result += tokens
        }
        for section in specials.sections(Array(text.unicodeScalars), or: learnedWord) {
            switch section {
            case .tokens(let tokens): result += tokens
            case .text(let text):
                for section in normalizedSpecials.sections(Self.normalized(text)) {
                    switch section {
                    case .tokens(let tokens): result += tokens
                    case .text(let text):
                        for piece in CLIPPieces(text) { append(piece) }
                    }
                }
            }
        }
        return result
    }

    public func window(_ tokens: some Sequence<Int>) -> [Int] {
        let content = Array(tokens.prefix(contentLength))
        let padding = [Int](repeating: pad, count: contentLength - content.count)
        return [begin] + content + [end] + padding
    }

    private func learnedWord(
        in text: [Unicode.Scalar], at start: Int
    ) -> (count: Int, tokens: [Int])? {
        func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
        let word = learned.first { word in
            let end = start + word.scalars.count
            guard end <= text.count,
                zip(text[start...], word.scalars).allSatisfy({
                    $0.properties.lowercaseMapping == $1.properties.lowercaseMapping
                })
            else { return false }
            let continuesBefore = start > 0 && isWordPart(text[start - 1]) && isWordPart(text[start])
            let continuesAfter = end < text.count && isWordPart(text[end]) && isWordPart(text[end - 1])
            return !continuesBefore && !continuesAfter
        }
        return word.map { ($0.scalars.count, $0.tokens) }
    }

    private static func normalized(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var raw = String.UnicodeScalarView()
        raw.append(contentsOf: scalars)
        var result: [Unicode.Scalar] = []
        for scalar in composed(String(raw)).unicodeScalars {
            if scalar.properties.isWhitespace {
                if result.last != " " { result.append(" ") }
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return result
    }
}

/// What can be wrong with a tokenizer's files.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
    case badVocabulary(file: String, reason: String)
    case missingToken(file: String, token: String)
    /// The place is a line of `merges.txt`, or which of the pairs of `tokenizer.json`, from 1.
    case badMerge(file: String, place: Int, reason: String)
    /// A tokenizer of another kind.
    case notCLIP(file: String, reason: String)

    public var description: String {
        switch self {
        case .badVocabulary(let file, let reason): "\(file) is not a vocabulary: \(reason)."
        case .missingToken(let file, let token): "\(file) lacks the token '\(token.prefix(60))'."
        case .badMerge(let file, let place, let reason):
            "\(file), \(file.hasSuffix(".json") ? "merge" : "line") \(place): \(reason)."
        case .notCLIP(let file, let reason): "\(file) is not the tokenizer of a CLIP text encoder: \(reason)."
        }
    }
}
