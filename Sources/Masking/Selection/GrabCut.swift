internal import Foundation
internal import Parallel
public import PlainText
public import Raster

/// Finds the foreground inside a rectangle.
///
/// C. Rother, V. Kolmogorov and A. Blake, "GrabCut": interactive foreground extraction using iterated graph cuts, ACM
/// Transactions on Graphics 23(3), 2004. Two mixtures of Gaussians describe the colours of foreground and background; the
/// smallest cut of a graph over the pixels (8 neighbours) says which is which; both are repeated in turn. The data term
/// is the likelihood of the whole mixture rather than of the likeliest component, as OpenCV's `grabCut` has it.
///
/// A large picture is cut at `workingArea` first; then only a band around the outline is cut again, at no more than twice
/// the size each time, up to the full one (H. Lombaert, Y. Sun, L. Grady and C. Xu, "A multilevel banded graph cuts method
/// for fast image segmentation", ICCV 2005). Only the rectangle and a margin of half its size are looked at: the margin is what background looks like.
public struct GrabCut: Sendable, Equatable {
    /// How often colours and cut take turns, 1 and up.
    public var iterations: Int
    /// What a cut between two pixels of the same colour costs, 0 and up: the larger, the smoother the outline. 50 in the
    /// paper.
    public var smoothness: Float
    /// Most pixels of the picture that the iterations work on.
    public var workingArea: Int

    public init(iterations: Int = 5, smoothness: Float = 50, workingArea: Int = 300_000) {
        self.iterations = iterations
        self.smoothness = smoothness
        self.workingArea = workingArea
    }

    /// What is known of a pixel.
    private enum Hint {
        static let unknown: UInt8 = 0
        static let foreground: UInt8 = 1
        static let background: UInt8 = 2
    }

    /// Coverage 1 on the foreground, 0 elsewhere, with an outline softened by half a pixel.
    ///
    /// - Parameters:
    ///   - box: holds the whole of the foreground; what is outside is background.
    ///   - foreground: what is foreground for certain, where it covers at least half. Traps on another size.
    ///   - background: what is background for certain, likewise.
    ///   - observe: called between the steps; what it throws ends the search.
    /// - Throws: `SelectionError` where nothing is left to tell background from foreground by.
    public func mask(
        of picture: Picture, in box: PixelRect, foreground: Mask? = nil, background: Mask? = nil,
        observe: () throws -> Void = {}
    ) throws -> Mask {
        precondition(foreground.map { $0.size == picture.size } ?? true, "a hint has the picture's size")
        precondition(background.map { $0.size == picture.size } ?? true, "a hint has the picture's size")
        let whole = PixelRect(picture.size)
        let inside = box.intersection(whole)
        guard !inside.isEmpty else { throw SelectionError.boxOutside(picture: picture.size) }
        let margin = max(8, max(inside.width, inside.height) / 2)
        let region = PixelRect(
            x: inside.x - margin, y: inside.y - margin, width: inside.width + 2 * margin,
            height: inside.height + 2 * margin
        ).intersection(whole)

        let full = RGBImage(picture.cropped(to: region))
        let fullHints = hints(region: region, box: inside, foreground: foreground, background: background)
        guard fullHints.contains(Hint.background) else { throw SelectionError.noBackground(box: inside) }
        guard fullHints.contains(where: { $0 != Hint.background }) else { throw SelectionError.noForeground }
        // The colours are learned from few pixels; a whole cut follows at the working size, and cuts of bands above it.
        let working = Self.reduced(region.size, to: workingArea)
        let learning = Self.reduced(region.size, to: workingArea / 4)
        func reducedHints(_ size: PixelSize) -> [UInt8] { Self.enlarged(fullHints, from: region.size, to: size) }
        try observe()
        // From the full size down to the working one, each from the one above.
        var images = [full]
        for size in Self.sizes(from: region.size, to: working).dropFirst() {
            images.append(images[images.count - 1].resized(to: size, filter: .area))
            try observe()
        }
        let workingImage = images.removeLast()
        var labels: [Bool]
        let mixtures: Mixtures
        var isLearnedSmall = working != learning
        do {
            (labels, mixtures) = try learned(
                workingImage.resized(to: learning, filter: .area), hints: reducedHints(learning), observe: observe)
        } catch SelectionError.nothingFound where isLearnedSmall {
            // What is thin may be lost in the small picture.
            isLearnedSmall = false
            (labels, mixtures) = try learned(workingImage, hints: reducedHints(working), observe: observe)
        }
        if isLearnedSmall {
            labels = Self.enlarged(labels, from: learning, to: working)
            labels = recut(workingImage, hints: reducedHints(working), labels: labels, mixtures: mixtures, band: nil)
            try Cancellation.check()
            guard labels.contains(true) else { throw SelectionError.nothingFound }
            try observe()
        }
        var size = working
        while let next = images.popLast() {
            let band = Self.enlarged(Self.outline(of: labels, size: size), from: size, to: next.size)
            labels = Self.enlarged(labels, from: size, to: next.size)
            labels = recut(next, hints: reducedHints(next.size), labels: labels, mixtures: mixtures, band: band)
            size = next.size
            try Cancellation.check()
            try observe()
        }
        var plane = Plane(size: picture.size)
        plane.paste(softened(labels, hints: fullHints, size: region.size), x: region.x, y: region.y)
        return Mask(coverage: plane)
    }

