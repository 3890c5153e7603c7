public import Raster

extension Picture {
    /// One pixel's samples, widened.
    public func pixel(_ x: Int, _ y: Int) -> [Int] {
        let start = (y * width + x) * layout.channels
        return switch samples {
        case .eight(let values): values[start ..< start + layout.channels].map(Int.init)
        case .sixteen(let values): values[start ..< start + layout.channels].map(Int.init)
        }
    }

    /// The largest difference between colour channels of one pixel: 0 where all is grey.
    public var largestSpread: Int {
        var largest = 0
        for y in 0 ..< height {
            for x in 0 ..< width {
                let colors = pixel(x, y).prefix(layout.colorChannels)
                largest = max(largest, (colors.max() ?? 0) - (colors.min() ?? 0))
            }
        }
        return largest
    }
}
