internal import Foundation
internal import Parallel
internal import Raster

/// One level of `PatchMatch`'s pyramid: the current estimate of the picture, and for every patch that touches the hole,
/// the known patch nearest to it.
struct PatchMatchLevel {
    /// Margins where it repeats are as wide as a patch reaches.
    private let area: RepeatedArea
    /// R, G, B, 0 a pixel. Only the hole ever changes.
    private var colors: [SIMD4<Float>]
    private let hole: [Bool]
    /// What is known, and yet nothing may be copied from.
    private let excluded: [Bool]
    /// What may be copied to some places only, and these places; empty where all may be copied anywhere.
    private let confined: [Confined]
    /// What is still to be found: of the hole, what could not be predicted from its surroundings.
    private let isOpen: [Bool]
    /// Centres of the patches that touch the hole, in reading order.
    private let targets: [Int32]
    /// Centres of the patches that are known, in reading order.
    let sources: [Int32]
    /// Those of `sources` that may be copied anywhere.
    let freeSources: [Int32]
    /// For each of `confined`, the sources within it.
    private let innerSources: [[Int32]]
    private let isSource: [Bool]
    private let rules: SourceRules
    /// For each target centre, the centre of its source; −1 elsewhere. Indexed by pixel.
    private var field: [Int32]
    /// The squared distance that goes with `field`.
    private var costs: [Float]
    /// Steps (8-neighbour) from the nearest known pixel; 0 where known.
    private let distance: [Int32]
    /// The most steps from an open pixel to one that is not; 0 where none is open.
    let depth: Int

    private struct Confined {
        var from: [Bool]
        var to: [Bool]
        /// Of these, where it is certain.
        var (inside, only): ([Bool], [Bool])

        /// What `values` gives for each of them.
        func map(_ values: ([Bool]) -> [Bool]) -> Confined {
            Confined(from: values(from), to: values(to), inside: values(inside), only: values(only))
        }
    }

    private static let radius = PatchMatch.radius
    /// How often a source is drawn for a target until it may have it.
    private static let mostDraws = 16
    /// Pixels that are predicted along the edge of a hole: more on the coarser levels, where they carry lines and tones on, than
    /// on the finest, where they would show as a smooth band.
    private static let (coarserRim, finestRim) = (3, 1)

    /// - Parameters:
    ///   - excluded: where nothing may be copied from, though it is known; `nil` for nowhere.
    ///   - confined: what may be copied to some places only; empty for nothing.
    init(
        image: RGBImage, hole: [Bool], excluded: [Bool]? = nil, confined: [ConfinedSources] = [],
        wraps: WrappedAxes = []
    ) {
        let colors = [SIMD4<Float>](parallel: image.size.area, filler: .zero) { pixel in
            SIMD4(image.values[pixel * 3], image.values[pixel * 3 + 1], image.values[pixel * 3 + 2], 0)
        }
        self.init(
            size: image.size, colors: colors, hole: hole,
            excluded: excluded ?? [Bool](repeating: false, count: image.size.area),
            confined: confined.map {
                Confined(
                    from: $0.from.values.map { $0 > 0 }, to: $0.to.values.map { $0 > 0 },
                    inside: $0.from.values.map { $0 >= ConfinedSources.certain },
                    only: $0.to.values.map { $0 >= ConfinedSources.certain })
            },
            isOpen: hole, wraps: wraps, isFinest: true)
    }

