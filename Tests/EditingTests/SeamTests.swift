import Diffusion
import Editing
import Foundation
import ImageFiles
import Masking
import PlainText
import Raster
import TestSupport
import Testing

/// No seam: across the mask's edge an edited picture differs no more than the same picture, unedited, does there
/// (`SeamStatistic`; docs/compositing.md).
@Suite struct SeamTests {
    /// Of both ratios, edited over unedited, where the network's picture is the source's content: rounding to 8 bits, and what
    /// the colour fit and the membrane leave of a tint.
    static let tolerance = 1.15
    /// The ratios of pictures that were never edited, over all scenes and masks of this suite: wide, for an edge of few pixels
    /// may lie along a skyline or in a cloud.
    static let unedited = 0.5 ... 1.7
    static let uneditedTail = 0.45 ... 2.5

    enum Scene: String, CaseIterable, Sendable {
        case smooth, textured, hills, lake, mountain

        /// Photos are cut down to what a test has time for.
        func picture() throws -> Picture {
            switch self {
            case .smooth: return Self.synthetic(texture: 0)
            case .textured: return Self.synthetic(texture: 0.06)
            case .hills, .lake, .mountain:
                return try ImageFile.read(path: "\(Fixtures.root)/images/\(rawValue).jpg").picture
                    .cropped(to: PixelRect(x: 160, y: 140, width: 192, height: 144))
            }
        }

        private static func synthetic(texture: Float) -> Picture {
            let size = PixelSize(width: 192, height: 144)
            var image = RGBImage(size: size)
            for pixel in 0 ..< size.area {
                let (x, y) = (Float(pixel % size.width), Float(pixel / size.width))
                for channel in 0 ..< 3 {
                    // Murmur's finaliser: neighbours have nothing in common.
                    var hash = UInt32(truncatingIfNeeded: pixel * 3 + channel) &+ 1
                    hash = (hash ^ (hash >> 16)) &* 0x85EB_CA6B
                    hash = (hash ^ (hash >> 13)) &* 0xC2B2_AE35
                    hash ^= hash >> 16
                    let noise = texture * (Float(hash >> 16) / 32768 - 1)
                    image.values[pixel * 3 + channel] =
                        0.35 + 0.001 * x + 0.0013 * y + 0.05 * sin(x / 23 + Float(channel)) + noise
                }
            }
            return Picture(image)
        }
    }

    enum Shape: String, CaseIterable, Sendable {
        case hard, soft, grown, tiny, ring, border

        func mask(_ size: PixelSize) -> Mask {
            let box = PixelRect(x: 60, y: 40, width: 64, height: 56)
            switch self {
            case .hard, .grown: return .rectangle(box, size: size)
            case .soft: return Mask.rectangle(box, size: size).feathered(sigma: 5)
            case .tiny: return .rectangle(PixelRect(x: 90, y: 70, width: 4, height: 3), size: size)
            case .ring:
                return Mask.rectangle(PixelRect(x: 40, y: 24, width: 110, height: 96), size: size)
                    .subtracting(.rectangle(PixelRect(x: 72, y: 52, width: 44, height: 40), size: size))
            case .border: return .rectangle(PixelRect(x: 0, y: 60, width: 80, height: 84), size: size)
            }
        }
    }

    private func edited(
        _ source: Picture, _ mask: Mask, grow: Int? = nil, composite: Composite.Mode = .seamless,
        change: @escaping (RGBImage, UInt64) -> RGBImage
    ) throws -> Picture {
        let scratch = try Scratch()
        let gray = Picture(
            RGBImage(size: mask.size, values: mask.coverage.values.flatMap { [$0, $0, $0] }), layout: .gray)
        var request = EditRequest(
            mode: .inpaint, picture: .file(path: try scratch.write(source, "a.png")),
            mask: .file(path: try scratch.write(gray, "m.png")))
        request.settings.fill = .original
        request.settings.grow = grow
        request.settings.composite = composite
        // Large enough that no mask is worked coarse to fine: what is measured is the compositing.
        let report = try request.run(StubModel(nativeSize: 256, change: change))
        return try ImageFile.read(path: report.saved[0].path).picture
    }

