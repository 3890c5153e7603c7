internal import PlainText

/// What a file or folder of tensors is, and which option takes it; names the right option when a file is given to a
/// wrong one.
enum WeightKind: Equatable {
    case model, autoencoder, lora, embedding
    /// A part of a model, by its tensors.
    case denoiser, textEncoder
    /// A part of a model in the diffusers layout, by its class.
    case part(String)

    /// A clause about "it".
    var clause: Sentence {
        switch self {
        case .model: "it is a whole model, which \(.model) takes"
        case .autoencoder: "it is an autoencoder, which \(.vae) takes"
        case .lora: "it is a LoRA, which \(.lora) takes"
        case .embedding: "it is an embedding, which \(.embedding) takes"
        case .denoiser: "it is a denoiser (a UNet), \(Self.ofModel)"
        case .textEncoder: "it is a text encoder, \(Self.ofModel)"
        case .part(let name):
            "it is \(Self.noun(ofClass: name))a part of a model (\(name.prefix(80))); \(.model) takes the folder around it"
        }
    }

    private static let ofModel: Sentence = "a part of a model; \(.model) takes the whole model or the folder around it"

    /// What a class of diffusers or transformers is, with a comma; empty for one that its name does not tell.
    private static func noun(ofClass name: String) -> String {
        if name.hasPrefix("UNet") || name.contains("Transformer2D") || name.contains("Transformer3D") {
            return "a denoiser\(name.hasPrefix("UNet") ? " (a UNet)" : ""), "
        }
        if ["CLIPText", "T5", "TextEncoder", "TextModel"].contains(where: name.contains) { return "a text encoder, " }
        return ""
    }

    /// Tells a file by its tensors; `nil` for what is none of these.
    init?(_ source: any WeightSource) {
        let names = source.allNames
        if names.contains(where: { LoRAKey($0).map { $0.role != .alpha } ?? false }) {
            self = .lora
        } else if names.contains(where: { $0.hasPrefix("model.diffusion_model.") }) {
            self = .model
        } else if Self.isDenoiser(names) {
            self = .denoiser
        } else if Self.isTextEncoder(names) {
            self = .textEncoder
        } else if AutoencoderFiles.isFileOfOne(names) || names.contains(where: { $0.hasPrefix("decoder.up.") }) {
            self = .autoencoder
        } else if LearnedToken.isEmbedding(source) {
            self = .embedding
        } else {
            return nil
        }
    }

    /// By diffusers' names, or by the original ones where nothing stands before them.
    private static func isDenoiser(_ names: some Collection<String>) -> Bool {
        func has(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
        // A ControlNet has half of one.
        guard !has("controlnet_"), !has("input_hint_block.") else { return false }
        return has("time_embedding.") && has("down_blocks.") || has("time_embed.") && has("input_blocks.")
    }

    private static func isTextEncoder(_ names: some Collection<String>) -> Bool {
        names.contains { name in
            // CLIP's, with and without the model's name before them, and T5's.
            ["text_model.encoder.layers.", "encoder.layers.0.self_attn.", "encoder.block.0.layer."].contains {
                name.hasPrefix($0)
            }
        }
    }

    /// What to do with a file of no weights that lies in the folder of a model or of its part; empty where it does not.
    static func advice(on path: String) -> Sentence {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
        return WeightKind(folder: folder) == nil ? "" : "; name the folder that it lies in"
    }

    /// Tells a folder by its files; `nil` for what is none of these.
    init?(folder: String) {
        if MappedFile.exists(folder + "/model_index.json") {
            self = .model
        } else if AutoencoderFiles.isFolderOfOne(folder) {
            self = .autoencoder
        } else if let configuration = try? JSONConfiguration(path: folder + "/config.json"),
            let name = try? configuration.string("_class_name") ?? configuration.strings("architectures")?.first
        {
            self = .part(name)
        } else {
            return nil
        }
    }
}
