internal import PlainText

extension ModelFiles {
    /// The folder of the text encoder that SDXL has, alone or beside the first; its pooled text goes to the denoiser.
    static let secondTextEncoder = "text_encoder_2"

    /// The folders of CLIP's text encoders.
    var textEncoders: [String] {
        let found = ["text_encoder", Self.secondTextEncoder].filter { has("\($0)/config.json") }
        return found.isEmpty ? ["text_encoder"] : found
    }

    /// The tokenizer of one of `textEncoders`.
    func tokenizer(of textEncoder: String) throws -> CLIPTokenizer {
        let part = textEncoder == Self.secondTextEncoder ? "tokenizer_2" : "tokenizer"
        switch storage {
        case .folder(let folder): return try CLIPTokenizer(path: "\(folder)/\(part)")
        case .parts(let parts, let vocabulary):
            guard let vocabulary, MappedFile.exists(vocabulary) else {
                throw ModelError.noVocabulary(model: name, lookedFor: vocabulary ?? "its usual place")
            }
            guard let text = parts.vocabularies[textEncoder] else {
                throw ModelError.notACheckpoint(path: name, reason: "it has no \(textEncoder)")
            }
            return try CLIPTokenizer(clipVocabulary: vocabulary, size: text.size, padToken: text.padToken)
        case .memory:
            let settings = "\(part)/tokenizer_config.json"
            return try CLIPTokenizer(
                vocabulary: bytes("\(part)/vocab.json"), merges: bytes("\(part)/merges.txt"),
                configuration: has(settings) ? TokenizerConfiguration(configuration(settings)) : .init(),
                name: "\(name)/\(part)")
        }
    }

    /// What one of `textEncoders` has its windows filled up with.
    func padToken(of textEncoder: String) throws -> String {
        if case .parts(let parts, _) = storage, let text = parts.vocabularies[textEncoder] {
            return text.padToken
        }
        return try tokenizer(of: textEncoder).configuration.padToken
    }
}
