internal import Tensors

/// The shape of an AutoencoderKL, from its config.json (diffusers 0.42.1, `models/autoencoders/autoencoder_kl.py`).
public struct AutoencoderConfiguration: Sendable, Equatable {
    public let latentChannels: Int
    /// Channels at each level, from the finest.
    public let blockChannels: [Int]
    /// Resnet blocks at each level of the encoder; the decoder has one more.
    public let layers: Int
    public let groups: Int
    public let hasMiddleAttention: Bool
    public let hasQuantConvolution: Bool
    public let hasPostQuantConvolution: Bool
    let latentNormalization: LatentNormalization

    public init(_ json: JSONConfiguration) throws {
        let file = json.file
        if let kind = try json.string("_class_name"), kind != "AutoencoderKL" {
            throw NetworkError.unsupported(file: file, key: "the autoencoder", value: kind)
        }
        for (key, expected) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            for kind in try json.strings(key) ?? [] where kind != expected {
                throw NetworkError.unsupported(file: file, key: "the block", value: kind)
            }
        }
        latentChannels = try json.integer("latent_channels") ?? 4
        blockChannels = try json.integers("block_out_channels") ?? [64]
        layers = try json.integer("layers_per_block") ?? 1
        groups = try json.integer("norm_num_groups") ?? 32
        hasMiddleAttention = try json.bool("mid_block_add_attention") ?? true
        hasQuantConvolution = try json.bool("use_quant_conv") ?? true
        hasPostQuantConvolution = try json.bool("use_post_quant_conv") ?? true
        let scale = Float(try json.double("scaling_factor") ?? 0.18215)
        let means = try json.doubles("latents_mean")?.map { Float($0) }
        let deviations = try json.doubles("latents_std")?.map { Float($0) }
        if means == nil, deviations == nil {
            latentNormalization = LatentNormalization(
                scale: scale, shift: Float(try json.double("shift_factor") ?? 0))
        } else {
            guard let means, let deviations, means.count == latentChannels, deviations.count == latentChannels,
                means.allSatisfy(\.isFinite), deviations.allSatisfy({ $0 > 0 && $0.isFinite })
            else {
                throw NetworkError.impossible(
                    file: file,
                    reason: "latents_mean and latents_std are not \(latentChannels) numbers each, the latter above 0")
            }
            latentNormalization = LatentNormalization(scale: scale, means: means, deviations: deviations)
        }
        let numbers = blockChannels + [latentChannels, layers, groups]
        guard (1 ... 16).contains(blockChannels.count), numbers.allSatisfy({ $0 > 0 && $0 < 1 << 20 }), scale != 0,
            layers <= 256,
            blockChannels.allSatisfy({ $0 % groups == 0 })
        else {
            throw NetworkError.impossible(
                file: file, reason: "channels \(blockChannels), groups \(groups), latent channels \(latentChannels)")
        }
    }

    /// About how many bytes of activations a picture pixel needs at once: three feature maps of the widest of the two
    /// finest levels (a block's input, its output and what lies between).
    public func activationBytes(elementSize: Int) -> Int {
        3 * elementSize * (blockChannels.prefix(2).max() ?? 0)
    }

    /// Picture pixels a latent pixel, each way.
    public var scaleFactor: Int { 1 << (blockChannels.count - 1) }
}

/// Pictures to latents and back (Kingma and Welling 2014; Esser et al. 2021).
struct Autoencoder {
    let configuration: AutoencoderConfiguration
    private let encoder: Half
    private let quantConv: Linear?
    private let postQuantConv: Linear?
    private let decoder: Half

    /// One direction: levels of resnet blocks around a middle.
    private struct Half {
        var convIn: Convolution
        var levels: [(blocks: [ResnetBlock], resample: Convolution?)]
        var middle: Middle
        var normOut: Normalization
        var convOut: Convolution
    }

    private struct Middle {
        let first: ResnetBlock
        let attention: MiddleAttention?
        let second: ResnetBlock

        func callAsFunction(_ x: Tensor, _ compute: Compute) throws -> Tensor {
            var x = try first(x, compute)
            if let attention { x = try attention(x, compute) }
            return try second(x, compute)
        }
    }

