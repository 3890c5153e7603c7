internal import PlainText

extension CLIPTokenizer {
    /// CLIP's own tokenizer from the list of merges that its code ships, `bpe_simple_vocab_16e6.txt`, unpacked: bytes, bytes
    /// that end a word, merges, begin and end, numbered in that order (OpenAI CLIP, `clip/simple_tokenizer.py`; the same in
    /// open_clip 3.3.0, `tokenizer.py`).
    ///
    /// - Parameters:
    ///   - size: how many tokens the text encoder knows, 49408 in CLIP's; as many merges are taken as fit.
    ///   - padToken: what fills a window up.
    /// - Throws: `TokenizerError` or `WeightError.unreadable`.
    init(clipVocabulary path: String, size: Int, padToken: String) throws {
        let (words, merges) = try Self.words(clipVocabulary: path, size: size)
        var configuration = TokenizerConfiguration()
        configuration.padToken = padToken
        self = try merges.withUnsafeBytes { merges in
            try CLIPTokenizer(
                numbers: Dictionary(
                    words.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first }),
                merges: BytePairEncoding.merges(parsing: merges, name: path), configuration: configuration,
                vocabularyFile: path, mergesFile: path)
        }
    }

    /// The tokens in the order of their numbers, and the merges, one a line, of that list.
    static func words(clipVocabulary path: String, size: Int) throws -> (words: [String], merges: [UInt8]) {
        let mapping = try MappedFile(path: path, limit: MappedFile.maximumText)
        defer { withExtendedLifetime(mapping) {} }
        let count = size - 2 * 256 - 2
        guard count >= 0, size <= BytePairEncoding.maximumToken else {
            throw TokenizerError.badVocabulary(
                file: path, reason: "a text encoder of \(size.of("token")) is not CLIP's")
        }
        // The first line tells the version.
        let lines = mapping.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: count + 1).dropFirst().prefix(count)
        guard lines.count == count else {
            throw TokenizerError.badVocabulary(
                file: path,
                reason: "it has \(lines.count.of("merge")) where the text encoder's \(size.of("token")) need \(count)"
            )
        }
        let letters = BytePairEncoding.letters
        var words = letters + letters.map { $0 + "</w>" }
        var merges: [UInt8] = []
        for line in lines {
            words.append(String(decoding: line.filter { $0 != UInt8(ascii: " ") }, as: UTF8.self))
            merges += Array(line) + [UInt8(ascii: "\n")]
        }
        return (words + ["<|startoftext|>", "<|endoftext|>"], merges)
    }
}
