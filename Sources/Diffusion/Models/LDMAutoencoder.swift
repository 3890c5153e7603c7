/// The autoencoder in an original checkpoint (`ldm/modules/diffusionmodules/model.py`): its configuration, and where the
/// tensors of diffusers' `AutoencoderKL` come from.
struct LDMAutoencoder {
    private(set) var configuration: [String: JSONValue] = [:]
    private(set) var origins: [String: RenamedWeights.Origin] = [:]

    /// Also takes tensors in diffusers' own names.
    /// - Parameter scale: of the latents, which tensors do not tell.
    /// - Throws: `WeightError` where a tensor that tells a size is missing.
    init(_ tensors: LDMTensors, scale: Float) throws {
        let isRenamed = tensors.count("encoder.down_blocks.") > 0
        let (down, block) = isRenamed ? ("encoder.down_blocks.", "resnets") : ("encoder.down.", "block")
        let levels = tensors.count(down)
        guard levels > 0 else {
            throw WeightError.missingTensors(
                file: tensors.source.file, count: 1, first: [tensors.prefix + "encoder.down.0.block.0.norm1.weight"])
        }
        for name in tensors.names {
            if let renamed = isRenamed ? String(name) : Self.renamed(name, levels: levels) {
                origins[renamed] = .init(tensors.prefix + name)
            }
        }
        configuration = [
            "block_out_channels": .array(
                try (0 ..< levels).map {
                    .integer(try tensors.shape("\(down)\($0).\(block).0.conv2.weight", dimensions: 4)[0])
                }),
            "layers_per_block": .integer(tensors.count("\(down)0.\(block).")),
            "latent_channels": .integer(try tensors.shape("decoder.conv_in.weight", dimensions: 4)[1]),
            "use_quant_conv": .bool(tensors.has("quant_conv.weight")),
            "use_post_quant_conv": .bool(tensors.has("post_quant_conv.weight")),
            "norm_num_groups": .integer(32), "scaling_factor": .number(Double(scale.description) ?? Double(scale)),
        ]
    }

    /// diffusers' name; `nil` for what is none of the autoencoder's, such as the loss.
    static func renamed(_ name: Substring, levels: Int) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let half = parts[0]
        if half == "quant_conv" || half == "post_quant_conv" { return String(name) }
        guard half == "encoder" || half == "decoder", parts.count >= 3 else { return nil }
        let rest = parts.dropFirst(2)
        func resnet(_ parts: ArraySlice<String>) -> String {
            parts.map { $0 == "nin_shortcut" ? "conv_shortcut" : $0 }.joined(separator: ".")
        }
        switch parts[1] {
        case "conv_in", "conv_out": return String(name)
        case "norm_out": return "\(half).conv_norm_out." + rest.joined(separator: ".")
        case "mid":
            guard rest.count >= 3 else { return nil }
            let inner = parts.dropFirst(3)
            switch parts[2] {
            case "block_1": return "\(half).mid_block.resnets.0." + resnet(inner)
            case "block_2": return "\(half).mid_block.resnets.1." + resnet(inner)
            case "attn_1":
                let layers = ["norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"]
                guard let layer = layers[parts[3]] else { return nil }
                return "\(half).mid_block.attentions.0.\(layer)." + parts.dropFirst(4).joined(separator: ".")
            default: return nil
            }
        case "down", "up":
            guard parts.count >= 6, let level = parts[2].layerNumber, (0 ..< levels).contains(level) else {
                return nil
            }
            let isDown = parts[1] == "down"
            let block = "\(half).\(parts[1])_blocks.\(isDown ? level : levels - 1 - level)"
            switch parts[3] {
            case "block": return "\(block).resnets.\(parts[4])." + resnet(parts.dropFirst(5))
            case "downsample", "upsample":
                return "\(block).\(parts[3])rs.0." + parts.dropFirst(4).joined(separator: ".")
            default: return nil
            }
        default: return nil
        }
    }
}
