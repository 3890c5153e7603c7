internal import Foundation
internal import Parallel
internal import Raster

/// Predicts missing pixels from the known ones around them, as scratches want it: ordinary kriging (Matheron 1963), the linear
/// combination with weights that sum to 1 whose expected squared error is least. How pixels vary together is measured nearby,
/// where all is known, so that a prediction follows the edges and the grain of its surroundings (Li and Orchard 2001, "New
/// Edge-Directed Interpolation", do so to enlarge pictures).
///
/// What lies deep inside a hole is beyond this: it predicts their mean, which is a blur. See `thinParts`.
struct Kriging {
    let size: PixelSize
    /// R, G, B, 0 a pixel.
    private(set) var colors: [SIMD4<Float>]
    /// Given, or predicted already.
    private(set) var isKnown: [Bool]
    /// What was given.
    let given: [SIMD4<Float>]
    /// Centres of neighbourhoods of which every pixel was given.
    let isSample: [Bool]

    /// Pixels around a prediction that bear on it: those from which statistics are gathered, about.
    static let range = 64
    /// Pixels up to which a known one helps, in the Euclidean metric.
    private static let reach = 5
    /// The centre, then its neighbours by distance.
    private static let offsets: [(x: Int, y: Int)] = {
        var disc: [(x: Int, y: Int)] = []
        for y in -reach ... reach {
            for x in -reach ... reach where x * x + y * y <= reach * reach { disc.append((x, y)) }
        }
        return disc.sorted { a, b in
            (a.x * a.x + a.y * a.y, a.y, a.x) < (b.x * b.x + b.y * b.y, b.y, b.x)
        }
    }()
    /// The nearest known neighbours that take part.
    private static let mostNeighbors = 48
    /// With fewer of them a pixel waits until others beside it are predicted.
    private static let fewestNeighbors = 20
    /// Pixels of a side of the blocks that share their statistics.
    private static let block = 16
    /// Pixels from a block's centre within which they are gathered; twice as far where too little is known.
    private static let window = 28
    /// Fewer samples than this say nothing about so many neighbours.
    private static let fewestSamples = 2 * offsets.count
    /// The radius of the disc by which a hole is opened to find its thin parts.
    private static let thinRadius = 6

    init(size: PixelSize, colors: [SIMD4<Float>], isKnown: [Bool]) {
        self.size = size
        self.colors = colors
        self.isKnown = isKnown
        given = colors
        let missing = Mask(coverage: Plane(size: size, values: isKnown.map { $0 ? 0 : 1 }))
        let near = missing.grown(by: Self.reach).coverage.values
        let inner = PixelRect(size).insetBy(Self.reach)
        isSample = [Bool](parallel: near.count, filler: false) { index in
            let (x, y) = (index % size.width, index / size.width)
            return near[index] == 0 && x >= inner.x && y >= inner.y && x < inner.maxX && y < inner.maxY
        }
    }

    /// The parts of a hole up to 12 pixels wide: what its opening by a disc of 6 pixels leaves out, but for the corners, which lie
    /// within 3 pixels of the disc. Beyond the picture's border the hole goes on, so that a band along the border is not thin: it
    /// has known pixels on one side only.
    static func thinParts(of hole: [Bool], size: PixelSize) -> [Bool] {
        let margin = thinRadius
        let wide = PixelSize(width: size.width + 2 * margin, height: size.height + 2 * margin)
        var continued = Plane(size: wide)
        for y in (0 ..< wide.height).untilCancelled {
            let row = min(size.height - 1, max(0, y - margin)) * size.width
            for x in 0 ..< wide.width where hole[row + min(size.width - 1, max(0, x - margin))] {
                continued.values[y * wide.width + x] = 1
            }
        }
        let opened = Mask(coverage: continued).shrunk(by: thinRadius).grown(by: thinRadius + 3).coverage
            .cropped(to: PixelRect(x: margin, y: margin, width: size.width, height: size.height))
        return [Bool](parallel: hole.count, filler: false) { hole[$0] && opened.values[$0] == 0 }
    }

