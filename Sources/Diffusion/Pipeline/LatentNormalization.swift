/// How an autoencoder's latents z become those that a denoiser works on, of about unit variance:
/// (z − mean) · scale / deviation, channel by channel.
///
/// Stable Diffusion has a scale alone (diffusers' `scaling_factor`), others a shift, which is the mean of all channels
/// (`shift_factor`), others a mean and a deviation for each channel (`latents_mean`, `latents_std`, or FLUX.2's batch
/// normalisation).
struct LatentNormalization: Sendable, Equatable {
    let scale: Float
    /// Of each channel, or one for all.
    private let means: [Float]
    private let deviations: [Float]

    /// The same for all channels: (z − shift) · scale.
    init(scale: Float = 1, shift: Float = 0) {
        self.init(scale: scale, means: [shift], deviations: [1])
    }

    /// - Parameters:
    ///   - means: one for each channel.
    ///   - deviations: as many, above 0. Traps where there are not.
    init(scale: Float = 1, means: [Float], deviations: [Float]) {
        precondition(
            means.count == deviations.count && deviations.allSatisfy { $0 > 0 }, "means and deviations of channels")
        self.scale = scale
        self.means = means
        self.deviations = deviations
    }

    /// `(z − mean) · scale / deviation`.
    /// - Parameter latents: z, `[channels, pixels]`. Traps where it has other channels.
    func normalized(_ latents: [Float], channels: Int) -> [Float] {
        mapped(latents, channels: channels) { value, mean, deviation in (value - mean) * scale / deviation }
    }

    /// The inverse: `x · deviation / scale + mean`.
    /// - Parameter latents: x, `[channels, pixels]`. Traps where it has other channels.
    func restored(_ latents: [Float], channels: Int) -> [Float] {
        mapped(latents, channels: channels) { value, mean, deviation in value * deviation / scale + mean }
    }

    private func mapped(
        _ values: [Float], channels: Int, _ body: (_ value: Float, _ mean: Float, _ deviation: Float) -> Float
    ) -> [Float] {
        precondition(means.count == 1 || means.count == channels, "\(channels) channels, \(means.count) means")
        let area = values.count / channels
        return values.indices.map { index in
            let channel = means.count == 1 ? 0 : index / area
            return body(values[index], means[channel], deviations[channel])
        }
    }
}
