import Foundation
import Raster
import TestSupport
import Testing

@testable import Masking

/// Shapes against their definitions: areas, winding numbers, curves.
@Suite struct ShapeTests {
    static let size = PixelSize(width: 60, height: 44)
    /// Coverage is a Float: sums of a few thousand of them are good to this.
    static let areaTolerance = 2e-3

    private func total(_ mask: Mask) -> Double { mask.coverage.values.reduce(0.0) { $0 + Double($1) } }

    private func point(_ x: Double, _ y: Double) -> VectorPath.Point { VectorPath.Point(x: x, y: y) }

    @Test func `A box covers each pixel by the area of their overlap`() {
        let mask = Mask(VectorPath(x: 10.25, y: 5.5, width: 20.5, height: 3.75), size: Self.size)
        func overlap(_ low: Double, _ high: Double, _ pixel: Int) -> Double {
            max(0, min(high, Double(pixel + 1)) - max(low, Double(pixel)))
        }
        for y in 0 ..< Self.size.height {
            for x in 0 ..< Self.size.width {
                let expected = overlap(10.25, 30.75, x) * overlap(5.5, 9.25, y)
                #expect(abs(Double(mask.coverage[x, y]) - expected) < 1e-6)
                if expected == 0 { #expect(mask.coverage[x, y] == 0) }
                if expected == 1 { #expect(mask.coverage[x, y] == 1) }
            }
        }
    }

    @Test func `A whole-pixel box is the rectangle of those pixels`() {
        let rect = PixelRect(x: -3, y: 7, width: 20, height: 90)
        let path = VectorPath(x: -3, y: 7, width: 20, height: 90)
        #expect(Mask(path, size: Self.size).coverage == Mask.rectangle(rect, size: Self.size).coverage)
    }

    @Test(arguments: 0 ..< 40) func `A triangle's coverage sums to its area`(seed: Int) {
        var random = TestRandom(state: UInt64(seed))
        let corners = (0 ..< 3).map { _ in
            point(Double.random(in: 0 ... 60, using: &random), Double.random(in: 0 ... 44, using: &random))
        }
        let (a, b, c) = (corners[0], corners[1], corners[2])
        let area = abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / 2
        #expect(abs(total(Mask(VectorPath(polygon: corners), size: Self.size)) - area) < Self.areaTolerance)
    }

    /// Random polygons cross themselves, leave the picture, and overlap within a pixel.
    @Test(arguments: 0 ..< 12, VectorPath.FillRule.allCases)
    func `Coverage is the share of a pixel's points that the path contains`(seed: Int, rule: VectorPath.FillRule) {
        var random = TestRandom(state: UInt64(1000 + seed))
        let size = PixelSize(width: 9, height: 8)
        let path = VectorPath(
            polygon: (0 ..< 9).map { _ in
                point(Double.random(in: -3 ... 12, using: &random), Double.random(in: -3 ... 11, using: &random))
            })
        let mask = Mask(path, rule: rule, size: size)
        let contours = path.contours.map { $0.map { SIMD2($0.x, $0.y) } }
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                // Points along an outline of some sides: about one row of the grid each.
                let expected = share(ofPixel: x, y, in: contours, samples: 60) {
                    rule == .nonZero ? $0 != 0 : $0 % 2 != 0
                }
                #expect(abs(mask.coverage[x, y] - expected) < 0.03)
            }
        }
    }

    @Test func `A star has a hole by the one rule and none by the other`() {
        let star = VectorPath(
            polygon: (0 ..< 5).map { index in
                let angle = Double(index) * 4 * .pi / 5
                return point(30 + 20 * sin(angle), 22 - 20 * cos(angle))
            })
        #expect(Mask(star, rule: .nonZero, size: Self.size).coverage[30, 22] == 1)
        #expect(Mask(star, rule: .evenOdd, size: Self.size).coverage[30, 22] == 0)
    }

    @Test func `An ellipse has its area`() throws {
        let size = PixelSize(width: 1000, height: 700)
        let mask = try MaskShape(ellipse: "500,350,50%,40%").mask(size: size)
        let area = Double.pi * 500 * 280
        #expect(abs(total(mask) / area - 1) < 1e-4)
        #expect(mask.coverage[0, 0] == 0)
        #expect(mask.coverage[500, 350] == 1)
    }

