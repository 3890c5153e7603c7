import Foundation
import Raster
import TestSupport
import Testing

@testable import Masking

@Suite struct MaxFlowTests {
    struct Graph {
        var source: [Int32]
        var sink: [Int32]
        var edges: [(Int, Int, Int32, Int32)]

        init(nodes: Int, density: Double, largest: Int32, using random: inout TestRandom) {
            source = (0 ..< nodes).map { _ in Int32.random(in: 0 ... largest, using: &random) }
            sink = (0 ..< nodes).map { _ in Int32.random(in: 0 ... largest, using: &random) }
            edges = []
            for first in 0 ..< nodes {
                for second in first + 1 ..< nodes where Double.random(in: 0 ..< 1, using: &random) < density {
                    edges.append(
                        (
                            first, second, Int32.random(in: 0 ... largest, using: &random),
                            Int32.random(in: 0 ... largest, using: &random)
                        ))
                }
            }
        }

        /// What it costs to leave just these nodes on the source's side.
        func cost(_ isOnSourceSide: (Int) -> Bool) -> Int {
            var cost = 0
            for node in source.indices { cost += Int(isOnSourceSide(node) ? sink[node] : source[node]) }
            for (first, second, capacity, reverse) in edges {
                if isOnSourceSide(first), !isOnSourceSide(second) { cost += Int(capacity) }
                if isOnSourceSide(second), !isOnSourceSide(first) { cost += Int(reverse) }
            }
            return cost
        }

        func solved() -> MaxFlow {
            var flow = MaxFlow(nodeCount: source.count, arcCount: edges.count * 2)
            for node in source.indices { flow.addTerminals(node, source: source[node], sink: sink[node]) }
            for (first, second, capacity, reverse) in edges {
                flow.addEdge(first, second, capacity: capacity, reverse: reverse)
            }
            flow.solve()
            return flow
        }
    }

    @Test(arguments: 0 ..< 60) func `The flow is the cheapest of all cuts`(seed: Int) {
        var random = TestRandom(state: UInt64(seed))
        let graph = Graph(
            nodes: Int.random(in: 1 ... 10, using: &random), density: [0.2, 0.5, 1][seed % 3],
            largest: [1, 3, 100][seed / 3 % 3], using: &random)
        let cheapest = (0 ..< 1 << graph.source.count).map { set in graph.cost { set >> $0 & 1 == 1 } }.min()
        let flow = graph.solved()
        #expect(flow.flow == cheapest)
        #expect(graph.cost(flow.isOnSourceSide) == cheapest)
    }

    /// Larger graphs, where trees are torn and mended: a cut that costs what flows is the smallest there can be.
    @Test(arguments: 0 ..< 6) func `On a grid the cut costs what flows`(seed: Int) {
        var random = TestRandom(state: UInt64(700 + seed))
        var graph = Graph(nodes: 1600, density: 0, largest: 40, using: &random)
        for y in 0 ..< 40 {
            for x in 0 ..< 40 {
                for (dx, dy) in [(1, 0), (0, 1), (1, 1), (-1, 1)] where (0 ..< 40).contains(x + dx) && y + dy < 40 {
                    let capacity = Int32.random(in: 0 ... 25, using: &random)
                    graph.edges.append((y * 40 + x, (y + dy) * 40 + x + dx, capacity, capacity))
                }
            }
        }
        let flow = graph.solved()
        #expect(flow.flow > 0)
        #expect(graph.cost(flow.isOnSourceSide) == flow.flow)
    }
}

