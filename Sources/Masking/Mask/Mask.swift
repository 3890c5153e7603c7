public import Raster

/// Which pixels of a picture are repainted, and how strongly.
///
/// A mask has no other meaning than its coverage: polarity, alpha and bit depth are settled when it is made.
public struct Mask: Sendable, Equatable {
    /// 0…1 a pixel: 0 keeps the pixel byte for byte, 1 repaints it, between is a strength.
    public let coverage: Plane
    /// How the coverage was read from a picture; `nil` when it was not.
    public let reading: Reading?
    /// Whether these are words that were drawn to be read (`editor mask text`), and what such a mask was grown or blurred
    /// to. Whoever makes the mask sets it; no operation on masks carries it over.
    public var isLettering = false

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

    /// Takes a mask picture as it is, at its own depth; `Mask.init(reading:)` looks for what its values stand for.
    ///
    /// Unless `meaning` says so, alpha decides where it varies over the picture (transparent is marked; colour is then
    /// ignored), luma otherwise (white is marked). Both are computed in integers, so coverage is 0 exactly where every
    /// sample is 0 (or, with `.keep`, where every sample is the maximum). A picture without alpha is opaque.
    public init(_ picture: Picture, meaning: MaskMeaning = .repaint) {
        let (plane, reading) =
            switch picture.samples {
            case .eight(let samples):
                markedShare(of: samples, layout: picture.layout, size: picture.size, meaning: meaning)
            case .sixteen(let samples):
                markedShare(of: samples, layout: picture.layout, size: picture.size, meaning: meaning)
            }
        self.init(coverage: plane, reading: reading)
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

/// The marked share (0…1) of each pixel, and what decided it.
private func markedShare<Sample: FixedWidthInteger>(
    of samples: [Sample], layout: Picture.Layout, size: PixelSize, meaning: MaskMeaning
) -> (Plane, Mask.Reading) {
    let channels = layout.channels
    let maximum = Int(Sample.max)
    var varies = false
    if layout.hasAlpha, !meaning.isLiteral {
        let first = samples[channels - 1]
        varies = stride(from: channels - 1, to: samples.count, by: channels).contains { samples[$0] != first }
    }
    let usesAlpha = varies || meaning == .transparent || meaning == .opaque
    // White and black are seen through the alpha.
    let weighs = layout.hasAlpha && (meaning == .white || meaning == .black)
    let isReversed = meaning == .keep || meaning == .black || meaning == .opaque
    // Luma in integers, so that 0 and the maximum are met by black and white alone. The weights sum to 10 000.
    let full = usesAlpha || layout.colorChannels == 1 ? maximum : maximum * 10_000
    var plane = Plane(size: size)
    for pixel in 0 ..< size.area {
        let base = pixel * channels
        let alpha = layout.hasAlpha ? Int(samples[base + channels - 1]) : maximum
        var marked: Int
        if usesAlpha {
            marked = full - alpha
        } else if layout.colorChannels == 1 {
            marked = Int(samples[base])
        } else {
            marked = 2126 * Int(samples[base]) + 7152 * Int(samples[base + 1]) + 722 * Int(samples[base + 2])
        }
        if isReversed { marked = full - marked }
        plane.values[pixel] = Float(marked) / Float(full)
        if weighs { plane.values[pixel] *= Float(alpha) / Float(maximum) }
    }
    return (plane, Mask.Reading(usesAlpha ? .alpha : .luma, isReversed: isReversed))
}
