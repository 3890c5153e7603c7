internal import Tensors

/// A network between pictures and latents: `Autoencoder`, or the small `TinyAutoencoder` in its place.
protocol PictureAutoencoder {
    var latentChannels: Int { get }
    /// Picture pixels a latent pixel, each way.
    var scaleFactor: Int { get }
    /// Between the latents of `encode` and `decode` and those that the denoiser works on.
    var latentNormalization: LatentNormalization { get }
    /// Whether a picture is encoded as a distribution, mean and log variance, of which a sample is drawn.
    var givesDistribution: Bool { get }

    /// About how many bytes of activations a picture pixel needs at once.
    func activationBytes(elementSize: Int) -> Int

    /// - Parameter pictures: `[batch, height, width, 3]`, −1…1.
    /// - Returns: `[batch, height / f, width / f, latentChannels]`, or twice as many with `givesDistribution`: mean, then log
    ///   variance. Not normalised.
    func encode(_ pictures: Tensor, _ compute: Compute) throws -> Tensor

    /// - Parameter latents: `[batch, height, width, latentChannels]`, not normalised.
    /// - Returns: `[batch, f · height, f · width, 3]`, nominally −1…1.
    func decode(_ latents: Tensor, _ compute: Compute) throws -> Tensor
}

extension PictureAutoencoder {
    var latentScale: Float { latentNormalization.scale }
    /// Of what `encode` gives.
    var encodedChannels: Int { givesDistribution ? 2 * latentChannels : latentChannels }
}

extension Autoencoder: PictureAutoencoder {
    var latentChannels: Int { configuration.latentChannels }
    var scaleFactor: Int { configuration.scaleFactor }
    var latentNormalization: LatentNormalization { configuration.latentNormalization }
    var givesDistribution: Bool { true }
    func activationBytes(elementSize: Int) -> Int { configuration.activationBytes(elementSize: elementSize) }
}
