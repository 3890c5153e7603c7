internal import Masking
import PlainText
internal import Raster
internal import Testing

/// A generator of its own, so that every random case can be told by its seed.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

func randomPicture(_ size: PixelSize, _ layout: Picture.Layout, depth: Int, using random: inout TestRandom) -> Picture {
    let count = size.area * layout.channels
    return Picture(
        size: size, layout: layout,
        samples: depth == 8
            ? .eight((0 ..< count).map { _ in UInt8.random(in: 0 ... 255, using: &random) })
            : .sixteen((0 ..< count).map { _ in UInt16.random(in: 0 ... 65535, using: &random) }))
}

/// A mask of random rectangles and grey specks.
func randomMask(_ size: PixelSize, using random: inout TestRandom) -> Mask {
    var plane = Plane(size: size)
    for _ in 0 ..< Int.random(in: 1 ... 3, using: &random) {
        let left = Int.random(in: 0 ..< size.width, using: &random)
        let top = Int.random(in: 0 ..< size.height, using: &random)
        for y in top ..< min(size.height, top + Int.random(in: 1 ... 12, using: &random)) {
            for x in left ..< min(size.width, left + 9) { plane[x, y] = Bool.random(using: &random) ? 1 : 0.4 }
        }
    }
    return Mask(coverage: plane)
}

@Suite struct MaskTests {
    @Test func polarity() {
        let size = PixelSize(width: 2, height: 1)
        let gray = Picture(size: size, layout: .gray, samples: .eight([0, 255]))
        #expect(Mask(gray).coverage.values == [0, 1])
        #expect(Mask(gray, meaning: .keep).coverage.values == [1, 0])
        let alpha = Picture(size: size, layout: .rgba, samples: .eight([255, 255, 255, 255, 9, 9, 9, 0]))
        #expect(Mask(alpha).coverage.values == [0, 1])
        #expect(Mask(alpha, meaning: .keep).coverage.values == [1, 0])
        let opaque = Picture(size: size, layout: .rgba, samples: .eight([255, 255, 255, 255, 0, 0, 0, 255]))
        #expect(Mask(opaque).coverage.values == [1, 0])
        let faint = Picture(size: size, layout: .rgb, samples: .sixteen([0, 0, 1, 65535, 65535, 65534]))
        #expect(Mask(faint).coverage.values.allSatisfy { $0 > 0 })
        #expect(Mask(faint, meaning: .keep).coverage.values.allSatisfy { $0 > 0 })
    }

    @Test func verdictsAndWarnings() throws {
        let size = PixelSize(width: 100, height: 10)
        var samples = [UInt8](repeating: 0, count: 1000)
        for index in 0 ..< 124 { samples[index] = 255 }
        let picture = Picture(size: size, layout: .gray, samples: .eight(samples))
        #expect(Mask(picture).summary.verdict == "mask: white repaints, 12.4 % of the picture")
        #expect(Mask(picture).summary.warning == nil)
        #expect(Mask.uniform(0, size: size).summary.warning == .empty)
        #expect(Mask.uniform(1, size: size).summary.warning == .full)
        #expect(throws: MaskError.sizeMismatch(mask: size, picture: PixelSize(width: 5, height: 5))) {
            try Mask(picture, for: PixelSize(width: 5, height: 5))
        }
        #expect(try Mask(picture, for: PixelSize(width: 5, height: 5), fit: true).size.width == 5)
    }

    @Test(arguments: [1, 3, 7]) func growthIsEuclidean(radius: Int) {
        let size = PixelSize(width: 31, height: 29)
        for value in [Float(1), 0.5] {
            var plane = Plane(size: size)
            plane[15, 14] = value
            plane[0, 0] = value
            let grown = Mask(coverage: plane).grown(by: radius).coverage
            for y in 0 ..< 29 {
                for x in 0 ..< 31 {
                    let near =
                        (x - 15) * (x - 15) + (y - 14) * (y - 14) <= radius * radius || x * x + y * y <= radius * radius
                    #expect(grown[x, y] == (near ? value : 0))
                }
            }
        }
    }

    @Test func featherKeepsFarPixelsExactlyZero() {
        let size = PixelSize(width: 64, height: 64)
        let mask = Mask.rectangle(PixelRect(x: 20, y: 20, width: 10, height: 10), size: size).feathered(sigma: 2)
        #expect(mask.coverage[13, 25] == 0 && mask.coverage[37, 25] == 0 && mask.coverage[15, 25] > 0)
        #expect(mask.coverage[25, 25] > 0.9)
    }
}

