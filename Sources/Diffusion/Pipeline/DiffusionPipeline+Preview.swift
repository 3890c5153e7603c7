internal import Raster
internal import Tensors

extension DiffusionPipeline {
    /// A picture of latents, quickly: by the autoencoder that was given for it, by the model's own where that is a tiny one or
    /// its latents are of no known kind, else one pixel a latent pixel. `nil` where it has none.
    func preview(_ latents: Latents) -> RGBImage? {
        if let (network, compute) = previewAutoencoder {
            // Between two calls of the denoiser its memory is better given back.
            defer { compute.releaseUnused() }
            return try? decodeTiles(latents, network, compute)
        }
        if !(autoencoder is TinyAutoencoder), let colors = LatentColors(autoencoder) {
            return colors.picture(of: latents)
        }
        // Without its turn's clearing up, which would drop the denoiser's weights.
        return try? decodeTiles(latents, autoencoder, compute)
    }
}

extension DenoisingSampler {
    /// The clean latents that a network's output before step `index` stands for. As finite as can be: where nothing of the
    /// picture is in the latents, noise that was predicted says nothing of it.
    func expected(_ modelOutput: [Float], latents: [Float], index: Int) -> [Float] {
        let (a, b) = level(index)
        let scale = 1 / (a * a + b * b).squareRoot()
        let clean = VariancePreserving((a, b)).clean(
            prediction, output: Vector(modelOutput), latents: scale * Vector(latents))
        return clean.values.map { $0.isFinite ? $0 : 0 }
    }
}

/// The colour that each latent pixel stands for by itself, as a linear function of its channels: a 64th of the picture, at no
/// cost.
struct LatentColors {
    /// Red, green and blue of each channel, and what is added; −1…1.
    private let factors: [(Float, Float, Float)]
    private let offset: (Float, Float, Float)

    /// `nil` where latents are not those of Stable Diffusion's released autoencoders, by number and size; XL's are told by
    /// their scale.
    ///
    /// The numbers are measured ones, of the first and of SDXL's autoencoder, as ComfyUI has them
    /// (github.com/comfyanonymous/ComfyUI, `comfy/latent_formats.py`, `latent_rgb_factors`).
    init?(_ autoencoder: any PictureAutoencoder) {
        guard autoencoder.latentChannels == 4, autoencoder.scaleFactor == 8 else { return nil }
        if autoencoder.latentScale == 0.13025 {
            factors = [
                (0.3651, 0.4232, 0.4341), (-0.2533, -0.0042, 0.1068), (0.1076, 0.1111, -0.0362),
                (-0.3165, -0.2492, -0.2188),
            ]
            offset = (0.1084, -0.0175, -0.0011)
        } else {
            factors = [
                (0.3512, 0.2297, 0.3227), (0.3250, 0.4974, 0.2350), (-0.2829, 0.1762, 0.2721),
                (-0.2120, -0.2616, -0.7177),
            ]
            offset = (0, 0, 0)
        }
    }

    func picture(of latents: Latents) -> RGBImage {
        RGBImage(
            size: latents.size,
            values: (0 ..< latents.area).flatMap { pixel in
                var color = offset
                for (channel, factor) in factors.enumerated() {
                    let value = latents.values[channel * latents.area + pixel]
                    color.0 += factor.0 * value
                    color.1 += factor.1 * value
                    color.2 += factor.2 * value
                }
                return [color.0 / 2 + 0.5, color.1 / 2 + 0.5, color.2 / 2 + 0.5]
            })
    }
}
