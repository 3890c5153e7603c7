internal import Masking
import PlainText
internal import Raster
internal import Testing

/// What the values, the alpha and the colours of a mask picture are taken for.
@Suite struct MaskReadingTests {
    static let size = PixelSize(width: 20, height: 10)

    /// Whether a pixel belongs to what every picture here marks: 40 of 200.
    static func isMarked(_ pixel: Int) -> Bool { pixel % 20 < 4 }

    static let marked = (0 ..< 200).map { isMarked($0) ? Float(1) : 0 }

    static func gray(_ on: UInt8, _ off: UInt8) -> Picture {
        Picture(size: size, layout: .gray, samples: .eight((0 ..< 200).map { isMarked($0) ? on : off }))
    }

    static func deep(_ on: UInt16, _ off: UInt16) -> Picture {
        Picture(size: size, layout: .gray, samples: .sixteen((0 ..< 200).map { isMarked($0) ? on : off }))
    }

    static func color(_ on: [UInt8], _ off: [UInt8]) -> Picture {
        let layout: Picture.Layout =
            switch on.count {
            case 2: .grayAlpha
            case 3: .rgb
            default: .rgba
            }
        return Picture(size: size, layout: layout, samples: .eight((0 ..< 200).flatMap { isMarked($0) ? on : off }))
    }

    static func coverage(_ picture: Picture, meaning: MaskMeaning = .repaint, isLossy: Bool = false) throws -> [Float] {
        try Mask(reading: picture, meaning: meaning, isLossy: isLossy).coverage.values
    }

    static let twoValued: [(String, Picture)] = [
        ("0 and 1", gray(1, 0)), ("0 and 15", gray(15, 0)), ("16 and 235", gray(235, 16)),
        ("0 and 1 of 16 bits", deep(1, 0)), ("0 and 255 of 16 bits", deep(255, 0)),
        ("0 and 1023 of 16 bits", deep(1023, 0)), ("0 and 1 as RGB", color([1, 1, 1], [0, 0, 0])),
        ("opaque alpha of 254 and 255", color([255, 254], [0, 255])),
        ("0 and 1 under an alpha of 254 and 255", color([1, 1, 1, 254], [0, 0, 0, 255])),
        ("red on black", color([255, 0, 0], [0, 0, 0])), ("dark red of a palette", color([128, 0, 0], [0, 0, 0])),
        ("magenta on black", color([255, 0, 153], [0, 0, 0])),
        ("a hole in opaque black", color([0, 0, 0, 0], [0, 0, 0, 255])),
        ("a hole in an alpha of 1", color([0, 0, 0, 0], [0, 0, 0, 1])),
        ("a hole in an alpha of 128", color([0, 0, 0, 0], [0, 0, 0, 128])),
        ("a hole where the rest has an alpha of 254", color([9, 0], [9, 254])),
        ("a hole in opaque white", color([255, 255, 255, 0], [255, 255, 255, 255])),
        ("alpha and colour that agree", color([255, 255, 255, 0], [0, 0, 0, 255])),
        ("white strokes on transparent black", color([255, 255, 255, 255], [0, 0, 0, 0])),
        ("white strokes on transparent white", color([255, 255, 255, 255], [255, 255, 255, 0])),
        ("white strokes, grey and alpha", color([255, 255], [0, 0])),
        ("red strokes", color([230, 20, 20, 255], [0, 0, 0, 0])),
        ("a thin overlay of red", color([230, 20, 20, 100], [0, 0, 0, 0])),
        ("the same, colours times alpha", color([90, 8, 8, 100], [0, 0, 0, 0])),
    ]

    @Test(arguments: twoValued) func `What is meant by two values is on and off, and --mask-means keep is the rest`(
        name: String, picture: Picture
    ) throws {
        #expect(try Self.coverage(picture) == Self.marked)
        #expect(try Self.coverage(picture, meaning: .keep) == Self.marked.map { 1 - $0 })
    }

