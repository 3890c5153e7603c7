/// CLIP's byte-level byte-pair encoding: text to the token numbers that a text encoder was trained with.
///
/// Equal to transformers' `CLIPTokenizer` (models/clip/tokenization_clip.py, v5.23.0, on tokenizers 0.23.3): special tokens
/// are taken from the raw text; the rest is composed (NFC), each run of white space becomes a space, letters lower case;
/// then it is cut into pieces by CLIP's expression, and each piece into tokens by merging pairs of bytes.
public struct CLIPTokenizer: Sendable {
    /// The special tokens and the length of a window.
    public let configuration: TokenizerConfiguration
    /// The number of the token that starts a window.
    public let begin: Int
    /// The number of the token that ends a window.
    public let end: Int
    /// The number of the token that fills a window up.
    public let pad: Int

    private let encoding: BytePairEncoding
    /// Special tokens as they stand in raw text, longest first.
    private let specials: [(scalars: [Unicode.Scalar], token: Int)]
    /// Words learned afterwards, longest first, and the tokens that each stands for.
    private var learned: [(scalars: [Unicode.Scalar], tokens: [Int])] = []

    /// Reads `vocab.json`, `merges.txt` and, where it is there, `tokenizer_config.json` of a folder.
    ///
    /// - Throws: `TokenizerError`, `ConfigurationError` or `WeightError.unreadable`.
    public init(path folder: String) throws {
        let vocabulary = try MappedFile(path: "\(folder)/vocab.json")
        let merges = try MappedFile(path: "\(folder)/merges.txt")
        defer { withExtendedLifetime((vocabulary, merges)) {} }
        let settings = "\(folder)/tokenizer_config.json"
        try self.init(
            vocabulary: vocabulary.bytes, merges: merges.bytes,
            configuration: MappedFile.exists(settings) ? TokenizerConfiguration(path: settings) : .init(), name: folder)
    }

    /// Reads the same from memory; `name` is what errors call it.
    ///
    /// - Throws: `TokenizerError`.
    public init(
        vocabulary: UnsafeRawBufferPointer, merges: UnsafeRawBufferPointer, configuration: TokenizerConfiguration,
        name: String
    ) throws(TokenizerError) {
        try self.init(
            numbers: BytePairEncoding.vocabulary(parsing: vocabulary, name: "\(name)/vocab.json"), merges: merges,
            configuration: configuration, vocabularyFile: "\(name)/vocab.json", mergesFile: "\(name)/merges.txt")
    }

    /// Takes the tokens' numbers, and the merges as text. The files are what errors call them.
    init(
        numbers: [String: Int], merges: UnsafeRawBufferPointer, configuration: TokenizerConfiguration,
        vocabularyFile: String, mergesFile: String
    ) throws(TokenizerError) {
        func number(_ token: String) throws(TokenizerError) -> Int {
            guard let number = numbers[token] else {
                throw .missingToken(file: vocabularyFile, token: token)
            }
            return number
        }
        self.configuration = configuration
        begin = try number(configuration.beginToken)
        end = try number(configuration.endToken)
        pad = try number(configuration.padToken)
        let unknown = try number(configuration.unknownToken)
        let tokens = Set([
            configuration.beginToken, configuration.endToken, configuration.padToken, configuration.unknownToken,
        ])
        specials = tokens.filter { !$0.isEmpty }
            .compactMap { token in numbers[token].map { (Array(token.unicodeScalars), $0) } }
            .sorted { $0.0.count > $1.0.count }
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

    /// Tokens of a window besides its begin and its end.
    public var contentLength: Int { configuration.windowLength - 2 }

    /// The tokens of a text, without begin and end, however many there are.
    public func tokens(_ text: String) -> [Int] {
        var cache: [[UInt8]: [Int]] = [:]
        var result: [Int] = []
        for section in sections(text) {
            switch section {
            case .tokens(let tokens): result += tokens
            case .text(let text):
                for piece in CLIPPieces(normalized(text)) {
                    let bytes = piece.flatMap { Array(String($0).utf8) }
                    if let known = cache[bytes] {
                        result += known
                    } else {
                        let tokens = encoding.tokens(bytes)
                        cache[bytes] = tokens
                        result += tokens
                    }
                }
            }
        }
        return result
    }

    /// One window: begin, as many tokens as fit, end, padding.
    public func window(_ tokens: some Sequence<Int>) -> [Int] {
        let content = Array(tokens.prefix(contentLength))
        let padding = [Int](repeating: pad, count: contentLength - content.count)
        return [begin] + content + [end] + padding
    }

    private enum Section {
        case tokens([Int])
        case text([Unicode.Scalar])
    }

    /// The text between special tokens and learned words, and these.
    private func sections(_ text: String) -> [Section] {
        let scalars = Array(text.unicodeScalars)
        let starts = Set(specials.map { $0.scalars[0] })
        var result: [Section] = []
        var start = 0
        var position = 0
        while position < scalars.count {
            let special =
                starts.contains(scalars[position])
                ? specials.first { scalars[position...].starts(with: $0.scalars) } : nil
            let match =
                special.map { (scalars: $0.scalars, tokens: [$0.token]) } ?? learnedWord(in: scalars, at: position)
            guard let match else {
                position += 1
                continue
            }
            if position > start { result.append(.text(Array(scalars[start ..< position]))) }
            result.append(.tokens(match.tokens))
            position += match.scalars.count
            start = position
        }
        if start < scalars.count { result.append(.text(Array(scalars[start...]))) }
        return result
    }

    private func learnedWord(
        in text: [Unicode.Scalar], at start: Int
    ) -> (scalars: [Unicode.Scalar], tokens: [Int])? {
        func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
        return learned.first { word in
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
    }

    private func normalized(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
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
    case badMerge(file: String, line: Int, reason: String)

    public var description: String {
        switch self {
        case .badVocabulary(let file, let reason): "\(file) is not a vocabulary: \(reason)."
        case .missingToken(let file, let token): "\(file) lacks the token '\(token.prefix(60))'."
        case .badMerge(let file, let line, let reason): "\(file), line \(line): \(reason)."
        }
    }
}
