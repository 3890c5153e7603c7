/// The names that tensors of the diffusers layout have in an original checkpoint: the way back of `LDMDenoiser`,
/// `LDMAutoencoder` and `LDMTextEncoder`.
struct LDMNames {
    let unet: UNetConfiguration
    let autoencoder: AutoencoderConfiguration
    /// Where the text encoders lie, by their folders.
    let places: [String: LDMTextEncoder.Place]

    /// - Parameter texts: by their folders.
    init(
        unet: UNetConfiguration, autoencoder: AutoencoderConfiguration, texts: [String: TextEncoderConfiguration]
    ) {
        self.unet = unet
        self.autoencoder = autoencoder
        let hasSecond = texts[ModelFiles.secondTextEncoder] != nil
        places = texts.reduce(into: [:]) { places, text in
            if text.key == ModelFiles.secondTextEncoder {
                places[text.key] = texts.count > 1 ? .secondOfXL : .refiner
            } else if hasSecond {
                places[text.key] = .firstOfXL
            } else {
                places[text.key] = text.value.activation == .gelu ? .second : .first
            }
        }
    }

    private static let resnet = [
        "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
        "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
    ]
    private static let single = [
        "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "time_embedding.cond_proj": "time_embed.cond_proj", "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
        "mid_block.attentions.0": "middle_block.1",
    ]

    /// `nil` for a tensor that has no place there.
    func denoiser(_ name: String) -> String? {
        let prefix = "model.diffusion_model."
        for (new, old) in Self.single where name.hasPrefix(new + ".") {
            return prefix + old + name.dropFirst(new.count)
        }
        let parts = name.split(separator: ".").map(String.init)
        func resnet(_ scope: String, _ rest: ArraySlice<String>) -> String? {
            guard let layer = rest.first.flatMap({ Self.resnet[$0] }) else { return nil }
            return prefix + ([scope, layer] + rest.dropFirst()).joined(separator: ".")
        }
        if parts.count > 4, parts[0] == "mid_block", parts[1] == "resnets", let index = parts[2].layerNumber {
            return resnet("middle_block.\(2 * index)", parts[3...])
        }
        guard parts.count > 4, let level = parts[1].layerNumber, let index = parts[3].layerNumber,
            unet.layers.indices.contains(level)
        else { return nil }
        let isDown = parts[0] == "down_blocks"
        guard isDown || parts[0] == "up_blocks" else { return nil }
        // On the way down a level ends with a block of its own, which halves the picture; the first block is conv_in.
        let layers = isDown ? unet.layers : unet.layers.reversed().map { $0 + 1 }
        let first = layers[..<level].reduce(isDown ? 1 : 0) { $0 + $1 + (isDown ? 1 : 0) }
        let blocks = isDown ? "input_blocks" : "output_blocks"
        switch parts[2] {
        case "resnets": return resnet("\(blocks).\(first + index).0", parts[4...])
        case "attentions":
            return prefix + (["\(blocks).\(first + index).1"] + parts[4...]).joined(separator: ".")
        case "downsamplers" where parts[4] == "conv":
            return prefix + (["\(blocks).\(first + layers[level]).0.op"] + parts[5...]).joined(separator: ".")
        case "upsamplers":
            let place = unet.upAttention[level] ? 2 : 1
            return prefix + (["\(blocks).\(first + layers[level] - 1).\(place)"] + parts[4...]).joined(separator: ".")
        default: return nil
        }
    }

    func autoencoder(_ name: String) -> String? {
        let prefix = "first_stage_model."
        let parts = name.split(separator: ".").map(String.init)
        if parts[0] == "quant_conv" || parts[0] == "post_quant_conv" { return prefix + name }
        guard parts.count > 2, parts[0] == "encoder" || parts[0] == "decoder" else { return nil }
        let half = prefix + parts[0]
        func resnet(_ rest: ArraySlice<String>) -> String {
            rest.map { $0 == "conv_shortcut" ? "nin_shortcut" : $0 }.joined(separator: ".")
        }
        switch parts[1] {
        case "conv_in", "conv_out": return prefix + name
        case "conv_norm_out": return "\(half).norm_out.\(parts[2])"
        case "mid_block":
            guard parts.count > 4, let index = parts[3].layerNumber else { return nil }
            if parts[2] == "resnets" { return "\(half).mid.block_\(index + 1)." + resnet(parts[4...]) }
            // Files of diffusers' first months call them as the original does.
            let layers = [
                "group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "proj_out", "query": "q",
                "key": "k", "value": "v", "proj_attn": "proj_out",
            ]
            guard parts[2] == "attentions", let layer = layers[parts[4]], let kind = parts.last else { return nil }
            return "\(half).mid.attn_1.\(layer).\(kind)"
        case "down_blocks", "up_blocks":
            guard parts.count > 5, let level = parts[2].layerNumber else { return nil }
            let isDown = parts[1] == "down_blocks"
            let block =
                "\(half).\(isDown ? "down" : "up").\(isDown ? level : autoencoder.blockChannels.count - 1 - level)"
            switch parts[3] {
            case "resnets": return "\(block).block.\(parts[4])." + resnet(parts[5...])
            case "downsamplers", "upsamplers":
                return "\(block).\(isDown ? "downsample" : "upsample")." + parts[5...].joined(separator: ".")
            default: return nil
            }
        default: return nil
        }
    }

    private static let openCLIP = [
        "embeddings.position_embedding.weight": "positional_embedding",
        "embeddings.token_embedding.weight": "token_embedding.weight", "final_layer_norm.weight": "ln_final.weight",
        "final_layer_norm.bias": "ln_final.bias",
    ]
    private static let openCLIPLayers = [
        "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
        "self_attn.out_proj": "attn.out_proj",
    ]

    /// A text encoder's name as transformers wrote it before version 5, which leaves `text_model.` out.
    static func full(_ name: String) -> String {
        name.hasPrefix("text_model.") || name == projection ? name : "text_model." + name
    }

    /// Of the pooled text; the only tensor outside `text_model.`.
    private static let projection = "text_projection.weight"

    /// A text encoder's tensor there.
    struct Text: Equatable {
        var name: String
        /// Which third of that tensor; `nil` for all of it.
        var third: Int?
        /// Rows for columns.
        var isTransposed = false
    }

    func text(_ name: String, part: String) -> Text? {
        guard let place = places[part] else { return nil }
        let name = Self.full(name)
        let prefix = place.rawValue
        guard place.isOpenCLIP else { return name == Self.projection ? nil : Text(name: prefix + name) }
        if name == Self.projection {
            return place.isPooled ? Text(name: prefix + "text_projection", isTransposed: true) : nil
        }
        let rest = String(name.dropFirst("text_model.".count))
        if let old = Self.openCLIP[rest] { return Text(name: prefix + old) }
        let parts = rest.split(separator: ".").map(String.init)
        guard parts.count > 4, parts[0] == "encoder", parts[1] == "layers" else { return nil }
        let scope = prefix + "transformer.resblocks.\(parts[2])."
        let layer = parts[3...].joined(separator: ".")
        for (third, letter) in ["q", "k", "v"].enumerated() {
            if layer == "self_attn.\(letter)_proj.weight" {
                return Text(name: scope + "attn.in_proj_weight", third: third)
            }
            if layer == "self_attn.\(letter)_proj.bias" { return Text(name: scope + "attn.in_proj_bias", third: third) }
        }
        for (new, old) in Self.openCLIPLayers where layer.hasPrefix(new + ".") {
            return Text(name: scope + old + layer.dropFirst(new.count))
        }
        return nil
    }
}
