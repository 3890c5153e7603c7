/// What a model's latents are like. An autoencoder in place of the model's own has the same channels and factor; its
/// normalisation may be another.
struct LatentForm: Equatable {
    let normalization: LatentNormalization
    var scale: Float { normalization.scale }
    let channels: Int
    /// Picture pixels a latent pixel, each way.
    let scaleFactor: Int

    init(_ autoencoder: any PictureAutoencoder) {
        normalization = autoencoder.latentNormalization
        channels = autoencoder.latentChannels
        scaleFactor = autoencoder.scaleFactor
    }

    /// What the configuration of an autoencoder states, in the diffusers layout; its weights need not be there. Of a tiny
    /// one, each group of encoder blocks but the first halves the size (diffusers 0.42.1, `models/autoencoders/vae.py`,
    /// `EncoderTiny`).
    ///
    /// - Throws: `ConfigurationError` or `NetworkError`.
    init(_ configuration: JSONConfiguration) throws {
        guard try configuration.string("_class_name") == "AutoencoderTiny" else {
            let shape = try AutoencoderConfiguration(configuration)
            normalization = shape.latentNormalization
            channels = shape.latentChannels
            scaleFactor = shape.scaleFactor
            return
        }
        let groups = try configuration.integers("num_encoder_blocks")?.count ?? 4
        let scale = Float(try configuration.double("scaling_factor") ?? 1)
        normalization = LatentNormalization(scale: scale, shift: Float(try configuration.double("shift_factor") ?? 0))
        channels = try configuration.integer("latent_channels") ?? 4
        guard scale != 0, (1 ... 7).contains(groups) else {
            throw NetworkError.impossible(
                file: configuration.file,
                reason: "scaling_factor \(scale), \(groups) groups of encoder blocks")
        }
        scaleFactor = 1 << (groups - 1)
    }
}
