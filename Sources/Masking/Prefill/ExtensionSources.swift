internal import Foundation
public import Raster

/// What of a picture its extension may be copied from: what goes on at the edges that are extended, and no subject.
///
/// The picture is looked at in cells of some pixels. The cells along an extended edge say what goes on there. All that
/// looks like them at about the same height (or, for the upper and lower edge, in about the same column) and is
/// connected with them by such cells is background. A face before it is not, nor is what lies behind a face and looks
/// otherwise. (Borders as the background's seeds: Wei et al. 2012, "Geodesic Saliency Using Background Priors".)
///
/// A thing that the edge cuts off, as it cuts off half a person, is no background either. It must reach into the
/// picture less than 1.2 times its extent along the edge, and less than 0.6 of the picture. A hill or a shore reaches
/// further.
///
/// A subject that the edge cuts and that reaches further in goes on beyond it, but only there: beside and behind it the
/// background goes on (`CutSubject`). It is one of two things:
/// - what narrows towards an edge, such as the hem of a dress, ends about where its outline would;
/// - what the upper or lower edge cuts and is not seen along the sides.
public struct ExtensionSources: Sendable {
    /// 1 where nothing may be copied from, 0 elsewhere; of the picture's size.
    public let excluded: Plane
    /// What the extended edges cut and is no background: each may be copied only to where it goes on.
    let subjects: [CutSubject]
    /// 1 where a cut subject is, 0 elsewhere, in the order of `OutpaintPlan.confined`; each of the picture's size.
    public var subjectCells: [Plane] { subjects.map(\.cells) }

    /// Cells in all, about.
    private static let cells = 9600
    /// Cells of an edge's strip, into the picture.
    private static let stripDepth = 2
    /// The share of the edge's length within which a cell is looked for.
    private static let reach: Float = 0.25
    /// Least and greatest distance of features that look alike.
    private static let tolerance: ClosedRange<Float> = 0.05 ... 0.16
    /// Cells below which a region is an edge or a speck.
    private static let smallestRegion = 16
    /// How much wider than at the edge a region is within `narrowingDepth` that narrows towards it.
    private static let narrowing: Float = 1.6
    /// The share of the picture within which it does.
    private static let narrowingDepth: Float = 0.25
    /// The share of the picture's height that a subject cut by the upper or lower edge reaches into it, at least.
    private static let subjectHeight: Float = 0.25

    /// - Parameter sides: the edges that are extended; more than 0 where one is.
    public init(_ image: RGBImage, sides: Margins) {
        let grid = FeatureGrid(image, cells: Self.cells)
        var isBackground = [Bool](repeating: false, count: grid.size.area)
        var isGround = isBackground
        var isNarrowing = isBackground
        // Scenes are layered: what goes on above or below is seen along the sides as well.
        let isUpright = sides.vertical > 0
        var backgrounds: [Side: [Bool]] = [:]
        let extended: [(side: Side, pixels: Int)] = [
            (.left, sides.left), (.right, sides.right), (.top, sides.top), (.bottom, sides.bottom),
        ]
        for (side, pixels) in extended where pixels > 0 || isUpright && side.isUpright {
            let found = Self.background(grid, Edge(side, size: grid.size))
            backgrounds[side] = found.all
            for index in grid.indices {
                if found.all[index] { isBackground[index] = true }
                if found.all[index] && !found.ground[index] { isNarrowing[index] = true }
                if found.ground[index] && (side.isUpright || !isUpright) { isGround[index] = true }
            }
        }
        let parts = Self.subjects(
            grid, grid.indices.map { isBackground[$0] && !isGround[$0] }, isNarrowing: isNarrowing)
        let scale = (
            x: Float(image.width) / Float(grid.size.width), y: Float(image.height) / Float(grid.size.height)
        )
        // A cell may be copied to beyond the edges at which what looks like it, and is connected with it, is cut.
        var cuts: [Side: [CutSubject.Cut]] = [:]
        var cells: [Set<Side>: [Bool]] = [:]
        for part in parts {
            var sidesOfCells = [Int: Set<Side>]()
            for (side, pixels) in extended where pixels > 0 {
                let (along, inward) = side.isUpright ? (scale.y, scale.x) : (scale.x, scale.y)
                let alike = part.filter { backgrounds[side]?[$0] == true }
                guard let (run, reach) = Self.cut(of: alike, Edge(side, size: grid.size)) else { continue }
                cuts[side, default: []].append(
                    CutSubject.Cut(
                        side: side, from: Float(run.lowerBound) * along, to: Float(run.upperBound) * along,
                        reach: reach * inward, margin: Float(Self.stripDepth) * max(along, inward)))
                for cell in alike { sidesOfCells[cell, default: []].insert(side) }
            }
            // What is like nothing at these edges, such as a fold in the shade, goes with the part.
            let sidesOfPart = sidesOfCells.values.reduce(into: Set<Side>()) { $0.formUnion($1) }
            for cell in part {
                cells[sidesOfCells[cell] ?? sidesOfPart, default: [Bool](repeating: false, count: grid.size.area)][
                    cell] = true
            }
        }
        func order(_ sides: Set<Side>) -> Int { sides.reduce(0) { $0 | 1 << $1.rawValue } }
        subjects = cells.sorted { order($0.key) < order($1.key) }.map { sides, cells in
            CutSubject(cells: grid.enlarged(cells, to: image.size), cuts: sides.flatMap { cuts[$0] ?? [] })
        }
        excluded = grid.enlarged(isBackground.map { !$0 }, to: image.size)
    }

