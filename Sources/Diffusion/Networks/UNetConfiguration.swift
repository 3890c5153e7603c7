internal import PlainText

/// The shape of a UNet2DConditionModel, from its config.json (diffusers 0.42.1, `models/unets/unet_2d_condition.py`).
public struct UNetConfiguration: Sendable, Equatable {
    public let inChannels: Int
    public let outChannels: Int
    /// Channels at each level, from the finest.
    public let blockChannels: [Int]
    /// Whether a level has attention, on the way down and on the way up.
    public let downAttention: [Bool]
    public let upAttention: [Bool]
    public let hasMiddle: Bool
    /// Resnet blocks at each level on the way down; one more on the way up.
    public let layers: [Int]
    public internal(set) var transformerLayers: [Int]
    /// Transformer blocks at each level on the way up, finest level last.
    public internal(set) var upTransformerLayers: [Int]
    public let heads: [Int]
    public let onlyCrossAttention: [Bool]
    public let middleOnlyCrossAttention: Bool
    public let contextChannels: [Int]
    public let groups: Int
    public let epsilon: Float
    public let flipSinToCos: Bool
    public let frequencyShift: Double
    /// Width of the guidance embedding that distilled models take (LCM), if any.
    public let guidanceChannels: Int?
    public let sampleSize: Int?
    /// What SDXL is told beside the timestep.
    public let addedCondition: AddedCondition?

    /// The pooled text, and numbers (sizes, crop, score) as sines and cosines (Podell et al. 2023, arXiv:2307.01952,
    /// section 2.2; `addition_embed_type` `text_time`).
    public struct AddedCondition: Sendable, Equatable {
        /// Sines and cosines a number.
        public let channelsOfNumber: Int
        /// Of all: the pooled text's, then those of the numbers.
        public let channels: Int
    }

