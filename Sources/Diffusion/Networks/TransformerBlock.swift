internal import Tensors

/// What text says to a network: the encoder's states, and the keys and values that each attention layer made of them,
/// which stay the same through all steps of an edit.
public struct TextContext {
    /// `[prompts, tokens, channels]`
    let states: Tensor
    /// What each prompt brings beside, for a network that takes it: the pooled text and the numbers of
    /// `UNetConfiguration.AddedCondition`, `[prompts][channels]`; else empty.
    private(set) var added: [[Float]]
    /// Prompts for which the network does not see the picture that stands behind the latents.
    var blindPrompts: Set<Int> = []
    /// How many pictures are worked on at once, each with every prompt.
    var pictures = 1
    private let made = Made()

    private final class Made {
        var keysAndValues: [ObjectIdentifier: Tensor] = [:]
    }

    init(states: Tensor, added: [[Float]] = []) {
        precondition(added.isEmpty || added.count == states.shape[0], "an added condition for each prompt")
        self.states = states
        self.added = added
    }

    /// The same text with other conditions beside it.
    func with(added: [[Float]]) -> TextContext {
        var result = self
        result.added = added
        return result
    }

    /// How many prompts there are.
    var prompts: Int { states.shape[0] }
    /// Entries of what the network works on: all pictures with the first prompt, then all with the second.
    var batch: Int { prompts * pictures }

    func keysAndValues(of attention: CrossAttention, _ compute: Compute) throws -> Tensor {
        let key = ObjectIdentifier(attention)
        if let known = made.keysAndValues[key] { return known }
        let tensor = try compute.linear(states, attention.keysAndValues)
        made.keysAndValues[key] = tensor
        return tensor
    }
}

/// Attention of a sequence to itself; queries, keys and values are one product.
struct SelfAttention {
    let project: Linear
    let output: Linear
    let heads: Int

    init(_ loader: LayerLoader, channels: Int, heads: Int) throws {
        project = try loader.linear(["to_q", "to_k", "to_v"], channels, channels, bias: false)
        output = try loader.linear("to_out.0", channels, channels)
        self.heads = heads
    }

    /// x + attention(normed).
    func callAsFunction(_ normed: Tensor, adding x: consuming Tensor, _ compute: Compute) throws -> Tensor {
        let channels = normed.channels
        let all = try compute.linear(normed, project)
        let seen = try compute.wholeSequence(all)
        let mixed = try compute.attention(
            queries: AttentionOperand(all), keys: AttentionOperand(seen, offset: channels),
            values: AttentionOperand(seen, offset: 2 * channels), heads: heads, headDimension: channels / heads,
            scale: 1 / Float(channels / heads).squareRoot())
        return try compute.linear(mixed, output, adding: consume x)
    }
}

/// Attention of a sequence to text.
final class CrossAttention {
    let queries: Linear
    let keysAndValues: Linear
    let output: Linear
    let heads: Int

    init(_ loader: LayerLoader, channels: Int, contextChannels: Int, heads: Int) throws {
        queries = try loader.linear("to_q", channels, channels, bias: false)
        keysAndValues = try loader.with(.likeTensors).linear(["to_k", "to_v"], contextChannels, channels, bias: false)
        output = try loader.linear("to_out.0", channels, channels)
        self.heads = heads
    }

    func callAsFunction(
        _ normed: Tensor, context: TextContext, adding x: consuming Tensor, _ compute: Compute
    ) throws -> Tensor {
        let channels = normed.channels
        let text = try context.keysAndValues(of: self, compute)
        let mixed = try compute.attention(
            queries: AttentionOperand(try compute.linear(normed, queries)), keys: AttentionOperand(text),
            values: AttentionOperand(text, offset: channels), heads: heads, headDimension: channels / heads,
            scale: 1 / Float(channels / heads).squareRoot())
        return try compute.linear(mixed, output, adding: consume x)
    }
}

