internal import Foundation
internal import Parallel
internal import Raster

/// What a picture looks like, cell by cell: colour and roughness.
struct FeatureGrid {
    let size: PixelSize
    /// Luma, two differences of colours, and the spread of luma, blurred over 3 × 3 cells.
    private let features: [SIMD4<Float>]

    init(_ image: RGBImage, cells: Int) {
        // A picture of a few pixels in width is one cell wide, and its length must not make up for that.
        let scale = min(1, (Float(cells) / Float(image.size.area)).squareRoot())
        let size = PixelSize(
            width: min(cells, max(1, Int((Float(image.width) * scale).rounded()))),
            height: min(cells, max(1, Int((Float(image.height) * scale).rounded()))))
        self.size = size
        let small = image.resized(to: size, filter: .area)
        let raw = (0 ..< size.area).map { cell in
            let (red, green, blue) = (
                small.values[cell * 3], small.values[cell * 3 + 1], small.values[cell * 3 + 2]
            )
            let gray = luma(red: red, green: green, blue: blue)
            return SIMD4(gray, 1.5 * (red - green), 0.75 * (blue - (red + green) / 2), gray * gray)
        }
        features = (0 ..< size.area).map { cell in
            let (x, y) = (cell % size.width, cell / size.width)
            var sum = SIMD4<Float>.zero
            var count: Float = 0
            for row in max(0, y - 1) ... min(size.height - 1, y + 1) {
                for column in max(0, x - 1) ... min(size.width - 1, x + 1) {
                    sum += raw[row * size.width + column]
                    count += 1
                }
            }
            var mean = sum / count
            mean.w = max(0, mean.w - mean.x * mean.x).squareRoot()
            return mean
        }
    }

    var indices: Range<Int> { 0 ..< size.area }

    /// The connected parts of the cells that are marked.
    func parts(_ isMarked: [Bool]) -> [[Int]] {
        var isSeen = [Bool](repeating: false, count: size.area)
        var parts: [[Int]] = []
        for start in indices where isMarked[start] && !isSeen[start] {
            var part = [start]
            isSeen[start] = true
            var next = 0
            while next < part.count {
                for cell in neighbors(of: part[next]) where isMarked[cell] && !isSeen[cell] {
                    isSeen[cell] = true
                    part.append(cell)
                }
                next += 1
            }
            parts.append(part)
        }
        return parts
    }

    /// Gives each cell of a part without a value that of the nearest one with one, within the part.
    func spread<Value>(_ values: inout [Int: Value], over part: [Int]) {
        let cells = Set(part)
        var waiting = values.keys.sorted()
        var next = 0
        while next < waiting.count {
            for cell in neighbors(of: waiting[next]) where values[cell] == nil && cells.contains(cell) {
                values[cell] = values[waiting[next]]
                waiting.append(cell)
            }
            next += 1
        }
    }

    /// The cells of a part that are not near others, other than excluded ones.
    func inside(of part: Set<Int>, isExcluded: [Bool]) -> Set<Int> {
        part.filter { cell in
            let (x, y) = (cell % size.width, cell / size.width)
            return (max(0, y - Self.edgeRadius) ... min(size.height - 1, y + Self.edgeRadius)).allSatisfy { row in
                (max(0, x - Self.edgeRadius) ... min(size.width - 1, x + Self.edgeRadius)).allSatisfy { column in
                    let other = row * size.width + column
                    return isExcluded[other] || part.contains(other)
                }
            }
        }
    }

    /// The excluded cells between a part and what is neither excluded nor of it, each with the value of a cell of the
    /// part next to it.
    func outline<Value>(of part: [Int: Value], isExcluded: [Bool]) -> [Int: Value] {
        var result: [Int: Value] = [:]
        let reach = 2 * Self.edgeRadius
        for cell in indices where isExcluded[cell] {
            let (x, y) = (cell % size.width, cell / size.width)
            var value: Value?
            var isNearOther = false
            for row in max(0, y - reach) ... min(size.height - 1, y + reach) {
                for column in max(0, x - reach) ... min(size.width - 1, x + reach) {
                    let other = row * size.width + column
                    if let here = part[other] { value = here } else if !isExcluded[other] { isNearOther = true }
                }
            }
            if isNearOther, let value { result[cell] = value }
        }
        return result
    }