    /// Coverage of the labels, with a binomial filter of 3×3 where the outline is. Hints stay as they are.
    private func softened(_ labels: [Bool], hints: [UInt8], size: PixelSize) -> Plane {
        var plane = Plane(size: size, values: labels.map { $0 ? 1 : 0 })
        let isOutline = Self.outline(of: labels, size: size)
        for index in labels.indices where hints[index] != Hint.unknown {
            plane.values[index] = hints[index] == Hint.foreground ? 1 : 0
        }
        for index in labels.indices where isOutline[index] && hints[index] == Hint.unknown {
            let (x, y) = (index % size.width, index / size.width)
            var sum: Float = 0
            for dy in -1 ... 1 {
                for dx in -1 ... 1 {
                    let column = min(size.width - 1, max(0, x + dx))
                    let row = min(size.height - 1, max(0, y + dy))
                    if labels[row * size.width + column] { sum += (dx == 0 ? 2 : 1) * (dy == 0 ? 2 : 1) }
                }
            }
            plane.values[index] = sum / 16
        }
        return plane
    }

    /// The pixels that have a neighbour of another label, of the eight.
    private static func outline(of labels: [Bool], size: PixelSize) -> [Bool] {
        let (width, height) = (size.width, size.height)
        var result = [Bool](repeating: false, count: size.area)
        for y in (0 ..< height).untilCancelled {
            for x in 0 ..< width {
                let index = y * width + x
                let own = labels[index]
                var differs = x + 1 < width && labels[index + 1] != own || x > 0 && labels[index - 1] != own
                if y > 0 {
                    differs = differs || labels[index - width] != own
                    differs = differs || x > 0 && labels[index - width - 1] != own
                    differs = differs || x + 1 < width && labels[index - width + 1] != own
                }
                if y + 1 < height {
                    differs = differs || labels[index + width] != own
                    differs = differs || x > 0 && labels[index + width - 1] != own
                    differs = differs || x + 1 < width && labels[index + width + 1] != own
                }
                result[index] = differs
            }
        }
        return result
    }

    /// The size with its sides shrunk alike, so that it has no more than `area` pixels.
    private static func reduced(_ size: PixelSize, to area: Int) -> PixelSize {
        let scale = (Double(area) / Double(size.area)).squareRoot()
        guard scale < 1 else { return size }
        return PixelSize(
            width: max(1, Int(Double(size.width) * scale)), height: max(1, Int(Double(size.height) * scale)))
    }

    /// Both sizes and what lies between, in equal steps of at most 2 along each side; one where they are the same.
    private static func sizes(from large: PixelSize, to small: PixelSize) -> [PixelSize] {
        guard large != small else { return [large] }
        let scale = max(Double(large.width) / Double(small.width), Double(large.height) / Double(small.height))
        let steps = max(1, Int(log2(scale).rounded(.up)))
        func side(_ from: Int, _ to: Int, _ step: Int) -> Int {
            Int((Double(from) * pow(Double(to) / Double(from), Double(step) / Double(steps))).rounded())
        }
        return (0 ... steps).map { step in
            PixelSize(width: side(large.width, small.width, step), height: side(large.height, small.height, step))
        }
    }