    enum Side: Int {
        case left, right, top, bottom

        var isUpright: Bool { self == .left || self == .right }
    }

    /// Cells as an edge sees them: along it, and inward from it.
    private struct Edge {
        let length: Int
        let depth: Int
        private let side: Side
        private let size: PixelSize
        var isUpright: Bool { side.isUpright }

        init(_ side: Side, size: PixelSize) {
            self.side = side
            self.size = size
            (length, depth) = side.isUpright ? (size.height, size.width) : (size.width, size.height)
        }

        func index(_ along: Int, _ inward: Int) -> Int {
            switch side {
            case .left: along * size.width + inward
            case .right: along * size.width + size.width - 1 - inward
            case .top: inward * size.width + along
            case .bottom: (size.height - 1 - inward) * size.width + along
            }
        }

        func place(of cell: Int) -> (along: Int, inward: Int) {
            let (x, y) = (cell % size.width, cell / size.width)
            return switch side {
            case .left: (y, x)
            case .right: (y, size.width - 1 - x)
            case .top: (x, y)
            case .bottom: (x, size.height - 1 - y)
            }
        }
    }

    /// The connected parts of cells that may be a cut subject, where they narrow towards an edge or are high.
    private static func subjects(_ grid: FeatureGrid, _ isCandidate: [Bool], isNarrowing: [Bool]) -> [[Int]] {
        grid.parts(isCandidate).filter { part in
            let rows = part.map { $0 / grid.size.width }
            let height = (rows.max() ?? 0) - (rows.min() ?? 0) + 1
            let isHigh = Float(height) >= subjectHeight * Float(grid.size.height)
            return part.count >= smallestRegion && (isHigh || part.contains { isNarrowing[$0] })
        }
    }

    /// The stretch of an edge at which a part ends; `nil` where it does not reach the edge, and how many cells beyond it its outline would: as many as would
    /// take away the rest if it went on narrowing as it does up to the edge, but at the sides no more than that is high.
    private static func cut(of part: [Int], _ edge: Edge) -> (run: Range<Int>, reach: Float)? {
        var lines: [Int: ClosedRange<Int>] = [:]
        let steps = max(stripDepth, Int(narrowingDepth * Float(edge.depth)))
        for cell in part {
            let (along, inward) = edge.place(of: cell)
            guard inward < steps else { continue }
            let line = lines[inward] ?? along ... along
            lines[inward] = min(line.lowerBound, along) ... max(line.upperBound, along)
        }
        let strip = (0 ..< stripDepth).compactMap { lines[$0] }
        guard let first = strip.map(\.lowerBound).min(), let last = strip.map(\.upperBound).max() else { return nil }
        let width = last - first + 1
        // Where it is widest, nearest to the edge.
        let widest = lines.max { ($0.value.count, -$0.key) < ($1.value.count, -$1.key) }
        var reach = edge.isUpright ? Float(width) : .infinity
        if let widest, Float(widest.value.count) >= narrowing * Float(width) {
            reach = min(reach, Float(width * widest.key) / Float(widest.value.count - width))
        }
        return (first ..< last + 1, max(Float(stripDepth), reach))
    }

