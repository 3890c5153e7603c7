internal import Tensors

/// The denoiser of Stable Diffusion 1.x, 2.x (Rombach et al. 2022) and XL (Podell et al. 2023), as configured (diffusers 0.42.1,
/// `models/unets/unet_2d_condition.py`).
struct UNet {
    let configuration: UNetConfiguration
    private let timeEmbedding: TimeEmbedding
    private let convIn: Convolution
    private let down: [Level]
    private let middle: Middle?
    private let up: [Level]
    private let normOut: Normalization
    private let convOut: Convolution

    /// Resnet blocks, each followed by a transformer where there is attention, then a change of size.
    private struct Level {
        var blocks: [(resnet: ResnetBlock, transformer: SpatialTransformer?)]
        var resample: Convolution?
    }

    private struct Middle {
        let first: ResnetBlock
        let transformer: SpatialTransformer
        let second: ResnetBlock
    }

    /// - Parameter arithmetic: of the blocks' convolutions and linear layers; the first and the last convolution, the
    ///   timestep's layers and the text's keys and values stay in the tensors' type.
    /// - Throws: `WeightError` where a tensor is missing or does not fit the configuration.
    init(
        configuration c: UNetConfiguration, weights: any WeightSource, arithmetic: ProductArithmetic = .likeTensors
    ) throws {
        configuration = c
        let loader = LayerLoader(weights, part: "unet")
        let blocks = loader.with(arithmetic)
        let levels = c.blockChannels.count
        var time = TimeEmbedding.Builder()
        func resnet(_ scope: LayerLoader, _ inChannels: Int, _ outChannels: Int) throws -> ResnetBlock {
            try time.add(scope, outChannels, timeChannels: c.timeChannels)
            return try ResnetBlock(scope, inChannels, outChannels, groups: c.groups, epsilon: c.epsilon)
        }
        func transformer(
            _ scope: LayerLoader, level: Int, layers: Int, onlyCrossAttention: Bool
        ) throws -> SpatialTransformer {
            try SpatialTransformer(
                scope, channels: c.blockChannels[level], contextChannels: c.contextChannels[level],
                heads: c.heads[level], layers: layers, groups: c.groups, onlyCrossAttention: onlyCrossAttention)
        }

        convIn = try loader.convolution("conv_in", c.inChannels, c.blockChannels[0])
        var channels = c.blockChannels[0]
        var skips = [channels]
        down = try (0 ..< levels).map { level in
            let scope = blocks.scoped("down_blocks.\(level)")
            var result = Level(blocks: [])
            for index in 0 ..< c.layers[level] {
                let block = try resnet(scope.scoped("resnets.\(index)"), channels, c.blockChannels[level])
                channels = c.blockChannels[level]
                let attention =
                    c.downAttention[level]
                    ? try transformer(
                        scope.scoped("attentions.\(index)"), level: level, layers: c.transformerLayers[level],
                        onlyCrossAttention: c.onlyCrossAttention[level]) : nil
                result.blocks.append((block, attention))
                skips.append(channels)
            }
            if level < levels - 1 {
                result.resample = try scope.convolution(
                    "downsamplers.0.conv", channels, channels, stride: 2, padding: (1, 1))
                skips.append(channels)
            }
            return result
        }
        if c.hasMiddle {
            let scope = blocks.scoped("mid_block")
            middle = Middle(
                first: try resnet(scope.scoped("resnets.0"), channels, channels),
                transformer: try transformer(
                    scope.scoped("attentions.0"), level: levels - 1, layers: c.transformerLayers[levels - 1],
                    onlyCrossAttention: c.middleOnlyCrossAttention),
                second: try resnet(scope.scoped("resnets.1"), channels, channels))
        } else {
            middle = nil
        }
        up = try (0 ..< levels).map { step in
            let level = levels - 1 - step
            let scope = blocks.scoped("up_blocks.\(step)")
            var result = Level(blocks: [])
            for index in 0 ... c.layers[level] {
                let block = try resnet(
                    scope.scoped("resnets.\(index)"), channels + skips.removeLast(), c.blockChannels[level])
                channels = c.blockChannels[level]
                let attention =
                    c.upAttention[step]
                    ? try transformer(
                        scope.scoped("attentions.\(index)"), level: level, layers: c.upTransformerLayers[step],
                        onlyCrossAttention: c.onlyCrossAttention[level]) : nil
                result.blocks.append((block, attention))
            }
            if level > 0 { result.resample = try scope.convolution("upsamplers.0.conv", channels, channels) }
            return result
        }
        normOut = try loader.normalization("conv_norm_out", channels, epsilon: c.epsilon)
        convOut = try loader.convolution("conv_out", channels, c.outChannels)
        timeEmbedding = try time.finish(loader, configuration: c)
    }

