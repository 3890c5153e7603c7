internal import Parallel
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
        /// Paste under the mask, lighter or darker where the mask's outline would not be seen: `StencilPatch`.
        case stencil
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
    /// The axes along which the picture repeats; a patch covers it along these from border to border.
    public var wraps: WrappedAxes

    public init(mode: Mode = .seamless, alpha: AlphaPolicy = .keep, wraps: WrappedAxes = []) {
        self.mode = mode
        self.alpha = alpha
        self.wraps = wraps
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
        precondition(
            (!wraps.contains(.x) || rect.width == source.width)
                && (!wraps.contains(.y) || rect.height == source.height),
            "\(rect) does not span a picture of \(source.size) that repeats")
        let coverage = mask.coverage.cropped(to: rect)
        let pasted: RGBImage =
            switch mode {
            case .raw, .paste: patch
            case .stencil:
                StencilPatch.corrected(
                    patch: patch, source: RGBImage(source.cropped(to: rect)), coverage: coverage)
            case .seamless:
                SeamlessPatch.corrected(
                    patch: patch, source: RGBImage(source.cropped(to: rect)), coverage: coverage, wraps: wraps)
            }
        var result = source
        switch source.samples {
        case .eight(let samples):
            result.samples = .eight(written(pasted, over: samples, of: source, at: rect, coverage: coverage))
        case .sixteen(let samples):
            result.samples = .sixteen(written(pasted, over: samples, of: source, at: rect, coverage: coverage))
        }
        return result
    }

    /// Starts from the source's samples and writes only where the mask is above 0 (everywhere in `rect` for `.raw`):
    /// promise 1 by construction.
    private func written<Sample: FixedWidthInteger>(
        _ patch: RGBImage, over samples: [Sample], of source: Picture, at rect: PixelRect, coverage: Plane
    ) -> [Sample] {
        let channels = source.layout.channels
        let colors = source.layout.colorChannels
        let maximum = Float(Sample.max)
        var result = samples
        for y in (0 ..< rect.height).untilCancelled {
            for x in 0 ..< rect.width {
                let local = y * rect.width + x
                let share = mode == .raw ? 1 : coverage.values[local]
                guard share > 0 else { continue }
                let target = ((rect.y + y) * source.width + rect.x + x) * channels
                let red = patch.values[local * 3]
                let green = patch.values[local * 3 + 1]
                let blue = patch.values[local * 3 + 2]
                for channel in 0 ..< colors {
                    let value =
                        colors == 1
                        ? luma(red: red, green: green, blue: blue) : channel == 0 ? red : channel == 1 ? green : blue
                    let clamped = value > 0 ? min(value, 1) : 0
                    let old = Float(samples[target + channel]) / maximum
                    result[target + channel] = quantized(share >= 1 ? clamped : old + share * (clamped - old))
                }
                if source.layout.hasAlpha && alpha == .opaque {
                    let old = Float(samples[target + colors]) / maximum
                    result[target + colors] = quantized(old + share * (1 - old))
                }
            }
        }
        return result
    }
}
