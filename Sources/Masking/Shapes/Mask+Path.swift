public import Raster

extension Mask {
    /// The inside of `path`: each pixel's coverage is the exact area (0…1) that the outlines enclose of it. What lies
    /// outside the picture is cut off.
    ///
    /// Rows are cut into bands in which no two sides cross or end; in a band the inside is a row of trapezoids, whose
    /// areas are summed with the signed-area accumulation of R. Levien's font-rs (2016) instead of by samples. A row
    /// that more than 512 sides run through, as a scribble has, is summed over 256 lines, or fewer where the sides are
    /// thousands.
    public init(_ path: VectorPath, rule: VectorPath.FillRule = .nonZero, size: PixelSize) {
        var plane = Plane(size: size)
        var filler = PathFiller(path, rule: rule, size: size)
        while let row = filler.nextRow() {
            var area = 0.0
            for x in 0 ..< size.width {
                area += filler.accumulated[x]
                // Sums of areas are exact to far less than this; outside is 0 and inside is 1 to the last bit.
                plane.values[row * size.width + x] = area < 1e-6 ? 0 : area > 1 - 1e-6 ? 1 : Float(area)
            }
        }
        self.init(coverage: plane)
    }
}

/// Fills a path row by row.
private struct PathFiller {
    private struct Side {
        var top: Double
        var bottom: Double
        var x: Double
        /// dx/dy
        var slope: Double
        var topX: Double
        var bottomX: Double
        var winding: Int

        func x(at y: Double) -> Double { y <= top ? topX : y >= bottom ? bottomX : topX + (y - top) * slope }
    }

    /// A side within a band.
    private struct Stretch {
        var top: Double
        var bottom: Double
        var winding: Int
    }

    private let rule: VectorPath.FillRule
    private let width: Double
    private let height: Int
    /// By their top, the last first.
    private var waiting: [Side]
    private var active: [Side] = []
    private var row = -1
    /// For the row at hand: what each pixel's coverage adds to that of the pixel before.
    private(set) var accumulated: [Double]
    /// Of a row with very many sides: what the crossings at each place of a line change, where the last of them lies,
    /// and which places have any.
    private var windings: [Int32] = []
    private var positions: [Double] = []
    private var isCrossed: [UInt64] = []

    init(_ path: VectorPath, rule: VectorPath.FillRule, size: PixelSize) {
        self.rule = rule
        width = Double(size.width)
        height = size.height
        accumulated = [Double](repeating: 0, count: size.width + 2)
        var sides: [Side] = []
        for contour in path.contours where contour.count > 1 {
            for (index, start) in contour.enumerated() {
                let end = contour[(index + 1) % contour.count]
                guard start.y != end.y else { continue }
                let (upper, lower) = start.y < end.y ? (start, end) : (end, start)
                guard lower.y > 0, upper.y < Double(size.height) else { continue }
                sides.append(
                    Side(
                        top: upper.y, bottom: lower.y, x: upper.x, slope: (lower.x - upper.x) / (lower.y - upper.y),
                        topX: upper.x, bottomX: lower.x, winding: start.y < end.y ? 1 : -1))
            }
        }
        waiting = sides.sorted { $0.top > $1.top }
    }

    /// Goes on to the next row that the path touches; `nil` behind the last.
    mutating func nextRow() -> Int? {
        row += 1
        if active.isEmpty {
            guard let next = waiting.last else { return nil }
            row = max(row, Int(max(0, next.top)))
        }
        guard row < height else { return nil }
        let top = Double(row)
        while let next = waiting.last, next.top < top + 1 {
            active.append(next)
            waiting.removeLast()
        }
        for index in accumulated.indices { accumulated[index] = 0 }

        // A scribble of thousands of sides: the bands would number as many, each with all of them.
        if active.count > Self.sideLimit {
            fillSampled(top: top)
            active.removeAll { $0.bottom <= top + 1 }
            return row
        }
        var cuts = [top, top + 1]
        for side in active {
            if side.top > top { cuts.append(side.top) }
            if side.bottom < top + 1 { cuts.append(side.bottom) }
        }
        if cuts.count > 2 { cuts.sort() }
        var stretches: [Stretch] = []
        for (upper, lower) in zip(cuts, cuts.dropFirst()) where lower > upper {
            stretches.removeAll(keepingCapacity: true)
            for side in active where side.top <= upper && side.bottom >= lower {
                stretches.append(Stretch(top: side.x(at: upper), bottom: side.x(at: lower), winding: side.winding))
            }
            fillBand(&stretches, height: lower - upper)
        }
        active.removeAll { $0.bottom <= top + 1 }
        return row
    }