@Suite struct SelectionTests {
    /// Coloured noise: a striped disc of two colours on a background of two others.
    private func scene(_ size: PixelSize, noise: Float) -> (picture: Picture, truth: [Bool]) {
        let random = RandomValues.normal(size.area * 3, seed: 7, deviation: noise)
        var image = RGBImage(size: size)
        var truth = [Bool](repeating: false, count: size.area)
        let radius = 0.3 * Float(min(size.width, size.height))
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                let index = y * size.width + x
                let (dx, dy) = (Float(x) - Float(size.width) / 2, Float(y) - Float(size.height) / 2)
                truth[index] = (dx * dx + dy * dy).squareRoot() < radius
                let stripe = (x * 24 / size.width).isMultiple(of: 2)
                let color: [Float] =
                    truth[index]
                    ? (stripe ? [0.8, 0.3, 0.2] : [0.75, 0.6, 0.2]) : (stripe ? [0.25, 0.4, 0.6] : [0.35, 0.55, 0.4])
                for channel in 0 ..< 3 {
                    image.values[index * 3 + channel] = color[channel] + random[index * 3 + channel]
                }
            }
        }
        return (Picture(image), truth)
    }

    private func intersectionOverUnion(_ mask: Mask, _ truth: [Bool]) -> Double {
        let found = mask.coverage.values.map { $0 >= 0.5 }
        let both = zip(found, truth).count { $0 && $1 }
        return Double(both) / Double(zip(found, truth).count { $0 || $1 })
    }

    /// The second is worked on at a third of its sides and refined twice, the third at a tenth and refined four times.
    @Test(arguments: [
        PixelSize(width: 160, height: 120), PixelSize(width: 480, height: 360), PixelSize(width: 1680, height: 1260),
    ])
    func `The object of a known scene is found`(size: PixelSize) throws {
        let (picture, truth) = scene(size, noise: 0.06)
        let box = PixelRect(
            x: size.width / 5, y: size.height / 8, width: size.width * 3 / 5, height: size.height * 3 / 4)
        let mask = try GrabCut(workingArea: 20_000).mask(of: picture, in: box)
        #expect(intersectionOverUnion(mask, truth) >= 0.95)
        var outside = 0
        for y in 0 ..< size.height {
            for x in 0 ..< size.width where !box.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                outside += mask.coverage[x, y] > 0 ? 1 : 0
            }
        }
        #expect(outside == 0)
        #expect(try GrabCut(workingArea: 20_000).mask(of: picture, in: box) == mask)
    }

    @Test func `What is marked stays as marked`() throws {
        let size = PixelSize(width: 160, height: 120)
        let (picture, _) = scene(size, noise: 0.06)
        let box = PixelRect(x: 32, y: 15, width: 96, height: 90)
        let inside = Mask.rectangle(PixelRect(x: 36, y: 20, width: 10, height: 10), size: size)
        let outside = Mask.rectangle(PixelRect(x: 76, y: 56, width: 10, height: 10), size: size)
        let mask = try GrabCut().mask(of: picture, in: box, foreground: inside, background: outside)
        #expect(mask.coverage[40, 25] == 1)
        #expect(mask.coverage[80, 60] == 0)
        #expect(mask.coverage[60, 60] == 1)
    }

    @Test func `Without any background there is nothing to go by`() {
        let size = PixelSize(width: 40, height: 30)
        let (picture, _) = scene(size, noise: 0.05)
        #expect(throws: SelectionError.noBackground(box: PixelRect(size))) {
            try GrabCut().mask(of: picture, in: PixelRect(size))
        }
        #expect(throws: SelectionError.self) {
            try GrabCut().mask(of: picture, in: PixelRect(x: 50, y: 0, width: 5, height: 5))
        }
        #expect(throws: SelectionError.noForeground) {
            try GrabCut().mask(
                of: picture, in: PixelRect(x: 5, y: 5, width: 9, height: 9), background: .uniform(1, size: size))
        }
    }

    /// Values of CIE 15 for sRGB's corners, as given by B. Lindbloom's calculator (D65).
    @Test func `Lab is CIE's`() {
        let known: [(Float, Float, Float, Float, Float, Float)] = [
            (1, 1, 1, 100, 0, 0), (0, 0, 0, 0, 0, 0), (1, 0, 0, 53.24, 80.09, 67.20), (0, 1, 0, 87.73, -86.18, 83.18),
            (0, 0, 1, 32.30, 79.19, -107.86), (0.5, 0.5, 0.5, 53.39, 0, 0),
        ]
        for (red, green, blue, lightness, a, b) in known {
            let color = LabColor(red: red, green: green, blue: blue)
            #expect(color.distance(to: LabColor(lightness: lightness, a: a, b: b)) < 0.05, "\(red) \(green) \(blue)")
        }
    }

    /// Two grey fields of one colour, apart; a bridge of a near one.
    private func fields() -> Picture {
        let size = PixelSize(width: 30, height: 10)
        var samples = [UInt8](repeating: 20, count: size.area)
        for y in 2 ..< 8 {
            for x in 2 ..< 10 { samples[y * 30 + x] = 150 }
            for x in 20 ..< 28 { samples[y * 30 + x] = 150 }
        }
        return Picture(size: size, layout: .gray, samples: .eight(samples))
    }

    @Test func `A wand stays in its field, a colour does not`() {
        let picture = fields()
        let left = Mask.rectangle(PixelRect(x: 2, y: 2, width: 8, height: 6), size: picture.size)
        let right = Mask.rectangle(PixelRect(x: 20, y: 2, width: 8, height: 6), size: picture.size)
        let selection = ColorSelection(tolerance: 10, softness: 2)
        #expect(selection.flood(of: picture, points: [(5, 5)]).coverage == left.coverage)
        #expect(selection.flood(of: picture, points: [(5, 5), (25, 4)]).coverage == left.union(right).coverage)
        let color = ColorSelection.color(of: picture, x: 5, y: 5)
        #expect(selection.mask(of: picture, colors: [color]).coverage == left.union(right).coverage)
    }

    @Test func `Only a diagonal flood passes a corner`() {
        let picture = Picture(
            size: PixelSize(width: 2, height: 2), layout: .gray, samples: .eight([200, 0, 0, 200]))
        let selection = ColorSelection(tolerance: 10, softness: 0)
        #expect(selection.flood(of: picture, points: [(0, 0)], radius: 0).coverage.values == [1, 0, 0, 0])
        #expect(
            selection.flood(of: picture, points: [(0, 0)], radius: 0, diagonal: true).coverage.values == [1, 0, 0, 1])
    }

    @Test func `Coverage falls linearly beyond the tolerance`() {
        let selection = ColorSelection(tolerance: 10, softness: 4)
        #expect([0, 10, 11, 12, 14, 50].map(selection.coverage(distance:)) == [1, 1, 0.75, 0.5, 0, 0])
    }

    @Test func `Lightness is masked in its range, at 16 bits too`() {
        // L* 0, about 53.6 and 100.
        let picture = Picture(
            size: PixelSize(width: 3, height: 1), layout: .gray, samples: .sixteen([0, 32896, 65535]))
        #expect(Mask(lightnessOf: picture, in: 50 ... 60).coverage.values == [0, 1, 0])
        let soft = Mask(lightnessOf: picture, in: 60 ... 100, softness: 10).coverage.values
        #expect(soft[0] == 0 && soft[2] == 1 && abs(soft[1] - 0.36) < 0.02)
    }

    @Test func `Alpha is taken as it is`() throws {
        let size = PixelSize(width: 3, height: 1)
        let picture = Picture(size: size, layout: .grayAlpha, samples: .eight([9, 0, 9, 51, 9, 255]))
        #expect(try #require(Mask(alphaOf: picture)).coverage.values == [1, 0.8, 0])
        #expect(try #require(Mask(alphaOf: picture, meaning: .keep)).coverage.values == [0, 0.2, 1])
        #expect(Mask(alphaOf: Picture(size: size, layout: .gray, samples: .eight([1, 2, 3]))) == nil)
    }

    @Test func `A step has one edge, a pixel wide, where it is; a flat picture none`() {
        let size = PixelSize(width: 40, height: 20)
        let picture = Picture(
            size: size, layout: .gray, samples: .eight((0 ..< size.area).map { $0 % 40 < 17 ? 60 : 180 }))
        let edges = EdgeDetector().mask(of: picture).coverage
        for y in 0 ..< 20 {
            let columns = (0 ..< 40).filter { edges[$0, y] == 1 }
            #expect(columns.count == 1)
            #expect(columns.first == 16 || columns.first == 17)
        }
        let flat = Picture(size: size, layout: .gray, samples: .eight([UInt8](repeating: 90, count: size.area)))
        #expect(EdgeDetector().mask(of: flat).bounds == nil)
    }
}

