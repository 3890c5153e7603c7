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
        if !(autoencoder is TinyAutoencoder), let colors = family.latentColors {
            return colors.picture(of: latents)
        }
        // Without its turn's clearing up, which would drop the denoiser's weights.
        return try? decodeTiles(latents, autoencoder, compute)
    }
}

extension Sampler {
    /// The clean latents that a network's output before step `index` stands for. As finite as can be: where nothing of the
    /// picture is in the latents, noise that was predicted says nothing of it.
    func expected(_ modelOutput: [Float], latents: [Float], index: Int) -> [Float] {
        let (a, b) = level(index)
        let scale = 1 / (a * a + b * b).squareRoot()
        let clean = path.clean(
            output: Vector(modelOutput), latents: scale * Vector(latents), level: VariancePreserving((a, b)))
        return clean.values.map { $0.isFinite ? $0 : 0 }
    }
}
