/// The text encoder in an original checkpoint: CLIP ViT-L/14 as transformers names it (SD 1.x), or OpenCLIP's own names
/// (SD 2.x; `open_clip/transformer.py`), whose queries, keys and values are one tensor.
struct LDMTextEncoder {
    private(set) var configuration: [String: JSONValue] = [:]
    private(set) var origins: [String: RenamedWeights.Origin] = [:]
    let isOpenCLIP: Bool
    let vocabularySize: Int

    static let clipPrefix = "cond_stage_model.transformer."
    static let openCLIPPrefix = "cond_stage_model.model."

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
    init(_ source: any WeightSource, names: [String]) throws {
        let open = LDMTensors(source, names: names, prefix: Self.openCLIPPrefix)
        let tokens: [Int]
        let positions: [Int]
        let feedForward: [Int]
        let layers: Int
        if !open.names.isEmpty {
            isOpenCLIP = true
            // SD 2.x takes the states before the last layer; diffusers' folders leave that layer out.
            layers = max(open.count("transformer.resblocks.") - 1, 0)
            tokens = try open.shape("token_embedding.weight", dimensions: 2)
            positions = try open.shape("positional_embedding", dimensions: 2)
            feedForward = try open.shape("transformer.resblocks.0.mlp.c_fc.weight", dimensions: 2)
            for name in open.names {
                if let renamed = Self.openCLIPNames[String(name)] {
                    origins["text_model." + renamed] = .init(open.prefix + name)
                    continue
                }
                let parts = name.split(separator: ".")
                guard name.hasPrefix("transformer.resblocks."), parts.count > 3, let layer = Int(parts[2]),
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
            let all = LDMTensors(source, names: names, prefix: Self.clipPrefix)
            let isOld = all.has("embeddings.token_embedding.weight")
            let clip =
                isOld ? all : LDMTensors(source, names: names, prefix: Self.clipPrefix + "text_model.")
            tokens = try clip.shape("embeddings.token_embedding.weight", dimensions: 2)
            // OpenCLIP ViT-H under CLIP's names, as stable-diffusion.cpp writes it: its last layer is left out here too.
            isOpenCLIP = tokens[1] == 1024
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
        ]
    }
}
