public import Raster

/// What stands in the hole before denoising.
public enum Fill: Sendable, Hashable {
    /// The surroundings, blurred further the deeper inside (pull-push pyramids).
    case blurred
    /// Texture copied from the known pixels: `PatchMatch`. Falls back to `.blurred` where there is nothing to copy from.
    case patchmatch
    /// Uniform noise about the surroundings' mean, of a photo's usual spread.
    case noise
    /// What the picture holds there.
    case original
    /// One display-encoded colour, each channel 0…1.
    case color(red: Float, green: Float, blue: Float)

    /// Whether it only holds the place of what is painted, and must not be seen in a result.
    public var isPlaceholder: Bool {
        switch self {
        case .noise, .color: true
        case .blurred, .patchmatch, .original: false
        }
    }

    /// `image` with its hole filled.
    ///
    /// A pixel with coverage 0 is untouched; one with coverage 1 is the fill; between, the two are mixed by coverage. A
    /// placeholder leaves pixels between as they are: they are reworked in part only, and would show it.
    /// Deterministic for a seed.
    /// - Parameters:
    ///   - coverage: 0…1, of the image's size; traps on another size.
    ///   - seed: used by `.patchmatch` and `.noise`.
    ///   - samples: more of the scene that `.patchmatch` may copy from.
    ///   - excluded: above 0 where `.patchmatch` may not copy from.
    ///   - confined: what `.patchmatch` may copy to some places only.
    ///   - wraps: the axes along which the image repeats: a fill passes over its border and meets itself there.
    public func applied(
        to image: RGBImage, coverage: Plane, seed: UInt64 = 0, samples: FillSamples? = nil,
        excluded: Plane? = nil, confined: [ConfinedSources] = [], wraps: WrappedAxes = []
    ) -> RGBImage {
        precondition(image.size == coverage.size, "an image of \(image.size), a mask of \(coverage.size)")
        guard coverage.values.contains(where: { $0 > 0 }) else { return image }
        let filled: RGBImage
        switch self {
        case .original: return image
        case .blurred: filled = pullPush(image, coverage: coverage, wraps: wraps)
        case .patchmatch:
            let match = PatchMatch(seed: seed)
            filled =
                if let samples {
                    match.filled(
                        image, coverage: coverage, excluded: excluded, confined: confined, samples: samples)
                } else {
                    match.filled(
                        image, coverage: coverage, excluded: excluded, confined: confined, wraps: wraps)
                }
        case .noise: filled = noiseFill(image, coverage: coverage, seed: seed)
        case .color(let red, let green, let blue): filled = RGBImage(size: image.size, repeating: (red, green, blue))
        }
        var result = image
        for pixel in 0 ..< image.size.area where coverage.values[pixel] > 0 {
            let share = coverage.values[pixel]
            if isPlaceholder, share < 1 { continue }
            for index in pixel * 3 ..< pixel * 3 + 3 {
                result.values[index] =
                    share >= 1
                    ? filled.values[index] : image.values[index] + share * (filled.values[index] - image.values[index])
            }
        }
        return result
    }
}

/// Uniform noise around the mean of the known pixels, standard deviation 0.25, clamped to 0…1.
private func noiseFill(_ image: RGBImage, coverage: Plane, seed: UInt64) -> RGBImage {
    var mean = SIMD3<Double>(repeating: 0)
    var count = 0.0
    for pixel in 0 ..< image.size.area where coverage.values[pixel] == 0 {
        mean += SIMD3(
            Double(image.values[pixel * 3]), Double(image.values[pixel * 3 + 1]), Double(image.values[pixel * 3 + 2]))
        count += 1
    }
    mean = count > 0 ? mean / count : SIMD3(repeating: 0.5)
    var random = SplitMix64(seed: seed)
    var result = image
    let halfWidth = 0.25 * 3.0.squareRoot()
    for index in result.values.indices {
        let noise = (random.unit() * 2 - 1) * halfWidth
        result.values[index] = Float(min(1, max(0, mean[index % 3] + noise)))
    }
    return result
}

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators": small, seedable, the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in 0 ..< 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