    /// Predicts the pixels of `targets` that are not known, from the rim inwards; those with too little around them stay unknown.
    /// `grained`, they get the grain of their surroundings as well, which a prediction has not.
    mutating func predict(_ targets: [Bool], grained: Bool) {
        let across = (size.width + Self.block - 1) / Self.block
        func block(of index: Int) -> Int {
            index / size.width / Self.block * across + index % size.width / Self.block
        }
        var waiting = Dictionary(grouping: targets.indices.filter { targets[$0] && !isKnown[$0] }, by: block)
        while !waiting.isEmpty, !Cancellation.isCancelled {
            let predictions = predictions(of: waiting, blocksAcross: across, grained: grained)
            if predictions.allSatisfy(\.isEmpty) { return }
            for (index, color) in predictions.joined() {
                colors[index] = color
                isKnown[index] = true
            }
            waiting = waiting.mapValues { $0.filter { !isKnown[$0] } }.filter { !$0.value.isEmpty }
        }
    }

    /// What each block's pixels are to be, from what is known now, so that the order does not matter.
    private func predictions(
        of waiting: [Int: [Int]], blocksAcross across: Int, grained: Bool
    ) -> [[(index: Int, color: SIMD4<Float>)]] {
        let blocks = waiting.keys.sorted()
        return inParallel(blocks.count) { number in
            if Cancellation.isCancelled { return [] }
            let predictions = predictions(
                of: waiting[blocks[number]] ?? [], centerX: blocks[number] % across * Self.block + Self.block / 2,
                centerY: blocks[number] / across * Self.block + Self.block / 2)
            let grain = grained ? grain(of: predictions, seed: UInt64(blocks[number])) : nil
            return predictions.enumerated().map { number, prediction in
                let color = prediction.mean(in: colors) + (grain?[number] ?? .zero)
                return (prediction.index, color.clamped(lowerBound: .zero, upperBound: .one))
            }
        }
    }

    /// Those of `pixels` that have enough known neighbours; none where there are too few samples around the centre.
    private func predictions(of pixels: [Int], centerX: Int, centerY: Int) -> [PixelPrediction] {
        let neighbors = pixels.map { index in (index, knownNeighbors(of: index)) }
            .filter { $0.1.count >= Self.fewestNeighbors }
        guard !neighbors.isEmpty, let moments = moments(aroundX: centerX, centerY) else { return [] }
        return neighbors.map { index, known in
            let channels = moments.map { $0.weights(known) }
            return PixelPrediction(
                index: index, neighbors: known.map { index + Self.offsets[$0].y * size.width + Self.offsets[$0].x },
                weights: known.indices.map { SIMD4(channels[0][$0], channels[1][$0], channels[2][$0], 0) })
        }
    }

    /// Indices into `offsets` of the nearest known neighbours.
    private func knownNeighbors(of index: Int) -> [Int] {
        let (x, y) = (index % size.width, index / size.width)
        var result: [Int] = []
        for number in 1 ..< Self.offsets.count {
            let (column, row) = (x + Self.offsets[number].x, y + Self.offsets[number].y)
            guard column >= 0, row >= 0, column < size.width, row < size.height, isKnown[row * size.width + column]
            else { continue }
            result.append(number)
            if result.count == Self.mostNeighbors { break }
        }
        return result
    }

    /// How the pixels of a neighbourhood vary together near a place, channel by channel. Nearer samples count more.
    private func moments(aroundX centerX: Int, _ centerY: Int) -> [NeighborhoodMoments]? {
        let steps = Self.offsets.map { $0.y * size.width + $0.x }
        for window in [Self.window, 2 * Self.window] {
            var samples: [(index: Int, weight: Float)] = []
            for y in max(0, centerY - window) ..< min(size.height, centerY + window + 1) {
                for x in max(0, centerX - window) ..< min(size.width, centerX + window + 1)
                where isSample[y * size.width + x] {
                    let (dx, dy) = (Float(x - centerX), Float(y - centerY))
                    samples.append((y * size.width + x, exp(-2 * (dx * dx + dy * dy) / Float(window * window))))
                }
            }
            if samples.count >= Self.fewestSamples {
                return (0 ..< 3).map { NeighborhoodMoments(of: given, channel: $0, at: samples, steps: steps) }
            }
        }
        return nil
    }
}

/// A pixel as a linear combination of known ones.
struct PixelPrediction {
    let index: Int
    /// Indices of the known ones.
    let neighbors: [Int]
    /// What each of `neighbors` counts, channel by channel.
    let weights: [SIMD4<Float>]