    /// One call of the network.
    /// - Parameters:
    ///   - latents: `[batch, height, width, inChannels]`, batch being that of `context`, or `[pictures, …]` where they are
    ///     the same for every prompt: then what comes before the first attention to text is computed once.
    ///   - timestep: the same for the whole batch, 0…1000.
    ///   - guidance: the guidance embedding of a distilled model, `[guidanceChannels]`.
    ///   - deepFeatures: what the coarser levels gave, as the finest takes it: used instead of computing those levels
    ///     where there is one (Ma et al. 2024, "DeepCache", arXiv:2312.00858); else computed and handed back.
    /// - Returns: `[batch, height, width, outChannels]`
    func callAsFunction(
        _ latents: Tensor, timestep: Float, context: TextContext, guidance: [Float]? = nil,
        deepFeatures: inout Tensor?, _ compute: Compute
    ) throws -> Tensor {
        var times = try timeEmbedding(timestep, guidance: guidance, added: context.added, compute)[...]
        var x = try compute.convolution(latents, convIn)
        // Where prompts bring conditions of their own, they part before the first block.
        if context.added.count > 1 { x = try compute.repeated(x, batch: context.batch) }
        var skips = [x]
        func descend(_ level: Level) throws {
            for block in level.blocks {
                x = try block.resnet(x, time: times.removeFirst(), compute)
                if let transformer = block.transformer { x = try transformer(x, context: context, compute) }
                skips.append(x)
            }
        }
        func ascend(_ level: Level) throws {
            for block in level.blocks {
                let skip = try compute.repeated(skips.removeLast(), batch: x.shape[0])
                x = try compute.concatenate([x, skip])
                x = try block.resnet(x, time: times.removeFirst(), compute)
                if let transformer = block.transformer { x = try transformer(x, context: context, compute) }
            }
        }
        try descend(down[0])
        if let known = deepFeatures {
            x = known
            times = times.suffix(up[up.count - 1].blocks.count)
        } else {
            for (index, level) in down.enumerated() {
                if index > 0 { try descend(level) }
                if let resample = level.resample {
                    x = try compute.convolution(x, resample)
                    skips.append(x)
                }
            }
            if let middle {
                x = try middle.first(x, time: times.removeFirst(), compute)
                x = try middle.transformer(x, context: context, compute)
                x = try middle.second(x, time: times.removeFirst(), compute)
            }
            for level in up.dropLast() {
                try ascend(level)
                if let resample = level.resample, let next = skips.last {
                    // To the size of the next skip: twice, but for sizes that did not halve evenly.
                    x = try compute.resizeNearest(x, height: next.shape[1], width: next.shape[2])
                    x = try compute.convolution(x, resample)
                }
            }
            deepFeatures = x
        }
        try ascend(up[up.count - 1])
        x = try compute.groupNorm(x, normOut, groups: configuration.groups, silu: true)
        return try compute.repeated(try compute.convolution(x, convOut), batch: context.batch)
    }
}
