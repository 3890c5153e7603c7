internal import Raster

/// The colour that each latent pixel stands for by itself, as a linear function of its channels: a 64th of the picture,
/// at no cost.
struct LatentColors {
    /// Red, green and blue of each channel, and what is added; −1…1.
    private let factors: [(Float, Float, Float)]
    private let offset: (Float, Float, Float)

    /// - Parameters:
    ///   - factors: one for each latent channel.
    init(factors: [(Float, Float, Float)], offset: (Float, Float, Float)) {
        self.factors = factors
        self.offset = offset
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
