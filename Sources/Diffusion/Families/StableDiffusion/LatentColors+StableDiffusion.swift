extension LatentColors {
    /// `nil` where latents are not those of Stable Diffusion's released autoencoders, by number and size; XL's are told
    /// by their scale.
    ///
    /// The numbers are measured ones, of the first and of SDXL's autoencoder, as ComfyUI has them
    /// (github.com/comfyanonymous/ComfyUI, `comfy/latent_formats.py`, `latent_rgb_factors`).
    init?(_ autoencoder: any PictureAutoencoder) {
        guard autoencoder.latentChannels == 4, autoencoder.scaleFactor == 8 else { return nil }
        if autoencoder.latentScale == 0.13025 {
            self.init(
                factors: [
                    (0.3651, 0.4232, 0.4341), (-0.2533, -0.0042, 0.1068), (0.1076, 0.1111, -0.0362),
                    (-0.3165, -0.2492, -0.2188),
                ], offset: (0.1084, -0.0175, -0.0011))
        } else {
            self.init(
                factors: [
                    (0.3512, 0.2297, 0.3227), (0.3250, 0.4974, 0.2350), (-0.2829, 0.1762, 0.2721),
                    (-0.2120, -0.2616, -0.7177),
                ], offset: (0, 0, 0))
        }
    }
}