@Suite struct PlanTests {
    let model = ModelGeometry(nativeSide: 64, multiple: 8)

    @Test func planCoversTheMaskAndStaysInside() {
        var random = TestRandom(state: 2)
        for _ in 0 ..< 300 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 400, using: &random), height: Int.random(in: 1 ... 300, using: &random))
            let mask = randomMask(size, using: &random)
            for area in EditArea.allCases {
                let plan = CropPlan(mask: mask, model: model, area: area)
                #expect(PixelRect(size).contains(plan.crop))
                if let bounds = mask.bounds { #expect(plan.crop.contains(bounds)) }
                #expect(plan.paddedSize.width.isMultiple(of: 8) && plan.paddedSize.height.isMultiple(of: 8))
                #expect(plan.crop.width >= min(64, size.width) && plan.crop.height >= min(64, size.height))
            }
        }
    }

    @Test func paddingCropsBackExactly() {
        var random = TestRandom(state: 3)
        let size = PixelSize(width: 45, height: 37)
        let image = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
        let mask = randomMask(size, using: &random)
        let plan = CropPlan(mask: mask, model: model)
        #expect(plan.extract(image).size == plan.paddedSize)
        #expect(plan.extract(mask).size == plan.paddedSize)
        #expect(plan.unpadded(plan.extract(image)) == image.cropped(to: plan.crop))
    }

    @Test func tilesCoverTheMaskAndTheirWeightsSumToOne() {
        var random = TestRandom(state: 4)
        for _ in 0 ..< 8 {
            let size = PixelSize(
                width: Int.random(in: 150 ... 400, using: &random), height: Int.random(in: 120 ... 300, using: &random))
            let hole = PixelRect(x: 20, y: 15, width: size.width - 60, height: size.height - 40)
            let plan = CropPlan(mask: .rectangle(hole, size: size), model: model)
            #expect(plan.isCoarseToFine)
            var total = Plane(size: plan.paddedSize)
            for tile in plan.tiles {
                #expect(PixelRect(plan.paddedSize).contains(tile.rect))
                #expect(tile.rect.width.isMultiple(of: 8) && tile.rect.height.isMultiple(of: 8))
                let weights = tile.weights
                for y in 0 ..< tile.rect.height {
                    for x in 0 ..< tile.rect.width { total[tile.rect.x + x, tile.rect.y + y] += weights[x, y] }
                }
            }
            let worst = (hole.y ..< hole.maxY).flatMap { y in
                (hole.x ..< hole.maxX).map { x in abs(total[x - plan.crop.x, y - plan.crop.y] - 1) }
            }.max()
            #expect(worst! < 1e-5)
            let base = RGBImage(size: plan.paddedSize, repeating: (0.2, 0.4, 0.6))
            let same = plan.merge(plan.tiles.map { base.cropped(to: $0.rect) }, over: base)
            #expect(zip(same.values, base.values).allSatisfy { abs($0 - $1) < 1e-6 })
            #expect(plan.enlargeCoarse(RGBImage(size: plan.coarse!.paddedSize)).size == plan.paddedSize)
        }
    }

    @Test func outpaint() throws {
        let source = PixelSize(width: 30, height: 20)
        let plan = try OutpaintPlan(source: source, margins: Margins(right: 10))
        #expect(plan.canvasSize == PixelSize(width: 40, height: 20))
        #expect(plan.mask.coverage[29, 3] == 0 && plan.mask.coverage[30, 3] == 1)
        let denoise = plan.mask.blended(outward: 3).coverage
        #expect(denoise[29, 3] > 0 && denoise[26, 3] == 0)
        #expect(try OutpaintPlan(source: source, aspect: (16, 9)).canvasSize == PixelSize(width: 36, height: 20))
        #expect(throws: OutpaintError.negative(side: .right, value: -5)) {
            try OutpaintPlan(source: source, margins: Margins(right: -5))
        }
        #expect(throws: OutpaintError.nothingToAdd(source: source)) {
            try OutpaintPlan(source: source, margins: Margins())
        }
        #expect(throws: (any Error).self) {
            try OutpaintPlan(source: source, size: PixelSize(width: 10, height: 50))
        }
        #expect(throws: (any Error).self) { try OutpaintPlan(source: source, margins: Margins(left: .max, right: 1)) }
    }

    @Test func aCanvasHasOneLimitHoweverItIsAskedFor() throws {
        let source = PixelSize(width: 320, height: 200)
        for make: () throws -> OutpaintPlan in [
            { try OutpaintPlan(source: source, margins: Margins(right: 32449)) },
            { try OutpaintPlan(source: source, margins: Margins(left: 20000, right: 12449)) },
            { try OutpaintPlan(source: source, size: PixelSize(width: 32769, height: 200)) },
        ] {
            #expect(throws: OutpaintError.sideTooLong(canvas: PixelSize(width: 32769, height: 200))) { try make() }
        }
        #expect(throws: OutpaintError.sideTooLong(canvas: PixelSize(width: 200_000, height: 200))) {
            try OutpaintPlan(source: source, aspect: (1000, 1))
        }
        #expect(throws: OutpaintError.sideTooLong(canvas: PixelSize(width: 32960, height: 20600))) {
            try OutpaintPlan(source: source, zoomOut: 103)
        }
        #expect(throws: OutpaintError.tooLarge(canvas: PixelSize(width: 32768, height: 20480))) {
            try OutpaintPlan(source: source, zoomOut: 102.4)
        }
        #expect(try OutpaintPlan(source: source, margins: Margins(right: 32448)).canvasSize.width == 32768)
        // A picture that is longer already grows along its other side alone.
        let long = PixelSize(width: 65000, height: 8)
        #expect(try OutpaintPlan(source: long, margins: Margins(bottom: 8)).canvasSize.height == 16)
        #expect(throws: OutpaintError.sideTooLong(canvas: PixelSize(width: 65001, height: 8))) {
            try OutpaintPlan(source: long, margins: Margins(right: 1))
        }
        // No sum is too large.
        #expect(throws: OutpaintError.self) {
            try OutpaintPlan(source: source, margins: Margins(left: .max, right: .max))
        }
        #expect(throws: OutpaintError.self) { try OutpaintPlan(source: source, zoomOut: 1e300) }
    }

    @Test func wordsAreSeenUnlessTheGroundAroundThemIsMarked() {
        let size = PixelSize(width: 60, height: 40)
        func rectangle(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Mask {
            .rectangle(PixelRect(x: x, y: y, width: width, height: height), size: size)
        }
        let words = rectangle(10, 10, 4, 20).union(rectangle(20, 10, 4, 20)).union(rectangle(14, 18, 6, 4))
        #expect(words.areWordsSeen(beside: rectangle(40, 10, 15, 15)))
        // A line through them, and what lies within the letters.
        #expect(words.areWordsSeen(beside: rectangle(0, 19, 60, 2)))
        #expect(words.areWordsSeen(beside: words.shrunk(by: 1)))
        #expect(!words.areWordsSeen(beside: rectangle(0, 0, 60, 40)))
        #expect(!words.areWordsSeen(beside: rectangle(5, 5, 30, 30)))
        #expect(!words.areWordsSeen(beside: rectangle(5, 5, 30, 15)))
        #expect(Mask.uniform(0, size: size).areWordsSeen(beside: words))
    }
}