    /// What goes on at an edge; `ground` is that without what narrows towards it.
    private static func background(_ grid: FeatureGrid, _ edge: Edge) -> (all: [Bool], ground: [Bool]) {
        let (length, depth, isUpright) = (edge.length, edge.depth, edge.isUpright)
        func index(_ along: Int, _ inward: Int) -> Int { edge.index(along, inward) }
        let stripDepth = min(Self.stripDepth, depth)
        let window = max(2, Int(Self.reach * Float(length)))
        // How well cells of the strip are represented by others of it tells what is alike there.
        func tolerance(among isTaken: (Int) -> Bool) -> Float {
            let nearest = (0 ..< length).filter(isTaken).compactMap { along in
                (max(0, along - window) ..< min(length, along + window + 1))
                    .filter { abs($0 - along) > 2 && isTaken($0) }
                    .map { grid.distance(index(along, 0), index($0, 0)) }.min()
            }.sorted()
            let typical = nearest.isEmpty ? 0 : nearest[nearest.count * 3 / 4]
            return min(Self.tolerance.upperBound, max(Self.tolerance.lowerBound, 1.5 * typical))
        }

        // Things at the edge.
        let regions = grid.regions(tolerance: tolerance { _ in true })
        var share: [Int: Int] = [:]
        for along in 0 ..< length { share[regions.labels[index(along, 0)], default: 0] += 1 }
        let candidates = share.keys.filter { label in
            guard 2 * share[label, default: 0] <= length else { return false }
            let bounds = regions.bounds[label]
            let (across, high) = isUpright ? (bounds.width, bounds.height) : (bounds.height, bounds.width)
            return 5 * across < 3 * depth && 5 * across < 6 * high
        }
        // What lies behind them, seen from the edge: what else goes on there, or something that is not at the edge.
        var behind: [Int: (known: Int, new: Int)] = [:]
        for along in 0 ..< length {
            let label = regions.labels[index(along, 0)]
            guard candidates.contains(label) else { continue }
            for inward in 0 ..< depth {
                let other = regions.labels[index(along, inward)]
                guard !candidates.contains(other), regions.counts[other] >= Self.smallestRegion else { continue }
                if share[other] != nil {
                    behind[label, default: (0, 0)].known += 1
                } else {
                    behind[label, default: (0, 0)].new += 1
                }
            }
        }
        let things = Set(candidates.filter { label in behind[label].map { $0.known > 2 * $0.new } ?? false })
        // The rim of a thing is one.
        let labels = (0 ..< length).map { regions.labels[index($0, 0)] }
        let large = (0 ..< length).filter { regions.counts[labels[$0]] >= Self.smallestRegion }
        var seeds = (0 ..< length).map { along in
            let isRim = regions.counts[labels[along]] < Self.smallestRegion
            let nearest = isRim ? large.min { abs($0 - along) < abs($1 - along) } : nil
            return !things.contains(labels[nearest ?? along])
        }
        if !seeds.contains(true) { seeds = [Bool](repeating: true, count: length) }
        let edgeTolerance = tolerance { seeds[$0] }
        let all = grow(grid, edge, seeds: seeds, window: window, tolerance: edgeTolerance)

        // What narrows: of little width at the edge, or none but its rim. Folds of a cloth may be less alike than a wall.
        let wholes = grid.regions(tolerance: 2 * tolerance { _ in true })
        let strip = 0 ... min(stripDepth, depth - 1)
        let steps = max(stripDepth + 1, Int(narrowingDepth * Float(depth)))
        var widths: [Int: Int] = [:]
        for inward in 0 ..< min(depth, steps) {
            var line: [Int: Int] = [:]
            for along in 0 ..< length { line[wholes.labels[index(along, inward)], default: 0] += 1 }
            for (label, count) in line { widths[label] = max(widths[label] ?? 0, count) }
        }
        let atEdge = Set((0 ..< length).flatMap { along in strip.map { wholes.labels[index(along, $0)] } })
        let narrowing = atEdge.filter { label in
            let cells = (0 ..< length).map { index($0, 0) }.filter { wholes.labels[$0] == label }
            guard wholes.counts[label] >= smallestRegion, 2 * cells.count <= length,
                Float(widths[label] ?? 0) >= Self.narrowing * Float(cells.count) + 2
            else { return false }
            // Two things that pass into each other are not one.
            return cells.allSatisfy { one in
                cells.allSatisfy { grid.distance(one, $0) < 2 * Self.tolerance.upperBound }
            }
        }
        let isOfNarrowing = wholes.labels.map { narrowing.contains($0) }
        guard isOfNarrowing.contains(true) else { return (all, all) }
        var groundSeeds = seeds
        for along in 0 ..< length {
            // The rim of what narrows is of it.
            let near = max(0, along - stripDepth) ... min(length - 1, along + stripDepth)
            let isRim = regions.counts[labels[along]] < Self.smallestRegion
            let isNear = near.contains { other in strip.contains { isOfNarrowing[index(other, $0)] } }
            if isOfNarrowing[index(along, 0)] || isRim && isNear { groundSeeds[along] = false }
        }
        guard groundSeeds.contains(true) else { return (all, all) }
        let groundTolerance = tolerance { groundSeeds[$0] }
        return (all, grow(grid, edge, seeds: groundSeeds, window: window, tolerance: groundTolerance))
    }