    /// A band that no side begins or ends in, cut further where sides cross.
    private mutating func fillBand(_ stretches: inout [Stretch], height: Double) {
        stretches.sort { ($0.top, $0.bottom) < ($1.top, $1.bottom) }
        if zip(stretches, stretches.dropFirst()).allSatisfy({ $0.bottom <= $1.bottom }) {
            return fillTrapezoids(stretches, height: height)
        }
        // Insertion sort by the lower ends: every exchange is a crossing.
        var cuts = [0.0, 1.0]
        var order = stretches
        for index in order.indices.dropFirst() {
            var place = index
            while place > 0, order[place - 1].bottom > order[place].bottom {
                let apart = order[place].top - order[place - 1].top
                let closing = order[place - 1].bottom - order[place].bottom
                if apart > 0 { cuts.append(apart / (apart + closing)) }
                order.swapAt(place - 1, place)
                place -= 1
            }
        }
        cuts.sort()
        for (upper, lower) in zip(cuts, cuts.dropFirst()) where lower > upper {
            var part = stretches.map { stretch in
                let dx = stretch.bottom - stretch.top
                return Stretch(
                    top: stretch.top + dx * upper, bottom: stretch.top + dx * lower, winding: stretch.winding)
            }
            part.sort { $0.top + $0.bottom < $1.top + $1.bottom }
            fillTrapezoids(part, height: height * (lower - upper))
        }
    }

    /// Sides in a row beyond which its area is sampled instead of cut into bands.
    private static let sideLimit = 512

    /// Places along a line at which its crossings are counted, for each pixel: as many as a word has bits.
    private static let placesPerPixel = 64
    /// Crossings that are counted in a row, about: the more sides run through it, the fewer lines it is summed over.
    private static let crossingLimit = 1 << 18

    /// The row by up to 256 lines, exact along each of them but for crossings closer than a 64th of a pixel. Crossings
    /// are counted where they lie instead of being sorted, so that a row takes no longer than its sides and pixels are
    /// many.
    private mutating func fillSampled(top: Double) {
        let lines = max(1, min(256, Self.crossingLimit / active.count))
        let pixels = Int(width) + 1
        if windings.isEmpty {
            windings = [Int32](repeating: 0, count: pixels * Self.placesPerPixel)
            positions = [Double](repeating: 0, count: windings.count)
            isCrossed = [UInt64](repeating: 0, count: pixels)
        }
        for line in 0 ..< lines {
            let y = top + (Double(line) + 0.5) / Double(lines)
            for side in active where side.top <= y && side.bottom > y {
                let x = min(max(side.x(at: y), 0), width)
                let place = Int(x * Double(Self.placesPerPixel))
                windings[place] += Int32(side.winding)
                positions[place] = x
                isCrossed[place / Self.placesPerPixel] |= 1 << UInt64(place % Self.placesPerPixel)
            }
            var winding = 0
            for pixel in 0 ..< pixels {
                while isCrossed[pixel] != 0 {
                    let bit = isCrossed[pixel].trailingZeroBitCount
                    isCrossed[pixel] &= isCrossed[pixel] - 1
                    let place = pixel * Self.placesPerPixel + bit
                    let wasInside = contains(winding)
                    winding += Int(windings[place])
                    windings[place] = 0
                    let isInside = contains(winding)
                    guard wasInside != isInside else { continue }
                    accumulate(from: positions[place], to: positions[place], area: (isInside ? 1 : -1) / Double(lines))
                }
            }
        }
    }

    /// Sides from left to right that do not cross.
    private mutating func fillTrapezoids(_ stretches: [Stretch], height: Double) {
        var winding = 0
        for stretch in stretches {
            let wasInside = contains(winding)
            winding += stretch.winding
            let isInside = contains(winding)
            if wasInside != isInside {
                accumulate(from: stretch.top, to: stretch.bottom, area: isInside ? height : -height)
            }
        }
    }

    private func contains(_ winding: Int) -> Bool { rule == .nonZero ? winding != 0 : winding % 2 != 0 }

    /// Everything to the right of a slanted side, `area` being the band's height with its sign.
    private mutating func accumulate(from first: Double, to second: Double, area: Double) {
        let (left, right) = (min(first, second), max(first, second))
        if left >= width { return }
        if right <= 0 {
            accumulated[0] += area
            return
        }
        if left < 0 {
            let share = -left / (right - left)
            accumulated[0] += area * share
            return accumulate(from: 0, to: right, area: area * (1 - share))
        }
        if right > width {
            return accumulate(from: left, to: width, area: area * (width - left) / (right - left))
        }
        let start = Int(left)
        let end = Int(right.rounded(.up))
        if end <= start + 1 {
            let middle = (left + right) / 2 - Double(start)
            accumulated[start] += area * (1 - middle)
            accumulated[start + 1] += area * middle
            return
        }
        let step = 1 / (right - left)
        let into = left - Double(start)
        let outOf = right - Double(end - 1)
        let first = 0.5 * step * (1 - into) * (1 - into)
        let last = 0.5 * step * outOf * outOf
        accumulated[start] += area * first
        if end == start + 2 {
            accumulated[start + 1] += area * (1 - first - last)
        } else {
            let second = step * (1.5 - into)
            accumulated[start + 1] += area * (second - first)
            for x in start + 2 ..< end - 1 { accumulated[x] += area * step }
            accumulated[end - 1] += area * (1 - second - Double(end - start - 3) * step - last)
        }
        accumulated[end] += area * last
    }
}
