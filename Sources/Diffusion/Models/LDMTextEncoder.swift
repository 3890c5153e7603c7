/// A text encoder in an original checkpoint: CLIP ViT-L/14 as transformers names it (SD 1.x, the first of SDXL), or OpenCLIP's
/// own names (SD 2.x, the second of SDXL; `open_clip/transformer.py`), whose queries, keys and values are one tensor.
struct LDMTextEncoder {
    private(set) var configuration: [String: JSONValue] = [:]
    private(set) var origins: [String: RenamedWeights.Origin] = [:]
    /// The folder of the diffusers layout.
    let part: String
    let place: Place
    let vocabularySize: Int
    private(set) var isOpenCLIP = false
    /// OpenCLIP pads with token 0.
    var padToken: String { isOpenCLIP ? "!" : "<|endoftext|>" }

    /// Where a checkpoint has an encoder, and which it is.
    enum Place: String, CaseIterable {
        case first = "cond_stage_model.transformer."
        case second = "cond_stage_model.model."
        case firstOfXL = "conditioner.embedders.0.transformer."
        case secondOfXL = "conditioner.embedders.1.model."
        case refiner = "conditioner.embedders.0.model."

        var isOpenCLIP: Bool { self != .first && self != .firstOfXL }
        var isXL: Bool { self != .first && self != .second }
        /// Whether its pooled text is taken too.
        var isPooled: Bool { self == .secondOfXL || self == .refiner }
    }

    /// All that a checkpoint holds.
    static func all(_ source: any WeightSource, names: [String]) throws -> [LDMTextEncoder] {
        try Place.allCases.compactMap { place in
            guard names.contains(where: { $0.hasPrefix(place.rawValue) }) else { return nil }
            return try LDMTextEncoder(source, names: names, place: place)
        }
    }

    private static let openCLIPNames = [
        "positional_embedding": "embeddings.position_embedding.weight",
        "token_embedding.weight": "embeddings.token_embedding.weight", "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    ]
    private static let openCLIPLayers = [
        "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
        "attn.out_proj": "self_attn.out_proj",
    ]

    /// Throws `WeightError` where a tensor that tells a size is missing.
    private init(_ source: any WeightSource, names: [String], place: Place) throws {
        self.place = place
        part = place.isPooled ? ModelFiles.secondTextEncoder : "text_encoder"
        var projectionChannels: Int?
        let tokens: [Int]
        let positions: [Int]
        let feedForward: [Int]
        let layers: Int
        isOpenCLIP = place.isOpenCLIP
        if place.isOpenCLIP {
            let open = LDMTensors(source, names: names, prefix: place.rawValue)
            // SD 2.x takes the states before the last layer; diffusers' folders leave that layer out.
            layers = max(open.count("transformer.resblocks.") - (place.isPooled ? 0 : 1), 0)
            if place.isPooled {
                projectionChannels = try open.shape("text_projection", dimensions: 2)[1]
                origins["text_projection.weight"] = .init(open.prefix + "text_projection", isTransposed: true)
            }
            tokens = try open.shape("token_embedding.weight", dimensions: 2)
            positions = try open.shape("positional_embedding", dimensions: 2)
            feedForward = try open.shape("transformer.resblocks.0.mlp.c_fc.weight", dimensions: 2)
            for name in open.names {
                if let renamed = Self.openCLIPNames[String(name)] {
                    origins["text_model." + renamed] = .init(open.prefix + name)
                    continue
                }
                let parts = name.split(separator: ".")
                guard name.hasPrefix("transformer.resblocks."), parts.count > 3, let layer = parts[2].layerNumber,
                    (0 ..< layers).contains(layer)
                else { continue }
                let scope = "text_model.encoder.layers.\(layer)."
                let rest = parts.dropFirst(3).joined(separator: ".")
                if rest == "attn.in_proj_weight" || rest == "attn.in_proj_bias" {
                    for (index, letter) in ["q", "k", "v"].enumerated() {
                        let kind = rest.hasSuffix("weight") ? "weight" : "bias"
                        origins["\(scope)self_attn.\(letter)_proj.\(kind)"] = .init(
                            open.prefix + name, part: .init(index: index, count: 3))
                    }
                } else if let part = Self.openCLIPLayers.first(where: { rest.hasPrefix($0.key + ".") }) {
                    origins[scope + part.value + rest.dropFirst(part.key.count)] = .init(open.prefix + name)
                }
            }
        } else {
            // Files of the first months leave `text_model.` out.
            let all = LDMTensors(source, names: names, prefix: place.rawValue)
            let isOld = all.has("embeddings.token_embedding.weight")
            let clip =
                isOld ? all : LDMTensors(source, names: names, prefix: place.rawValue + "text_model.")
            tokens = try clip.shape("embeddings.token_embedding.weight", dimensions: 2)
            // OpenCLIP ViT-H under CLIP's names, as stable-diffusion.cpp writes it: its last layer is left out here too.
            isOpenCLIP = place == .first && tokens[1] == 1024
            let all24 = isOpenCLIP && clip.count("encoder.layers.") == 24
            layers = clip.count("encoder.layers.") - (all24 ? 1 : 0)
            positions = try clip.shape("embeddings.position_embedding.weight", dimensions: 2)
            feedForward = try clip.shape("encoder.layers.0.mlp.fc1.weight", dimensions: 2)
            for name in clip.names where name != "embeddings.position_ids" {
                if all24, name.hasPrefix("encoder.layers.23.") { continue }
                origins["text_model." + name] = .init(clip.prefix + name)
            }
        }
        vocabularySize = tokens[0]
        configuration = [
            "vocab_size": .integer(vocabularySize), "hidden_size": .integer(tokens[1]),
            "intermediate_size": .integer(feedForward[0]), "num_hidden_layers": .integer(layers),
            "num_attention_heads": .integer(max(tokens[1] / 64, 1)), "max_position_embeddings": .integer(positions[0]),
            "hidden_act": .string(isOpenCLIP ? "gelu" : "quick_gelu"), "layer_norm_eps": .number(1e-5),
            "eos_token_id": .integer(vocabularySize - 1),
        ]
        if let projectionChannels { configuration["projection_dim"] = .integer(projectionChannels) }
    }
}
