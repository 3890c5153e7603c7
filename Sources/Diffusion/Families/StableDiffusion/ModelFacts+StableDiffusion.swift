extension ModelFacts {
    /// Reads a model's facts from its configurations.
    /// - Parameter pictureScale: `PictureInput.whole`'s scale, for a denoiser that follows instructions.
    /// - Throws: `ConfigurationError`.
    init(
        files: ModelFiles, index: JSONConfiguration, unet: UNetConfiguration, latentChannels: Int,
        scaleFactor factor: Int, scheduler: SchedulerConfiguration, predictionReason: String?, parameters: Int,
        textParameters: Int = 0, pictureScale: Float = 1
    ) throws {
        let own = try index.object("editor")
        let fewSteps = FewSteps(unet: unet, scheduler: scheduler, hints: files.hints)
        let isRefiner = unet.addedCondition != nil && files.textEncoders == [ModelFiles.secondTextEncoder]
        let pictureInput: PictureInput =
            switch unet.inChannels {
            case 2 * latentChannels + 1: .masked
            case 2 * latentChannels: .whole(scale: pictureScale)
            default: .none
            }
        // Those of the reference's pipelines, where it is not what the tool has anyway.
        var usual = EditDefaults(steps: fewSteps?.steps, guidance: fewSteps?.guidance)
        if usual.guidance == nil, unet.addedCondition != nil, pictureInput == .none {
            usual.guidance = 5
        }
        if isRefiner { usual.modes["remix"] = EditDefaults(strength: 0.3) }
        if case .whole = pictureInput { usual.modes["remix"] = EditDefaults(strength: 1) }
        self.init(
            name: files.title,
            family: Self.family(
                unet: unet, latentChannels: latentChannels, pictureInput: pictureInput, isRefiner: isRefiner),
            summary: try own?.text("description"),
            latentChannels: latentChannels, inputChannels: unet.inChannels, pictureInput: pictureInput,
            scaleFactor: factor,
            pixelMultiple: factor * unet.downsampling, nativeSize: (unet.sampleSize ?? 64) * factor,
            prediction: scheduler.prediction ?? .epsilon, predictionReason: predictionReason,
            sampler: scheduler.className.flatMap {
                SamplerKind(schedulerClassName: $0, algorithmType: scheduler.algorithmType)
            }, parameters: parameters, textParameters: textParameters, isRefiner: isRefiner, fewSteps: fewSteps,
            maskedImage: try own?.string("masked_image").flatMap(MaskedImage.init(rawValue:)) ?? .grey,
            defaults: try EditDefaults(index).completed(by: usual),
            knownWords: Set(try own?.strings("words")?.map { $0.lowercased() } ?? []))
    }

    private static func family(
        unet: UNetConfiguration, latentChannels: Int, pictureInput: PictureInput, isRefiner: Bool
    ) -> String {
        let use =
            switch pictureInput {
            case .masked: " inpainting"
            case .whole: " InstructPix2Pix"
            case .none: ""
            }
        if unet.addedCondition != nil { return "Stable Diffusion XL" + (isRefiner ? " refiner" : "") + use }
        let hasFourLevels = unet.blockChannels == [320, 640, 1280, 1280] && latentChannels == 4
        switch (hasFourLevels, unet.contextChannels[0]) {
        case (true, 768): return "Stable Diffusion 1.x" + use
        case (true, 1024): return "Stable Diffusion 2.x" + use
        default: return "latent diffusion" + use
        }
    }
}

extension FewSteps {
    /// A model of Stable Diffusion's that was distilled; `nil` for one that says nothing of it.
    init?(unet: UNetConfiguration, scheduler: SchedulerConfiguration, hints: [String: String]) {
        self.init(takesGuidance: unet.guidanceChannels != nil, scheduler: scheduler, hints: hints)
    }
}
