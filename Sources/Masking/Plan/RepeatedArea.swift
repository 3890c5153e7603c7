internal import Raster

/// A picture that repeats along some axes, with margins in which it does: a pixel beyond its border is a copy of one at
/// the other side. Without axes it has no margins.
struct RepeatedArea {
    let wraps: WrappedAxes
    /// Of the margins, in pixels.
    private let reach: Int
    /// With the margins.
    let size: PixelSize
    /// The picture itself.
    let inner: PixelRect

    init(_ size: PixelSize, wraps: WrappedAxes, reach: Int) {
        let margins = wraps.margins(reach)
        self.wraps = wraps
        self.reach = reach
        self.size = size.padded(by: margins)
        inner = PixelRect(x: margins.left, y: margins.top, width: size.width, height: size.height)
    }

    /// One value a pixel of the picture, with the margins' copies.
    func repeated<Value>(_ values: [Value]) -> [Value] {
        wrapPaddedSamples(values, of: inner.size, channels: 1, by: wraps.margins(reach))
    }

    /// `values` without those of the margins.
    func unrepeated<Value>(_ values: [Value]) -> [Value] {
        wrapPaddedSamples(values, of: size, channels: 1, by: wraps.margins(reach).negated)
    }

    /// `values` with those of the margins taken anew from the pixels that they copy.
    func renewed<Value>(_ values: [Value]) -> [Value] { wraps.isEmpty ? values : repeated(unrepeated(values)) }

    /// The index of the pixel that the one at `index` copies; its own where it lies in the picture.
    @inline(__always)
    func original(of index: Int) -> Int {
        if wraps.isEmpty { return index }
        let x = wrapped(index % size.width - inner.x, count: inner.width) + inner.x
        let y = wrapped(index / size.width - inner.y, count: inner.height) + inner.y
        return y * size.width + x
    }

    @inline(__always)
    private func wrapped(_ index: Int, count: Int) -> Int { ((index % count) + count) % count }

    /// The pixels of the margins, by the index of what they copy.
    var copies: [Int: [Int]] {
        if wraps.isEmpty { return [:] }
        return Dictionary(grouping: (0 ..< size.area).filter { original(of: $0) != $0 }, by: { original(of: $0) })
    }

    /// The rows (columns, for `.x`) in which the centres lie of windows that reach all rows of `lines` and, where
    /// nothing repeats, do not leave the picture.
    @inline(__always)
    func centers(reaching lines: ClosedRange<Int>, axis: WrappedAxes) -> ClosedRange<Int> {
        if wraps.contains(axis) { return lines.upperBound - reach ... lines.lowerBound + reach }
        let first = max(reach, lines.upperBound - reach)
        let count = axis == .x ? size.width : size.height
        return first ... max(first, min(count - 1 - reach, lines.lowerBound + reach))
    }
}