/// Attention to itself, attention to the text, and a gated feed-forward layer (`BasicTransformerBlock`, diffusers 0.42.1,
/// `models/attention.py`).
struct TransformerBlock {
    private enum First {
        case own(SelfAttention)
        /// `only_cross_attention`
        case text(CrossAttention)
    }

    private let norms: [Normalization]
    private let first: First
    private let second: CrossAttention
    private let widen: Linear
    private let narrow: Linear

    init(
        _ loader: LayerLoader, channels: Int, contextChannels: Int, heads: Int, onlyCrossAttention: Bool
    ) throws {
        norms = try (1 ... 3).map { try loader.normalization("norm\($0)", channels, epsilon: 1e-5) }
        first =
            onlyCrossAttention
            ? .text(
                try CrossAttention(
                    loader.scoped("attn1"), channels: channels, contextChannels: contextChannels, heads: heads))
            : .own(try SelfAttention(loader.scoped("attn1"), channels: channels, heads: heads))
        second = try CrossAttention(
            loader.scoped("attn2"), channels: channels, contextChannels: contextChannels, heads: heads)
        widen = try loader.linear("ff.net.0.proj", channels, 8 * channels)
        narrow = try loader.linear("ff.net.2", 4 * channels, channels)
    }

    /// - Parameter x: `[batch, tokens, channels]`, or `[pictures, …]` where it is the same for every prompt.
    func callAsFunction(_ x: consuming Tensor, context: TextContext, _ compute: Compute) throws -> Tensor {
        var x = x
        switch first {
        case .own(let attention):
            let normed = try compute.layerNorm(x, norms[0])
            x = try attention(normed, adding: consume x, compute)
            x = try compute.repeated(x, batch: context.batch)
        case .text(let attention):
            x = try compute.repeated(x, batch: context.batch)
            let normed = try compute.layerNorm(x, norms[0])
            x = try attention(normed, context: context, adding: consume x, compute)
        }
        let normed = try compute.layerNorm(x, norms[1])
        x = try second(normed, context: context, adding: consume x, compute)
        let wide = try compute.geglu(try compute.linear(try compute.layerNorm(x, norms[2]), widen))
        return try compute.linear(wide, narrow, adding: consume x)
    }
}

/// Transformer blocks over the pixels of a feature map (`Transformer2DModel`, diffusers 0.42.1,
/// `models/transformers/transformer_2d.py`). The projections are linear layers whichever way the file stores them.
struct SpatialTransformer {
    private let norm: Normalization
    private let groups: Int
    private let projectIn: Linear
    private let blocks: [TransformerBlock]
    private let projectOut: Linear

    init(
        _ loader: LayerLoader, channels: Int, contextChannels: Int, heads: Int, layers: Int, groups: Int,
        onlyCrossAttention: Bool
    ) throws {
        norm = try loader.normalization("norm", channels, epsilon: 1e-6)
        self.groups = groups
        projectIn = try loader.linear("proj_in", channels, channels)
        blocks = try (0 ..< layers).map {
            try TransformerBlock(
                loader.scoped("transformer_blocks.\($0)"), channels: channels, contextChannels: contextChannels,
                heads: heads, onlyCrossAttention: onlyCrossAttention)
        }
        projectOut = try loader.linear("proj_out", channels, channels)
    }

    /// - Parameter x: `[batch, height, width, channels]`, or `[pictures, …]` where it is the same for every prompt.
    func callAsFunction(_ x: Tensor, context: TextContext, _ compute: Compute) throws -> Tensor {
        let normed = try compute.groupNorm(x, norm, groups: groups, silu: false)
        var hidden = try compute.linear(
            normed.reshaped([x.shape[0], x.shape[1] * x.shape[2], x.channels]), projectIn)
        for block in blocks { hidden = try block(consume hidden, context: context, compute) }
        let x = try compute.repeated(x, batch: context.batch)
        return try compute.linear(hidden, projectOut, adding: x.reshaped(hidden.shape)).reshaped(x.shape)
    }
}