    /// Of what is open, the thin parts and a rim along the edge are predicted, on the finest level with their grain.
    private init(
        size innerSize: PixelSize, colors: [SIMD4<Float>], hole: [Bool], excluded: [Bool], confined: [Confined],
        isOpen: [Bool], wraps: WrappedAxes, isFinest: Bool
    ) {
        // Predictions look further than patches do.
        let wide = RepeatedArea(innerSize, wraps: wraps, reach: Kriging.range)
        let wideIsOpen = wide.repeated(isOpen)
        var kriging = Kriging(size: wide.size, colors: wide.repeated(colors), isKnown: wideIsOpen.map { !$0 })
        // Between borders that never met, predictions from both sides would meet in a cut.
        if wraps.isEmpty { kriging.predict(Kriging.thinParts(of: wideIsOpen, size: wide.size), grained: isFinest) }
        let inwards = chessboardDistance(kriging.isKnown.map { !$0 }, size: wide.size)
        let rim = isFinest ? Self.finestRim : Self.coarserRim
        kriging.predict(inwards.map { $0 > 0 && $0 <= rim }, grained: isFinest)

        let area = RepeatedArea(innerSize, wraps: wraps, reach: Self.radius)
        let size = area.size
        self.area = area
        let hole = area.repeated(hole)
        self.hole = hole
        let excluded = area.repeated(excluded)
        self.excluded = excluded
        let confined = confined.map { $0.map(area.repeated) }
        self.confined = confined
        self.colors = area.repeated(wide.unrepeated(kriging.colors))
        let isOpen = area.repeated(wide.unrepeated(kriging.isKnown)).map { !$0 }
        self.isOpen = isOpen
        let width = size.width
        let holes = RectangleCounts(hole, size: size)
        let exclusions = RectangleCounts(excluded, size: size)
        precondition(confined.count <= UInt32.bitWidth, "\(confined.count) confined sources")
        let confinements = confined.map { RectangleCounts($0.from, size: size) }
        var bonds = [UInt32](repeating: 0, count: size.area)
        var freeSources: [Int32] = []
        var targets: [Int32] = []
        var sources: [Int32] = []
        var isSource = [Bool](repeating: false, count: size.area)
        let reach = Self.radius
        if width > 2 * reach && size.height > 2 * reach {
            for y in (reach ..< size.height - reach).untilCancelled {
                for x in reach ..< width - reach {
                    let patch = PixelRect(x: x - reach, y: y - reach, width: 2 * reach + 1, height: 2 * reach + 1)
                    if holes.count(in: patch) > 0 {
                        targets.append(Int32(y * width + x))
                    } else if exclusions.count(in: patch) == 0 {
                        sources.append(Int32(y * width + x))
                        isSource[y * width + x] = true
                        for (bit, counts) in confinements.enumerated() where counts.count(in: patch) > 0 {
                            bonds[y * width + x] |= 1 << UInt32(bit)
                        }
                        if bonds[y * width + x] == 0 { freeSources.append(Int32(y * width + x)) }
                    }
                }
            }
        }
        self.targets = targets
        self.sources = sources
        self.freeSources = freeSources
        self.isSource = isSource
        var bans = [UInt32](repeating: 0, count: size.area)
        for (bit, one) in confined.enumerated() {
            for pixel in bans.indices.untilCancelled where !one.to[pixel] { bans[pixel] |= 1 << UInt32(bit) }
        }
        var (insides, needs) = (bans.map { _ in UInt32(0) }, bans.map { _ in UInt32(0) })
        var innerSources: [[Int32]] = []
        for (bit, one) in confined.enumerated() {
            let inner = sources.filter { one.inside[Int($0)] }
            innerSources.append(inner)
            guard inner.count >= PatchMatch.minimumSources else { continue }
            for source in inner { insides[Int(source)] |= 1 << UInt32(bit) }
            for pixel in needs.indices where one.only[pixel] { needs[pixel] |= 1 << UInt32(bit) }
        }
        self.innerSources = innerSources
        rules = SourceRules(bonds: bonds, bans: bans, insides: insides, needs: needs)
        field = [Int32](repeating: -1, count: size.area)
        costs = [Float](repeating: .infinity, count: size.area)
        distance = chessboardDistance(hole, size: size)
        depth = Int(chessboardDistance(isOpen, size: size).max() ?? 0)
    }

    var size: PixelSize { area.size }
    /// Without margins.
    private var inner: PixelRect { area.inner }

    /// What `displacement` multiplies squared pixels by.
    private var displacementScale: Float {
        // What repeats from top to bottom has no layers.
        area.wraps.contains(.y) ? 0 : Self.gravity / Float(size.height * size.height)
    }

    /// Distance that a source a whole picture height above or below its target has by that alone.
    private static let gravity: Float = 15

