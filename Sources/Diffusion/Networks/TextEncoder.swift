internal import PlainText
internal import Tensors

/// The shape of a CLIPTextModel, from its config.json (transformers 5.23, `models/clip/configuration_clip.py`).
public struct TextEncoderConfiguration: Sendable, Equatable {
    public let vocabularySize: Int
    public let channels: Int
    public let feedForwardChannels: Int
    public let layers: Int
    public let heads: Int
    public let maximumTokens: Int
    public let epsilon: Float
    public let activation: Activation
    /// Of the pooled text, where there is a projection (`CLIPTextModelWithProjection`).
    public internal(set) var projectionChannels: Int
    /// The token whose state is the pooled text's; transformers takes the largest where the file says 2, which old
    /// files do wrongly.
    public internal(set) var endToken: Int

    public enum Activation: String, Sendable {
        case quickGELU = "quick_gelu"
        case gelu
    }

    public init(_ json: JSONConfiguration) throws {
        let file = json.file
        for kind in try json.strings("architectures") ?? [] where !kind.hasPrefix("CLIPTextModel") {
            throw NetworkError.unsupported(file: file, key: "the text encoder", value: kind)
        }
        vocabularySize = try json.integer("vocab_size") ?? 49408
        channels = try json.integer("hidden_size") ?? 512
        feedForwardChannels = try json.integer("intermediate_size") ?? 2048
        layers = try json.integer("num_hidden_layers") ?? 12
        heads = try json.integer("num_attention_heads") ?? 8
        maximumTokens = try json.integer("max_position_embeddings") ?? 77
        epsilon = Float(try json.double("layer_norm_eps") ?? 1e-5)
        let name = try json.string("hidden_act") ?? "quick_gelu"
        guard let activation = Activation(rawValue: name) else {
            throw NetworkError.unsupported(file: file, key: "hidden_act", value: name)
        }
        self.activation = activation
        projectionChannels = try json.integer("projection_dim") ?? 512
        endToken = try json.integer("eos_token_id") ?? 49407
        guard
            [vocabularySize, channels, feedForwardChannels, layers, heads, maximumTokens, projectionChannels]
                .allSatisfy({
                    $0 > 0 && $0 < 1 << 24
                }),
            channels % heads == 0, layers <= 256
        else {
            throw NetworkError.impossible(
                file: file, reason: "\(channels.of("channel")), \(heads.of("head")), \(layers.of("layer"))")
        }
    }
}

/// CLIP's text transformer (Radford et al. 2021; transformers 5.23, `models/clip/modeling_clip.py`).
struct TextEncoder {
    let configuration: TextEncoderConfiguration
    private let tokens: WeightTensor
    private let positions: [Float]
    private let layers: [Layer]
    private let normOut: Normalization
    /// Vectors of the tokens from `vocabularySize` on: those of words learned afterwards.
    var learned: [[Float]] = []
    /// Of the pooled text; `nil` in encoders without.
    private let projection: Linear?

    private struct Layer {
        let norm1: Normalization
        let project: Linear
        let output: Linear
        let norm2: Normalization
        let widen: Linear
        let narrow: Linear
    }

