internal import ArgumentParser
internal import Diffusion
internal import Editing

/// What is added to the model.
struct AdapterOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A LoRA (also LoHa, LoKr, DoRA; .safetensors, .pt, .bin) and its weight, \(EditSettings.adapterWeightRange.bounds), default 1; may be given several times.",
            valueName: "file:weight"), completion: .file())
    var lora: [LoRAArgument] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A textual inversion (.pt, .bin, .safetensors) and its word in prompts, default its own or the file's name; may be given several times.",
            valueName: "file:word"), completion: .file())
    var embedding: [EmbeddingArgument] = []

    func validate() throws {
        for lora in lora { try check(EditSettings.adapterWeightRange, lora.choice.weight) }
    }

    var adapters: Adapters { Adapters(loras: lora.map(\.choice), embeddings: embedding.map(\.choice)) }
}

/// "style.safetensors:0.8", or a path alone.
struct LoRAArgument: ExpressibleByArgument {
    let choice: LoRAChoice

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        if let colon = argument.lastIndex(of: ":"), colon != argument.startIndex,
            let weight = Float(argument[argument.index(after: colon)...]), weight.isFinite
        {
            choice = LoRAChoice(path: String(argument[..<colon]), weight: weight)
        } else {
            choice = LoRAChoice(path: argument)
        }
    }
}

/// "style.pt:my-style", or a path alone. What follows the last colon is a word unless it has a slash.
struct EmbeddingArgument: ExpressibleByArgument {
    let choice: EmbeddingChoice

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        if let colon = argument.lastIndex(of: ":"), colon != argument.startIndex {
            let word = String(argument[argument.index(after: colon)...])
            guard !word.isEmpty else { return nil }
            if !word.contains("/") {
                choice = EmbeddingChoice(path: String(argument[..<colon]), word: word)
                return
            }
        }
        choice = EmbeddingChoice(path: argument)
    }
}