    /// A line of each kind: what is said is what was seen.
    @Test func `The verdict tells what was seen`() throws {
        func verdict(_ picture: Picture, isLossy: Bool = false) throws -> String {
            try Mask(reading: picture, isLossy: isLossy).summary.verdict.description
        }
        #expect(try verdict(Self.gray(255, 0)) == "mask: white repaints, 20.0 % of the picture")
        #expect(
            try verdict(Self.gray(1, 0))
                == "mask: white repaints, 20.0 % of the picture; its values 0 and 1 of 255 are read as off and on")
        #expect(
            try verdict(Self.gray(128, 0))
                == "mask: white repaints, 20.0 % of the picture; its values 0 and 128 of 255 are read as strengths")
        #expect(
            try verdict(Self.gray(128, 128))
                == "mask: white repaints, 100.0 % of the picture; its value 128 of 255 is read as a strength")
        #expect(try verdict(Self.deep(255, 0)).contains("hold values up to 255"))
        #expect(
            try verdict(Self.color([255, 254], [0, 255])).contains("its alpha of 254 to 255 of 255 hardly varies"))
        #expect(try verdict(Self.color([0, 0, 0, 0], [0, 0, 0, 1])).contains("goes up to 1 of 255"))
        #expect(
            try verdict(Self.color([255, 0, 0], [0, 0, 0])) == "mask: #ff0000 repaints, 20.0 % of the picture")
        #expect(
            try verdict(Self.color([255, 255, 255, 255], [0, 0, 0, 0]))
                == "mask: what is painted in white repaints, 20.0 % of the picture")
    }

    /// Both readings are named where a layer's colour was followed and where its alpha was.
    @Test func `A layer in one colour is read with a warning`() throws {
        let strokes = try Mask(reading: Self.color([255, 255, 255, 255], [0, 0, 0, 0])).summary
        #expect(strokes.advice.count == 1)
        #expect(strokes.advice[0].description.contains("maskMeans \"transparent\""))
        let hole = try Mask(reading: Self.color([255, 255, 255, 0], [255, 255, 255, 255])).summary
        #expect(hole.advice.count == 1)
        #expect(hole.advice[0].description.contains("maskMeans \"opaque\""))
        #expect(try Mask(reading: Self.color([0, 0, 0, 0], [0, 0, 0, 255])).summary.advice.isEmpty)
        let black = try Mask(reading: Self.color([0, 0, 0, 255], [0, 0, 0, 0]))
        #expect(black.coverage.values == Self.marked.map { 1 - $0 })
        #expect(black.summary.advice.contains { $0.description.contains("maskMeans \"opaque\" marks what is black") })
    }

    /// Soft brushes, with straight colours and with colours times alpha.
    @Test(arguments: [false, true]) func `A soft white brush keeps its softness`(isPremultiplied: Bool) throws {
        let alphas = (0 ..< 200).map { UInt8(max(0, 255 - 30 * ($0 % 20))) }
        let samples = alphas.flatMap { alpha -> [UInt8] in
            let color = isPremultiplied ? alpha : alpha > 0 ? 255 : 0
            return [color, color, color, alpha]
        }
        let picture = Picture(size: Self.size, layout: .rgba, samples: .eight(samples))
        #expect(try Self.coverage(picture) == alphas.map { Float($0) / 255 })
    }

    /// A picture with an erased part is the mask that OpenAI's API takes.
    @Test func `Transparency repaints in a picture with a hole`() throws {
        let samples = (0 ..< 200).flatMap { pixel -> [UInt8] in
            let value = UInt8(truncatingIfNeeded: pixel &* 97)
            return [value, value &+ 80, value &* 3, Self.isMarked(pixel) ? 0 : 255]
        }
        let picture = Picture(size: Self.size, layout: .rgba, samples: .eight(samples))
        let mask = try Mask(reading: picture)
        #expect(mask.coverage.values == Self.marked)
        #expect(mask.summary.advice.isEmpty && mask.reading?.source == .alpha)
    }

    @Test func `Greys are strengths, and a weak mask is warned of`() throws {
        let ramp = Picture(
            size: Self.size, layout: .gray, samples: .eight((0 ..< 200).map { UInt8($0 % 20 * 13) }))
        #expect(try Self.coverage(ramp) == (0 ..< 200).map { Float($0 % 20 * 13) / 255 })
        #expect(try Mask(reading: ramp).summary.advice.isEmpty)
        let half = try Mask(reading: Self.gray(128, 0))
        #expect(half.coverage.values == Self.marked.map { $0 * 128 / 255 })
        #expect(half.summary.advice.count == 1 && half.summary.advice[0].description.contains("50.2 % at most"))
        // A faint soft edge, as the feathering of a thin line leaves.
        let line = Mask.rectangle(PixelRect(x: 10, y: 0, width: 1, height: 10), size: Self.size).feathered(sigma: 5)
        #expect(line.summary.warnings.contains { if case .weak(let peak) = $0 { peak < 0.1 } else { false } })
    }

    @Test func `Eight bits in samples of sixteen are scaled`() throws {
        let ramp = Picture(
            size: Self.size, layout: .gray, samples: .sixteen((0 ..< 200).map { UInt16($0 % 20 * 13 + 8) }))
        #expect(try Self.coverage(ramp) == (0 ..< 200).map { Float($0 % 20 * 13 + 8) / 255 })
        // One that only starts dark has all of its range.
        let faint = Picture(size: PixelSize(width: 3, height: 1), layout: .gray, samples: .sixteen([0, 1, 65535]))
        #expect(try Self.coverage(faint) == [0, 1 / 65535, 1])
    }

    /// What JPEG leaves around black and white is no strength, what lies between is.
    @Test func `Noise of compression is taken off, of lossy files alone`() throws {
        let noisy = Picture(
            size: Self.size, layout: .gray,
            samples: .eight(
                (0 ..< 200).map { pixel in
                    pixel == 4 ? 120 : Self.isMarked(pixel) ? 250 + UInt8(pixel % 6) : UInt8(pixel % 7)
                }))
        var expected = Self.marked
        expected[4] = 120 / 255
        #expect(try Self.coverage(noisy, isLossy: true) == expected)
        #expect(try Self.coverage(noisy)[5] > 0)
        #expect(try Mask(reading: noisy).summary.advice.contains { $0.description.contains("mask threshold") })
    }

    static let refused: [(Picture, String)] = [
        (
            Picture(size: size, layout: .gray, samples: .eight((0 ..< 200).map { UInt8($0 / 50) })),
            "holds the values 0, 1, 2 and 3 of 255"
        ),
        (
            Picture(size: size, layout: .gray, samples: .sixteen((0 ..< 200).map { UInt16($0 / 50) })),
            "holds the values 0, 1, 2 and 3 of 255"
        ),
        (
            // Class 15 and a border of 255, as Pascal VOC has them.
            Picture(
                size: size, layout: .gray,
                samples: .eight((0 ..< 200).map { $0 % 20 < 6 ? 15 : $0 % 20 == 6 ? 255 : 0 })),
            "holds the values 0, 15 and 255"
        ),
        (color([255, 0, 0], [255, 255, 255]), "several colours"),
        (
            Picture(
                size: size, layout: .rgb,
                samples: .eight((0 ..< 200).flatMap { [[0, 0, 0], [220, 20, 60], [0, 142, 0]][$0 / 67] as [UInt8] })),
            "'mask color MASK"
        ),
        (
            Picture(
                size: size, layout: .rgb,
                samples: .eight((0 ..< 600).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435 >> 5) })),
            "looks like a picture"
        ),
        (
            Picture(
                size: size, layout: .rgba,
                samples: .eight(
                    (0 ..< 200).flatMap { [[0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 0]][$0 / 67] as [UInt8] })),
            "maskMeans \"white\""
        ),
    ]

    @Test(arguments: refused) func `What can be read in several ways is refused, and read as told`(
        picture: Picture, says: String
    ) throws {
        let error = #expect(throws: MaskError.self) { try Mask(reading: picture) }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
        #expect(throws: MaskError.self) { try Mask(reading: picture, meaning: .keep) }
        #expect(try Self.coverage(picture, meaning: .white) == Mask(picture, meaning: .white).coverage.values)
    }

    @Test func `What repaints can be told`() throws {
        let strokes = Self.color([255, 255, 255, 255], [0, 0, 0, 0])
        #expect(try Self.coverage(strokes, meaning: .white) == Self.marked)
        #expect(try Self.coverage(strokes, meaning: .opaque) == Self.marked)
        #expect(try Self.coverage(strokes, meaning: .transparent) == Self.marked.map { 1 - $0 })
        #expect(try Self.coverage(strokes, meaning: .black).allSatisfy { $0 == 0 })
        let black = Self.color([0, 0, 0, 255], [0, 0, 0, 0])
        #expect(try Self.coverage(black, meaning: .black) == Self.marked)
        #expect(try Self.coverage(Self.gray(0, 255), meaning: .black) == Self.marked)
        // As it is: nothing is looked for behind it.
        #expect(try Self.coverage(Self.gray(1, 0), meaning: .white) == Self.marked.map { $0 / 255 })
        #expect(throws: MaskError.noAlpha) { try Mask(reading: Self.gray(1, 0), meaning: .opaque) }
    }

    @Test func `Masks without content are read as empty or full`() throws {
        #expect(try Mask(reading: Self.gray(0, 0)).summary.warning == .empty)
        #expect(try Mask(reading: Self.gray(255, 254)).summary.warning == .full)
        // Grey throughout neither keeps a pixel nor repaints one in full.
        let grey = try Mask(reading: Self.gray(128, 128)).summary
        #expect(grey.warnings == [.everywhere, .weak(128.0 / 255)])
        #expect(!grey.advice.map(\.description).joined().contains("nothing will be kept"), "\(grey.advice)")
        #expect(try Mask(reading: Self.color([0, 0, 0, 255], [0, 0, 0, 255])).summary.warning == .empty)
        #expect(try Mask(reading: Self.color([0, 0, 0, 0], [0, 0, 0, 0])).summary.warning == .empty)
        // Colours under an alpha that is 0 throughout are all there is.
        #expect(try Self.coverage(Self.color([255, 255, 255, 0], [0, 0, 0, 0])) == Self.marked)
        #expect(try #require(Mask(alphaOf: Self.color([9, 255], [9, 254]))).coverage.values.allSatisfy { $0 == 0 })
    }

    @Test func `Thresholds make black and white`() {
        let labels = Picture(size: Self.size, layout: .gray, samples: .eight((0 ..< 200).map { UInt8($0 / 50) }))
        let second = Mask(labels, meaning: .white).thresholded(2 ... 2, maximum: 255).coverage.values
        #expect(second == (0 ..< 200).map { $0 / 50 == 2 ? 1 : 0 })
        let deep = Mask(Self.deep(65535, 32767), meaning: .white).thresholded(32768 ... 65535, maximum: 65535)
        #expect(deep.coverage.values == Self.marked)
    }

    @Test func `Shapes outside the picture are refused, those that reach beyond it are not`() throws {
        for shape in [
            try MaskShape(box: "20,0,5,5"), try MaskShape(ellipse: "-9,5,8,8"),
            try MaskShape(polygon: "1,11 9,11 9,30"), try MaskShape(stroke: "30,5 40,5", width: 4),
            try MaskShape(svgPath: "M0 -5h20v4h-20z"), try MaskShape(box: "100%,0,10%,10%"),
        ] {
            let error = #expect(throws: MaskShapeError.self, "\(shape)") { try shape.reachesBeyond(Self.size) }
            #expect(error?.description.contains("20×10") == true)
        }
        #expect(try MaskShape(box: "15,0,50,5").reachesBeyond(Self.size))
        #expect(try !MaskShape(box: "0,0,100%,100%").reachesBeyond(Self.size))
        #expect(try !MaskShape(ellipse: "50%,50%,50%,50%").reachesBeyond(Self.size))
    }

    // MARK: Grey photos

    /// A picture of smooth areas, edges and grain, as photos are.
    private static func photo(_ size: PixelSize, grain: Int, isDeep: Bool = false, layout: Picture.Layout = .gray)
        -> Picture
    {
        let samples = (0 ..< size.area).map { pixel -> UInt8 in
            let (x, y) = (pixel % size.width, pixel / size.width)
            let hash =
                Int(truncatingIfNeeded: UInt32(truncatingIfNeeded: pixel) &* 2_654_435_761 >> 16) % (2 * grain + 1)
            let tone = 40 + 150 * x / size.width + (y > size.height / 2 ? 30 : 0)
            return UInt8(clamping: tone + hash - grain)
        }
        let spread = layout == .rgb ? samples.flatMap { [$0, $0, $0] } : samples
        return Picture(
            size: size, layout: layout,
            samples: isDeep ? .sixteen(spread.map { UInt16($0) * 257 }) : .eight(spread))
    }

    private static let photoSize = PixelSize(width: 160, height: 120)

    static let photos: [(String, Picture)] = [
        ("grey", photo(photoSize, grain: 6)), ("16 bits", photo(photoSize, grain: 6, isDeep: true)),
        ("grey in RGB", photo(photoSize, grain: 6, layout: .rgb)),
        ("large", photo(PixelSize(width: 2400, height: 900), grain: 6)),
    ]

    @Test(arguments: photos) func `A grey photo is told from a mask`(name: String, picture: Picture) throws {
        let found = try #require(try Mask(reading: picture).reading)
        #expect(found.findings.contains(.grayPicture))
        #expect(try Mask(reading: picture).summary.advice.contains { "\($0)".contains("looks like a grey photo") })
        // Who says what repaints is not asked.
        #expect(try Mask(reading: picture, meaning: .white).reading?.findings.isEmpty != false)
    }

    @Test func `Strengths that change softly are no photo`() throws {
        let size = Self.photoSize
        func made(_ value: (Double, Double) -> Double) -> Picture {
            let samples = (0 ..< size.area).map { pixel in
                UInt8(clamping: Int(value(Double(pixel % size.width), Double(pixel / size.width)).rounded()))
            }
            return Picture(size: size, layout: .gray, samples: .eight(samples))
        }
        let gradient = made { x, _ in x / 159 * 255 }
        let radial = made { x, y in 255 - 3 * ((x - 80) * (x - 80) + (y - 60) * (y - 60)).squareRoot() }
        // Near and far, with sharp edges between, and slopes.
        let depth = made { x, y in
            (40 ..< 90).contains(x) && y > 30 ? 190 - y / 3 : (100 ..< 130).contains(x) ? 120 + x / 4 : 60 + y / 2
        }
        // Rounded to a few bits, as dithering and compression leave it.
        let rough = made { x, y in x / 159 * 255 + (Int(x * 7 + y * 13) % 3 == 0 ? 1 : 0) }
        let edge = Mask(made { x, _ in x > 80 ? 255 : 0 }).feathered(sigma: 12)
        let soft = Picture(
            size: size, layout: .gray, samples: .eight(edge.coverage.values.map { UInt8(($0 * 255).rounded()) }))
        for (name, picture) in [
            ("gradient", gradient), ("radial", radial), ("depth", depth), ("rough", rough), ("soft", soft),
        ] {
            let mask = try Mask(reading: picture)
            #expect(mask.reading?.findings.contains(.grayPicture) == false, "\(name)")
        }
    }
}
