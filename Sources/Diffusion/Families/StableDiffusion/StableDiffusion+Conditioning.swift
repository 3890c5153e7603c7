internal import Raster
internal import Tensors

extension StableDiffusion {
    private static let rememberedContexts = 2

    func prepare(_ branches: [GuidanceRule.Branch], for request: DenoiseRequest) throws -> Conditioning {
        let negative = request.negativePrompt.isEmpty && zerosEmptyNegative ? nil : request.negativePrompt
        var text = try context(
            of: branches.map { $0 == .prompt ? request.prompt : negative }, size: request.conditioning.size)
        text.blindPrompts = Set(branches.indices.filter { branches[$0] == .negativeWithoutPicture })
        return Conditioning(
            text: text,
            guidance: unet.configuration.guidanceChannels.map {
                Self.guidanceEmbedding(request.guidance - 1, channels: $0)
            })
    }

    func encodeText(_ prompts: [String]) throws { _ = try promptEncoder(prompts, compute) }

    /// What the text encoder makes of prompts. That of the last few is remembered: an edit in tiles, or of several
    /// candidates, is many runs.
    /// - Parameters:
    ///   - prompts: `nil` for zeros; where there are two, the first is the negative one.
    ///   - size: of the pictures, in pixels.
    func context(of prompts: [String?], size: PixelSize) throws -> TextContext {
        func sized(_ context: TextContext, _ pooled: [[Float]]) -> TextContext {
            guard let added = unet.configuration.addedCondition else { return context }
            return context.with(
                added: pooled.enumerated().map { index, pooled in
                    let isNegative = index == 0 && prompts.count == 2
                    return pooled + addedNumbers(added, pooled: pooled.count, size: size, isNegative: isNegative)
                })
        }
        if let known = contexts.first(where: { $0.prompts == prompts }) { return sized(known.context, known.pooled) }
        let encoded = try compute.withoutResidentWeights { try promptEncoder(prompts, compute) }
        _ = try check.numbers(encoded.states, part: "text encoder")
        let context = TextContext(states: encoded.states)
        contexts.append((prompts, context, encoded.pooled))
        if contexts.count > Self.rememberedContexts { contexts.removeFirst() }
        return sized(context, encoded.pooled)
    }

    /// What SDXL is told in numbers, as sines and cosines: the picture's size before it was cropped, where the crop
    /// begins, and its size after, here always the whole picture; the refiner takes an aesthetic score in place of the
    /// last size (`_get_add_time_ids`, diffusers 0.42.1, pipeline_stable_diffusion_xl_img2img.py).
    private func addedNumbers(
        _ added: UNetConfiguration.AddedCondition, pooled: Int, size: PixelSize, isNegative: Bool
    ) -> [Float] {
        let takesScore = added.channels - pooled == 5 * added.channelsOfNumber
        let score: Float = isNegative ? 2.5 : 6
        let (height, width) = (Float(size.height), Float(size.width))
        let numbers = [height, width, 0, 0] + (takesScore ? [score] : [height, width])
        return numbers.flatMap {
            TimeEmbedding.wave(
                $0, channels: added.channelsOfNumber, flip: unet.configuration.flipSinToCos,
                shift: unet.configuration.frequencyShift)
        }
    }

    /// The guidance scale as a distilled model wants it: sines and cosines of 1000 · w (`get_guidance_scale_embedding`,
    /// diffusers 0.42.1, pipeline_stable_diffusion.py).
    private static func guidanceEmbedding(_ scale: Float, channels: Int) -> [Float] {
        let half = channels / 2
        let step = Float(Scalar.log(10000.0)) / Float(half - 1)
        let angles = (0 ..< half).map { scale * 1000 * Scalar.exp(-Float($0) * step) }
        return angles.map(Scalar.sine) + angles.map { Scalar.cosine($0) } + [Float](repeating: 0, count: channels % 2)
    }
}