    /// All that looks like the seeds, cells of an edge, and is connected with them or with the opposite edge.
    private static func grow(
        _ grid: FeatureGrid, _ edge: Edge, seeds: [Bool], window: Int, tolerance: Float
    ) -> [Bool] {
        let (length, depth, isUpright) = (edge.length, edge.depth, edge.isUpright)
        let size = grid.size
        let stripDepth = min(Self.stripDepth, depth)
        func index(_ along: Int, _ inward: Int) -> Int { edge.index(along, inward) }
        var isBackground = [Bool](repeating: false, count: size.area)
        var waiting: [Int] = []
        for along in 0 ..< length where seeds[along] {
            for inward in 0 ..< stripDepth {
                isBackground[index(along, inward)] = true
                waiting.append(index(along, inward))
            }
        }
        var isAlike = [Bool?](repeating: nil, count: size.area)
        func alike(_ cell: Int) -> Bool {
            if let known = isAlike[cell] { return known }
            let along = isUpright ? cell / size.width : cell % size.width
            var result = false
            for other in max(0, along - window) ..< min(length, along + window + 1) where seeds[other] {
                for inward in 0 ..< stripDepth {
                    let apart = Float(abs(other - along)) / Float(window)
                    if grid.distance(cell, index(other, inward)) < tolerance * (1 - 0.3 * apart) {
                        result = true
                        break
                    }
                }
                if result { break }
            }
            isAlike[cell] = result
            return result
        }
        // What looks like it at the opposite edge is the same background, on the other side of a subject.
        for along in 0 ..< length where !isBackground[index(along, depth - 1)] && alike(index(along, depth - 1)) {
            isBackground[index(along, depth - 1)] = true
            waiting.append(index(along, depth - 1))
        }
        while let cell = waiting.popLast() {
            for next in grid.neighbors(of: cell) where !isBackground[next] && alike(next) {
                isBackground[next] = true
                waiting.append(next)
            }
        }
        return grid.subjects(isBackground.map { !$0 }, tolerance: tolerance).map { !$0 }
    }
}

extension OutpaintPlan {
    /// The sides of the picture beyond which an area of the canvas lies: 1 where it does, 0 where it does not. Areas beyond
    /// the same sides have equal sides, however far away they are.
    public func sides(of area: PixelRect) -> Margins {
        let source = sourceRect
        return Margins(
            left: area.x < source.x ? 1 : 0, right: area.maxX > source.maxX ? 1 : 0,
            top: area.y < source.y ? 1 : 0, bottom: area.maxY > source.maxY ? 1 : 0)
    }

    /// What an area of new pixels may not be copied from in a window of the canvas: what `sources`, those of the area's
    /// sides, exclude of the picture, and what has been added on the other side of it.
    public func excluded(_ sources: ExtensionSources, area: PixelRect, window: PixelRect) -> Plane {
        precondition(sources.excluded.size == sourceSize, "sources of another picture")
        let (source, sides) = (sourceRect, sides(of: area))
        var result = Plane(size: window.size)
        for y in window.y ..< window.maxY {
            for x in window.x ..< window.maxX {
                let isAcross =
                    sides.left > 0 && x >= source.maxX || sides.right > 0 && x < source.x
                    || sides.top > 0 && y >= source.maxY || sides.bottom > 0 && y < source.y
                let isInPicture = x >= source.x && x < source.maxX && y >= source.y && y < source.maxY
                if isAcross || isInPicture && sources.excluded[x - source.x, y - source.y] > 0 {
                    result[x - window.x, y - window.y] = 1
                }
            }
        }
        return result
    }

    /// What of a window of the canvas may be copied to some places only: subjects that the picture's edges cut, to where
    /// they go on beyond them. What was added there before counts as the subject.
    public func confined(_ sources: ExtensionSources, window: PixelRect) -> [ConfinedSources] {
        precondition(sources.excluded.size == sourceSize, "sources of another picture")
        let source = sourceRect
        return sources.subjects.map { subject in
            var (from, to) = (Plane(size: window.size), Plane(size: window.size))
            for y in window.y ..< window.maxY {
                for x in window.x ..< window.maxX {
                    let isInPicture = x >= source.x && x < source.maxX && y >= source.y && y < source.maxY
                    if isInPicture {
                        from[x - window.x, y - window.y] = subject.cells[x - source.x, y - source.y]
                    } else if subject.goesOn(x: x - source.x, y: y - source.y) {
                        from[x - window.x, y - window.y] = 1
                        to[x - window.x, y - window.y] = 1
                    }
                }
            }
            return ConfinedSources(from: from, to: to)
        }
    }
}

/// What a picture looks like, cell by cell: colour and roughness.
private struct FeatureGrid {
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
    func enlarged(_ values: [Bool], to imageSize: PixelSize) -> Plane {
        var result = Plane(size: imageSize)
        for y in 0 ..< imageSize.height {
            let row = min(size.height - 1, y * size.height / imageSize.height) * size.width
            for x in 0 ..< imageSize.width where values[row + min(size.width - 1, x * size.width / imageSize.width)] {
                result.values[y * imageSize.width + x] = 1
            }
        }
        return result
    }
}
