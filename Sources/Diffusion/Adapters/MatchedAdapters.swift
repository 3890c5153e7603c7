internal import PlainText

/// Adapters, read and matched with a model's layers.
struct MatchedAdapters {
    private(set) var facts: [AdapterFacts] = []
    private(set) var embeddings: [EmbeddingFacts] = []
    private(set) var tokens: [LearnedToken] = []
    /// By part and the tensor's name.
    private var shares: [LoRAKey.Part: [String: [AdaptedWeights.Share]]] = [:]
    private let model: String

    /// - Parameters:
    ///   - parts: the model's weights by their folders in the diffusers layout.
    ///   - model: what errors call it.
    /// - Throws: `AdapterError` or `WeightError`.
    init(_ adapters: Adapters, parts: [String: any WeightSource], model: String) throws {
        self.model = model
        guard adapters != Adapters() else { return }
        var tables: [LoRAKey.Part: LayerTable] = [:]
        for (name, weights) in parts {
            guard let part = LoRAKey.Part(rawValue: name) else { continue }
            tables[part] = LayerTable(part, weights)
        }
        for choice in adapters.loras {
            if MappedFile.exists(choice.path + "/."), let kind = WeightKind(folder: choice.path) {
                throw AdapterError.otherKind(file: choice.path, clause: kind.clause)
            }
            let (source, hints) = try WeightFile.open(choice.path) {
                AdapterError.otherKind(file: choice.path, clause: Sentence($0))
            }
            try add(
                .open(source, metadata: hints), weight: choice.weight, textWeight: choice.textWeight, tables: tables)
        }
        for choice in adapters.embeddings {
            let read = try LearnedToken.read(choice.path, word: choice.word)
            embeddings.append(EmbeddingFacts(choice.path, read))
            try add(read, file: choice.path)
        }
    }

    /// A part's weights with a LoRA in them that belongs to the model: all of its layers for that part must be there.
    ///
    /// - Throws: `AdapterError`.
    static func adapted(
        _ weights: any WeightSource, part name: String, by file: LoRAFile, model: String
    ) throws -> any WeightSource {
        guard let part = LoRAKey.Part(rawValue: name) else { return weights }
        let places = file.places.filter { $0.part == part }
        guard !places.isEmpty else { return weights }
        var matched = try MatchedAdapters(Adapters(), parts: [:], model: model)
        try matched.add(file, weight: 1, tables: [part: LayerTable(part, weights)])
        let unused = Set(matched.facts.flatMap(\.unusedLayers))
        let unknown = places.filter { unused.contains(file.label($0)) }
        guard unknown.isEmpty else { throw file.unknownLayers(unknown, of: places, model: model) }
        return matched.adapted(weights, part: name)
    }

    /// A part's weights with the adapters in them.
    func adapted(_ weights: any WeightSource, part: String) -> any WeightSource {
        guard let part = LoRAKey.Part(rawValue: part), let shares = shares[part], !shares.isEmpty else {
            return weights
        }
        return AdaptedWeights(weights, shares: shares)
    }

    /// The vectors of the words for a text encoder of that many channels.
    ///
    /// - Throws: `AdapterError` where one is for another encoder.
    func words(part: String, channels: Int) throws(AdapterError) -> [(word: String, vectors: [[Float]])] {
        guard let part = LoRAKey.Part(rawValue: part) else { return [] }
        var result: [(word: String, vectors: [[Float]])] = []
        for token in tokens {
            let file = files[token.word] ?? token.word
            guard let vectors = token.vectors[part] else {
                throw .otherEncoder(file: file, word: token.word, model: model)
            }
            if let other = vectors.first(where: { $0.count != channels }) {
                throw .otherWidth(file: file, word: token.word, found: other.count, model: model, expected: channels)
            }
            result.append((token.word, vectors))
        }
        return result
    }

    /// The file that each word came from.
    private var files: [String: String] = [:]

    private mutating func add(_ read: [LearnedToken], file: String) throws(AdapterError) {
        for token in read {
            // Words are found whatever their letters' case, as the tokenizer has no other.
            guard !tokens.contains(where: { $0.word.lowercased() == token.word.lowercased() }) else {
                throw .repeatedWord(word: token.word)
            }
            tokens.append(token)
            files[token.word] = file
        }
    }

    private mutating func add(
        _ file: LoRAFile, weight: Float, textWeight: Float? = nil, tables: [LoRAKey.Part: LayerTable]
    ) throws {
        let count = file.layers.count + file.biases.count
        var names: [LoRAFile.Place: String] = [:]
        if file.layout == .cloneofsimo {
            for (part, table) in tables {
                let count = file.layers.keys.count { $0.part == part }
                let numbered = (0 ..< count).map { LoRAFile.Place(part: part, layer: "\($0)") }
                let shapes = numbered.compactMap { file.layers[$0]?.changedShape }
                guard count > 0 else { continue }
                guard shapes.count == count, let found = table.numbered(shapes) else {
                    throw AdapterError.otherOrder(
                        file: file.file, family: file.family, part: part.rawValue, count: count, model: model)
                }
                for (place, name) in zip(numbered, found) { names[place] = name }
            }
        } else {
            for place in file.places {
                names[place] = tables[place.part]?[place.layer]
            }
        }

        var unused: [LoRAFile.Place] = []
        var misfits: [(place: LoRAFile.Place, expected: [Int], found: [Int])] = []
        var used = 0
        for (tensor, layers) in [("weight", file.layers), ("bias", file.biases)] {
            for (place, layer) in layers {
                guard let name = names[place], let shape = tables[place.part]?.shape(name, tensor: tensor) else {
                    unused.append(place)
                    continue
                }
                guard layer.fits(shape) else {
                    // The first convolution of an inpainting model has channels that no other has.
                    if name == "conv_in" {
                        unused.append(place)
                    } else {
                        misfits.append((place, shape, layer.changedShape ?? []))
                    }
                    continue
                }
                if let tensor = layer.notFinite(alphaName: "\(file.label(place)).alpha") {
                    throw AdapterError.notFinite(file: file.file, tensor: tensor)
                }
                used += 1
                shares[place.part, default: [:]]["\(name).\(tensor)", default: []].append(
                    AdaptedWeights.Share(
                        file: file.file, layer: layer, shape: shape,
                        weight: place.part == .denoiser ? weight : textWeight ?? weight))
            }
        }
        if let first = misfits.min(by: { file.label($0.place) < file.label($1.place) }) {
            throw AdapterError.otherSizes(
                file: file.file, family: file.family, model: model, count: misfits.count, of: count,
                first: file.label(first.place), expected: first.expected, found: first.found)
        }
        guard used > 0 else {
            throw AdapterError.noneKnown(
                file: file.file, family: file.family, model: model, count: count,
                first: Array(unused.map(file.label).sorted().prefix(3)))
        }
        try add(file.tokens, file: file.file)
        var own = AdapterFacts(file)
        own.weight = weight
        own.textWeight = textWeight
        own.unusedLayers = unused.map(file.label).sorted()
        facts.append(own)
    }
}