    private func statistic(_ picture: Picture, _ mask: Mask) -> SeamStatistic {
        SeamStatistic(RGBImage(picture), mask: mask)
    }

    /// Gain, offset, a slope: what autoencoders and networks do to tones.
    private static func tinted(_ image: RGBImage, _: UInt64) -> RGBImage {
        var result = image
        for pixel in 0 ..< image.size.area {
            result.values[pixel * 3] = image.values[pixel * 3] * 0.92 + 0.05
            result.values[pixel * 3 + 1] += 0.0003 * Float(pixel % image.width)
            result.values[pixel * 3 + 2] -= 0.04
        }
        return result
    }

    @Test(arguments: Scene.allCases) func `An unedited picture has no seam`(_ scene: Scene) throws {
        let picture = try scene.picture()
        for shape in Shape.allCases where shape != .tiny {
            let statistic = statistic(picture, shape.mask(picture.size))
            #expect(Self.unedited.contains(statistic.ratio), "\(shape): \(statistic.ratio)")
            #expect(Self.uneditedTail.contains(statistic.tailRatio), "\(shape): \(statistic.tailRatio)")
        }
    }

    @Test(arguments: Scene.allCases, Shape.allCases)
    func `A tinted patch leaves no seam`(_ scene: Scene, _ shape: Shape) throws {
        let source = try scene.picture()
        let mask = shape.mask(source.size)
        let grow = shape == .grown ? 24 : nil
        let result = try edited(source, mask, grow: grow, change: Self.tinted)
        let (before, after) = (statistic(source, mask), statistic(result, mask))
        #expect(after.ratio < Self.tolerance * before.ratio, "\(after.ratio), unedited \(before.ratio)")
        #expect(after.tailRatio < Self.tolerance * before.tailRatio, "\(after.tailRatio), unedited \(before.tailRatio)")
        // The statistic sees a seam where there is one.
        if scene == .smooth, shape != .soft {
            let pasted = try edited(source, mask, grow: grow, composite: .paste, change: Self.tinted)
            #expect(statistic(pasted, mask).ratio > 2 * before.ratio)
        }
    }

    /// A network that moves everything by a pixel: edges of the content break at the mask's edge, which no compositing can
    /// mend; no more than a quarter is added to the mean.
    @Test(arguments: Scene.allCases) func `A shifted patch leaves hardly a seam`(_ scene: Scene) throws {
        let source = try scene.picture()
        for shape in [Shape.hard, .soft, .ring, .border] {
            let mask = shape.mask(source.size)
            let result = try edited(source, mask) { image, _ in image.rolled(x: 1, y: 0) }
            let (before, after) = (statistic(source, mask), statistic(result, mask))
            #expect(after.ratio < 1.25 * before.ratio, "\(shape): \(after.ratio), unedited \(before.ratio)")
        }
    }

