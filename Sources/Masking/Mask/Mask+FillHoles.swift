internal import Parallel
internal import Raster

extension Mask {
    /// The mask with its holes filled: what cannot be reached from the picture's border without crossing it. Coverage
    /// rises to the least that every way out must cross, so a grey ring fills with its own grey.
    ///
    /// Morphological reconstruction by erosion from the border (P. Soille, Morphological Image Analysis, 2nd ed., 6.3.7),
    /// by the priority flood of Barnes, Lehman and Mulla (2014), with 65,536 levels: exact for masks of up to 16 bits.
    /// Ways lead over sides, not over corners.
    public func holesFilled() -> Mask {
        let (width, height) = (size.width, size.height)
        let levels = 1 << 16
        func level(_ value: Float) -> Int { Int((value * Float(levels - 1)).rounded()) }
        var result = coverage
        var isReached = [Bool](repeating: false, count: size.area)
        var waiting = [[Int32]](repeating: [], count: levels)
        func reach(_ index: Int, from height: Float) {
            isReached[index] = true
            result.values[index] = max(coverage.values[index], height)
            waiting[level(result.values[index])].append(Int32(index))
        }
        for x in 0 ..< width {
            for y in Set([0, height - 1]) { if !isReached[y * width + x] { reach(y * width + x, from: 0) } }
        }
        for y in (0 ..< height).untilCancelled {
            for x in Set([0, width - 1]) { if !isReached[y * width + x] { reach(y * width + x, from: 0) } }
        }
        for current in 0 ..< levels {
            // Nothing is ever added below the level at hand.
            while let next = waiting[current].popLast(), !Cancellation.isCancelled {
                let index = Int(next)
                let (x, y) = (index % width, index / width)
                let height = result.values[index]
                if x > 0, !isReached[index - 1] { reach(index - 1, from: height) }
                if x + 1 < width, !isReached[index + 1] { reach(index + 1, from: height) }
                if y > 0, !isReached[index - width] { reach(index - width, from: height) }
                if y + 1 < size.height, !isReached[index + width] { reach(index + width, from: height) }
            }
        }
        return Mask(coverage: result, reading: reading)
    }
}