    var image: RGBImage {
        RGBImage(size: size, values: colors.flatMap { [$0.x, $0.y, $0.z] }).cropped(to: inner)
    }

    /// Half the size; a pixel is the mean of the known pixels under it, and hole or open where more than half of them are.
    /// `nil` for a picture that cannot be halved.
    func halved() -> PatchMatchLevel? {
        let half = PixelSize(width: inner.width / 2, height: inner.height / 2)
        guard half.width > 0 && half.height > 0 else { return nil }
        var reduced = [SIMD4<Float>](repeating: .zero, count: half.area)
        var reducedHole = [Bool](repeating: false, count: half.area)
        var (reducedExcluded, reducedOpen) = (reducedHole, reducedHole)
        var reducedConfined = confined.map { $0.map { _ in reducedHole } }
        for y in (0 ..< half.height).untilCancelled {
            for x in 0 ..< half.width {
                let corner = (2 * y + inner.y) * size.width + 2 * x + inner.x
                let block = [corner, corner + 1, corner + size.width, corner + size.width + 1]
                let known = block.filter { !isOpen[$0] }
                let used = known.count < 2 ? block : known
                var sum = SIMD4<Float>.zero
                for index in used { sum += colors[index] }
                reduced[y * half.width + x] = sum / Float(used.count)
                reducedHole[y * half.width + x] = block.filter { hole[$0] }.count > 2
                reducedExcluded[y * half.width + x] = block.filter { excluded[$0] }.count > 1
                reducedOpen[y * half.width + x] = known.count < 2
                for (index, one) in confined.enumerated() {
                    reducedConfined[index].from[y * half.width + x] = block.filter { one.from[$0] }.count > 1
                    reducedConfined[index].to[y * half.width + x] = block.filter { one.to[$0] }.count > 1
                    reducedConfined[index].inside[y * half.width + x] = block.filter { one.inside[$0] }.count > 2
                    reducedConfined[index].only[y * half.width + x] = block.filter { one.only[$0] }.count > 2
                }
            }
        }
        return PatchMatchLevel(
            size: half, colors: reduced, hole: reducedHole, excluded: reducedExcluded,
            confined: reducedConfined, isOpen: reducedOpen, wraps: area.wraps, isFinest: false)
    }

    /// Frees what a level no longer needs once the finer one has taken its field.
    mutating func release() {
        colors = []
        field = []
        costs = []
    }

    mutating func randomizeField(using random: inout SplitMix64) {
        for target in targets.untilCancelled { field[Int(target)] = randomSource(for: Int(target), using: &random) }
        field = area.renewed(field)
        recomputeCosts()
    }

    /// A first estimate of the hole from its rim inwards: each pixel is copied from the source whose patch agrees best
    /// with what is there already (Efros and Leung 1999). A blurred estimate would be matched by blurred patches, and
    /// the iteration would never leave them. Meant for the coarsest level; at most `limit` sources are tried a pixel.
    mutating func peel(limit: Int = 1500, using random: inout SplitMix64) {
        let width = size.width
        let reach = Self.radius
        func some(of sources: [Int32]) -> [Int32] {
            sources.count <= limit
                ? sources : (0 ..< limit).map { _ in sources[Int(random.next() % UInt64(sources.count))] }
        }
        let freeCandidates = some(of: freeSources)
        let allCandidates = confined.isEmpty ? freeCandidates : some(of: sources)
        let innerCandidates = innerSources.map(some)
        let order = isOpen.indices.filter { isOpen[$0] && area.original(of: $0) == $0 }
            .sorted { (distance[$0], $0) < (distance[$1], $1) }
        let copies = area.copies
        var known = isOpen.map { !$0 }
        for pixel in order.untilCancelled {
            let centerX = min(width - 1 - reach, max(reach, pixel % width))
            let centerY = min(size.height - 1 - reach, max(reach, pixel / width))
            let center = centerY * width + centerX
            var offsets: [Int] = []
            for dy in -reach ... reach {
                for dx in -reach ... reach where known[center + dy * width + dx] { offsets.append(dy * width + dx) }
            }
            let candidates = rules.choice(for: pixel, all: allCandidates, inner: innerCandidates)
            var best = Int(freeCandidates[0])
            var cost = Float.infinity
            for candidate in candidates where confined.isEmpty || rules.allow(Int(candidate), for: pixel) {
                var total = displacement(center, Int(candidate), width: width, scale: displacementScale)
                for offset in offsets {
                    let difference = colors[center + offset] - colors[Int(candidate) + offset]
                    total += (difference * difference).sum()
                    if total >= cost { break }
                }
                if total < cost {
                    cost = total
                    best = Int(candidate)
                }
            }
            for index in [pixel] + copies[pixel, default: []] {
                colors[index] = colors[best + pixel - center]
                known[index] = true
            }
        }
    }