    /// An edit worked coarse to fine by a network that changes nothing blurs what it enlarges; tones must stay.
    @Test func `Ten edits of disjoint masks move no other byte and no mean`() throws {
        let scratch = try Scratch()
        let source = try Scene.hills.picture()
        var picture = source
        var holes: [PixelRect] = []
        for row in 0 ..< 2 {
            for column in 0 ..< 5 {
                holes.append(PixelRect(x: 2 + column * 38, y: 4 + row * 70, width: 34, height: 62))
            }
        }
        for hole in holes {
            let image = try scratch.write(picture, "a.png")
            let mask = try scratch.write(.mask(width: 192, height: 144, white: hole), "m.png")
            var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
            request.settings.fill = .original
            let model = StubModel(nativeSize: 48)
            let report = try request.run(model, output: OutputChoice(path: scratch.path("out.png"), force: true))
            #expect(model.requests.count > 1)
            let result = try ImageFile.read(path: report.saved[0].path).picture
            var (before, after, count) = (0, 0, 0)
            var moved = 0
            for y in 0 ..< 144 {
                for x in 0 ..< 192 {
                    if hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                        before += picture.pixel(x, y).reduce(0, +)
                        after += result.pixel(x, y).reduce(0, +)
                        count += 3
                    } else if result.pixel(x, y) != picture.pixel(x, y) {
                        moved += 1
                    }
                }
            }
            #expect(moved == 0)
            #expect(abs(Double(after - before) / Double(count)) <= 1)
            picture = result
        }
        #expect(picture != source)
    }

    @Test func `Panels of an outpaint meet without a seam and keep the picture`() throws {
        let scratch = try Scratch()
        let source = try Scene.hills.picture()
        let image = try scratch.write(source, "a.png")
        var request = EditRequest(
            mode: .outpaint, picture: .file(path: image), canvas: .margins(Margins(left: 130, right: 200, top: 70)))
        request.settings.panel = 64
        request.settings.fill = .patchmatch
        let model = StubModel(nativeSize: 256, change: Self.tinted)
        let report = try request.run(model)
        let result = try ImageFile.read(path: report.saved[0].path).picture
        #expect(result.size == PixelSize(width: 522, height: 214))
        #expect(result.cropped(to: PixelRect(x: 130, y: 70, width: 192, height: 144)) == source)
        let plan = try OutpaintPlan(source: source.size, margins: Margins(left: 130, right: 200, top: 70))
        let panels = plan.panels(length: 64, context: 128)
        #expect(model.requests.count == panels.count)
        // Three to the left, four to the right; above them two rows of eight.
        #expect(panels.count == 7 + 2 * 8)
        for panel in panels {
            let statistic = SeamStatistic(RGBImage(result), mask: .rectangle(panel.area, size: result.size))
            #expect(statistic.ratio < Self.unedited.upperBound, "\(panel.area): \(statistic.ratio)")
        }
    }

    /// Of a network that paints something else into each panel: the seams where the panels meet.
    private func seamsOfWaves(fill: Fill) throws -> [Double] {
        let scratch = try Scratch()
        let source = try Scene.hills.picture()
        let image = try scratch.write(source, "a.png")
        var request = EditRequest(
            mode: .outpaint, picture: .file(path: image), canvas: .margins(Margins(left: 256)))
        request.settings.panel = 64
        request.settings.fill = fill
        request.settings.seed = 3
        let model = StubModel(nativeSize: 256) { image, seed in
            var waves = image
            for index in waves.values.indices {
                let (x, y) = (Float(index / 3 % image.width), Float(index / 3 / image.width))
                waves.values[index] = 0.5 + 0.2 * sin(y / 6 + x / 40 + Float(seed % 7))
            }
            return waves
        }
        let report = try request.run(model)
        let result = try ImageFile.read(path: report.saved[0].path).picture
        #expect(result.cropped(to: PixelRect(x: 256, y: 0, width: 192, height: 144)) == source)
        return stride(from: 64, to: 256, by: 64).map { SeamStatistic(RGBImage(result), across: .x, at: $0).ratio }
    }

    /// Nothing tells such a network what goes on.
    @Test(arguments: [Fill.noise, .color(red: 0.5, green: 0.55, blue: 0.6)])
    func `Panels under a fill that must not show meet without a line`(fill: Fill) throws {
        let seams = try seamsOfWaves(fill: fill)
        #expect(seams.allSatisfy { $0 < Self.unedited.upperBound }, "\(seams)")
    }

    /// Panels that do not pass into each other do meet in one.
    @Test func `Panels of a stubborn network meet in lines`() throws {
        let seams = try seamsOfWaves(fill: .blurred)
        #expect(seams.contains { $0 > 1.5 }, "\(seams)")
    }
}

