internal import ArgumentParser
internal import Diffusion
internal import Editing

/// What is added to the model.
struct AdapterOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A LoRA (also LoHa, LoKr, DoRA; .safetensors, .pt, .bin) and its weight, \(EditSettings.adapterWeights.bounds), default 1; may be given several times.",
            valueName: "file:weight"), completion: .file(), transform: LoRAArgument.parse)
    var lora: [LoRAArgument] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A textual inversion (.pt, .bin, .safetensors) and its word in prompts, default its own or the file's name; may be given several times.",
            valueName: "file:word"), completion: .file(), transform: EmbeddingArgument.parse)
    var embedding: [EmbeddingArgument] = []

    func validate() throws {
        for lora in lora { try check("--lora", EditSettings.adapterWeights, lora.choice.weight) }
    }

    var adapters: Adapters { Adapters(loras: lora.map(\.choice), embeddings: embedding.map(\.choice)) }
}

/// "style.safetensors:0.8", or a path alone.
struct LoRAArgument {
    let choice: LoRAChoice

    static let parse: Form.Transform<LoRAArgument> = { text in
        guard !text.isEmpty else { throw Form.expected("a file and its weight", example: "style.safetensors:0.8") }
        let alone = LoRAArgument(choice: LoRAChoice(path: text))
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex, !FileSystem.exists(text) else {
            return alone
        }
        let path = String(text[..<colon])
        if let weight = NumberWord(String(text[text.index(after: colon)...])) {
            return LoRAArgument(choice: LoRAChoice(path: path, weight: Float(weight.value)))
        }
        guard !FileSystem.isFile(path) else {
            throw Form.expected(
                "a weight from \(EditSettings.adapterWeights.bounds) behind the colon", example: "\(path):0.8")
        }
        return alone
    }
}

/// "style.pt:my-style", or a path alone. What follows the last colon is a word unless it has a slash.
struct EmbeddingArgument {
    let choice: EmbeddingChoice

    static let parse: Form.Transform<EmbeddingArgument> = { text in
        let words = text.lastIndex(of: ":").map { (path: String(text[..<$0]), word: text[text.index(after: $0)...]) }
        guard !text.isEmpty, words?.word.isEmpty != true else {
            throw Form.expected("a file and its word", example: "style.pt:my-style")
        }
        guard let words, !words.path.isEmpty, !words.word.contains("/"), !FileSystem.exists(text) else {
            return EmbeddingArgument(choice: EmbeddingChoice(path: text))
        }
        return EmbeddingArgument(choice: EmbeddingChoice(path: words.path, word: String(words.word)))
    }
}
