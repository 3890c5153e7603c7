public import Raster

/// Which pixels of a picture are repainted, and how strongly.
///
/// A mask has no other meaning than its coverage: polarity, alpha and bit depth are settled when it is made.
public struct Mask: Sendable, Equatable {
    /// 0…1 a pixel: 0 keeps the pixel byte for byte, 1 repaints it, between is a strength.
    public let coverage: Plane
    /// How the coverage was read from a picture; `nil` when it was not.
    public let reading: Reading?

    /// Where a mask picture's coverage came from.
    public enum Reading: Sendable, Hashable {
        /// Its brightness (Rec. 709 luma of the stored samples).
        case luma(MaskMeaning)
        /// Its alpha, transparent being marked (the convention of OpenAI's image edits).
        case alpha(MaskMeaning)

        /// "white repaints", "opaque repaints" …
        public var phrase: String {
            switch self {
            case .luma(.repaint): "white repaints"
            case .luma(.keep): "black repaints"
            case .alpha(.repaint): "transparent repaints"
            case .alpha(.keep): "opaque repaints"
            }
        }
    }

    /// A mask from coverage; values are clamped to 0…1 and a NaN becomes 0.
    public init(coverage: Plane) {
        self.init(coverage: coverage, reading: nil)
    }

    init(coverage: Plane, reading: Reading?) {
        var plane = coverage
        for index in plane.values.indices {
            let value = plane.values[index]
            plane.values[index] = value > 0 ? min(value, 1) : 0
        }
        self.coverage = plane
        self.reading = reading
    }

    /// Reads a mask picture at its own depth.
    ///
    /// Alpha decides where it varies over the picture (transparent is marked; colour is then ignored), luma otherwise
    /// (white is marked). The luma is computed in integers, so coverage is 0 exactly where every sample is 0 (or, with
    /// `.keep`, where every sample is the maximum).
    public init(_ picture: Picture, meaning: MaskMeaning = .repaint) {
        let (plane, usesAlpha) =
            switch picture.samples {
            case .eight(let samples):
                markedShare(of: samples, layout: picture.layout, size: picture.size, meaning: meaning)
            case .sixteen(let samples):
                markedShare(of: samples, layout: picture.layout, size: picture.size, meaning: meaning)
            }
        self.init(coverage: plane, reading: usesAlpha ? .alpha(meaning) : .luma(meaning))
    }

    /// Reads a mask picture for a picture of `size`.
    ///
    /// - Throws: `MaskError.sizeMismatch` where the sizes differ and `fit` is false; with `fit` the mask is resized.
    public init(_ picture: Picture, meaning: MaskMeaning = .repaint, for size: PixelSize, fit: Bool = false)
        throws(MaskError)
    {
        guard picture.size == size || fit else { throw .sizeMismatch(mask: picture.size, picture: size) }
        self = Mask(picture, meaning: meaning).fitted(to: size)
    }

    /// The same coverage everywhere, e.g. 1 for text-to-image.
    public static func uniform(_ coverage: Float, size: PixelSize) -> Mask {
        Mask(coverage: Plane(size: size, repeating: coverage))
    }

    /// Coverage 1 inside `rect` (where it overlaps the picture), 0 elsewhere.
    public static func rectangle(_ rect: PixelRect, size: PixelSize) -> Mask {
        var plane = Plane(size: size)
        let inside = rect.intersection(PixelRect(size))
        for y in inside.y ..< inside.maxY {
            for x in inside.x ..< inside.maxX { plane[x, y] = 1 }
        }
        return Mask(coverage: plane)
    }

    public var size: PixelSize { coverage.size }

    /// The smallest rectangle that holds every pixel with coverage above 0; `nil` for an empty mask.
    public var bounds: PixelRect? {
        var left = Int.max
        var right = -1
        var top = -1
        var bottom = -1
        for y in 0 ..< size.height {
            let row = coverage.values[y * size.width ..< (y + 1) * size.width]
            guard let first = row.firstIndex(where: { $0 > 0 }), let last = row.lastIndex(where: { $0 > 0 }) else {
                continue
            }
            left = min(left, first - row.startIndex)
            right = max(right, last - row.startIndex)
            if top < 0 { top = y }
            bottom = y
        }
        guard top >= 0 else { return nil }
        return PixelRect(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }

    /// The mask of the part of the picture inside `rect`. Traps unless `rect` lies inside.
    public func cropped(to rect: PixelRect) -> Mask {
        Mask(coverage: coverage.cropped(to: rect), reading: reading)
    }

    /// The mask moved right by `x` and down by `y`; what leaves it comes in at the other side.
    public func rolled(x: Int, y: Int) -> Mask { Mask(coverage: coverage.rolled(x: x, y: y), reading: reading) }

    /// The mask resized to `size` (`--fit-mask`): averaged when it shrinks, so no marked pixel is lost, interpolated
    /// when it grows.
    public func fitted(to size: PixelSize) -> Mask {
        if size == self.size { return self }
        let shrinks = size.width <= self.size.width && size.height <= self.size.height
        return Mask(coverage: coverage.resized(to: size, filter: shrinks ? .area : .bilinear), reading: reading)
    }

    /// What is repainted is kept and the reverse.
    public var inverted: Mask {
        var plane = coverage
        for index in plane.values.indices { plane.values[index] = 1 - plane.values[index] }
        return Mask(coverage: plane, reading: reading)
    }

    /// The larger coverage of the two. Traps on masks of different sizes.
    public func union(_ other: Mask) -> Mask { combined(with: other, by: max) }
    /// The smaller coverage of the two. Traps on masks of different sizes.
    public func intersection(_ other: Mask) -> Mask { combined(with: other, by: min) }
    /// This coverage where `other` has none: `min(self, 1 − other)`. Traps on masks of different sizes.
    public func subtracting(_ other: Mask) -> Mask { combined(with: other) { min($0, 1 - $1) } }

    private func combined(with other: Mask, by operation: (Float, Float) -> Float) -> Mask {
        precondition(size == other.size, "masks of \(size) and \(other.size) cannot be combined")
        var plane = coverage
        for index in plane.values.indices {
            plane.values[index] = operation(plane.values[index], other.coverage.values[index])
        }
        return Mask(coverage: plane, reading: reading)
    }
}

/// The marked share (0…1) of each pixel, and whether alpha decided it.
private func markedShare<Sample: FixedWidthInteger>(
    of samples: [Sample], layout: Picture.Layout, size: PixelSize, meaning: MaskMeaning
) -> (Plane, usesAlpha: Bool) {
    let channels = layout.channels
    let maximum = Int(Sample.max)
    var usesAlpha = false
    if layout.hasAlpha {
        let first = samples[channels - 1]
        usesAlpha = stride(from: channels - 1, to: samples.count, by: channels).contains { samples[$0] != first }
    }
    // Luma in integers, so that 0 and the maximum are met by black and white alone. The weights sum to 10 000.
    let full = usesAlpha || layout.colorChannels == 1 ? maximum : maximum * 10_000
    var plane = Plane(size: size)
    for pixel in 0 ..< size.area {
        let base = pixel * channels
        var marked: Int
        if usesAlpha {
            marked = full - Int(samples[base + channels - 1])
        } else if layout.colorChannels == 1 {
            marked = Int(samples[base])
        } else {
            marked = 2126 * Int(samples[base]) + 7152 * Int(samples[base + 1]) + 722 * Int(samples[base + 2])
        }
        if meaning == .keep { marked = full - marked }
        plane.values[pixel] = Float(marked) / Float(full)
    }
    return (plane, usesAlpha)
}