/// `--tileable`: what leaves the picture at one side comes in at the other.
@Suite struct TileableTests {
    @Test func `A generated texture repeats`() throws {
        let scratch = try Scratch()
        let model = try ModelChoice(source: .embedded, precision: .f32).open()
        func border(_ axes: WrappedAxes, _ name: String) throws -> (x: Double, y: Double) {
            var request = EditRequest(
                mode: .generate, prompt: "rocks", size: PixelSize(width: 128, height: 128))
            request.settings.seed = 4
            request.settings.steps = 4
            request.settings.tileable = axes
            let report = try EditJob(request: request, output: OutputChoice(path: scratch.path(name))).run(
                randomSeed: 1, openModel: { _ in model }, observe: { _ in })
            let picture = RGBImage(try ImageFile.read(path: report.saved[0].path).picture).rolled(x: 64, y: 64)
            return (
                SeamStatistic(picture, across: .x, at: 64).ratio, SeamStatistic(picture, across: .y, at: 64).ratio
            )
        }
        let (plain, both) = (try border([], "plain.png"), try border(.both, "both.png"))
        #expect(both.x < 1.3 && both.y < 1.3, "\(both)")
        #expect(plain.x > 1.5 && plain.y > 1.5, "\(plain)")
        let across = try border(.x, "x.png")
        #expect(across.x < 1.3 && across.y > 1.5, "\(across)")
    }

    @Test func `A picture's borders are made to meet`() throws {
        let scratch = try Scratch()
        let source = try SeamTests.Scene.smooth.picture()
        let image = try scratch.write(source, "a.png")
        var request = EditRequest(mode: .variations, picture: .file(path: image))
        request.settings.area = .whole
        request.settings.tileable = .both
        let report = try request.run(StubModel())
        let result = RGBImage(try ImageFile.read(path: report.saved[0].path).picture).rolled(x: 96, y: 72)
        let before = RGBImage(source).rolled(x: 96, y: 72)
        #expect(SeamStatistic(before, across: .x, at: 96).ratio > 3)
        #expect(SeamStatistic(result, across: .x, at: 96).ratio < 1.5)
        #expect(SeamStatistic(result, across: .y, at: 72).ratio < 1.5)
    }

