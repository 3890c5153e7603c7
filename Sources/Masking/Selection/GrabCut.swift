internal import Foundation
public import Raster

/// Finds the foreground inside a rectangle.
///
/// C. Rother, V. Kolmogorov and A. Blake, "GrabCut": interactive foreground extraction using iterated graph cuts, ACM
/// Transactions on Graphics 23(3), 2004. Two mixtures of Gaussians describe the colours of foreground and background; the
/// smallest cut of a graph over the pixels (8 neighbours) says which is which; both are repeated in turn. The data term
/// is the likelihood of the whole mixture rather than of the likeliest component, as OpenCV's `grabCut` has it.
///
/// A large picture is cut at `workingArea` first; then only a band around the outline is cut again at full size
/// (H. Lombaert, Y. Sun, L. Grady and C. Xu, "A multilevel banded graph cuts method for fast image segmentation", ICCV
/// 2005). Only the rectangle and a margin of half its size are looked at: the margin is what background looks like.
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
        guard !inside.isEmpty else { throw SelectionError.boxOutside(box: box, picture: picture.size) }
        let margin = max(8, max(inside.width, inside.height) / 2)
        let region = PixelRect(
            x: inside.x - margin, y: inside.y - margin, width: inside.width + 2 * margin,
            height: inside.height + 2 * margin
        ).intersection(whole)

        let full = RGBImage(picture.cropped(to: region))
        let fullHints = hints(region: region, box: inside, foreground: foreground, background: background)
        guard fullHints.contains(Hint.background) else { throw SelectionError.noBackground(box: inside) }
        guard fullHints.contains(where: { $0 != Hint.background }) else { throw SelectionError.noForeground }
        let scale = min(1, (Double(workingArea) / Double(region.size.area)).squareRoot())
        let size = PixelSize(
            width: max(1, Int(Double(region.width) * scale)), height: max(1, Int(Double(region.height) * scale)))
        let small = scale < 1 ? full.resized(to: size, filter: .area) : full
        let smallHints = scale < 1 ? Self.reduced(fullHints, from: region.size, to: size) : fullHints
        try observe()

        var (labels, mixtures) = try cut(small, hints: smallHints, observe: observe)
        if scale < 1 {
            labels = refined(labels, of: size, full: full, hints: fullHints, mixtures: mixtures, scale: scale)
        }
        _ = mixtures
        var plane = Plane(size: picture.size)
        plane.paste(
            Plane(size: region.size, values: labels.map { $0 ? 1 : 0 }), x: region.x, y: region.y)
        var result = Mask(coverage: plane).feathered(sigma: 0.5).coverage
        // Softening must not reach what is background for certain.
        for y in 0 ..< region.height {
            for x in 0 ..< region.width where fullHints[y * region.width + x] != Hint.unknown {
                result[region.x + x, region.y + y] = fullHints[y * region.width + x] == Hint.foreground ? 1 : 0
            }
        }
        for y in 0 ..< picture.height {
            for x in 0 ..< picture.width
            where result[x, y] > 0 && !(x >= inside.x && x < inside.maxX && y >= inside.y && y < inside.maxY) {
                result[x, y] = 0
            }
        }
        return Mask(coverage: result)
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

    /// The hint in the middle of each new pixel.
    private static func reduced(_ hints: [UInt8], from size: PixelSize, to small: PixelSize) -> [UInt8] {
        (0 ..< small.area).map { index in
            let x = (2 * (index % small.width) + 1) * size.width / (2 * small.width)
            let y = (2 * (index / small.width) + 1) * size.height / (2 * small.height)
            return hints[y * size.width + x]
        }
    }

    // MARK: Iterations

    private struct Mixtures {
        var foreground: GaussianMixture
        var background: GaussianMixture
    }

    private func cut(
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

    // MARK: Full size

    /// Cuts a band around the enlarged outline anew.
    private func refined(
        _ labels: [Bool], of size: PixelSize, full: RGBImage, hints: [UInt8], mixtures: Mixtures, scale: Double
    ) -> [Bool] {
        let share = Plane(size: size, values: labels.map { $0 ? 1 : 0 }).resized(to: full.size, filter: .bilinear)
        var result = share.values.map { $0 >= 0.5 }
        for index in result.indices where hints[index] != Hint.unknown {
            result[index] = hints[index] == Hint.foreground
        }
        let enlarged = Mask(coverage: Plane(size: full.size, values: result.map { $0 ? 1 : 0 }))
        let radius = Int((1.25 / scale).rounded(.up)) + 1
        let outer = enlarged.grown(by: radius).coverage.values
        let inner = enlarged.shrunk(by: radius).coverage.values
        let band = result.indices.filter { outer[$0] > 0 && inner[$0] == 0 && hints[$0] == Hint.unknown }
        guard !band.isEmpty else { return result }
        func color(_ pixel: Int) -> GaussianMixture.Color {
            255 * SIMD3(full.values[pixel * 3], full.values[pixel * 3 + 1], full.values[pixel * 3 + 2])
        }
        // Contrast is measured over the band alone, where the outline is.
        let graph = PixelGraph(size: full.size, smoothness: smoothness, measuredOver: band, color: color)
        return graph.cut(unknown: band, labels: result) { index in
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
        for (number, pixel) in unknown.enumerated() {
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
public enum SelectionError: Error, Equatable, CustomStringConvertible {
    case boxOutside(box: PixelRect, picture: PixelSize)
    case noBackground(box: PixelRect)
    case noForeground
    case nothingFound

    public var description: String {
        switch self {
        case .boxOutside(let box, let picture):
            "the rectangle \(box) lies outside the picture of \(picture)"
        case .noBackground(let box):
            "the rectangle \(box) leaves nothing that could show what the background looks like; draw it closer around the object, or mark background with --exclude"
        case .noForeground: "everything is marked as background"
        case .nothingFound:
            "nothing in the rectangle looks different from what is around it; mark some of the object with --include"
        }
    }
}