    /// - Throws: `WeightError` where a tensor is missing or does not fit the configuration.
    init(configuration c: AutoencoderConfiguration, weights: any WeightSource) throws {
        configuration = c
        let loader = LayerLoader(weights, part: "vae")
        let last = c.blockChannels[c.blockChannels.count - 1]
        let levels = c.blockChannels.count
        func resnet(_ scope: LayerLoader, _ inChannels: Int, _ outChannels: Int) throws -> ResnetBlock {
            try ResnetBlock(scope, inChannels, outChannels, groups: c.groups, epsilon: 1e-6)
        }
        func middle(_ scope: LayerLoader) throws -> Middle {
            Middle(
                first: try resnet(scope.scoped("resnets.0"), last, last),
                attention: c.hasMiddleAttention
                    ? try MiddleAttention(scope.scoped("attentions.0"), channels: last, groups: c.groups) : nil,
                second: try resnet(scope.scoped("resnets.1"), last, last))
        }

        let e = loader.scoped("encoder")
        var channels = c.blockChannels[0]
        encoder = Half(
            convIn: try e.convolution("conv_in", 3, channels),
            levels: try (0 ..< levels).map { level in
                let scope = e.scoped("down_blocks.\(level)")
                let blocks = try (0 ..< c.layers).map { index in
                    defer { channels = c.blockChannels[level] }
                    return try resnet(scope.scoped("resnets.\(index)"), channels, c.blockChannels[level])
                }
                // The reference pads below and to the right only.
                let resample =
                    level < levels - 1
                    ? try scope.convolution("downsamplers.0.conv", channels, channels, stride: 2, padding: (0, 1)) : nil
                return (blocks, resample)
            }, middle: try middle(e.scoped("mid_block")),
            normOut: try e.normalization("conv_norm_out", last, epsilon: 1e-6),
            convOut: try e.convolution("conv_out", last, 2 * c.latentChannels))
        quantConv =
            c.hasQuantConvolution
            ? try loader.linear("quant_conv", 2 * c.latentChannels, 2 * c.latentChannels) : nil
        postQuantConv =
            c.hasPostQuantConvolution
            ? try loader.linear("post_quant_conv", c.latentChannels, c.latentChannels) : nil

        let d = loader.scoped("decoder")
        channels = last
        decoder = Half(
            convIn: try d.convolution("conv_in", c.latentChannels, last),
            levels: try (0 ..< levels).map { step in
                let level = levels - 1 - step
                let scope = d.scoped("up_blocks.\(step)")
                let blocks = try (0 ... c.layers).map { index in
                    defer { channels = c.blockChannels[level] }
                    return try resnet(scope.scoped("resnets.\(index)"), channels, c.blockChannels[level])
                }
                let resample = level > 0 ? try scope.convolution("upsamplers.0.conv", channels, channels) : nil
                return (blocks, resample)
            }, middle: try middle(d.scoped("mid_block")),
            normOut: try d.normalization("conv_norm_out", c.blockChannels[0], epsilon: 1e-6),
            convOut: try d.convolution("conv_out", c.blockChannels[0], 3))
    }

    /// - Parameter pictures: `[batch, height, width, 3]`, −1…1.
    /// - Returns: `[batch, height / f, width / f, 2 · latentChannels]`: mean, then log variance, not scaled.
    func encode(_ pictures: Tensor, _ compute: Compute) throws -> Tensor {
        var x = try compute.convolution(pictures, encoder.convIn)
        for level in encoder.levels {
            for block in level.blocks { x = try block(x, compute) }
            if let resample = level.resample { x = try compute.convolution(x, resample) }
        }
        x = try encoder.middle(x, compute)
        x = try compute.groupNorm(x, encoder.normOut, groups: configuration.groups, silu: true)
        x = try compute.convolution(x, encoder.convOut)
        return try quantConv.map { try compute.linear(x, $0) } ?? x
    }

    /// - Parameter latents: `[batch, height, width, latentChannels]`, not scaled.
    /// - Returns: `[batch, f · height, f · width, 3]`, nominally −1…1.
    func decode(_ latents: Tensor, _ compute: Compute) throws -> Tensor {
        var x = try postQuantConv.map { try compute.linear(latents, $0) } ?? latents
        x = try compute.convolution(x, decoder.convIn)
        x = try decoder.middle(x, compute)
        for level in decoder.levels {
            for block in level.blocks { x = try block(x, compute) }
            if let resample = level.resample {
                x = try compute.resizeNearest(x, height: 2 * x.shape[1], width: 2 * x.shape[2])
                x = try compute.convolution(x, resample)
            }
        }
        x = try compute.groupNorm(x, decoder.normOut, groups: configuration.groups, silu: true)
        return try compute.convolution(x, decoder.convOut)
    }
}

/// One head of attention over all pixels, in the middle of an autoencoder (`Attention`, diffusers 0.42.1,
/// `models/attention_processor.py`). Knows the names from before diffusers 0.18 too.
private struct MiddleAttention {
    let norm: Normalization
    let project: Linear
    let output: Linear
    let groups: Int

    init(_ loader: LayerLoader, channels: Int, groups: Int) throws {
        let old = loader.has("query.weight")
        norm = try loader.normalization("group_norm", channels, epsilon: 1e-6)
        project = try loader.linear(old ? ["query", "key", "value"] : ["to_q", "to_k", "to_v"], channels, channels)
        output = try loader.linear(old ? "proj_attn" : "to_out.0", channels, channels)
        self.groups = groups
    }

    func callAsFunction(_ x: Tensor, _ compute: Compute) throws -> Tensor {
        let channels = x.channels
        let sequence = [x.shape[0], x.shape[1] * x.shape[2], channels]
        let normed = try compute.groupNorm(x, norm, groups: groups, silu: false).reshaped(sequence)
        let all = try compute.linear(normed, project)
        let seen = try compute.wholeSequence(all)
        let mixed = try compute.attention(
            queries: AttentionOperand(all), keys: AttentionOperand(seen, offset: channels),
            values: AttentionOperand(seen, offset: 2 * channels), heads: 1, headDimension: channels,
            scale: 1 / Float(channels).squareRoot())
        return try compute.linear(mixed, output, adding: x.reshaped(sequence)).reshaped(x.shape)
    }
}
