/// The denoiser in an original checkpoint (`ldm/modules/diffusionmodules/openaimodel.py`): its configuration, and where the
/// tensors of diffusers' `UNet2DConditionModel` come from.
struct LDMDenoiser {
    private(set) var configuration: [String: JSONValue] = [:]
    private(set) var origins: [String: RenamedWeights.Origin] = [:]
    let inChannels: Int
    let contextChannels: Int
    /// The last transformer's norm, by whose spread velocity prediction is told.
    private(set) var lastNorm: String?

    /// Parts of a residual block, old and new.
    private static let resnetParts = [
        "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
        "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
    ]
    /// Layers outside the blocks, old and new.
    private static let single = [
        "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
        "time_embed.cond_proj": "time_embedding.cond_proj", "label_emb.0.0": "add_embedding.linear_1",
        "label_emb.0.2": "add_embedding.linear_2", "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out",
        "out.2": "conv_out",
    ]

    /// Sines and cosines of each number that SDXL is told, which no tensor tells.
    private static let channelsOfNumber = 256

    private enum Kind {
        case resnet, transformer, downsampler, other
    }

    private struct Level {
        var channels = 0
        var resnets = 0
        var transformerLayers = 0
    }

    /// Throws `WeightError` where a tensor that tells a size is missing.
    init(_ tensors: LDMTensors) throws {
        var scopes: [String: (name: String, kind: Kind)] = Self.single.mapValues { ($0, .other) }
        var down = [Level()]
        for block in 1 ..< max(tensors.count("input_blocks."), 1) {
            let stem = "input_blocks.\(block)"
            let level = down.count - 1
            if tensors.has("\(stem).0.op.weight") {
                scopes["\(stem).0"] = ("down_blocks.\(level).downsamplers.0", .downsampler)
                down.append(Level())
                continue
            }
            let index = down[level].resnets
            scopes["\(stem).0"] = ("down_blocks.\(level).resnets.\(index)", .resnet)
            down[level].channels = try tensors.shape("\(stem).0.out_layers.3.weight", dimensions: 4)[0]
            down[level].resnets += 1
            if tensors.has("\(stem).1.proj_in.weight") {
                scopes["\(stem).1"] = ("down_blocks.\(level).attentions.\(index)", .transformer)
                down[level].transformerLayers = tensors.count("\(stem).1.transformer_blocks.")
            }
        }
        scopes["middle_block.0"] = ("mid_block.resnets.0", .resnet)
        scopes["middle_block.1"] = ("mid_block.attentions.0", .transformer)
        scopes["middle_block.2"] = ("mid_block.resnets.1", .resnet)
        var up = [Level()]
        for block in 0 ..< tensors.count("output_blocks.") {
            let stem = "output_blocks.\(block)"
            let level = up.count - 1
            let index = up[level].resnets
            scopes["\(stem).0"] = ("up_blocks.\(level).resnets.\(index)", .resnet)
            up[level].resnets += 1
            var upsampler = "\(stem).1"
            if tensors.has("\(stem).1.proj_in.weight") {
                scopes["\(stem).1"] = ("up_blocks.\(level).attentions.\(index)", .transformer)
                up[level].transformerLayers = tensors.count("\(stem).1.transformer_blocks.")
                lastNorm = tensors.prefix + "\(stem).1.transformer_blocks.0.norm1.bias"
                upsampler = "\(stem).2"
            }
            if tensors.has("\(upsampler).conv.weight") {
                scopes[upsampler] = ("up_blocks.\(level).upsamplers.0", .other)
                up.append(Level())
            }
        }

        for name in tensors.names {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            let depth = ["input_blocks", "output_blocks", "label_emb"].contains(parts[0]) ? 3 : 2
            guard parts.count > depth, let scope = scopes[parts.prefix(depth).joined(separator: ".")] else { continue }
            var rest = parts.dropFirst(depth).joined(separator: ".")
            switch scope.kind {
            case .other, .transformer: break
            case .downsampler:
                if rest.hasPrefix("op.") { rest = "conv." + rest.dropFirst(3) }
            case .resnet:
                guard let part = Self.resnetParts.first(where: { rest.hasPrefix($0.key + ".") }) else { continue }
                rest = part.value + rest.dropFirst(part.key.count)
            }
            origins["\(scope.name).\(rest)"] = .init(tensors.prefix + name)
        }

        inChannels = try tensors.shape("input_blocks.0.0.weight", dimensions: 4)[1]
        let middleLayers = tensors.count("middle_block.1.transformer_blocks.")
        contextChannels = try tensors.shape(
            "middle_block.1.transformer_blocks.0.attn2.to_k.weight", dimensions: 2)[1]
        // Linear projections came with SD 2, and with them heads of 64 channels in place of 8 heads.
        let isLinear = try tensors.shape("middle_block.1.proj_in.weight", dimensions: 2).count == 2
        func types(_ levels: [Level], _ direction: String) -> JSONValue {
            .array(
                levels.map { .string(($0.transformerLayers > 0 ? "CrossAttn" : "") + direction + "Block2D") })
        }
        configuration = [
            "in_channels": .integer(inChannels),
            "out_channels": .integer(try tensors.shape("out.2.weight", dimensions: 4)[0]),
            "block_out_channels": .array(down.map { .integer($0.channels) }),
            "layers_per_block": .array(down.map { .integer($0.resnets) }),
            "down_block_types": types(down, "Down"), "up_block_types": types(up, "Up"),
            "transformer_layers_per_block": .array(
                down.map { .integer($0.transformerLayers > 0 ? $0.transformerLayers : middleLayers) }),
            "attention_head_dim": isLinear
                ? .array(down.map { .integer(max($0.channels / 64, 1)) }) : .integer(8),
            "use_linear_projection": .bool(isLinear), "cross_attention_dim": .integer(contextChannels),
            "norm_num_groups": .integer(32),
        ]
        if tensors.has("label_emb.0.0.weight") {
            configuration["addition_embed_type"] = .string("text_time")
            configuration["addition_time_embed_dim"] = .integer(Self.channelsOfNumber)
            configuration["projection_class_embeddings_input_dim"] = .integer(
                try tensors.shape("label_emb.0.0.weight", dimensions: 2)[1])
        }
        if tensors.has("time_embed.cond_proj.weight") {
            configuration["time_cond_proj_dim"] = .integer(
                try tensors.shape("time_embed.cond_proj.weight", dimensions: 2)[1])
        }
    }
}