    @Test func `A stroke is what lies within half its width of the line`() throws {
        let size = PixelSize(width: 120, height: 90)
        let mask = try MaskShape(stroke: "20,20 90,30 60,70 60,20", width: 16).mask(size: size)
        let points = [(20.0, 20.0), (90, 30), (60, 70), (60, 20)]
        func distance(_ x: Double, _ y: Double) -> Double {
            zip(points, points.dropFirst()).map { start, end in
                let (dx, dy) = (end.0 - start.0, end.1 - start.1)
                let t = min(1, max(0, ((x - start.0) * dx + (y - start.1) * dy) / (dx * dx + dy * dy)))
                return hypot(x - start.0 - t * dx, y - start.1 - t * dy)
            }.min() ?? .infinity
        }
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                let far = distance(Double(x) + 0.5, Double(y) + 0.5)
                // A pixel's corner is 0.71 from its middle.
                if far < 7.25 { #expect(mask.coverage[x, y] == 1) }
                if far > 8.75 { #expect(mask.coverage[x, y] == 0) }
            }
        }
    }

    @Test func `A single point of a stroke is a dot`() throws {
        let mask = try MaskShape(stroke: "30,20", width: 20).mask(size: Self.size)
        #expect(abs(total(mask) - .pi * 100) < 0.2)
    }

    // MARK: SVG paths

    private func area(_ path: String, _ rule: VectorPath.FillRule = .nonZero) throws -> Double {
        total(try MaskShape(svgPath: path, rule: rule).mask(size: PixelSize(width: 100, height: 100)))
    }

    @Test func `Every command of a path draws what SVG says`() throws {
        let square = 1600.0
        for path in [
            "M10 10 L50 10 L50 50 L10 50 Z", "m10,10 l40,0 0,40-40,0z", "M10 10H50V50H10Z", "m10 10h40v40h-40z",
            "M10,10 50,10 50,50 10,50", "M1e1 10.0L50 10 50 50 10 50",
            "M10 10C20 10 40 10 50 10L50 10S50 40 50 50L10 50",
            "M10 10Q30 10 50 10T90 10L90 10L50 10L50 50L10 50z",
        ] {
            #expect(abs(try area(path) - square) < 0.01, "\(path)")
        }
        // A circle of two arcs, with flags run together; and half of one.
        #expect(abs(try area("M20 50a30 30 0 1060 0a30 30 0 10-60 0z") - .pi * 900) < 1)
        #expect(abs(try area("M20 50A30 30 0 0 1 80 50Z") - .pi * 450) < 0.5)
        // Radii too small are enlarged until the arc reaches.
        #expect(abs(try area("M20 50A1 1 0 0 1 80 50Z") - .pi * 450) < 0.5)
        // A turned ellipse whose radii are enlarged, by √1.75 each.
        #expect(abs(try area("M30 50A20 10 30 1 0 70 50A20 10 30 1 0 30 50Z") - .pi * 200 * 1.75) < 0.5)
        // Under a parabola: two thirds of base times height; under a cubic with level tangents 3/5 … of its own.
        #expect(abs(try area("M10 80Q50 0 90 80Z") - 2.0 / 3 * 80 * 40) < 0.2)
        #expect(abs(try area("M10 80C10 20 90 20 90 80Z") - 3.0 / 20 * 80 * 60 * 4) < 0.2)
        // Two squares, one in the other and turning alike.
        let rings = "M10 10h60v60h-60zM30 30h20v20h-20z"
        #expect(abs(try area(rings) - 3600) < 0.01)
        #expect(abs(try area(rings, .evenOdd) - 3200) < 0.01)
        // What follows a Z begins at the start of what it closed.
        #expect(abs(try area("M10 10h20v20h-20zl-5 0 0 -5z") - 412.5) < 0.01)
    }

    @Test(arguments: [
        "", "   ", "L10 10", "M", "M10", "M10 10 L", "M10 10 X5", "M10 10 L5 five", "M10 10 A5 5 0 2 0 9 9", "M1e9 0",
        "M10 10 l1e6 0 l1e6 0", "10 10", "M10 10 L 5,,5",
    ])
    func `A path with a mistake is refused`(path: String) {
        #expect(throws: MaskShapeError.self) { try MaskShape(svgPath: path) }
    }

