internal import PlainText
internal import Tensors

/// A file of low-rank (or other small) changes to a model's layers, in any of the layouts of `LoRAKey`.
struct LoRAFile: Sendable {
    /// A layer of the file.
    struct Place: Hashable, Sendable {
        let part: LoRAKey.Part
        /// `LoRAKey.layer`.
        let layer: String
    }

    let file: String
    let layout: LoRAKey.Layout
    let layers: [Place: AdapterLayer]
    let biases: [Place: AdapterLayer]
    /// The file's own names for the layers.
    let names: [Place: String]
    /// Tokens learned with it, and their vectors.
    let tokens: [LearnedToken]
    let metadata: [String: String]
    /// Where the tensors of a safetensors file begin, in bytes; `nil` for other files.
    let dataStart: Int?
    /// Tensors that are nothing known, or that make no layer together.
    let unknown: [String]

    /// Reads a file's names; `nil` where it holds nothing of a LoRA.
    ///
    /// - Throws: `WeightError` for a tensor of a type that is not computed with.
    init?(_ source: any WeightSource, metadata: [String: String]) throws(WeightError) {
        var tensors: [Place: [LoRAKey.Role: String]] = [:]
        var names: [Place: String] = [:]
        var layouts: [LoRAKey.Layout: Int] = [:]
        var others: [String] = []
        let sorted = source.names.sorted()
        // A change that is left out in silence would be missed in the picture alone.
        for name in source.unusableNames.sorted() where LoRAKey(name) != nil {
            throw .unsupportedElementType(
                file: source.file, tensor: name, found: source.unusableElementType(name) ?? "nothing known")
        }
        let isList = sorted.allSatisfy { Int($0) != nil }
        let partOfList = isList ? Self.partOfList(source, names: sorted) : nil
        for name in sorted {
            let known = partOfList.map { Self.keyOfList(name, part: $0) } ?? LoRAKey(name)
            guard let known else {
                others.append(name)
                continue
            }
            let place = Place(part: known.part, layer: known.layer)
            tensors[place, default: [:]][known.role] = name
            names[place] = known.stem
            layouts[known.layout, default: 0] += 1
        }
        guard let layout = layouts.max(by: { $0.value < $1.value })?.key else { return nil }
        file = source.file
        self.metadata = metadata
        let stored = (source as? ScaledWeights)?.base ?? source
        dataStart = (stored as? SafetensorsFile)?.header.entries.values.map(\.range.lowerBound).min()
        self.layout = layout

        let stated = StatedScales(metadata)
        var layers: [Place: AdapterLayer] = [:]
        var biases: [Place: AdapterLayer] = [:]
        for (place, roles) in tensors {
            var found: [LoRAKey.Role: WeightTensor] = [:]
            for (role, name) in roles { found[role] = source.tensor(name) }
            let alpha = found[.alpha]?.floats().first
            if let bias = found[.biasDifference] { biases[place] = AdapterLayer(bias: bias) }
            if var layer = AdapterLayer(found, alpha: alpha ?? stated.alpha(place.part)) {
                if alpha == nil { layer.alphaDivisor = stated.divisor(place.part, rank: layer.rank) }
                layers[place] = layer
            } else if biases[place] == nil || found.count > 1 {
                others += roles.values.sorted()
            }
        }
        self.layers = layers
        self.biases = biases
        self.names = names
        let learned = LearnedToken.bundled(in: source, names: others, metadata: metadata)
        tokens = learned.tokens
        unknown = others.filter { !learned.names.contains($0) }
    }

    /// Reads a file that is to be a LoRA.
    ///
    /// - Throws: `AdapterError.notALoRA` where none of its tensors is a layer's change; else as `init`.
    static func open(_ source: any WeightSource, metadata: [String: String]) throws -> LoRAFile {
        guard let file = try LoRAFile(source, metadata: metadata) else {
            if let kind = WeightKind(source), kind != .lora {
                throw AdapterError.otherKind(file: source.file, clause: kind.clause)
            }
            let names = source.names.sorted()
            throw AdapterError.notALoRA(file: source.file, count: names.count, first: Array(names.prefix(3)))
        }
        guard !file.places.isEmpty else {
            throw AdapterError.notALoRA(
                file: file.file, count: file.unknown.count, first: Array(file.unknown.sorted().prefix(3)))
        }
        return file
    }

    /// What it changes.
    var places: Set<Place> { Set(layers.keys).union(biases.keys) }

    /// The file's own name for a layer.
    func label(_ place: Place) -> String { names[place] ?? place.layer }

