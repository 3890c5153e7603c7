internal import PlainText

/// What a file or folder of tensors is, and which option takes it; names the right option when a file is given to a
/// wrong one.
enum WeightKind: Equatable {
    case model, autoencoder, lora, embedding
    /// A part of a model in the diffusers layout, by its class.
    case part(String)

    /// A clause about "it".
    var clause: Sentence {
        switch self {
        case .model: "it is a whole model, which \(.model) takes"
        case .autoencoder: "it is an autoencoder, which \(.vae) takes"
        case .lora: "it is a LoRA, which \(.lora) takes"
        case .embedding: "it is an embedding, which \(.embedding) takes"
        case .part(let name): "it is a part of a model (\(name.prefix(80))); \(.model) takes the folder around it"
        }
    }

    /// Tells a file by its tensors; `nil` for what is none of these.
    init?(_ source: any WeightSource) {
        let names = source.allNames
        if names.contains(where: { LoRAKey($0).map { $0.role != .alpha } ?? false }) {
            self = .lora
        } else if names.contains(where: { $0.hasPrefix("model.diffusion_model.") }) {
            self = .model
        } else if AutoencoderFiles.isFileOfOne(names) || names.contains(where: { $0.hasPrefix("decoder.up.") }) {
            self = .autoencoder
        } else if LearnedToken.isEmbedding(source) {
            self = .embedding
        } else {
            return nil
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