    /// Takes the field of the level of half this size, and the first estimate of the hole from it.
    mutating func adoptField(of coarse: PatchMatchLevel, using random: inout SplitMix64) {
        let width = size.width
        for target in targets.untilCancelled {
            let x = Int(target) % width - inner.x
            let y = Int(target) / width - inner.y
            let coarseX = min(coarse.size.width - 1 - Self.radius, max(Self.radius, x / 2 + coarse.inner.x))
            let coarseY = min(coarse.size.height - 1 - Self.radius, max(Self.radius, y / 2 + coarse.inner.y))
            let match = Int(coarse.field[coarseY * coarse.size.width + coarseX])
            var source: Int32 = -1
            if match >= 0 {
                let matchX = (match % coarse.size.width - coarseX) * 2 + x + inner.x
                let matchY = (match / coarse.size.width - coarseY) * 2 + y + inner.y
                source = nearbySource(x: matchX, y: matchY, for: Int(target))
            }
            field[Int(target)] = source >= 0 ? source : randomSource(for: Int(target), using: &random)
        }
        field = area.renewed(field)
        for target in targets { costs[Int(target)] = 0 }
        vote(isFinal: false)
    }

    private func randomSource(for target: Int, using random: inout SplitMix64) -> Int32 {
        let sources = rules.choice(for: target, all: sources, inner: innerSources)
        for _ in 0 ..< (confined.isEmpty ? 1 : Self.mostDraws) {
            let source = sources[Int(random.next() % UInt64(sources.count))]
            if confined.isEmpty || rules.allow(Int(source), for: target) { return source }
        }
        return freeSources[Int(random.next() % UInt64(freeSources.count))]
    }

    /// A known patch within a pixel or two of (`x`, `y`) that the target may have, or −1.
    private func nearbySource(x: Int, y: Int, for target: Int) -> Int32 {
        for reach in 0 ... 2 {
            for dy in -reach ... reach {
                for dx in -reach ... reach where max(abs(dx), abs(dy)) == reach {
                    let (column, row) = (x + dx, y + dy)
                    guard column >= 0 && row >= 0 && column < size.width && row < size.height else { continue }
                    let source = row * size.width + column
                    if isSource[source], rules.allow(source, for: target) { return Int32(source) }
                }
            }
        }
        return -1
    }

    private mutating func recomputeCosts() {
        let width = size.width
        let scale = displacementScale
        unsafe colors.withUnsafeBufferPointer { pixels in
            for target in targets.untilCancelled {
                let source = Int(field[Int(target)])
                costs[Int(target)] =
                    unsafe patchDistance(pixels.baseAddress!, Int(target), source, width: width, limit: .infinity)
                    + displacement(Int(target), source, width: width, scale: scale)
            }
        }
    }

