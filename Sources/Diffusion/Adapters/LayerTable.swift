internal import Tensors

/// The layers of one part of a model under the names that LoRA files have for them.
struct LayerTable {
    private let source: any WeightSource
    private let part: LoRAKey.Part
    /// The layers' names in the model, which are diffusers' and transformers', by `LoRAKey.layer`.
    private let layers: [String: String]

    /// - Parameter weights: the part's, in the names of diffusers.
    init(_ part: LoRAKey.Part, _ weights: any WeightSource) {
        source = weights
        self.part = part
        let stems = Set(
            weights.names.compactMap { name -> String? in
                // Tables of tokens and places are no layers.
                guard !name.contains("embeddings."), let dot = name.lastIndex(of: ".") else { return nil }
                return String(name[..<dot])
            })
        let resnets = stems.compactMap { stem -> Int? in
            let parts = stem.split(separator: ".")
            return parts.count > 3 && parts[0] == "down_blocks" && parts[1] == "0" && parts[2] == "resnets"
                ? parts[3].layerNumber : nil
        }
        let perLevel = (resnets.max() ?? 0) + 1
        var layers: [String: String] = [:]
        for stem in stems {
            let name = stem.replacing(".", with: "_")
            layers[name.hasPrefix("text_model_") ? String(name.dropFirst("text_model_".count)) : name] = stem
            if part == .denoiser, let old = Self.originalName(stem, resnetsPerLevel: perLevel, all: stems) {
                layers[old.replacing(".", with: "_")] = stem
            }
        }
        self.layers = layers
    }

    /// The name in the model of a layer, without `.weight`.
    subscript(_ layer: String) -> String? { layers[layer] }

    /// Of a layer's weights (or another of its tensors); `nil` where it has none.
    func shape(_ name: String, tensor: String = "weight") -> [Int]? { source.tensor("\(name).\(tensor)")?.shape }

    /// The layers that cloneofsimo/lora numbers, in its order, which is that of the modules' construction: attention and
    /// feed-forward of each transformer block, down, up, then the middle. Older diffusers made a block's feed-forward
    /// before its cross-attention, newer ones after; the shapes say which.
    ///
    /// - Parameter shapes: `[out, in]` of each numbered layer.
    /// - Returns: the layers' names in the model; `nil` where no such order fits.
    func numbered(_ shapes: [[Int]]) -> [String]? {
        let candidates: [[String]]
        // Layers of the denoiser have a second name each.
        let names = Set(layers.values)
        if part == .denoiser {
            let blocks = names.filter { $0.hasSuffix(".attn1.to_q") }.map { $0.dropLast(".attn1.to_q".count) }
            let sorted = blocks.sorted { Self.position($0).lexicographicallyPrecedes(Self.position($1)) }
            let attention = ["to_q", "to_k", "to_v", "to_out.0"]
            let (own, cross) = (attention.map { "attn1.\($0)" }, attention.map { "attn2.\($0)" })
            let wide = ["ff.net.0.proj"]
            let orders = [own + wide + cross, own + cross + wide, own + cross]
            candidates = orders.map { order in sorted.flatMap { block in order.map { "\(block).\($0)" } } }
        } else {
            let encoders = names.filter { $0.hasSuffix(".self_attn.q_proj") }.map {
                $0.dropLast(".q_proj".count)
            }
            let sorted = encoders.sorted { Self.position($0).lexicographicallyPrecedes(Self.position($1)) }
            let order = ["k_proj", "v_proj", "q_proj", "out_proj"]
            candidates = [sorted.flatMap { encoder in order.map { "\(encoder).\($0)" } }]
        }
        return candidates.first { names in
            names.count == shapes.count
                && zip(names, shapes).allSatisfy { self.shape($0)?.droppingSmallKernel == $1 }
        }
    }

    /// Down, up and middle, then the numbers in a name.
    private static func position(_ name: Substring) -> [Int] {
        let place = name.hasPrefix("down") ? 0 : name.hasPrefix("up") ? 1 : 2
        return [place] + name.split(separator: ".").compactMap(\.layerNumber)
    }

    /// What the code that Stable Diffusion was trained with calls a layer of the denoiser
    /// (`ldm/modules/diffusionmodules/openaimodel.py`), in whose names LoRAs of SDXL come; `nil` for other layers.
    private static func originalName(_ name: String, resnetsPerLevel: Int, all: Set<String>) -> String? {
        let outside = [
            "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
            "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
            "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
        ]
        if let found = outside[name] { return found }
        let parts = name.split(separator: ".").map(String.init)
        guard parts.count >= 4 else { return nil }
        let isMiddle = parts[0] == "mid_block"
        let kind = parts[isMiddle ? 1 : 2]
        guard let index = parts[isMiddle ? 2 : 3].layerNumber, let level = isMiddle ? 0 : parts[1].layerNumber else {
            return nil
        }
        var rest = parts.dropFirst(isMiddle ? 3 : 4).joined(separator: ".")
        let resnet = [
            "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
            "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
        ]
        if kind == "resnets" {
            guard let old = resnet[rest] else { return nil }
            rest = old
        }
        switch (parts[0], kind) {
        case ("mid_block", "resnets"): return "middle_block.\(2 * index).\(rest)"
        case ("mid_block", "attentions"): return "middle_block.1.\(rest)"
        case ("down_blocks", "resnets"), ("down_blocks", "attentions"):
            let block = 1 + level * (resnetsPerLevel + 1) + index
            return "input_blocks.\(block).\(kind == "resnets" ? 0 : 1).\(rest)"
        case ("down_blocks", "downsamplers"): return "input_blocks.\((level + 1) * (resnetsPerLevel + 1)).0.op"
        case ("up_blocks", "resnets"), ("up_blocks", "attentions"):
            let block = level * (resnetsPerLevel + 1) + index
            return "output_blocks.\(block).\(kind == "resnets" ? 0 : 1).\(rest)"
        case ("up_blocks", "upsamplers"):
            let hasAttention = all.contains("up_blocks.\(level).attentions.0.proj_in")
            return "output_blocks.\(level * (resnetsPerLevel + 1) + resnetsPerLevel).\(hasAttention ? 2 : 1).\(rest)"
        default: return nil
        }
    }
}
