/// A rectangle of a feature map.
public struct MapWindow: Hashable, Sendable {
    public let rows: Range<Int>
    public let columns: Range<Int>

    public init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    public var height: Int { rows.count }
    public var width: Int { columns.count }
    public var area: Int { height * width }
}

/// A rectangle of a picture, given in the cells of one of its feature maps, and where it lies in maps of other sizes.
public struct MapRegion: Hashable, Sendable {
    public let height: Int
    public let width: Int
    public let inner: MapWindow

    /// - Parameters:
    ///   - height: of the map that `inner` is given in, as is `width`.
    ///   - inner: what is computed; inside that map, or this traps.
    public init(height: Int, width: Int, inner: MapWindow) {
        precondition(
            !inner.rows.isEmpty && !inner.columns.isEmpty && inner.rows.lowerBound >= 0
                && inner.rows.upperBound <= height
                && inner.columns.lowerBound >= 0 && inner.columns.upperBound <= width,
            "\(inner) does not lie in a map of \(height)×\(width)")
        self.height = height
        self.width = width
        self.inner = inner
    }

    /// The cells of a map of that size which the rectangle touches, and one more on each side: the ring, whose values are
    /// known, and which 3×3 convolutions see.
    public func window(height mapHeight: Int, width mapWidth: Int) -> MapWindow {
        MapWindow(
            rows: Self.span(inner.rows, of: height, in: mapHeight),
            columns: Self.span(inner.columns, of: width, in: mapWidth))
    }

    private static func span(_ range: Range<Int>, of length: Int, in mapLength: Int) -> Range<Int> {
        let lower = range.lowerBound * mapLength / length
        let upper = (range.upperBound * mapLength + length - 1) / length
        return max(0, lower - 1) ..< min(mapLength, upper + 1)
    }
}