    /// Values at another size: that in the middle of each new pixel.
    private static func enlarged<Value>(_ values: [Value], from size: PixelSize, to other: PixelSize) -> [Value] {
        if size == other { return values }
        let columns = (0 ..< other.width).map { (2 * $0 + 1) * size.width / (2 * other.width) }
        var result: [Value] = []
        result.reserveCapacity(other.area)
        for y in 0 ..< other.height {
            let row = (2 * y + 1) * size.height / (2 * other.height) * size.width
            for column in columns { result.append(values[row + column]) }
        }
        return result
    }

    private func hints(region: PixelRect, box: PixelRect, foreground: Mask?, background: Mask?) -> [UInt8] {
        var hints = [UInt8](repeating: Hint.background, count: region.size.area)
        for y in box.y ..< box.maxY {
            for x in box.x ..< box.maxX {
                let hint =
                    background.map { $0.coverage[x, y] >= 0.5 } == true
                    ? Hint.background
                    : foreground.map { $0.coverage[x, y] >= 0.5 } == true ? Hint.foreground : Hint.unknown
                hints[(y - region.y) * region.width + x - region.x] = hint
            }
        }
        return hints
    }

    // MARK: Iterations

    private struct Mixtures {
        var foreground: GaussianMixture
        var background: GaussianMixture
    }

    /// Learns what foreground and background look like (steps 1 to 4 of the paper's figure 3).
    private func learned(
        _ image: RGBImage, hints: [UInt8], observe: () throws -> Void
    ) throws -> (labels: [Bool], mixtures: Mixtures) {
        let colors = Self.colors(of: image)
        var labels = hints.map { $0 != Hint.background }
        let graph = PixelGraph(colors, size: image.size, smoothness: smoothness)
        let unknown = hints.indices.filter { hints[$0] == Hint.unknown }
        func chosen(_ isForeground: Bool) -> [GaussianMixture.Color] {
            colors.indices.filter { labels[$0] == isForeground }.map { colors[$0] }
        }
        guard labels.contains(true), labels.contains(false) else { throw SelectionError.noForeground }
        var mixtures = Mixtures(
            foreground: GaussianMixture(chosen(true)), background: GaussianMixture(chosen(false)))
        for iteration in 0 ..< max(1, iterations) {
            if iteration > 0 {
                mixtures.foreground.refit(chosen(true))
                mixtures.background.refit(chosen(false))
            }
            let next = graph.cut(unknown: unknown, labels: labels) { index in
                (
                    foreground: mixtures.foreground.cost(colors[index]),
                    background: mixtures.background.cost(colors[index])
                )
            }
            try Cancellation.check()
            try observe()
            let changes = zip(next, labels).count { $0 != $1 }
            // Nothing left: the colours say that all is background, and there would be none to fit to.
            guard next.contains(true) else { throw SelectionError.nothingFound }
            labels = next
            if changes * 2000 < unknown.count { break }
        }
        return (labels, mixtures)
    }

    private static func colors(of image: RGBImage) -> [GaussianMixture.Color] {
        (0 ..< image.size.area).map { pixel in
            255 * SIMD3(image.values[pixel * 3], image.values[pixel * 3 + 1], image.values[pixel * 3 + 2])
        }
    }

    // MARK: Larger sizes

    /// Cuts anew with mixtures that are known: everything, or a band alone.
    private func recut(
        _ image: RGBImage, hints: [UInt8], labels: [Bool], mixtures: Mixtures, band: [Bool]?
    ) -> [Bool] {
        var result = labels
        var unknown: [Int] = []
        for index in hints.indices {
            if hints[index] != Hint.unknown {
                result[index] = hints[index] == Hint.foreground
            } else if band?[index] ?? true {
                unknown.append(index)
            }
        }
        guard !unknown.isEmpty else { return result }
        func color(_ pixel: Int) -> GaussianMixture.Color {
            255 * SIMD3(image.values[pixel * 3], image.values[pixel * 3 + 1], image.values[pixel * 3 + 2])
        }
        let graph = PixelGraph(size: image.size, smoothness: smoothness, measuredOver: unknown, color: color)
        return graph.cut(unknown: unknown, labels: result) { index in
            (
                foreground: mixtures.foreground.cost(color(index)),
                background: mixtures.background.cost(color(index))
            )
        }
    }
}

