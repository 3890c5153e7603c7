/// What a tensor of a LoRA file is, told from its name: of which layer, and what of it.
///
/// The names of kohya-ss/sd-scripts (`networks/lora.py`) and LyCORIS (KohakuBlueleaf/LyCORIS 4.1.3, `lycoris/modules`), of
/// diffusers and peft in their several ages (diffusers 0.42.1, `loaders/lora_conversion_utils.py`,
/// `utils/state_dict_utils.py`), and of cloneofsimo/lora (0735440, `lora_diffusion/lora.py`).
struct LoRAKey: Equatable {
    enum Layout: String, Sendable {
        case kohya, diffusers, cloneofsimo
    }

    /// What a tensor is in its layer.
    enum Role: Hashable, Sendable {
        case up, down, mid, alpha, magnitude, difference, biasDifference
        case hadamard1A, hadamard1B, hadamard2A, hadamard2B, hadamard1Core, hadamard2Core
        case kronecker1, kronecker1A, kronecker1B, kronecker2, kronecker2A, kronecker2B, kronecker2Core
    }

    /// The part of the model that a layer is in: its folder in the diffusers layout.
    enum Part: String, Sendable {
        case denoiser = "unet"
        case textEncoder = "text_encoder"
        case secondTextEncoder = "text_encoder_2"
        /// A denoiser that is not a UNet.
        case transformer
    }

    let layout: Layout
    let part: Part
    /// The layer's name with `_` for `.`, without what names the part; for cloneofsimo's files the layer's number.
    let layer: String
    let role: Role
    /// The file's own name for the layer.
    let stem: String

    /// Endings of names, longer ones before those that they end with.
    private static let endings: [(String, Role, Layout)] = [
        ("_lora.down.weight", .down, .diffusers), ("_lora.up.weight", .up, .diffusers),
        (".lora_linear_layer.down.weight", .down, .diffusers), (".lora_linear_layer.up.weight", .up, .diffusers),
        (".lora.down.weight", .down, .diffusers), (".lora.up.weight", .up, .diffusers),
        (".lora_A.weight", .down, .diffusers), (".lora_B.weight", .up, .diffusers),
        (".lora_A.default.weight", .down, .diffusers), (".lora_B.default.weight", .up, .diffusers),
        (".lora_magnitude_vector.default.weight", .magnitude, .diffusers),
        (".lora_magnitude_vector.weight", .magnitude, .diffusers), (".lora_magnitude_vector", .magnitude, .diffusers),
        (".lora_down.weight", .down, .kohya), (".lora_up.weight", .up, .kohya), (".lora_mid.weight", .mid, .kohya),
        (".alpha", .alpha, .kohya), (".dora_scale", .magnitude, .kohya),
        (".diff_b", .biasDifference, .kohya), (".diff", .difference, .kohya),
        (".b_norm", .biasDifference, .kohya), (".w_norm", .difference, .kohya),
        (".hada_w1_a", .hadamard1A, .kohya), (".hada_w1_b", .hadamard1B, .kohya), (".hada_w2_a", .hadamard2A, .kohya),
        (".hada_w2_b", .hadamard2B, .kohya), (".hada_t1", .hadamard1Core, .kohya), (".hada_t2", .hadamard2Core, .kohya),
        (".lokr_w1_a", .kronecker1A, .kohya), (".lokr_w1_b", .kronecker1B, .kohya), (".lokr_w1", .kronecker1, .kohya),
        (".lokr_w2_a", .kronecker2A, .kohya), (".lokr_w2_b", .kronecker2B, .kohya), (".lokr_w2", .kronecker2, .kohya),
        (".lokr_t2", .kronecker2Core, .kohya),
    ]

    /// Beginnings of layers' names, and what part they speak of.
    private static let beginnings: [(String, Part?)] = [
        ("base_model.model.", nil), ("lycoris_", nil), ("lora_unet_", .denoiser), ("unet.", .denoiser),
        ("diffusion_model.", .denoiser), ("model.diffusion_model.", .denoiser),
        ("lora_te1_", .textEncoder), ("lora_te2_", .secondTextEncoder), ("lora_te_", .textEncoder),
        ("text_encoder_2.", .secondTextEncoder), ("text_encoder.", .textEncoder),
        ("lora_transformer_", .transformer), ("transformer.", .transformer),
    ]

    /// `nil` for the name of something else.
    init?(_ name: String) {
        let numbered = name.split(separator: ":", omittingEmptySubsequences: false)
        if numbered.count == 3, let part = Part(rawValue: String(numbered[0])), Int(numbered[1]) != nil,
            numbered[2] == "up" || numbered[2] == "down"
        {
            (layout, self.part, layer) = (.cloneofsimo, part, String(numbered[1]))
            role = numbered[2] == "up" ? .up : .down
            stem = "\(numbered[0]):\(numbered[1])"
            return
        }
        guard let ending = Self.endings.first(where: { name.hasSuffix($0.0) }) else { return nil }
        stem = String(name.dropLast(ending.0.count))
        var rest = stem[...]
        role = ending.1
        var part: Part?
        if let beginning = Self.beginnings.first(where: { rest.hasPrefix($0.0) }) {
            rest = rest.dropFirst(beginning.0.count)
            part = beginning.1
        }
        layout = ending.2 == .diffusers || rest.contains(".") ? .diffusers : .kohya
        var layer = String(rest.replacing(".", with: "_"))
        if layer.hasPrefix("text_model_") {
            layer = String(layer.dropFirst("text_model_".count))
            if part == nil { part = .textEncoder }
        }
        if ["double_blocks_", "single_blocks_", "joint_blocks_", "transformer_blocks_"].contains(where: layer.hasPrefix)
        {
            part = .transformer
        }
        self.part = part ?? .denoiser
        // Attention processors kept their layers beside those of the attention.
        layer = layer.replacing("_processor_to_", with: "_to_")
        for old in ["to_q", "to_k", "to_v", "to_out"] where layer.hasSuffix("_" + old) {
            let stem = layer.dropLast(old.count)
            if self.part != .denoiser {
                layer = stem + (old == "to_out" ? "out_proj" : "\(old.last ?? "q")_proj")
            } else if old == "to_out" {
                layer += "_0"
            }
            break
        }
        self.layer = layer
    }
}
