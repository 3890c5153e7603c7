public import Raster

/// Whether an edge can be told from its surroundings: how much pixels differ across it, against how much neighbours differ
/// across the lines that run beside it.
///
/// The difference of two neighbouring pixels is the mean of the absolute differences of their three channels, 0…1
/// (display-encoded). Differences are taken across every place where the mask's coverage passes the threshold between
/// horizontal or vertical neighbours; and, in the same direction, 2 to 8 pixels further on both sides, as far as no other
/// edge comes between. A step of 8 bits (1/255) is added to both, so that flat pictures, in which all is 0 or rounding, give
/// 1. Of a picture that was never edited both ratios scatter about 1 (docs/compositing.md has the figures).
public struct SeamStatistic: Sendable {
    /// The mean difference across the edge over that across the lines beside it; 1 where there is no edge or nothing beside.
    public let ratio: Double
    /// The same of the 95th percentiles: an edge that shows in places only.
    public let tailRatio: Double
    /// Neighbours across the edge.
    public let count: Int

    /// Pixels from the edge of the lines that are compared with it: nearer ones share its pixels.
    private static let beside = 2 ... 8
    private static let step: Float = 1 / 255

    /// - Parameters:
    ///   - mask: of the image's size; traps on another.
    ///   - threshold: the edge lies between coverage up to this and coverage above.
    public init(_ image: RGBImage, mask: Mask, threshold: Float = 0) {
        precondition(image.size == mask.size, "an image of \(image.size), a mask of \(mask.size)")
        let isInside = mask.coverage.values.map { $0 > threshold }
        var across: [Float] = []
        var beside: [Float] = []
        func difference(_ a: Int, _ b: Int) -> Float {
            var sum: Float = 0
            for channel in 0 ..< 3 { sum += abs(image.values[a * 3 + channel] - image.values[b * 3 + channel]) }
            return sum / 3
        }
        func walk(along count: Int, from start: Int, by stride: Int) {
            for position in 0 ..< count - 1 {
                let here = start + position * stride
                guard isInside[here] != isInside[here + stride] else { continue }
                across.append(difference(here, here + stride))
                for direction in [-1, 1] {
                    for distance in 1 ... Self.beside.upperBound {
                        let other = position + direction * distance
                        guard other >= 0, other + 1 < count else { break }
                        let (low, high) = (start + other * stride, start + (other + 1) * stride)
                        guard isInside[low] == isInside[high] else { break }
                        if distance >= Self.beside.lowerBound { beside.append(difference(low, high)) }
                    }
                }
            }
        }
        for y in 0 ..< image.height { walk(along: image.width, from: y * image.width, by: 1) }
        for x in 0 ..< image.width { walk(along: image.height, from: x, by: image.width) }
        count = across.count
        guard !across.isEmpty, !beside.isEmpty else {
            (ratio, tailRatio) = (1, 1)
            return
        }
        func compared(_ value: ([Float]) -> Float) -> Double {
            Double(value(across) + Self.step) / Double(value(beside) + Self.step)
        }
        ratio = compared { $0.reduce(0, +) / Float($0.count) }
        tailRatio = compared { $0.sorted()[min($0.count - 1, $0.count * 95 / 100)] }
    }

    /// The line between column (or, for `.y`, row) `index` − 1 and `index`. Traps unless it lies inside the image.
    public init(_ image: RGBImage, across axis: WrappedAxes, at index: Int) {
        precondition(index > 0 && index < (axis == .x ? image.width : image.height), "no line at \(index)")
        let rect =
            axis == .x
            ? PixelRect(x: index, y: 0, width: image.width - index, height: image.height)
            : PixelRect(x: 0, y: index, width: image.width, height: image.height - index)
        self.init(image, mask: .rectangle(rect, size: image.size))
    }
}