/// The neighbourhood of pixels: how much a cut between each two costs.
private struct PixelGraph {
    private let size: PixelSize
    private let smoothness: Float
    private let color: (Int) -> GaussianMixture.Color
    /// 1 / (2 ⟨‖zₘ − zₙ‖²⟩), equation 5 of Boykov and Jolly 2001 as GrabCut takes it.
    private let beta: Float

    /// Costs are multiplied by this and rounded: the flow is computed in whole numbers.
    private static let unit: Float = 1000
    /// No pixel's colour decides by more than this, about the cost of a whole neighbourhood: a colour that one mixture
    /// holds for impossible still follows its surroundings.
    private static let largestCost: Float = 400

    private static let directions = [(1, 0), (-1, 1), (0, 1), (1, 1)]

    init(_ colors: [GaussianMixture.Color], size: PixelSize, smoothness: Float) {
        self.init(size: size, smoothness: smoothness, measuredOver: Array(colors.indices)) { colors[$0] }
    }

    init(
        size: PixelSize, smoothness: Float, measuredOver pixels: [Int],
        color: @escaping (Int) -> GaussianMixture.Color
    ) {
        self.size = size
        self.smoothness = smoothness
        self.color = color
        var sum = 0.0
        var count = 0.0
        for index in pixels {
            let own = color(index)
            for direction in Self.directions {
                guard let other = Self.neighbour(of: index, direction, in: size) else { continue }
                let difference = own - color(other)
                sum += Double((difference * difference).sum())
                count += 1
            }
        }
        beta = sum > 0 ? Float(count / (2 * sum)) : 0
    }

    /// The labels with those of `unknown` pixels chosen anew by the smallest cut; `costs` are those of calling the pixel
    /// foreground or background.
    func cut(unknown: [Int], labels: [Bool], costs: (Int) -> (foreground: Float, background: Float)) -> [Bool] {
        var node = [Int32](repeating: -1, count: size.area)
        for (number, pixel) in unknown.enumerated() { node[pixel] = Int32(number) }
        var flow = MaxFlow(nodeCount: unknown.count, arcCount: unknown.count * 8)
        for (number, pixel) in unknown.enumerated().untilCancelled {
            let cost = costs(pixel)
            let difference = min(Self.largestCost, max(-Self.largestCost, cost.background - cost.foreground))
            // Whoever ends on the sink's side, the background, pays what leads from the source.
            var source = difference > 0 ? Int32(difference * Self.unit) : 0
            var sink = difference < 0 ? Int32(-difference * Self.unit) : 0
            let own = color(pixel)
            for (dx, dy) in Self.directions {
                for sign in [1, -1] {
                    guard let other = Self.neighbour(of: pixel, (sign * dx, sign * dy), in: size) else { continue }
                    let isKnown = node[other] < 0
                    guard sign == 1 || isKnown else { continue }
                    let difference = own - color(other)
                    let weight =
                        smoothness * expf(-beta * (difference * difference).sum()) / (dx != 0 && dy != 0 ? 1.41421 : 1)
                    let capacity = Int32(weight * Self.unit)
                    if !isKnown {
                        flow.addEdge(number, Int(node[other]), capacity: capacity, reverse: capacity)
                    } else if labels[other] {
                        source += capacity
                    } else {
                        sink += capacity
                    }
                }
            }
            flow.addTerminals(number, source: source, sink: sink)
        }
        flow.solve()
        var result = labels
        for (number, pixel) in unknown.enumerated() { result[pixel] = flow.isOnSourceSide(number) }
        return result
    }

    private static func neighbour(of index: Int, _ step: (Int, Int), in size: PixelSize) -> Int? {
        let x = index % size.width + step.0
        let y = index / size.width + step.1
        guard x >= 0, x < size.width, y >= 0, y < size.height else { return nil }
        return y * size.width + x
    }
}

/// Why no foreground was found.
public enum SelectionError: Error, Equatable, Worded {
    case boxOutside(picture: PixelSize)
    case noBackground(box: PixelRect)
    case noForeground
    case nothingFound

    public var sentence: Sentence {
        switch self {
        case .boxOutside(let picture):
            "the rectangle lies outside the picture of \(picture)"
        case .noBackground(let box):
            "the rectangle \(box) leaves nothing that could show what the background looks like; draw it closer around the object, or mark background with \(.exclude)"
        case .noForeground: "everything is marked as background"
        case .nothingFound:
            "nothing in the rectangle looks different from what is around it; mark some of the object with \(.include)"
        }
    }
}
