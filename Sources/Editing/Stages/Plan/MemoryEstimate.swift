internal import Diffusion
internal import Masking
internal import Raster

/// How much memory an edit takes, roughly: weights, of which all but some can be read from disk again and again, and the
/// larger of the denoiser's activations, in proportion to the pixels of one pass, and the autoencoder's, which works in
/// tiles where it must.
struct MemoryEstimate {
    /// The program, its libraries and a photo.
    private static let base = 100 << 20
    /// Values that the denoiser holds at once for each pixel of a picture, with guidance: skip connections, the widest
    /// feed-forward layer, and what waits for its next use (SD 1.5's shapes in bf16: 0.34 GB at 512×512).
    private static let denoiserValuesPerPixel = 650
    /// What candidates that follow the first take beside that: the first's activations, and weights packed for small maps.
    private static let followedValuesPerPixel = 600
    /// The share of the weights that must be in memory at once: the largest layer's, and those that are not products'
    /// (SD 1.5's shapes in bf16: 89 MB packed, of 2.1 GB).
    private static let shareInUse = 16

    private let model: any PictureModel
    /// Bytes that an edit should stay under; `nil` for no limit.
    private let limit: Int?
    private let valuesPerPixel: Int

    init(_ model: any PictureModel, limit: Int?, batchSize: Int = 1, reusesKnown: Bool = false) {
        self.model = model
        self.limit = limit
        valuesPerPixel = batchSize * Self.denoiserValuesPerPixel + (reusesKnown ? Self.followedValuesPerPixel : 0)
    }

    /// The least bytes that a pass over that many pixels takes.
    func bytes(pixels: Int) -> Int { leastWeights + activations(pixels: pixels) }

    private func activations(pixels: Int) -> Int {
        max(pixels * valuesPerPixel * model.precision.activationSize, model.smallestActivationMemory)
    }

    /// The model's geometry, its native side made smaller until what a plan puts into one pass, twice the native area
    /// at most, fits; and what weights and autoencoder have to keep to then, `nil` without a limit.
    ///
    /// - Throws: `EditError.overMemoryLimit` where not even a quarter of the native side would fit.
    func geometry() throws(EditError) -> (ModelGeometry, MemoryLimits?) {
        let facts = model.facts
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
        let limits = limit.map {
            // Gaps between blocks come on top of activations.
            MemoryLimits(
                activations: ($0 - leastWeights) * 3 / 5,
                weights: $0 - Self.base - activations(pixels: 2 * side * side), isShort: true)
        }
        return (ModelGeometry(nativeSide: side, multiple: facts.pixelMultiple), limits)
    }

    /// Leaves room for a picture that is worked in one pass. Throws `EditError.overMemoryLimit` where it does not fit.
    func check(onePass size: PixelSize, _ limits: inout MemoryLimits?) throws(EditError) {
        guard let limit, let weights = limits?.weights else { return }
        guard bytes(pixels: size.area) > limit else {
            limits?.weights = min(weights, limit - Self.base - activations(pixels: size.area))
            return
        }
        throw .overMemoryLimit(what: "\(size) in one pass", needed: bytes(pixels: size.area), limit: limit)
    }

    private var leastWeights: Int {
        // The text encoders' memory is given back before the denoiser takes its own.
        let facts = model.facts
        let parameters = max(facts.parameters - facts.textParameters, facts.textParameters)
        return Self.base + Int(Double(parameters) * model.precision.bytesPerParameter) / Self.shareInUse
    }
}