    /// The error for layers that the model, which brings the file itself, does not have.
    func unknownLayers(_ unknown: Set<Place>, of all: Set<Place>, model: String) -> AdapterError {
        .unknownLayers(
            file: file, model: model, count: unknown.count, of: all.count, first: unknown.map(label).min() ?? "")
    }

    /// cloneofsimo's pickles: a list of up, down, up, down ….
    private static func keyOfList(_ name: String, part: LoRAKey.Part) -> LoRAKey? {
        guard let index = Int(name), index >= 0 else { return nil }
        return LoRAKey("\(part.rawValue):\(index / 2):\(index % 2 == 0 ? "up" : "down")")
    }

    /// What such a list is for: the layers of the text encoder are all square.
    private static func partOfList(_ source: any WeightSource, names: [String]) -> LoRAKey.Part {
        let widths = Set(
            names.compactMap { name in
                let shape = source.tensor(name)?.shape ?? []
                return (Int(name) ?? 0) % 2 == 0 ? shape.first : shape.last
            })
        return widths.count == 1 ? .textEncoder : .denoiser
    }

    /// Ranks of all layers, smallest to largest; `nil` where none has one.
    var ranks: ClosedRange<Int>? {
        let all = layers.values.compactMap(\.rank)
        guard let least = all.min(), let most = all.max() else { return nil }
        return least ... most
    }

    /// What alphas make of the changes: `nil` where no layer has an alpha that is a number.
    var alphas: ClosedRange<Float>? {
        let all = layers.values.compactMap(\.alpha).filter(\.isFinite)
        guard let least = all.min(), let most = all.max() else { return nil }
        return least ... most
    }

    /// Channels of the text that its cross-attention takes; `nil` where it has none.
    var contextChannels: Int? {
        if layout == .cloneofsimo {
            let widths = layers.filter { $0.key.part == .denoiser }.compactMap { $0.value.changedShape?.last }
            return [768, 1024, 2048].first { widths.contains($0) }
        }
        return layers.first { $0.key.part == .denoiser && $0.key.layer.hasSuffix("attn2_to_k") }?.value.changedShape?
            .last
    }

    /// What kind of model it was made for, as a phrase.
    var family: String {
        if layers.keys.contains(where: { $0.part == .transformer }) { return "a model with a transformer for denoiser" }
        switch contextChannels {
        case 768?: return "Stable Diffusion 1.x"
        case 1024?: return "Stable Diffusion 2.x"
        case 2048?: return "Stable Diffusion XL"
        case 1280?: return "the refiner of Stable Diffusion XL"
        case let channels?: return "a model whose text has \(channels.of("channel"))"
        case nil: break
        }
        if layers.keys.contains(where: { $0.part == .secondTextEncoder }) { return "Stable Diffusion XL" }
        let text = layers.first { $0.key.part == .textEncoder && $0.key.layer.hasSuffix("q_proj") }
        guard let width = text?.value.changedShape?.first else { return "a model that its layers do not tell" }
        return width == 1024 ? "Stable Diffusion 2.x" : "a model whose text encoder has \(width.of("channel"))"
    }

    /// Whether the file's metadata call it a LoRA of latent consistency: nothing in the tensors says so.
    var isLatentConsistency: Bool {
        let keys = [
            "modelspec.title", "modelspec.description", "modelspec.tags", "modelspec.usage_hint", "ss_output_name",
        ]
        // As much as a description has: what looks at Characters takes long for one of any length.
        let texts = keys.compactMap { metadata[$0] }.map { String($0.unicodeScalars.prefix(4000)).lowercased() }
        return texts.contains { text in
            text.contains("latent consistency")
                || text.split { !$0.isLetter && !$0.isNumber }.contains("lcm")
        }
    }
}

/// Alphas that stand in the metadata rather than beside the layers (diffusers' `lora_adapter_metadata`, from peft's
/// LoraConfig).
private struct StatedScales {
    private var values: [String: Double] = [:]
    private var isRootScaled: Set<String> = []

    init(_ metadata: [String: String]) {
        guard let text = metadata["lora_adapter_metadata"], case .object(let members)? = try? JSONValue(parsing: text)
        else { return }
        for (key, value) in members {
            switch value {
            case .integer(let number): values[key] = Double(number)
            case .number(let number): values[key] = number
            case .bool(true) where key.hasSuffix(".use_rslora"): isRootScaled.insert(key)
            default: break
            }
        }
    }

    func alpha(_ part: LoRAKey.Part) -> Float? { values["\(part.rawValue).lora_alpha"].map { Float($0) } }

    func divisor(_ part: LoRAKey.Part, rank: Int?) -> Float? {
        guard let rank, isRootScaled.contains("\(part.rawValue).use_rslora") else { return nil }
        return Float(rank).squareRoot()
    }
}
