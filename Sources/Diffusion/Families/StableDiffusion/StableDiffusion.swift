internal import Raster
internal import Tensors

/// Stable Diffusion 1.x, 2.x (Rombach et al. 2022, arXiv:2112.10752) and XL (Podell et al. 2023, arXiv:2307.01952) with
/// its refiner, their inpainting models, and InstructPix2Pix (Brooks et al. 2022, arXiv:2211.09800): a UNet that
/// attends to the states of CLIP's text encoders.
///
/// The arithmetic in f32 is that of diffusers' pipelines of these models (docs/numerics.md).
final class StableDiffusion: ModelFamily {
    /// What the denoiser is told beside its input.
    struct Conditioning {
        /// Of every branch, with SDXL's pooled text and sizes.
        var text: TextContext
        /// The guidance scale of a distilled model that takes it as an input, `[guidanceChannels]`.
        var guidance: [Float]?
    }

    let facts: ModelFacts
    let latentColors: LatentColors?
    let unet: UNet
    let compute: Compute
    let check: NumberCheck
    let promptEncoder: PromptEncoder
    private let scheduler: SchedulerConfiguration
    /// Whether a negative prompt that is empty is zeros (`force_zeros_for_empty_prompt`).
    let zerosEmptyNegative: Bool
    /// The text of the last few sets of prompts: an edit in tiles, or of several candidates, is many runs.
    var contexts: [(prompts: [String?], context: TextContext, pooled: [[Float]])] = []

    static func recognises(_ files: ModelFiles) -> Bool { files.has("unet/config.json") }

    static func parts(of files: ModelFiles) -> FamilyParts {
        FamilyParts(textEncoders: files.textEncoders, denoiser: "unet")
    }

    static func usualLatentScale(of files: ModelFiles) throws -> Float {
        let unet = try UNetConfiguration(files.configuration("unet/config.json"))
        return AutoencoderFiles.usualScale(isXL: unet.addedCondition != nil)
    }

    init(_ opening: FamilyOpening) throws {
        let (files, autoencoder) = (opening.files, opening.autoencoder)
        let configuration = try UNetConfiguration(files.configuration("unet/config.json"))
        unet = try MissingTensors.counted(in: opening.denoiserWeights) {
            try UNet(configuration: configuration, weights: $0, arithmetic: opening.precision.denoiserArithmetic)
        }
        promptEncoder = try PromptEncoder(files: files, weights: opening.textWeights, adapters: opening.adapters)
        try Self.checkFit(configuration, autoencoder, promptEncoder, model: files.name)
        compute = opening.compute
        check = opening.check
        latentColors = LatentColors(autoencoder)
        let isXL = configuration.addedCondition != nil
        var scheduler = try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
        scheduler.isMended = !isXL && configuration.inChannels != 2 * autoencoder.latentChannels
        self.scheduler = scheduler
        zerosEmptyNegative = try isXL && opening.index.bool("force_zeros_for_empty_prompt") ?? true
        // It was trained with the picture in the scale of its own autoencoder.
        let pictureScale =
            try (opening.index.bool("is_cosxl_edit") == true ? opening.ownLatentScale : 1) * autoencoder.latentScale
            / opening.ownLatentScale
        facts = try ModelFacts(
            files: files, index: opening.index, unet: configuration, latentChannels: autoencoder.latentChannels,
            scaleFactor: autoencoder.scaleFactor, scheduler: scheduler, predictionReason: files.predictionReason,
            parameters: opening.parameters,
            textParameters: opening.textWeights.reduce(0) { $0 + $1.parameterCount }, pictureScale: pictureScale)
    }

    private static func checkFit(
        _ unet: UNetConfiguration, _ autoencoder: any PictureAutoencoder, _ text: PromptEncoder, model: String
    ) throws {
        let c = autoencoder.latentChannels
        guard unet.outChannels == c, [c, 2 * c, 2 * c + 1].contains(unet.inChannels) else {
            throw ModelError.mismatch(
                model: model,
                reason: "the autoencoder has \(c) latent channels, the denoiser takes \(unet.inChannels) and gives "
                    + "\(unet.outChannels); expected \(c), \(2 * c) or \(2 * c + 1) in and \(c) out")
        }
        if let added = unet.addedCondition {
            let numbers = (added.channels - (text.pooledChannels ?? 0)) / added.channelsOfNumber
            guard let pooled = text.pooledChannels, [5, 6].contains(numbers),
                pooled + numbers * added.channelsOfNumber == added.channels
            else {
                throw ModelError.mismatch(
                    model: model,
                    reason: "the denoiser takes \(added.channels) channels beside the text, the text encoders give "
                        + "\(text.pooledChannels ?? 0), which leaves none for 5 or 6 numbers of \(added.channelsOfNumber)"
                )
            }
        } else if text.pooledChannels != nil {
            throw ModelError.mismatch(
                model: model, reason: "the text encoder is one of SDXL's, and the denoiser takes no pooled text")
        }
        guard unet.contextChannels.allSatisfy({ $0 == text.channels }) else {
            throw ModelError.mismatch(
                model: model,
                reason: "the text encoder gives \(text.channels) channels, the denoiser takes \(unet.contextChannels)")
        }
    }

    func sampler(for request: DenoiseRequest) throws -> any Sampler {
        // The reference's pipelines mend the configuration that a model comes with, and make any other sampler from the
        // mended one, as far as the file states a setting (docs/numerics.md).
        var configuration = scheduler
        let isOwn = request.sampler == nil || request.sampler == facts.sampler
        guard configuration.isMended else {
            return try SamplerKind.make(
                request.sampler, configuration: configuration, steps: request.steps, schedule: request.schedule)
        }
        if configuration.stepsOffset != nil { configuration.stepsOffset = 1 }
        if case .masked = request.conditioning {
            if isOwn || configuration.skipsRungeKuttaSteps != nil { configuration.skipsRungeKuttaSteps = true }
        } else if configuration.clipSample != nil {
            configuration.clipSample = false
        }
        return try SamplerKind.make(
            request.sampler, configuration: configuration, steps: request.steps, schedule: request.schedule)
    }

    func guidanceRule(for request: DenoiseRequest) -> GuidanceRule {
        // A distilled model takes the guidance scale as an input, and is not called twice.
        guard request.guidance > 1, unet.configuration.guidanceChannels == nil else { return .none }
        let kind: GuidanceRule.Kind
        if facts.followsInstructions {
            guard request.imageGuidance >= 1 else { return .none }
            kind = .instruction(text: request.guidance, picture: request.imageGuidance)
        } else {
            kind = .classifierFree(scale: request.guidance)
        }
        return GuidanceRule(kind: kind, rescale: request.guidanceRescale, interval: request.guidanceInterval)
    }
}