    /// - Parameters:
    ///   - part: its folder in the diffusers layout.
    ///   - isPooled: whether there is a projection for the pooled text.
    /// - Throws: `WeightError` where a tensor is missing or does not fit the configuration.
    init(
        configuration c: TextEncoderConfiguration, weights: any WeightSource, part: String = "text_encoder",
        isPooled: Bool = false
    ) throws {
        configuration = c
        let root = LayerLoader(weights, part: part)
        let loader = root.has("text_model.final_layer_norm.weight") ? root.scoped("text_model") : root
        tokens = try loader.tensor("embeddings.token_embedding.weight", shape: [c.vocabularySize, c.channels])
        positions = try loader.tensor("embeddings.position_embedding.weight", shape: [c.maximumTokens, c.channels])
            .floats()
        layers = try (0 ..< c.layers).map { index in
            let scope = loader.scoped("encoder.layers.\(index)")
            return Layer(
                norm1: try scope.normalization("layer_norm1", c.channels, epsilon: c.epsilon),
                project: try scope.linear(
                    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], c.channels, c.channels),
                output: try scope.linear("self_attn.out_proj", c.channels, c.channels),
                norm2: try scope.normalization("layer_norm2", c.channels, epsilon: c.epsilon),
                widen: try scope.linear("mlp.fc1", c.channels, c.feedForwardChannels),
                narrow: try scope.linear("mlp.fc2", c.feedForwardChannels, c.channels))
        }
        normOut = try loader.normalization("final_layer_norm", c.channels, epsilon: c.epsilon)
        projection =
            isPooled ? try root.linear("text_projection", c.channels, c.projectionChannels, bias: false) : nil
    }

    /// Gives the memory of the packed weights back.
    func releaseWeights(_ compute: Compute) {
        compute.releaseWeights(
            of: layers.flatMap { [$0.project, $0.output, $0.widen, $0.narrow] } + (projection.map { [$0] } ?? []))
    }

    /// - Parameters:
    ///   - ids: token ids of each sequence, all equally long, at most `maximumTokens`.
    ///   - skippedLayers: how many of the last layers are left out; the final normalisation is always applied.
    /// - Returns: `[ids.count, tokens, channels]`
    func callAsFunction(_ ids: [[Int]], skippedLayers: Int = 0, _ compute: Compute) throws -> Tensor {
        var x = try embedded(ids, compute)
        for layer in layers.dropLast(skippedLayers) { x = try run(layer, x, compute) }
        return try compute.layerNorm(x, normOut)
    }

    /// What SDXL takes: the states before the last layer, not normalised, and, of an encoder made for it, the pooled text.
    /// - Parameter ids: as above.
    /// - Returns: `[ids.count, tokens, channels]`, and `[ids.count][projectionChannels]` or nothing.
    func penultimate(_ ids: [[Int]], _ compute: Compute) throws -> (states: Tensor, pooled: [[Float]]) {
        var x = try embedded(ids, compute)
        for layer in layers.dropLast() { x = try run(layer, x, compute) }
        let states = x
        guard let projection else { return (states, []) }
        if let last = layers.last { x = try run(last, x, compute) }
        let final = compute.floats(try compute.layerNorm(x, normOut))
        let channels = configuration.channels
        let ends = ids.enumerated().flatMap { index, sequence in
            let start = (index * sequence.count + endPosition(sequence)) * channels
            return final[start ..< start + channels]
        }
        let pooled = compute.floats(
            try compute.linear(try compute.tensor(ends, shape: [ids.count, channels]), projection))
        let width = configuration.projectionChannels
        return (states, ids.indices.map { Array(pooled[$0 * width ..< ($0 + 1) * width]) })
    }

    /// Where the text ends: at its first end token, as transformers has it.
    private func endPosition(_ ids: [Int]) -> Int {
        let end =
            configuration.endToken == 2
            ? ids.filter { $0 < configuration.vocabularySize }.max() : configuration.endToken
        return ids.firstIndex { $0 == end } ?? 0
    }

    /// Tokens and places, `[ids.count, tokens, channels]`.
    private func embedded(_ ids: [[Int]], _ compute: Compute) throws -> Tensor {
        let length = ids[0].count
        precondition(
            length <= configuration.maximumTokens, "\(length.of("token")) for \(configuration.maximumTokens) places")
        let channels = configuration.channels
        // Corrections are of the whole tensor: made once, not for each token.
        let table = tokens.corrections.isEmpty ? nil : tokens.floats()
        var values: [Float] = []
        values.reserveCapacity(ids.count * length * channels)
        for sequence in ids {
            precondition(sequence.count == length, "sequences of unequal length")
            for (place, id) in sequence.enumerated() {
                let size = configuration.vocabularySize
                precondition(id >= 0 && id < size + learned.count, "token \(id) is not in the vocabulary")
                let range = id * channels ..< (id + 1) * channels
                let row =
                    id < size ? table.map { Array($0[range]) } ?? tokens.floats(range) : learned[id - size]
                for index in 0 ..< channels { values.append(row[index] + positions[place * channels + index]) }
            }
        }
        return try compute.tensor(values, shape: [ids.count, length, channels])
    }

    private func run(_ layer: Layer, _ x: Tensor, _ compute: Compute) throws -> Tensor {
        let (channels, heads) = (configuration.channels, configuration.heads)
        let activation: Tensors.Activation = configuration.activation == .gelu ? .gelu : .quickGELU
        let all = try compute.linear(try compute.layerNorm(x, layer.norm1), layer.project)
        let mixed = try compute.attention(
            queries: AttentionOperand(all), keys: AttentionOperand(all, offset: channels),
            values: AttentionOperand(all, offset: 2 * channels), heads: heads, headDimension: channels / heads,
            scale: 1 / Float(channels / heads).squareRoot(), causal: true)
        let x = try compute.linear(mixed, layer.output, adding: x)
        let wide = try compute.linear(try compute.layerNorm(x, layer.norm2), layer.widen, activation: activation)
        return try compute.linear(wide, layer.narrow, adding: x)
    }
}