    /// One sweep of propagation and random search (Barnes et al. 2009, §3.2). `reversed` sweeps from the bottom right
    /// and propagates from the right and from below.
    mutating func improveField(reversed: Bool, searchRadius: Int, using random: inout SplitMix64) {
        let width = size.width
        let height = size.height
        let scale = displacementScale
        let area = area
        let step = reversed ? -1 : 1
        let count = targets.count
        let (isConfined, rules) = (!confined.isEmpty, rules)
        // The buffers of this sweep: pixels, sources and targets are read, the field and its costs are written.
        unsafe colors.withUnsafeBufferPointer { pixels in
            unsafe field.withUnsafeMutableBufferPointer { field in
                unsafe costs.withUnsafeMutableBufferPointer { costs in
                    unsafe isSource.withUnsafeBufferPointer { isSource in
                        unsafe targets.withUnsafeBufferPointer { targets in
                            let base = pixels.baseAddress!
                            for order in (0 ..< count).untilCancelled {
                                let target = unsafe Int(targets[reversed ? count - 1 - order : order])
                                var best = unsafe Int(field[target])
                                var cost = unsafe costs[target]
                                for neighbor in [step, step * width] {
                                    // Targets keep a patch's radius from the border: the neighbour exists.
                                    let match = unsafe Int(field[target - neighbor])
                                    guard match >= 0 else { continue }
                                    var candidate = match + neighbor
                                    guard candidate >= 0 && candidate < width * height else { continue }
                                    candidate = area.original(of: candidate)
                                    guard candidate != best, unsafe isSource[candidate],
                                        !isConfined || rules.allow(candidate, for: target)
                                    else { continue }
                                    let moved = displacement(target, candidate, width: width, scale: scale)
                                    let trial =
                                        unsafe patchDistance(base, target, candidate, width: width, limit: cost - moved)
                                        + moved
                                    if trial < cost {
                                        cost = trial
                                        best = candidate
                                    }
                                }
                                var reach = searchRadius
                                while reach >= 1 {
                                    let bits = random.next()
                                    let spread = UInt64(2 * reach + 1)
                                    let x = best % width + Int((bits & 0xFFFF_FFFF) * spread >> 32) - reach
                                    let y = best / width + Int((bits >> 32) * spread >> 32) - reach
                                    reach /= 2
                                    guard x >= 0 && y >= 0 && x < width && y < height else { continue }
                                    let candidate = y * width + x
                                    guard candidate != best, unsafe isSource[candidate],
                                        !isConfined || rules.allow(candidate, for: target)
                                    else { continue }
                                    let moved = displacement(target, candidate, width: width, scale: scale)
                                    let trial =
                                        unsafe patchDistance(base, target, candidate, width: width, limit: cost - moved)
                                        + moved
                                    if trial < cost {
                                        cost = trial
                                        best = candidate
                                    }
                                }
                                unsafe field[target] = Int32(best)
                                unsafe costs[target] = cost
                            }
                        }
                    }
                }
            }
        }
        field = area.renewed(field)
    }

    /// How much what a patch proposes counts, indexed by the patch's centre; 0 where no patch touches the hole. With
    /// `isFinal` only the most similar ones speak, so that their mean does not blur.
    private func voices(isFinal: Bool) -> [Float] {
        // σ² is the 75th percentile of the distances (Wexler et al. 2007, §3.2), but of each distance from the known part
        // by itself: a patch that straddles the hole's edge is held to real texture and never matches as well as one
        // that meets only our own estimate, yet it is the one to trust.
        let bins = 5
        var costsByDistance = [[Float]](repeating: [], count: bins)
        for target in targets {
            costsByDistance[min(bins - 1, Int(distance[Int(target)]))].append(costs[Int(target)])
        }
        let variances = costsByDistance.map { bin in
            max(1e-6, bin.isEmpty ? 0 : bin.sorted()[bin.count * 3 / 4]) * (isFinal ? 0.05 : 0.2)
        }
        var weights = [Float](repeating: 0, count: size.area)
        for target in targets {
            let index = Int(target)
            let variance = variances[min(bins - 1, Int(distance[index]))]
            weights[index] =
                max(1e-3, exp(-costs[index] / (2 * variance))) * pow(1.3, -Float(min(60, distance[index])))
        }
        return area.renewed(weights)
    }

