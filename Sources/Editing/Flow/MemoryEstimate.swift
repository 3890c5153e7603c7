internal import Diffusion
internal import Masking
internal import Raster

/// How much memory an edit takes, roughly: the weights, and the larger of the denoiser's activations, in proportion to
/// the pixels of one pass, and the autoencoder's, which works in tiles where it must.
struct MemoryEstimate {
    /// The program, its libraries and a photo.
    private static let base = 100 << 20
    /// Values that the denoiser holds at once for each picture pixel, with guidance: about 230 for SD 1.5's shapes
    /// (skip connections and the widest feed-forward layer).
    private static let denoiserValuesPerPixel = 250
    /// What candidates that follow the first take beside that: the first's activations, and weights packed for small maps.
    private static let followedValuesPerPixel = 600

    private let denoiser: any Denoiser
    /// Bytes that an edit should stay under; `nil` for no limit.
    private let limit: Int?
    private let valuesPerPixel: Int

    init(_ denoiser: any Denoiser, limit: Int?, reusesKnown: Bool = false) {
        self.denoiser = denoiser
        self.limit = limit
        valuesPerPixel = Self.denoiserValuesPerPixel + (reusesKnown ? Self.followedValuesPerPixel : 0)
    }

    /// The least bytes that a pass over that many pixels takes.
    func bytes(pixels: Int) -> Int {
        fixedBytes
            + max(
                pixels * valuesPerPixel * denoiser.precision.activationSize, denoiser.smallestAutoencoderMemory)
    }

    /// The model's geometry, its native side made smaller until what a plan puts into one pass, twice the native area
    /// at most, fits. Makes the autoencoder keep to what the limit leaves.
    ///
    /// - Throws: `EditError.overMemoryLimit` where not even a quarter of the native side would fit.
    func geometry() throws(EditError) -> ModelGeometry {
        let facts = denoiser.facts
        var side = facts.nativeSize
        let smallest = max(facts.pixelMultiple, facts.nativeSize / 4)
        if let limit {
            while bytes(pixels: 2 * side * side) > limit {
                guard side - facts.pixelMultiple >= smallest else {
                    throw .overMemoryLimit(
                        what: "this model", needed: bytes(pixels: 2 * smallest * smallest), limit: limit)
                }
                side -= facts.pixelMultiple
            }
            denoiser.autoencoderMemory = min(denoiser.autoencoderMemory, limit - fixedBytes)
        }
        return ModelGeometry(nativeSide: side, multiple: facts.pixelMultiple)
    }

    /// Throws `EditError.overMemoryLimit` where a picture that is worked in one pass does not fit.
    func check(onePass size: PixelSize) throws(EditError) {
        guard let limit, bytes(pixels: size.area) > limit else { return }
        throw .overMemoryLimit(what: "\(size) in one pass", needed: bytes(pixels: size.area), limit: limit)
    }

    /// Weights count a quarter more than they are: padding of the packed ones, and pages of their files that were just
    /// read (SD 1.5's shapes in bf16: 2.1 GB of weights, 2.7 GB resident at 512×512 before decoding).
    private var fixedBytes: Int {
        // The text encoders' memory is given back before the denoiser takes its own.
        let facts = denoiser.facts
        let parameters = max(facts.parameters - facts.textParameters, facts.textParameters)
        return Self.base + Int(Double(parameters) * denoiser.precision.bytesPerParameter * 1.25)
    }
}