    @Test func `A mask over the border is worked as one piece, and the rest is kept`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 96, height: 64)
        let image = try scratch.write(source, "a.png")
        var white = [UInt8](repeating: 0, count: 96 * 64)
        for y in 20 ..< 40 { for x in 0 ..< 96 where x < 9 || x >= 85 { white[y * 96 + x] = 255 } }
        let mask = try scratch.write(
            Picture(size: source.size, layout: .gray, samples: .eight(white)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        request.settings.tileable = .x
        let model = StubModel(nativeSize: 64, change: StubModel.painting(red: 0.9, green: 0.2, blue: 0.3))
        let report = try request.run(model)
        let result = try ImageFile.read(path: report.saved[0].path).picture
        guard case .masked(_, let plane) = model.requests[0].conditioning else {
            Issue.record("a mask was given")
            return
        }
        // One piece of 20 columns, not two at the sides.
        let middle = plane.height / 2
        let edges = (1 ..< plane.width).count { (plane[$0, middle] > 0.99) != (plane[$0 - 1, middle] > 0.99) }
        #expect(edges == 2)
        var changed = 0
        for y in 0 ..< 64 {
            for x in 0 ..< 96 {
                if white[y * 96 + x] == 0 {
                    #expect(result.pixel(x, y) == source.pixel(x, y))
                } else if result.pixel(x, y) != source.pixel(x, y) {
                    changed += 1
                }
            }
        }
        #expect(changed > 300)
    }

    @Test func `What cannot repeat is refused`() throws {
        let scratch = try Scratch()
        var request = EditRequest(mode: .generate, prompt: "x", size: PixelSize(width: 100, height: 64))
        request.settings.tileable = .x
        #expect(
            throws: EditError.untileable(
                size: PixelSize(width: 100, height: 64), multiple: 8,
                nearest: [PixelSize(width: 96, height: 64), PixelSize(width: 104, height: 64)])
        ) {
            try request.run(StubModel(), output: OutputChoice(path: scratch.path("o.png")))
        }
        let image = try scratch.write(.patterned(width: 64, height: 64), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 64, white: PixelRect(x: 0, y: 0, width: 64, height: 64)), "m.png")
        for mode in [EditMode.inpaint, .erase, .remix] {
            var all = EditRequest(mode: mode, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
            all.settings.tileable = .x
            #expect(throws: EditError.nothingRepeats) { try all.run(StubModel()) }
        }
        // Below the multiple there is only the larger size.
        var small = EditRequest(mode: .generate, prompt: "x", size: PixelSize(width: 24, height: 100))
        small.settings.tileable = .x
        let model = StubModel(multiple: 32)
        #expect(
            throws: EditError.untileable(
                size: PixelSize(width: 24, height: 100), multiple: 32, nearest: [PixelSize(width: 32, height: 100)])
        ) { try small.run(model, output: OutputChoice(path: scratch.path("o.png"))) }
        small.size = PixelSize(width: 300, height: 235)
        small.settings.tileable = [.x, .y]
        do {
            _ = try small.run(model, output: OutputChoice(path: scratch.path("o.png")))
        } catch let error as EditError {
            #expect(error.description.hasSuffix("along the axes of tileable: 288×224 or 320×256"), "\(error)")
        }
    }

    @Test func `What nothing is left of to continue is refused`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 64, height: 64), "a.png")
        func mask(_ level: UInt8, _ name: String) throws -> PictureInput {
            let size = PixelSize(width: 64, height: 64)
            return .file(
                path: try scratch.write(
                    Picture(
                        size: size, layout: .gray, samples: .eight([UInt8](repeating: level, count: size.area))), name)
            )
        }
        let whole = try mask(255, "m.png")
        func run(
            _ mode: EditMode, _ mask: PictureInput?, prompt: String = "", fill: Fill? = nil,
            canvas: CanvasChange? = nil
        ) throws {
            var request = EditRequest(mode: mode, picture: .file(path: image), mask: mask, prompt: prompt)
            request.settings.fill = fill
            request.canvas = canvas
            _ = try request.run(StubModel())
        }
        #expect(throws: EditError.nothingKept(what: "erase")) { try run(.erase, whole) }
        #expect(throws: EditError.nothingKept(what: "erase")) { try run(.erase, mask(128, "g.png")) }
        #expect(throws: EditError.nothingKept(what: "an inpaint without a prompt")) { try run(.inpaint, whole) }
        #expect(throws: EditError.nothingKept(what: "\(.fill, "patchmatch")")) {
            try run(.inpaint, whole, prompt: "x", fill: .patchmatch)
        }
        #expect(throws: EditError.nothingKept(what: "\(.fill, "patchmatch")")) {
            try run(.variations, nil, fill: .patchmatch)
        }
        #expect(throws: EditError.nothingKept(what: "outpaint")) {
            try run(.outpaint, whole, canvas: .margins(Margins(left: 0, right: 64, top: 0, bottom: 0)))
        }
        // Words say what to paint, and a colour what to begin with.
        #expect(throws: Never.self) { try run(.inpaint, whole, prompt: "x") }
        #expect(throws: Never.self) { try run(.inpaint, whole, fill: .noise) }
        let almost = Picture.mask(width: 64, height: 64, white: PixelRect(x: 0, y: 0, width: 64, height: 63))
        let path = try scratch.write(almost, "n.png")
        #expect(throws: Never.self) { try run(.erase, .file(path: path)) }
    }
}
