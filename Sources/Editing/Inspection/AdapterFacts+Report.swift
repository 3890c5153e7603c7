internal import Diffusion
internal import PlainText

extension ModelFacts {
    /// What was added to the model, and what of it had no place there.
    var adapterNotes: [EditNote] {
        adapters.flatMap { $0.notes }
            + embeddings.map { facts in
                EditNote("embedding: \(facts.file), \(AdapterFacts.text(of: facts.words))")
            }
    }
}

extension AdapterFacts {
    fileprivate var notes: [EditNote] {
        var text = "lora: \(name) at \(weights), \(kind), made for \(family), \(layerCount.of("layer"))"
        if !words.isEmpty { text += ", \(Self.text(of: words))" }
        var notes = [EditNote(Sentence(text))]
        if !unusedLayers.isEmpty {
            notes.append(
                EditNote(
                    "lora: \(name): \(unusedLayers.count) of its \(layerCount.of("layer")) are none of this model's and are left out, first \(Self.first(unusedLayers))",
                    isWarning: true))
        }
        if !unknownTensors.isEmpty {
            notes.append(
                EditNote(
                    "lora: \(name): \(unknownTensors.count) of its tensors are nothing known and are left out, first \(Self.first(unknownTensors))",
                    isWarning: true))
        }
        return notes
    }

    /// The user's: of the text encoders and of the denoiser, as tags write them, where they differ.
    var weights: String {
        guard let textWeight, textWeight != weight else { return weight.shortText }
        return "\(textWeight.shortText):\(weight.shortText)"
    }

    private var layerCount: Int { layers.values.reduce(0, +) }

    /// "LoRA, LoHa"
    private var algorithmsText: String {
        guard algorithms.isEmpty else { return algorithms.joined(separator: ", ") }
        return words.isEmpty ? "LoRA of which no layer is whole" : "LoRA of words alone"
    }

    /// "LoRA of rank 4"
    private var kind: String {
        let name = algorithms.isEmpty ? algorithmsText : algorithms.joined(separator: " and ")
        return ranks.map { "\(name) of rank \(Self.text(of: $0))" } ?? name
    }

    static func text(of words: [Word]) -> String {
        let all = words.map { "'\($0.word)'" + ($0.vectors > 1 ? " (\($0.vectors.of("vector")))" : "") }
        return (words.count == 1 ? "word " : "words ") + all.joined(separator: ", ")
    }

    private static func text(of range: ClosedRange<Int>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }

    private static func first(_ names: [String]) -> String {
        names.prefix(3).map { "'\($0.prefix(120))'" }.joined(separator: ", ")
    }

    /// A LoRA that a model brings along, as one of the model's facts.
    var ownEntry: FileReport.Entry {
        .init(
            label: "own LoRA", text: "\(kind), \(layerCount.of("layer")) (\(FileSystem.name(of: path)))",
            name: "ownLoRA",
            value: .object(FileReport.json(of: entries)))
    }

    /// What there is to say of a LoRA file.
    var entries: [FileReport.Entry] {
        let parts = layers.sorted { $0.key < $1.key }
        var entries: [FileReport.Entry] = [
            .init(label: "kind", text: algorithmsText, name: "kind", value: .text("lora")),
            .init(label: "made for", text: family, name: "family", value: .text(family)),
            .init(
                label: "changes", text: parts.map { "\($0.value.of("layer")) of \($0.key)" }.joined(separator: ", "),
                name: "layers", value: .object(JSONObject(parts.map { ($0.key, .integer($0.value)) }))),
        ]
        if let ranks {
            entries.append(
                .init(
                    label: "rank", text: Self.text(of: ranks), name: "rank",
                    value: .list([.integer(ranks.lowerBound), .integer(ranks.upperBound)])))
        }
        if let alphas {
            let (least, most) = (alphas.lowerBound, alphas.upperBound)
            entries.append(
                .init(
                    label: "alpha", text: least == most ? least.shortText : "\(least.shortText) to \(most.shortText)",
                    name: "alpha", value: .list([.number(Double(least)), .number(Double(most))])))
        }
        if !words.isEmpty {
            entries.append(
                .init(
                    label: "words", text: Self.text(of: words), name: "words",
                    value: .list(words.map { .text($0.word) })))
        }
        entries.append(.init(label: "names", text: layout, name: "layout", value: .text(layout)))
        if isLatentConsistency {
            entries.append(
                .init(
                    label: "note", text: "its metadata name latent consistency: sampler lcm, 4 steps, guidance 1",
                    name: "isLatentConsistency", value: .flag(true)))
        }
        if !unknownTensors.isEmpty {
            entries.append(
                .init(
                    label: "unknown", text: "\(unknownTensors.count.of("tensor")), first \(Self.first(unknownTensors))",
                    name: "unknownTensors", value: .integer(unknownTensors.count)))
        }
        return entries
    }
}

extension EmbeddingFacts {
    /// What there is to say of an embedding file.
    var entries: [FileReport.Entry] {
        let width = widths.map { "\($0)" }.joined(separator: " and ")
        return [
            .init(label: "kind", text: "textual inversion", name: "kind", value: .text("embedding")),
            .init(
                label: "words", text: AdapterFacts.text(of: words), name: "words",
                value: .list(words.map { .text($0.word) })),
            .init(
                label: "made for", text: "text encoders of \(width) channels", name: "widths",
                value: .list(widths.map { .integer($0) })),
        ]
    }
}

extension Float {
    /// 7.5 as "7.5", 7.0 as "7".
    var shortText: String { self == rounded() && abs(self) < 1e9 ? "\(Int(self))" : "\(self)" }
}
