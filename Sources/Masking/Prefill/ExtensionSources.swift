internal import Foundation
internal import Parallel
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
///
/// A floor of which a subject leaves little to be seen goes on in the same way.
public struct ExtensionSources: Sendable {
    /// 1 where nothing may be copied from, 0 elsewhere; of the picture's size.
    public let excluded: Plane
    /// What the extended edges cut and is no background: each may be copied only to where it goes on.
    let subjects: [CutSubject]
    /// 1 where a cut subject is, less on its outline, 0 elsewhere, in the order of `OutpaintPlan.confined`; each of the picture's size.
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
    /// The share of the picture from which on a cut subject surely goes on.
    private static let smallestSubject: Float = 0.01
    /// Parts that go on by themselves.
    private static let mostParts = 8
    /// The share of the picture below which little is seen of a floor.
    private static let smallFloor: Float = 0.05
    /// By how much a subject's outline nears its middle with each pixel beyond the sides, at least.
    private static let leastNarrowing: Float = 1
    /// By how much an outline beyond the upper and lower edge leaves or nears the vertical, at most.
    private static let mostFlare: Float = 0.6
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
        var parts = Self.subjects(
            grid, grid.indices.map { isBackground[$0] && !isGround[$0] }, isNarrowing: isNarrowing)
        // A subject may hide nearly all of a floor.
        let floors =
            parts.isEmpty
            ? []
            : extended.compactMap { side, pixels in
                pixels > 0 && side.isUpright ? Self.floor(grid, side, isGround: isGround) : nil
            }
        for floor in floors {
            for cell in floor.cells { isBackground[cell] = true }
            parts = parts.map { $0.filter { !floor.cells.contains($0) } }.filter { !$0.isEmpty }
        }
        let scale = (
            x: Float(image.width) / Float(grid.size.width), y: Float(image.height) / Float(grid.size.height)
        )
        // A cell may be copied to beyond the edges at which its part is cut. Only what is alike goes beyond the upper edge.
        var subjects: [CutSubject] = []
        var isHeadCut = false
        var isExcluded = isBackground.map { !$0 }
        for part in Self.fewest(parts) {
            var cuts: [CutSubject.Cut] = []
            var isAbove: [Int: Bool] = [:]
            for (side, pixels) in extended where pixels > 0 {
                let alike = part.filter { backgrounds[side]?[$0] == true }
                guard var cut = Self.cut(of: part, at: alike, side, grid, scale) else { continue }
                // Where only the sides are extended, or little is seen, how far it goes on is left to what is found.
                cut.isCertain =
                    isUpright && Float(part.count) >= Self.smallestSubject * Float(grid.size.area)
                cuts.append(cut)
                for cell in alike { isAbove[cell] = side == .top }
            }
            guard !cuts.isEmpty else {
                for cell in part { isExcluded[cell] = true }
                continue
            }
            isHeadCut = isHeadCut || cuts.contains { $0.side == .top }
            // What is like nothing at these edges, such as a fold in the shade, goes with what is next to it.
            grid.spread(&isAbove, over: part)
            let outline = grid.outline(
                of: isAbove.filter { cell, _ in
                    isUpright
                        && cuts.contains { cut in
                            let edge = Edge(cut.side, size: grid.size)
                            return Float(edge.place(of: cell).inward) < Self.narrowingDepth * Float(edge.depth)
                        }
                }, isExcluded: isExcluded)
            for cell in outline.keys { isExcluded[cell] = false }
            let inside = grid.inside(of: Set(isAbove.keys).union(outline.keys), isExcluded: isExcluded)
            for above in [false, true] {
                let here = cuts.filter { ($0.side == .top) == above }
                let values = grid.indices.map { cell in
                    guard isAbove[cell] ?? outline[cell] == above else { return Float(0) }
                    return inside.contains(cell) && outline[cell] == nil ? 1 : CutSubject.outline
                }
                guard values.contains(where: { $0 > 0 }) else { continue }
                subjects.append(CutSubject(cells: grid.enlarged(values, to: image.size), cuts: here))
            }
        }
        let margin = Float(Self.stripDepth) * max(scale.x, scale.y)
        for floor in floors {
            let inside = grid.inside(of: floor.cells, isExcluded: isExcluded)
            let values = grid.indices.map { cell in
                inside.contains(cell) ? 1 : floor.cells.contains(cell) ? CutSubject.outline : 0
            }
            subjects.append(
                CutSubject(
                    cells: grid.enlarged(values, to: image.size),
                    cuts: [
                        CutSubject.Cut(
                            side: floor.side,
                            outline: .lines(from: Float(floor.top) * scale.y, to: .infinity, slopes: (0, 0)),
                            margin: margin)
                    ]))
        }
        // Above a head that is cut nothing goes on but what is at that edge.
        if isHeadCut {
            let isOther = grid.indices.map { isGround[$0] && backgrounds[.top]?[$0] == false ? CutSubject.outline : 0 }
            subjects.append(
                CutSubject(
                    cells: grid.enlarged(isOther, to: image.size),
                    cuts: [.left, .right, .bottom].map { CutSubject.Cut(side: $0, outline: .anywhere, margin: 1) }))
        }
        self.subjects = subjects
        excluded = grid.enlarged(isExcluded.map { $0 ? 1 : 0 }, to: image.size)
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

    /// Parts, the largest first; the smaller ones together where there are many.
    private static func fewest(_ parts: [[Int]]) -> [[Int]] {
        let sorted = parts.sorted { ($0.count, $1[0]) > ($1.count, $0[0]) }
        return sorted.count <= mostParts
            ? sorted : sorted.prefix(mostParts - 1) + [sorted.dropFirst(mostParts - 1).flatMap(\.self)]
    }