    @Test func `Numbers of shapes are read strictly`() throws {
        #expect(try MaskShape(box: "10%,20, 30 ,5.5".replacing(" ", with: "")).mask(size: Self.size).bounds != nil)
        let spaced = PixelRect(x: 30, y: 11, width: 30, height: 22)
        #expect(try MaskShape(box: " 50 %, 25%,30 px, 22px ").pixelRect(in: Self.size) == spaced)
        for text in [
            "10 20,30,40,50", "1 0%,2,3,4", "1,2,3,4  px", "1,2,3,4\tpx", "1,2,3,4 p x", "", "1,2,3", "1,2,3,4,5",
            "1,2,x,4", "1,2,nan,4", "1,2,inf,4", "1,2,0,4", "1,2,3,-4", "1,2,3e9,4",
        ] {
            #expect(throws: MaskShapeError.self, "\(text)") { try MaskShape(box: text) }
        }
        #expect(throws: MaskShapeError.tooFewPoints(found: 2, needed: 3)) { try MaskShape(polygon: "1,2 3,4") }
        #expect(throws: MaskShapeError.self) { try MaskShape.Place("60,3").pixel(in: Self.size) }
        #expect(
            try MaskShape(box: "50%,25%,50%,50%").pixelRect(in: Self.size)
                == PixelRect(x: 30, y: 11, width: 30, height: 22))
    }

    /// Thousands of sides that cross each other, as in a scribble: by samples, in a moment, and nearly exact.
    @Test(.timeLimit(.minutes(1))) func `A scribble takes no time`() throws {
        var state: UInt64 = 7
        func next(_ limit: Int) -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / Double(1 << 24) * Double(limit)
        }
        let corners = (0 ..< 4000).map { _ in point(next(Self.size.width), next(Self.size.height)) }
        for rule in VectorPath.FillRule.allCases {
            let mask = Mask(VectorPath(polygon: corners), rule: rule, size: Self.size)
            for value in mask.coverage.values { #expect(value >= 0 && value <= 1) }
            // By the even-odd rule so many crossings leave half of the middle.
            if rule == .evenOdd {
                let middle = (20 ..< 40).map { Double(mask.coverage[$0, 22]) }
                let mean: Double = middle.reduce(0, +) / 20
                #expect(abs(mean - 0.5) < 0.1)
            }
        }
        // A comb of 600 teeth, 3/100 wide and 36 high, on a bar: sampled where the teeth are, and its area is known.
        let teeth = (0 ..< 600).flatMap { tooth -> [VectorPath.Point] in
            let x = 5 + Double(tooth) * 0.08
            return [point(x, 40), point(x, 4), point(x + 0.03, 4), point(x + 0.03, 40)]
        }
        let comb = Mask(VectorPath(polygon: teeth + [point(53, 42), point(5, 42)]), size: Self.size)
        let area: Double = 600 * 0.03 * 36 + 48 * 2
        #expect(abs(total(comb) - area) < 0.3)
    }

    /// A path of some hundred kilobytes that runs up and down a large picture took many minutes.
    @Test(.timeLimit(.minutes(1))) func `Tens of thousands of sides in every row take a moment`() throws {
        let stripes = (0 ..< 12_000).map { "M\(Double($0) / 50) 0V2000h.01V0Z" }.joined()
        let mask = try MaskShape(svgPath: stripes).mask(size: PixelSize(width: 256, height: 2000))
        for y in stride(from: 0, to: 2000, by: 97) {
            for x in 0 ..< 240 { #expect(abs(mask.coverage[x, y] - 0.5) < 0.1) }
            #expect(mask.coverage[241, y] == 0)
        }
    }

    @Test func `More corners than any mask has are refused`() throws {
        let arcs = "M0 0" + String(repeating: "A1e6 1e6 0 1120 5A1e6 1e6 0 119 0", count: 200)
        #expect(throws: MaskShapeError.tooManyPoints(limit: VectorPath.cornerLimit)) { try MaskShape(svgPath: arcs) }
        let points = String(repeating: "1,1 5,5 ", count: 2000)
        #expect(throws: MaskShapeError.tooManyPoints(limit: VectorPath.cornerLimit)) {
            try MaskShape(stroke: points, width: 10_000)
        }
        _ = try MaskShape(stroke: points, width: 3)
    }

    @Test func `Words fill their box and have the holes of their letters`() throws {
        let fonts = ["/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", "/System/Library/Fonts/Helvetica.ttc"]
        guard let font = fonts.first(where: FileManager.default.fileExists(atPath:)) else {
            print("skipped: none of the fonts of this test is installed")
            return
        }
        let word = try TextShape("OIO", fonts: [font])
        #expect(word.missingCharacters.isEmpty)
        let mask = Mask(word.fitted(x: 0, y: 0, width: 300, height: 100), size: PixelSize(width: 300, height: 100))
        let bounds = try #require(mask.bounds)
        #expect(bounds.width >= 299 || bounds.height >= 99)
        // The middle of the word is its I; the middles of its first and last third are the holes of its O's.
        #expect(mask.coverage[150, 50] == 1)
        #expect(mask.coverage[bounds.x + bounds.height / 2, 50] == 0)
        #expect(throws: TextShapeError.nothingToDraw) { try TextShape("  ", fonts: [font]) }
        #expect(throws: TextShapeError.self) { try TextShape("a", fonts: ["/nowhere.ttf"]) }
    }
}