    public init(_ json: JSONConfiguration) throws {
        let file = json.file
        func refuse(_ key: String, unless allowed: [String]) throws {
            guard let value = json.value(key) else { return }
            if case .string(let text) = value, allowed.contains(text) { return }
            if case .bool(false) = value { return }
            let shown = if case .string(let text) = value { text } else { value.kind }
            throw NetworkError.unsupported(file: file, key: key, value: shown)
        }
        if let kind = try json.string("_class_name"), kind != "UNet2DConditionModel" {
            throw NetworkError.unsupported(file: file, key: "the network", value: kind)
        }
        try refuse("act_fn", unless: ["silu", "swish"])
        try refuse("resnet_time_scale_shift", unless: ["default"])
        try refuse("time_embedding_type", unless: ["positional"])
        try refuse("attention_type", unless: ["default"])
        for key in [
            "class_embed_type", "encoder_hid_dim_type", "time_embedding_act_fn",
            "timestep_post_act", "cross_attention_norm", "num_class_embeds", "dual_cross_attention",
            "center_input_sample",
            "resnet_skip_time_act", "class_embeddings_concat",
        ] { try refuse(key, unless: []) }

        try refuse("addition_embed_type", unless: ["text_time"])
        if try json.string("addition_embed_type") != nil {
            let channelsOfNumber = try json.required(
                "addition_time_embed_dim", json.integer("addition_time_embed_dim", in: 2 ... 1 << 16))
            let channels = try json.required(
                "projection_class_embeddings_input_dim",
                json.integer("projection_class_embeddings_input_dim", in: 1 ... 1 << 20))
            addedCondition = AddedCondition(channelsOfNumber: channelsOfNumber, channels: channels)
        } else {
            addedCondition = nil
        }

        inChannels = try json.integer("in_channels") ?? 4
        outChannels = try json.integer("out_channels") ?? 4
        blockChannels = try json.integers("block_out_channels") ?? [320, 640, 1280, 1280]
        let levels = blockChannels.count
        let down =
            try json.strings("down_block_types")
            ?? ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]
        let up =
            try json.strings("up_block_types")
            ?? ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]
        guard levels > 0, down.count == levels, up.count == levels else {
            throw NetworkError.impossible(
                file: file, reason: "\(levels) block_out_channels, \(down.count) down and \(up.count) up blocks")
        }
        for kind in down where kind != "CrossAttnDownBlock2D" && kind != "DownBlock2D" {
            throw NetworkError.unsupported(file: file, key: "the block", value: kind)
        }
        for kind in up where kind != "CrossAttnUpBlock2D" && kind != "UpBlock2D" {
            throw NetworkError.unsupported(file: file, key: "the block", value: kind)
        }
        downAttention = down.map { $0 == "CrossAttnDownBlock2D" }
        upAttention = up.map { $0 == "CrossAttnUpBlock2D" }
        try refuse("mid_block_type", unless: ["UNetMidBlock2DCrossAttn"])
        // Absent means the usual block; null means none.
        hasMiddle = !json.isNull("mid_block_type")
        layers = try json.integers("layers_per_block", repeated: levels) ?? [Int](repeating: 2, count: levels)
        transformerLayers =
            try json.integers("transformer_layers_per_block", repeated: levels) ?? [Int](repeating: 1, count: levels)
        upTransformerLayers =
            try json.integers("reverse_transformer_layers_per_block", repeated: levels) ?? transformerLayers.reversed()
        heads =
            try json.integers("num_attention_heads", repeated: levels) ?? json.integers(
                "attention_head_dim", repeated: levels)
            ?? [Int](repeating: 8, count: levels)
        onlyCrossAttention = try Self.flags(json, "only_cross_attention", count: levels)
        middleOnlyCrossAttention =
            try json.value("mid_block_only_cross_attention") != nil
            ? json.bool("mid_block_only_cross_attention") ?? false : Self.isTrue(json, "only_cross_attention")
        contextChannels =
            try json.integers("cross_attention_dim", repeated: levels) ?? [Int](repeating: 1280, count: levels)
        groups = try json.integer("norm_num_groups") ?? 32
        epsilon = Float(try json.double("norm_eps") ?? 1e-5)
        flipSinToCos = try json.bool("flip_sin_to_cos") ?? true
        frequencyShift = try json.double("freq_shift") ?? 0
        guidanceChannels = try json.integer("time_cond_proj_dim")
        sampleSize = if case .integer(let size)? = json.value("sample_size") { size } else { nil }

        let numbers = [inChannels, outChannels, groups] + blockChannels + layers + transformerLayers + heads
        // No model is near these bounds; a file that is would make layers without end, or sides that overflow.
        guard numbers.allSatisfy({ $0 > 0 && $0 < 1 << 20 }), blockChannels.allSatisfy({ $0 % groups == 0 }),
            levels <= 16, (layers + transformerLayers + upTransformerLayers).allSatisfy({ (1 ... 256).contains($0) }),
            contextChannels.allSatisfy({ (1 ... 1 << 20).contains($0) }),
            (1 ... 1 << 16).contains(sampleSize ?? 64), (1 ... 1 << 20).contains(guidanceChannels ?? 1)
        else {
            throw NetworkError.impossible(
                file: file, reason: "channels \(blockChannels), groups \(groups), layers \(layers), heads \(heads)")
        }
        for level in 0 ..< levels where blockChannels[level] % heads[level] != 0 {
            throw NetworkError.impossible(
                file: file, reason: "\(blockChannels[level].of("channel")) do not split into \(heads[level].of("head"))"
            )
        }
    }

    /// The factor by which the coarsest level is smaller than the latents.
    public var downsampling: Int { 1 << (blockChannels.count - 1) }
    var timeChannels: Int { 4 * blockChannels[0] }

    private static func isTrue(_ json: JSONConfiguration, _ key: String) -> Bool { json.value(key) == .bool(true) }

    private static func flags(_ json: JSONConfiguration, _ key: String, count: Int) throws -> [Bool] {
        switch json.value(key) {
        case .array(let items)?:
            let flags = items.compactMap { if case .bool(let flag) = $0 { flag } else { nil } }
            guard flags.count == count else {
                throw NetworkError.impossible(file: json.file, reason: "\(key) lists \(items.count.of("value"))")
            }
            return flags
        default: return [Bool](repeating: try json.bool(key) ?? false, count: count)
        }
    }
}