    /// What lies lowest at a side and is ground, next to something else above it, where a subject hides most of it.
    private static func floor(
        _ grid: FeatureGrid, _ side: Side, isGround: [Bool]
    ) -> (side: Side, cells: Set<Int>, top: Int)? {
        let edge = Edge(side, size: grid.size)
        let limit = tolerance.upperBound
        guard let last = (0 ..< edge.length).last(where: { isGround[edge.index($0, 0)] }), last > 2 * stripDepth else {
            return nil
        }
        // Above the blur of the subject's outline.
        let typical = edge.index(last - stripDepth, 0)
        let top = (0 ..< last).last { grid.distance(edge.index($0, 0), typical) > limit }.map { $0 + 1 } ?? 0
        guard last - top >= stripDepth, top > 2 * stripDepth,
            grid.distance(edge.index(top - 1 - stripDepth, 0), typical) > 2 * limit
        else { return nil }
        let isAlike = grid.indices.map { $0 / grid.size.width >= top && grid.distance($0, typical) < limit }
        guard Float(isAlike.count { $0 }) < smallFloor * Float(grid.size.area),
            let part = grid.parts(isAlike).first(where: { $0.contains(typical) }), part.count >= smallestRegion
        else { return nil }
        return (side, Set(part), top)
    }

    /// How a part that an edge cuts goes on beyond it; `nil` where it does not reach the edge.
    ///
    /// Beyond the upper edge the ellipse closes that its outline begins: a head. Elsewhere its outline goes on as it comes
    /// to the edge. Beyond the sides it narrows at least so much that it ends.
    ///
    /// - Parameter edgeCells: those of the part that look like the edge.
    private static func cut(
        of part: [Int], at edgeCells: [Int], _ side: Side, _ grid: FeatureGrid, _ scale: (x: Float, y: Float)
    ) -> CutSubject.Cut? {
        let edge = Edge(side, size: grid.size)
        let steps = max(stripDepth, Int(narrowingDepth * Float(edge.depth)))
        func extents(_ cells: [Int], depth: Int) -> [Int: ClosedRange<Int>] {
            var lines: [Int: ClosedRange<Int>] = [:]
            for (along, inward) in cells.map(edge.place) where inward < depth {
                let line = lines[inward] ?? along ... along
                lines[inward] = min(line.lowerBound, along) ... max(line.upperBound, along)
            }
            return lines
        }
        let lines = extents(part, depth: steps)
        let strip = extents(edgeCells, depth: stripDepth).values
        guard let first = strip.map(\.lowerBound).min(), let last = strip.map(\.upperBound).max(),
            let widest = lines.max(by: { ($0.value.count, -$0.key) < ($1.value.count, -$1.key) })
        else { return nil }
        let (along, inward) = side.isUpright ? (scale.y, scale.x) : (scale.x, scale.y)
        let margin = Float(stripDepth) * max(along, inward)
        let (width, most, depth) = (Float(last - first + 1), Float(widest.value.count), Float(widest.key))
        if side == .top, most > width {
            let reach = depth / (1 - (width / most) * (width / most)).squareRoot() - depth
            return CutSubject.Cut(
                side: side,
                outline: .ellipse(
                    middle: Float(first + last + 1) / 2 * along, half: most / 2 * along, depth: depth * inward,
                    reach: reach * inward), margin: margin)
        }
        func slope(_ outwards: (ClosedRange<Int>) -> Int) -> Float {
            let slopes = [steps / 2, steps - 1].compactMap { further -> Float? in
                guard further > 0, let here = lines[0], let there = lines[further] else { return nil }
                return Float(outwards(here) - outwards(there)) * along / (Float(further) * inward)
            }
            let slope = slopes.min() ?? 0
            return side.isUpright ? min(slope, -leastNarrowing) : min(max(slope, -mostFlare), mostFlare)
        }
        // At a corner nothing is seen of the outline: there a stretch of the upper or lower edge goes straight on, and
        // one of the sides goes on beyond the corner.
        let beyond: Float = side.isUpright ? .infinity : 0
        let (isFromCorner, isToCorner) = (first == 0, last == edge.length - 1)
        return CutSubject.Cut(
            side: side,
            outline: .lines(
                from: isFromCorner ? -beyond : Float(first) * along,
                to: isToCorner ? Float(edge.length) * along + beyond : Float(last + 1) * along,
                slopes: (isFromCorner ? 0 : slope { -$0.lowerBound }, isToCorner ? 0 : slope { $0.upperBound })),
            margin: margin)
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
        for y in (window.y ..< window.maxY).untilCancelled {
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
        // Where one goes on those after it do not, and where it may they may.
        var taken = [Float](repeating: 0, count: window.size.area)
        return sources.subjects.map { subject in
            var (from, to) = (Plane(size: window.size), Plane(size: window.size))
            for y in (window.y ..< window.maxY).untilCancelled {
                for x in window.x ..< window.maxX {
                    let isInPicture = x >= source.x && x < source.maxX && y >= source.y && y < source.maxY
                    if isInPicture {
                        from[x - window.x, y - window.y] = subject.cells[x - source.x, y - source.y]
                    } else {
                        let pixel = (y - window.y) * window.width + x - window.x
                        let share = min(subject.share(x: x - source.x, y: y - source.y), 1 - taken[pixel])
                        taken[pixel] = max(taken[pixel], share)
                        from[x - window.x, y - window.y] = share
                        to[x - window.x, y - window.y] = share
                    }
                }
            }
            return ConfinedSources(from: from, to: to)
        }
    }
}
