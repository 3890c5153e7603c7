internal import PlainText

/// A `tokenizer.json`, in which transformers 5 keeps CLIP's vocabulary, merges and added tokens (tokenizers 0.23.3,
/// `models/bpe/serialization.rs`).
///
/// As transformers 5.23.0 builds its `CLIPTokenizer` from such a file, vocabulary, merges and added tokens are taken and the
/// rest is CLIP's own; so that a file whose model, normalizer or pre-tokenizer is of another kind is refused.
struct TokenizerFile {
    /// Of the vocabulary's tokens.
    let numbers: [String: Int]
    /// In the order in which they are merged.
    let merges: [BytePairEncoding.Pair]
    let addedTokens: [TokenizerConfiguration.AddedToken]

    private static let maximumDepth = 8

    /// - Throws: `TokenizerError`; `name` is what it calls the file.
    init(parsing bytes: UnsafeRawBufferPointer, name: String) throws(TokenizerError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, maximumDepth: Self.maximumDepth)
        } catch {
            throw .badVocabulary(file: name, reason: error.reason(in: bytes))
        }
        guard case .object(let members) = document else {
            throw .badVocabulary(file: name, reason: "expected an object, found \(document.kind)")
        }
        guard case .object(let model)? = members["model"] else { throw .notCLIP(file: name, reason: "it has no model") }
        try Self.check(members, model, name: name)

        guard case .object(let vocabulary)? = model["vocab"] else {
            throw .badVocabulary(
                file: name, reason: "its 'vocab' should be an object, it is \(model["vocab"]?.kind ?? "not there")")
        }
        numbers = try BytePairEncoding.vocabulary(vocabulary, name: name)
        guard case .array(let pairs)? = model["merges"] else {
            throw .badVocabulary(
                file: name, reason: "its 'merges' should be an array, it is \(model["merges"]?.kind ?? "not there")")
        }
        var merges: [BytePairEncoding.Pair] = []
        merges.reserveCapacity(pairs.count)
        for (index, pair) in pairs.enumerated() {
            switch pair {
            case .array(let parts):
                guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1],
                    !left.isTooLongForName, !right.isTooLongForName
                else {
                    throw .badMerge(file: name, place: index + 1, reason: "expected two tokens")
                }
                merges.append((left[...], right[...], index + 1))
            // As transformers 4 wrote it.
            case .string(let text):
                guard !text.isTooLongForName else {
                    throw .badMerge(file: name, place: index + 1, reason: "expected two tokens")
                }
                let parts = text.split(separator: " ", omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw .badMerge(file: name, place: index + 1, reason: "expected two tokens")
                }
                merges.append((parts[0], parts[1], index + 1))
            default: throw .badMerge(file: name, place: index + 1, reason: "expected two tokens")
            }
        }
        self.merges = merges
        var added: [TokenizerConfiguration.AddedToken] = []
        if case .array(let tokens)? = members["added_tokens"] {
            for token in tokens {
                guard case .object(let token) = token, case .integer(let number)? = token["id"],
                    let read = TokenizerConfiguration.AddedToken(token, number: number)
                else { throw .badVocabulary(file: name, reason: "an added token has no content or no number") }
                added.append(read)
            }
        }
        addedTokens = added
    }

    /// Throws unless the file is of CLIP's kind.
    private static func check(
        _ members: [String: JSONValue], _ model: [String: JSONValue], name: String
    ) throws(TokenizerError) {
        // The oldest files do not name it.
        let kind: String? = if case .string(let kind)? = model["type"] { kind } else { nil }
        if let kind, !kind.hasSameBytes(as: "BPE") {
            throw .notCLIP(file: name, reason: "its model is \(kind.prefix(60)), expected BPE")
        }
        guard case .string(let suffix)? = model["end_of_word_suffix"], suffix.hasSameBytes(as: "</w>") else {
            throw .notCLIP(file: name, reason: "its words do not end with '</w>'")
        }
        if case .string(let prefix)? = model["continuing_subword_prefix"], !prefix.isEmpty {
            throw .notCLIP(file: name, reason: "its words go on with '\(prefix.prefix(60))'")
        }
        guard kinds(members["normalizer"], list: "normalizers").contains("Lowercase") else {
            throw .notCLIP(file: name, reason: "it does not make letters lower case")
        }
        guard kinds(members["pre_tokenizer"], list: "pretokenizers").contains("ByteLevel") else {
            throw .notCLIP(file: name, reason: "its tokens are not made of bytes")
        }
    }

    /// The kinds of the steps that a member stands for, itself or a sequence of them.
    private static func kinds(_ step: JSONValue?, list: String) -> [String] {
        guard case .object(let members)? = step, case .string(let kind)? = members["type"],
            !kind.isTooLongForName
        else { return [] }
        guard kind == "Sequence", case .array(let steps)? = members[list] else { return [kind] }
        return steps.compactMap { step in
            guard case .object(let members) = step, case .string(let kind)? = members["type"],
                !kind.isTooLongForName
            else { return nil }
            return kind
        }
    }
}
