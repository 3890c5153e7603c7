internal import Diffusion
internal import Masking
internal import Raster

/// How much memory an edit takes, roughly: the weights, and activations in proportion to the pixels of one pass.
///
/// The share of a pixel is set by the autoencoder's decoder, whose first layers hold 128 to 512 channels at full size in
/// the usual models: SD 1.5's shapes at 512×512 in bf16 were measured at 3.1 GB, of which 2.2 GB weights. Smaller
/// decoders take less, so a limit is kept rather than met.
struct MemoryEstimate {
    /// Bytes of one value of the network: 2 or 4.
    let elementSize: Int
    /// Values of all weights.
    let parameters: Int

    /// The program, its libraries and a photo.
    private static let base = 100 << 20
    /// Values a pixel that are held at once.
    private static let valuesPerPixel = 1700

    /// Bytes for a pass over that many pixels.
    func bytes(pixels: Int) -> Int {
        Self.base + parameters * elementSize + pixels * Self.valuesPerPixel * elementSize
    }

    /// The model's geometry, its native side made smaller until what a plan puts into one pass fits: twice the native
    /// area at most.
    ///
    /// - Throws: `EditError.overMemoryLimit` where not even a quarter of the native side would fit.
    func geometry(_ facts: ModelFacts, limit: Int?) throws(EditError) -> ModelGeometry {
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
        }
        return ModelGeometry(nativeSide: side, multiple: facts.pixelMultiple)
    }

    /// Throws `EditError.overMemoryLimit` where a picture that is worked in one pass does not fit.
    func check(onePass size: PixelSize, limit: Int?) throws(EditError) {
        guard let limit, bytes(pixels: size.area) > limit else { return }
        throw .overMemoryLimit(what: "\(size) in one pass", needed: bytes(pixels: size.area), limit: limit)
    }
}
