public import Raster
internal import Tensors

/// How long a part of an edit takes, and how much there is to compute.
public struct PartTiming: Sendable {
    public enum Part: String, Sendable, CaseIterable {
        /// A plain product of matrices: the machine's peak, as far as a library reaches it.
        case product
        /// Prompt and negative prompt.
        case text
        case encode
        /// One guided call of the denoiser: a batch of two.
        case step
        case decode
    }

    public let part: Part
    /// Of each repeat, after a first run that is not counted.
    public let seconds: [Double]
    /// Of `seconds`, those inside attention: the mean of the repeats.
    public let attentionSeconds: Double
    /// Multiplications and additions of the networks' products as their definitions count them, whatever way they are
    /// computed.
    public let operations: Int

    public var medianSeconds: Double {
        let sorted = seconds.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
    /// 10⁹ operations a second.
    public var gigaflops: Double { Double(operations) / medianSeconds / 1e9 }
}

extension DiffusionPipeline {
    /// Times a part at a picture size, whose sides must be multiples of `facts.pixelMultiple`.
    /// - Parameters:
    ///   - repeats: at least 1.
    ///   - observe: called between runs; what it throws ends the measurement.
    /// - Throws: what the part throws, or `observe`.
    public func time(
        _ part: PartTiming.Part, size: PixelSize, repeats: Int, observe: () throws -> Void = {}
    ) throws -> PartTiming {
        try compute.perform { try timed(part, size: size, repeats: repeats, observe: observe) }
    }

    private func timed(
        _ part: PartTiming.Part, size: PixelSize, repeats: Int, observe: () throws -> Void
    ) throws -> PartTiming {
        if part == .product {
            let (seconds, operations) = try compute.timePlainProduct(repeats: repeats)
            return PartTiming(part: part, seconds: seconds, attentionSeconds: 0, operations: operations)
        }
        let run = try preparedRun(of: part, size: size, family: family)
        let before = compute.operations
        try run()
        let operations = compute.operations - before
        let attentionBefore = compute.attentionSeconds
        let clock = ContinuousClock()
        let seconds = try (0 ..< repeats).map { _ in
            try observe()
            let start = clock.now
            try run()
            return (clock.now - start) / .seconds(1)
        }
        return PartTiming(
            part: part, seconds: seconds,
            attentionSeconds: (compute.attentionSeconds - attentionBefore) / Double(repeats), operations: operations)
    }

    private func preparedRun<Family: ModelFamily>(
        of part: PartTiming.Part, size: PixelSize, family: Family
    ) throws -> () throws -> Void {
        let prompt = "a lighthouse on a cliff"
        let (height, width) = (size.height / facts.scaleFactor, size.width / facts.scaleFactor)
        var generator = RandomSource.torch.generator(seed: 0)
        let latents = Latents(
            channels: facts.latentChannels, height: height, width: width,
            values: generator.normal(count: facts.latentChannels * height * width))
        switch part {
        case .product, .text:
            return { try family.encodeText(["", prompt]) }
        case .encode:
            let values = (0 ..< 3 * size.area).map { Float($0 % 251) / 250 }
            let picture = RGBImage(size: size, values: values)
            return { [self] in _ = try encode(picture) }
        case .step:
            let request = DenoiseRequest(conditioning: .text(size: size), prompt: prompt)
            let branches = GuidanceRule(kind: .classifierFree(scale: request.guidance)).branches
            let conditioning = try family.prepare(branches, for: request)
            let extra = generator.normal(count: (facts.inputChannels - facts.latentChannels) * height * width)
            let input = DenoiserInput(
                candidates: [latents.values + extra], height: height, width: width, timestep: 500)
            return {
                var reused = ReusedFeatures()
                _ = try family.predict(input, conditioning: conditioning, reused: &reused)
            }
        case .decode:
            return { [self] in _ = try decode(latents) }
        }
    }
}