    /// The prediction, `shift` indices away.
    func mean(in colors: [SIMD4<Float>], shift: Int = 0) -> SIMD4<Float> {
        var sum = SIMD4<Float>.zero
        for (neighbor, weight) in zip(neighbors, weights) { sum += weight * colors[neighbor + shift] }
        return sum
    }
}

/// Second moments of the pixels of a neighbourhood, the centre first.
private struct NeighborhoodMoments {
    /// `count` × `count`, of which what is right of the diagonal is set.
    private var sums: [Float]
    private let count: Int
    /// Of the samples.
    private var totalWeight: Float = 0

    /// Ridge, of the mean variance: keeps a prediction calm where neighbours say nearly the same.
    private static let ridge: Float = 0.01
    /// Variance below which differences are rounding: a twentieth of an 8-bit level, squared.
    private static let rounding: Float = 4e-8

    /// - Parameters:
    ///   - samples: indices of neighbourhoods' centres, and what each counts.
    ///   - steps: from a centre to each of its neighbourhood's values.
    init(of colors: [SIMD4<Float>], channel: Int, at samples: [(index: Int, weight: Float)], steps: [Int]) {
        count = steps.count
        sums = [Float](repeating: 0, count: count * count)
        var sample = [Float](repeating: 0, count: count)
        for (index, weight) in samples {
            for (number, step) in steps.enumerated() { sample[number] = colors[index + step][channel] }
            let mean = sample.reduce(0, +) / Float(count)
            for number in sample.indices { sample[number] -= mean }
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                unsafe sample.withUnsafeBufferPointer { sample in
                    unsafe addProducts(sample.baseAddress!, count, weight: weight, to: sums.baseAddress!)
                }
            }
            totalWeight += weight
        }
    }

    private subscript(first: Int, second: Int) -> Float { sums[first * count + second] }

    /// What each of `known`, ascending, counts in the best prediction of the centre; their sum is 1.
    func weights(_ known: [Int]) -> [Float] {
        let count = known.count
        let smallest = Self.rounding * totalWeight
        var variance: Float = 0
        for neighbor in known { variance += self[neighbor, neighbor] }
        let ridge = Self.ridge * variance / Float(count) + smallest
        // Cholesky's factor, by rows.
        var factor = [Float](repeating: 0, count: count * count)
        for row in 0 ..< count {
            for column in 0 ... row {
                var value = self[known[column], known[row]] + (row == column ? ridge : 0)
                for index in 0 ..< column { value -= factor[row * count + index] * factor[column * count + index] }
                factor[row * count + column] =
                    row == column ? max(value, smallest).squareRoot() : value / factor[column * count + column]
            }
        }
        func solved(_ rightSide: [Float]) -> [Float] {
            var result = rightSide
            for row in 0 ..< count {
                for index in 0 ..< row { result[row] -= factor[row * count + index] * result[index] }
                result[row] /= factor[row * count + row]
            }
            for row in (0 ..< count).reversed() {
                for index in row + 1 ..< count { result[row] -= factor[index * count + row] * result[index] }
                result[row] /= factor[row * count + row]
            }
            return result
        }
        let free = solved(known.map { self[0, $0] })
        let even = solved([Float](repeating: 1, count: count))
        let missing = (1 - free.reduce(0, +)) / even.reduce(0, +)
        return zip(free, even).map { $0 + missing * $1 }
    }
}

/// Adds `weight` times the products of a sample's values to the right half of a square of sums.
private func addProducts(
    _ sample: UnsafePointer<Float>, _ count: Int, weight: Float, to sums: UnsafeMutablePointer<Float>
) {
    for first in 0 ..< count {
        let value = unsafe sample[first] * weight
        let row = unsafe sums + first * count
        for second in first ..< count { unsafe row[second] += value * sample[second] }
    }
}

/// What `body` gives for each number below `count`, computed by all threads.
private func inParallel<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
    var results = [Result?](repeating: nil, count: count)
    unsafe results.withUnsafeMutableBufferPointer { buffer in
        // Each call writes its own element.
        let slots = unsafe buffer
        parallel(count) { unsafe slots[$0] = body($0) }
    }
    return results.compactMap(\.self)
}