@Suite struct RepairTests {
    @Test(arguments: [1, 2, 5]) func `Shrinking keeps what is further than the radius from any gap`(radius: Int) {
        let size = PixelSize(width: 33, height: 27)
        var random = TestRandom(state: 11)
        var plane = Plane(size: size, repeating: 1)
        for _ in 0 ..< 6 {
            plane[Int.random(in: 0 ..< 33, using: &random), Int.random(in: 0 ..< 27, using: &random)] = 0
        }
        let gaps = (0 ..< size.area).filter { plane.values[$0] == 0 }
        let shrunk = Mask(coverage: plane).shrunk(by: radius).coverage
        for index in 0 ..< size.area {
            let isNear = gaps.contains {
                let (dx, dy) = ($0 % 33 - index % 33, $0 / 33 - index / 33)
                return dx * dx + dy * dy <= radius * radius
            }
            #expect(shrunk.values[index] == (isNear ? 0 : 1))
        }
    }

    /// By definition: the least over all ways to the border of the largest coverage on the way. Relaxed until nothing
    /// changes.
    private func filledByDefinition(_ plane: Plane) -> [Float] {
        let (width, height) = (plane.width, plane.height)
        var values = plane.values.indices.map { index -> Float in
            let (x, y) = (index % width, index / width)
            return x == 0 || y == 0 || x == width - 1 || y == height - 1 ? plane.values[index] : 1
        }
        var changed = true
        while changed {
            changed = false
            for y in 1 ..< height - 1 {
                for x in 1 ..< width - 1 {
                    let index = y * width + x
                    let lowest = min(
                        min(values[index - 1], values[index + 1]), min(values[index - width], values[index + width]))
                    let value = max(plane.values[index], lowest)
                    if value < values[index] {
                        values[index] = value
                        changed = true
                    }
                }
            }
        }
        return values
    }

    @Test(arguments: 0 ..< 10) func `Holes fill to the least that every way out crosses`(seed: Int) {
        var random = TestRandom(state: UInt64(40 + seed))
        let size = PixelSize(width: 23, height: 17)
        let plane = Plane(
            size: size, values: (0 ..< size.area).map { _ in Float(Int.random(in: 0 ... 255, using: &random)) / 255 })
        #expect(Mask(coverage: plane).holesFilled().coverage.values == filledByDefinition(plane))
    }

    @Test func `A ring fills, an open one does not`() {
        let size = PixelSize(width: 20, height: 20)
        let outer = Mask.rectangle(PixelRect(x: 4, y: 4, width: 12, height: 12), size: size)
        let ring = outer.subtracting(.rectangle(PixelRect(x: 7, y: 7, width: 6, height: 6), size: size))
        #expect(ring.holesFilled().coverage == outer.coverage)
        let open = ring.subtracting(.rectangle(PixelRect(x: 10, y: 4, width: 1, height: 3), size: size))
        #expect(open.holesFilled().coverage == open.coverage)
    }
}