    /// The hole becomes the weighted mean of what the patches over each pixel propose.
    mutating func vote(isFinal: Bool) {
        guard !targets.isEmpty else { return }
        let weights = voices(isFinal: isFinal)
        let area = area
        let (width, inner) = (area.size.width, area.inner)
        unsafe colors.withUnsafeMutableBufferPointer { pixels in
            unsafe field.withUnsafeBufferPointer { field in
                unsafe weights.withUnsafeBufferPointer { weights in
                    for y in (inner.y ..< inner.maxY).untilCancelled {
                        let rows = area.centers(reaching: y ... y, axis: .y)
                        for x in inner.x ..< inner.maxX where isOpen[y * width + x] {
                            let columns = area.centers(reaching: x ... x, axis: .x)
                            let pixel = y * width + x
                            var sum = SIMD4<Float>.zero
                            var total: Float = 0
                            for row in rows {
                                for center in row * width + columns.lowerBound ... row * width + columns.upperBound {
                                    let source = unsafe Int(field[center])
                                    guard source >= 0 else { continue }
                                    let weight = unsafe weights[center]
                                    unsafe sum += pixels[source + pixel - center] * weight
                                    total += weight
                                }
                            }
                            if total > 0 { unsafe pixels[pixel] = sum / total }
                        }
                    }
                }
            }
        }
        colors = area.renewed(colors)
        // The patches have changed under the field.
        recomputeCosts()
    }

    /// The hole redrawn from the differences between neighbours that the patches propose, rather than from their colours, so
    /// that copies of two places of different tone pass into each other, and into the known part, without a cut: the screened
    /// Poisson equation, whose solution has those differences as nearly as it can and keeps to the colours only over `range`
    /// pixels (Pérez et al. 2003, eq. 3; the votes on gradients are those of Darabi et al. 2012, "Image Melding", §3.2).
    /// Values may leave 0…1 a little.
    func fused(range: Float) -> RGBImage {
        let width = size.width
        let weights = voices(isFinal: true)
        // What is missing to each pixel's differences from its neighbours, all four together.
        var lacking = [SIMD4<Float>](repeating: .zero, count: size.area)
        func propose(_ pixel: Int, _ x: Int, _ y: Int, dx: Int, dy: Int) {
            let other = pixel + dy * width + dx
            guard isOpen[pixel] || isOpen[other] else { return }
            let rows = area.centers(reaching: y ... y + dy, axis: .y)
            let columns = area.centers(reaching: x ... x + dx, axis: .x)
            var sum = SIMD4<Float>.zero
            var total: Float = 0
            for row in rows {
                for center in row * width + columns.lowerBound ... row * width + columns.upperBound {
                    let source = Int(field[center])
                    guard source >= 0 else { continue }
                    let copied = source + pixel - center
                    sum += (colors[copied + other - pixel] - colors[copied]) * weights[center]
                    total += weights[center]
                }
            }
            guard total > 0 else { return }
            let lack = sum / total - (colors[other] - colors[pixel])
            lacking[pixel] += lack
            lacking[area.original(of: other)] -= lack
        }
        for y in (inner.y ..< inner.maxY).untilCancelled {
            for x in inner.x ..< inner.maxX {
                if x + 1 < width { propose(y * width + x, x, y, dx: 1, dy: 0) }
                if y + 1 < size.height { propose(y * width + x, x, y, dx: 0, dy: 1) }
            }
        }
        var result = image
        if Cancellation.isCancelled { return result }
        let isFree = area.unrepeated(isOpen)
        lacking = area.unrepeated(lacking)
        let membrane = Membrane(
            size: inner.size, roles: isFree.map { $0 ? .free : .fixed }, screening: 1 / (range * range),
            wraps: area.wraps)
        for channel in (0 ..< 3).untilCancelled {
            let correction = membrane.solved(rightSide: lacking.map { $0[channel] })
            for index in isFree.indices where isFree[index] { result.values[index * 3 + channel] += correction[index] }
        }
        return result
    }
}

/// Which sources a target may have where some are confined. Indexed by pixel, a bit for each of the confined.
private struct SourceRules {
    /// Of a source's centre, whether its patch touches it; of a target's, whether it may not have such a source.
    let (bonds, bans): ([UInt32], [UInt32])
    /// Of a source's centre, whether it is within; of a target's, whether it must have such a source.
    let (insides, needs): ([UInt32], [UInt32])