    func distance(_ a: Int, _ b: Int) -> Float {
        let difference = features[a] - features[b]
        return (difference * difference).sum().squareRoot()
    }

    func neighbors(of cell: Int) -> [Int] {
        let (x, y) = (cell % size.width, cell / size.width)
        var result: [Int] = []
        if x > 0 { result.append(cell - 1) }
        if x + 1 < size.width { result.append(cell + 1) }
        if y > 0 { result.append(cell - size.width) }
        if y + 1 < size.height { result.append(cell + size.width) }
        return result
    }

    /// Connected cells, each like the region's first one and its neighbour.
    func regions(tolerance: Float) -> (labels: [Int], bounds: [PixelRect], counts: [Int]) {
        var labels = [Int](repeating: -1, count: size.area)
        var (bounds, counts): ([PixelRect], [Int]) = ([], [])
        for start in 0 ..< size.area where labels[start] < 0 {
            let label = bounds.count
            var (left, right) = (start % size.width, start % size.width)
            var (top, bottom) = (start / size.width, start / size.width)
            labels[start] = label
            counts.append(0)
            var waiting = [start]
            while let cell = waiting.popLast() {
                let (x, y) = (cell % size.width, cell / size.width)
                counts[label] += 1
                (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
                for next in neighbors(of: cell)
                where labels[next] < 0 && distance(cell, next) < tolerance / 2 {
                    labels[next] = label
                    waiting.append(next)
                }
            }
            bounds.append(PixelRect(x: left, y: top, width: right - left + 1, height: bottom - top + 1))
        }
        return (labels, bounds, counts)
    }

    /// Of cells that are not background, those that are a subject, and its rim. The edge between two backgrounds is
    /// none: it is like neither, but thin, and has one on each side; a speck has the same all around.
    func subjects(_ isNew: [Bool], tolerance: Float) -> [Bool] {
        func grown(_ values: [Bool], within: [Bool]? = nil) -> [Bool] {
            var result = values
            for cell in values.indices where !values[cell] && within?[cell] ?? true {
                let (x, y) = (cell % size.width, cell / size.width)
                search: for row in max(0, y - 1) ... min(size.height - 1, y + 1) {
                    for column in max(0, x - 1) ... min(size.width - 1, x + 1) where values[row * size.width + column] {
                        result[cell] = true
                        break search
                    }
                }
            }
            return result
        }
        var core = isNew.map { !$0 }
        for _ in 0 ..< Self.edgeRadius { core = grown(core) }
        core = core.map { !$0 }
        for _ in 0 ..< 2 * Self.edgeRadius { core = grown(core, within: isNew) }
        var isSeen = core
        for start in isNew.indices where isNew[start] && !isSeen[start] {
            var (speck, around): ([Int], [Int]) = ([], [])
            var waiting = [start]
            isSeen[start] = true
            while let cell = waiting.popLast() {
                speck.append(cell)
                for next in neighbors(of: cell) {
                    if !isNew[next] {
                        around.append(next)
                    } else if !isSeen[next] {
                        isSeen[next] = true
                        waiting.append(next)
                    }
                }
            }
            guard let first = around.first, around.allSatisfy({ distance(first, $0) < 2 * tolerance }) else { continue }
            for cell in speck { core[cell] = true }
        }
        return grown(core)
    }

    /// Half the cells of the widest edge.
    private static let edgeRadius = 2

    /// One value a cell, one for each pixel of an image of that size.
    func enlarged(_ values: [Float], to imageSize: PixelSize) -> Plane {
        var result = Plane(size: imageSize)
        for y in (0 ..< imageSize.height).untilCancelled {
            let row = min(size.height - 1, y * size.height / imageSize.height) * size.width
            for x in 0 ..< imageSize.width {
                result.values[y * imageSize.width + x] =
                    values[row + min(size.width - 1, x * size.width / imageSize.width)]
            }
        }
        return result
    }
}
