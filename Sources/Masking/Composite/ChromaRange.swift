public import Raster

/// How far the pixels of a grey picture, or one that is nearly grey, are from grey. What a network makes of such a
/// picture has a tint that the picture has not; held to this range it has none.
public struct ChromaRange: Sendable, Equatable {
    /// Least and greatest of channel − luma, for red, green and blue.
    let red: ClosedRange<Float>
    let green: ClosedRange<Float>
    let blue: ClosedRange<Float>

    /// A pixel further from grey than this has a colour: four levels of 8 bits, twice what JPEG leaves of grey.
    private static let nearlyGray: Float = 4 / 255
    /// One pixel of so many may have a colour in a grey picture.
    private static let rarity = 1000

    /// - Parameter mask: what is repainted, of the picture's size (traps on another): only what it leaves is looked at,
    ///   or all where it leaves hardly anything.
    /// - Returns: `nil` for a picture that has colours, or a single channel.
    public init?(_ picture: Picture, mask: Mask? = nil) {
        precondition(mask == nil || mask?.size == picture.size, "a mask of another size than \(picture.size)")
        guard picture.layout.colorChannels > 1 else { return nil }
        let coverage = mask?.coverage.values ?? []
        let known = coverage.count { $0 == 0 }
        let looksAtAll = known * 100 < picture.size.area
        let image = RGBImage(picture)
        var (low, high) = (SIMD3<Float>.zero, SIMD3<Float>.zero)
        var colored = 0
        let allowed = (looksAtAll ? picture.size.area : known) / Self.rarity
        for pixel in 0 ..< picture.size.area where looksAtAll || coverage[pixel] == 0 {
            let color = SIMD3(image.values[pixel * 3], image.values[pixel * 3 + 1], image.values[pixel * 3 + 2])
            let chroma = color - luma(red: color.x, green: color.y, blue: color.z)
            if max(chroma.max(), -chroma.min()) > Self.nearlyGray {
                colored += 1
                if colored > allowed { return nil }
            } else {
                low = pointwiseMin(low, chroma)
                high = pointwiseMax(high, chroma)
            }
        }
        (red, green, blue) = (low.x ... high.x, low.y ... high.y, low.z ... high.z)
    }

    /// `image` with each pixel as near to grey as the picture's are; its luma stays, but for what the range is uneven.
    /// Equal channels where the picture's are equal.
    public func applied(to image: RGBImage) -> RGBImage {
        var result = image
        for start in stride(from: 0, to: image.values.count, by: 3) {
            let gray = luma(red: image.values[start], green: image.values[start + 1], blue: image.values[start + 2])
            for (index, range) in zip(start..., [red, green, blue]) {
                let chroma = min(range.upperBound, max(range.lowerBound, image.values[index] - gray))
                result.values[index] = gray + chroma
            }
        }
        return result
    }
}