    init(bonds: [UInt32], bans: [UInt32], insides: [UInt32], needs: [UInt32]) {
        (self.bonds, self.bans, self.insides, self.needs) = (bonds, bans, insides, needs)
    }

    @inline(__always)
    func allow(_ source: Int, for target: Int) -> Bool {
        let need = needs[target]
        return bonds[source] & bans[target] == 0 && (need == 0 || insides[source] & need != 0)
    }

    /// Those among which is what a target may have; `inner` for each of the confined.
    func choice(for target: Int, all: [Int32], inner: [[Int32]]) -> [Int32] {
        let need = needs[target].trailingZeroBitCount
        return need < inner.count ? inner[need] : all
    }
}

/// How many pixels of a picture are marked, for the number in a rectangle in four look-ups.
private struct RectangleCounts {
    private let width: Int
    /// Of the rectangle above and left of each corner of a pixel.
    private var sums: [Int32]

    init(_ isMarked: [Bool], size: PixelSize) {
        width = size.width + 1
        sums = [Int32](repeating: 0, count: width * (size.height + 1))
        for y in (0 ..< size.height).untilCancelled {
            var row: Int32 = 0
            for x in 0 ..< size.width {
                row += isMarked[y * size.width + x] ? 1 : 0
                sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + row
            }
        }
    }

    func count(in rect: PixelRect) -> Int32 {
        let (top, bottom) = (rect.y * width, rect.maxY * width)
        return sums[bottom + rect.maxX] - sums[bottom + rect.x] - sums[top + rect.maxX] + sums[top + rect.x]
    }
}

/// What a source's height costs it: pictures of scenes are layered, and texture from another height, however alike, is
/// rarely right: a cloud is not a wave. Not in Wexler et al.; the statistics of offsets that He and Sun 2012 ("Statistics
/// of Patch Offsets for Image Completion") found say the same of near and far.
@inline(__always)
private func displacement(_ target: Int, _ source: Int, width: Int, scale: Float) -> Float {
    let rows = Float(target / width - source / width)
    return rows * rows * scale
}

/// Sum of squared differences of two 7×7 patches, or something above `limit` as soon as it exceeds that. Both patches
/// lie wholly inside the picture: centres keep `PatchMatch.radius` from its border.
@inline(__always)
private func patchDistance(
    _ pixels: UnsafePointer<SIMD4<Float>>, _ a: Int, _ b: Int, width: Int, limit: Float
) -> Float {
    let reach = PatchMatch.radius
    var total: Float = 0
    var offset = -reach * width - reach
    for _ in 0 ... 2 * reach {
        var sum = SIMD4<Float>.zero
        for column in 0 ... 2 * reach {
            let difference = unsafe pixels[a + offset + column] - pixels[b + offset + column]
            sum += difference * difference
        }
        total += sum.x + sum.y + sum.z
        if total > limit { return total }
        offset += width
    }
    return total
}

/// Steps by king's moves from the nearest pixel outside `hole`, in two sweeps (Rosenfeld and Pfaltz 1966).
private func chessboardDistance(_ hole: [Bool], size: PixelSize) -> [Int32] {
    let width = size.width
    let far = Int32(max(size.width, size.height))
    var distance = hole.map { $0 ? far : 0 }
    func relax(_ x: Int, _ y: Int, _ neighbors: [(Int, Int)]) {
        for (dx, dy) in neighbors {
            guard x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < size.height else { continue }
            let other = distance[(y + dy) * width + x + dx] + 1
            if other < distance[y * width + x] { distance[y * width + x] = other }
        }
    }
    for y in (0 ..< size.height).untilCancelled {
        for x in 0 ..< width where hole[y * width + x] { relax(x, y, [(-1, 0), (-1, -1), (0, -1), (1, -1)]) }
    }
    for y in (0 ..< size.height).reversed().untilCancelled {
        for x in (0 ..< width).reversed() where hole[y * width + x] { relax(x, y, [(1, 0), (1, 1), (0, 1), (-1, 1)]) }
    }
    return distance
}
