internal import PlainText
internal import Tensors

/// A word that a model learned afterwards, and the vectors that stand for it before the text encoder (textual inversion,
/// Gal et al. 2022, arXiv 2208.01618).
struct LearnedToken: Sendable, Equatable {
    /// As it is written in prompts.
    var word: String
    /// One a token, by the text encoder that they are for.
    var vectors: [LoRAKey.Part: [[Float]]]

    /// Vectors that one word may stand for.
    private static let maximumVectors = 1024
    /// Words that one LoRA may bring.
    static let maximumWords = 1000

    /// Reads an embedding: AUTOMATIC1111's `.pt` (`string_to_param`) and `.safetensors` (`emb_params`), diffusers' dictionary
    /// of words (`learned_embeds`), and the pair `clip_l` and `clip_g` of SDXL.
    ///
    /// - Parameter word: for a file of one word in place of its own, which is the dictionary's key, else the file's name.
    /// - Throws: `WeightError`, or `AdapterError.notAnEmbedding`.
    static func read(_ path: String, word: String? = nil) throws -> [LearnedToken] {
        if MappedFile.exists(path + "/."), let kind = WeightKind(folder: path) {
            throw AdapterError.notAnEmbedding(file: path, reason: kind.clause)
        }
        let weights = try WeightFile.open(path) { AdapterError.notAnEmbedding(file: path, reason: Sentence($0)) }
            .weights
        return try read(weights, word: word)
    }

    static func read(_ source: any WeightSource, word: String? = nil) throws -> [LearnedToken] {
        if let kind = WeightKind(source), kind != .embedding {
            throw AdapterError.notAnEmbedding(file: source.file, reason: kind.clause)
        }
        return try tokens(in: source, word: word)
    }

    /// Whether a file is one without a doubt: by the names of its tensors, or by vectors as long as a text encoder's of
    /// Stable Diffusion.
    static func isEmbedding(_ source: any WeightSource) -> Bool {
        let names = source.names.sorted()
        let isKnown = [["*"], ["emb_params"], ["clip_l"], ["clip_g", "clip_l"]].contains(names)
        guard isKnown || names.allSatisfy({ [768, 1024, 1280].contains(source.tensor($0)?.shape.last) }) else {
            return false
        }
        return (try? tokens(in: source)) != nil
    }

    /// The same without a look at what else it may be.
    static func tokens(in source: any WeightSource, word: String? = nil) throws -> [LearnedToken] {
        func refusal(_ reason: Sentence) -> AdapterError { .notAnEmbedding(file: source.file, reason: reason) }
        let names = source.names.sorted()
        let fileWord = source.file.fileStem
        var found: [LearnedToken] = []
        if let name = source.unusableNames.min(), let type = source.unusableElementType(name) {
            throw WeightError.unsupportedElementType(file: source.file, tensor: name, found: type)
        }
        guard !names.isEmpty else { throw refusal("it has no tensors") }
        // The tensors of a network could be many things; words are few, and no names of layers.
        guard names.count <= 100, !names.contains(where: { $0.hasSuffix(".weight") || $0.hasSuffix(".bias") }) else {
            throw refusal("it holds \(names.count.of("tensor")), the first of them '\(names[0].prefix(60))'")
        }
        if names == ["clip_g", "clip_l"] || names == ["clip_l"] {
            var token = LearnedToken(word: fileWord, vectors: [:])
            for (name, part) in [("clip_l", LoRAKey.Part.textEncoder), ("clip_g", .secondTextEncoder)] {
                guard let tensor = source.tensor(name) else { continue }
                guard let rows = tensor.rows else {
                    throw refusal("its tensor '\(name)' has the shape \(tensor.shape)")
                }
                token.vectors[part] = rows
            }
            found = [token]
        } else {
            for name in names {
                guard let rows = source.tensor(name)?.rows else {
                    throw refusal(
                        "its tensor '\(name.prefix(60))' has the shape \(source.tensor(name)?.shape ?? []), expected "
                            + "vectors")
                }
                let own = ["*", "emb_params"].contains(name) ? fileWord : name
                found.append(LearnedToken(word: own, vectors: [.textEncoder: rows]))
            }
        }
        if let word {
            guard found.count == 1 else {
                throw refusal("it has \(found.count.of("word")) of its own, so that one name does not do")
            }
            found[0].word = word
        }
        for token in found {
            guard token.vectors.values.allSatisfy({ 1 ... maximumVectors ~= $0.count }) else {
                throw refusal("'\(token.word.prefix(60))' has \(token.vectors.values.map(\.count)) vectors")
            }
            guard token.vectors.values.allSatisfy({ $0.allSatisfy { $0.allSatisfy(\.isFinite) } }) else {
                throw refusal("'\(token.word.prefix(60))' holds values that are not numbers")
            }
        }
        return found
    }

    /// What comes with a LoRA: words whose metadata is `<embed>` (cloneofsimo/lora, `lora_manager.py`), and kohya's
    /// `bundle_emb.WORD.string_to_param.*`.
    static func bundled(
        in source: any WeightSource, names: [String], metadata: [String: String]
    ) -> (tokens: [LearnedToken], names: Set<String>) {
        var tokens: [LearnedToken] = []
        var used: Set<String> = []
        for name in names {
            let parts = name.split(separator: ".")
            var word: String?
            if metadata[name]?.hasSameBytes(as: "<embed>") == true { word = name }
            if parts.count > 2, parts[0] == "bundle_emb" { word = String(parts[1]) }
            guard let word, tokens.count < maximumWords, let rows = source.tensor(name)?.rows,
                1 ... maximumVectors ~= rows.count
            else { continue }
            tokens.append(LearnedToken(word: word, vectors: [.textEncoder: rows]))
            used.insert(name)
        }
        return (tokens, used)
    }
}

extension WeightTensor {
    /// A vector, or a matrix's rows; `nil` for other shapes.
    fileprivate var rows: [[Float]]? {
        // What is larger is a layer, and not worth being read.
        guard let width = shape.last, width > 0, width <= 1 << 16,
            shape.count == 1 || shape.count == 2 && shape[0] <= 1 << 16
        else { return nil }
        let values = floats()
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0 ..< $0 + width]) }
    }
}

extension String {
    /// Of a path: the last component without its ending.
    var fileStem: String {
        let name = split(separator: "/").last.map(String.init) ?? self
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}
