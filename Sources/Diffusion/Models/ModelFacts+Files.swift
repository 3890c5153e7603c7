extension ModelFacts {
    /// Reads a model's facts from its configurations. Throws `ConfigurationError`.
    init(
        files: ModelFiles, index: JSONConfiguration, unet: UNetConfiguration, autoencoder: AutoencoderConfiguration,
        scheduler: SchedulerConfiguration, predictionReason: String?, parameters: Int
    ) throws {
        let own = try index.object("editor")
        let folder = files.name.split(separator: "/").last.map(String.init) ?? files.name
        let factor = autoencoder.scaleFactor
        self.init(
            name: try own?.string("name") ?? folder,
            family: Self.family(unet: unet, autoencoder: autoencoder), summary: try own?.string("description"),
            latentChannels: autoencoder.latentChannels, inputChannels: unet.inChannels, scaleFactor: factor,
            pixelMultiple: factor * unet.downsampling, nativeSize: (unet.sampleSize ?? 64) * factor,
            prediction: scheduler.prediction ?? .epsilon, predictionReason: predictionReason,
            sampler: scheduler.className.flatMap {
                Sampler.Kind(schedulerClassName: $0, algorithmType: scheduler.algorithmType)
            }, parameters: parameters, defaults: try EditDefaults(index))
    }

    private static func family(unet: UNetConfiguration, autoencoder: AutoencoderConfiguration) -> String {
        let inpainting = unet.inChannels == 2 * autoencoder.latentChannels + 1 ? " inpainting" : ""
        let hasFourLevels = unet.blockChannels == [320, 640, 1280, 1280] && autoencoder.latentChannels == 4
        switch (hasFourLevels, unet.contextChannels[0]) {
        case (true, 768): return "Stable Diffusion 1.x" + inpainting
        case (true, 1024): return "Stable Diffusion 2.x" + inpainting
        default: return "latent diffusion" + inpainting
        }
    }
}
