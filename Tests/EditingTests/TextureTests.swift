import Diffusion
import Editing
import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// Textures that are mended under their frame, so that what leaves them at one side comes in at the other.
@Suite struct TextureTests {
    /// Of `SeamStatistic` across a border that was filled, and of what it is in the corners alone.
    static let tolerance = 1.3
    static let cornerTolerance = 1.9

    enum Texture: String, CaseIterable, Sendable {
        case stone, bricks, grass

        /// None of them repeats: their light is uneven, and the bricks do not divide the sides.
        func picture(_ size: PixelSize = PixelSize(width: 128, height: 128)) -> Picture {
            var image = RGBImage(size: size)
            func noise(_ x: Int, _ y: Int, _ salt: Int = 0) -> Float {
                var hash = UInt32(truncatingIfNeeded: x &* 73_856_093 ^ y &* 19_349_663 ^ salt &* 83_492_791) &+ 1
                hash = (hash ^ (hash >> 16)) &* 0x85EB_CA6B
                hash = (hash ^ (hash >> 13)) &* 0xC2B2_AE35
                return Float((hash ^ (hash >> 16)) >> 8) / Float(1 << 24)
            }
            /// Noise of cells of that many pixels, bilinear between them.
            func coarse(_ x: Int, _ y: Int, _ cell: Int) -> Float {
                let (column, row) = (x / cell, y / cell)
                let (a, b) = (Float(x % cell) / Float(cell), Float(y % cell) / Float(cell))
                let upper = noise(column, row, cell) * (1 - a) + noise(column + 1, row, cell) * a
                let lower = noise(column, row + 1, cell) * (1 - a) + noise(column + 1, row + 1, cell) * a
                return upper * (1 - b) + lower * b
            }
            for y in 0 ..< size.height {
                for x in 0 ..< size.width {
                    let light = 0.12 * Float(x) / Float(size.width) + 0.08 * Float(y) / Float(size.height)
                    let color: (Float, Float, Float)
                    switch self {
                    case .stone:
                        let gray = 0.3 + light + 0.15 * coarse(x, y, 11) + 0.1 * coarse(x, y, 3) + 0.05 * noise(x, y)
                        color = (gray, gray, gray)
                    case .bricks:
                        let row = y / 19
                        let column = (x + row % 2 * 15) / 31
                        let isJoint = y % 19 < 3 || (x + row % 2 * 15) % 31 < 3
                        let tone = 0.12 * noise(column, row) + light / 2 + 0.06 * noise(x, y)
                        color = isJoint ? (0.7 + tone, 0.68 + tone, 0.6 + tone) : (0.5 + tone, 0.2 + tone, 0.15 + tone)
                    case .grass:
                        let blade = noise((x + y / 3) / 2, y / 9) * 0.35 + 0.1 * noise(x, y)
                        color = (0.1 + 0.5 * blade, 0.25 + blade + light / 2, 0.08 + 0.3 * blade)
                    }
                    for (channel, value) in [color.0, color.1, color.2].enumerated() {
                        image.values[(y * size.width + x) * 3 + channel] = value
                    }
                }
            }
            return Picture(image)
        }
    }

    private static func frame(_ size: PixelSize, width: Int, axes: WrappedAxes = .both) -> Picture {
        let samples = (0 ..< size.area).map { index -> UInt8 in
            let (x, y) = (index % size.width, index / size.width)
            let isMarked =
                axes.contains(.x) && min(x, size.width - 1 - x) < width
                || axes.contains(.y) && min(y, size.height - 1 - y) < width
            return isMarked ? 255 : 0
        }
        return Picture(size: size, layout: .gray, samples: .eight(samples))
    }

    /// Across the border that is left and right (or top and bottom): of all of it, and within 12 pixels of the corners.
    private func border(_ picture: Picture, _ axis: WrappedAxes) -> (all: Double, corner: Double) {
        let (x, y) = (picture.width / 2, picture.height / 2)
        let image = RGBImage(picture).rolled(x: x, y: y)
        let part =
            axis == .x
            ? PixelRect(x: 0, y: y - 12, width: picture.width, height: 24)
            : PixelRect(x: x - 12, y: 0, width: 24, height: picture.height)
        let middle = axis == .x ? x : y
        return (
            SeamStatistic(image, across: axis, at: middle).ratio,
            SeamStatistic(image.cropped(to: part), across: axis, at: middle).ratio
        )
    }

    private func expectKept(_ result: Picture, _ source: Picture, outside mask: Picture) {
        guard case .eight(let marked) = mask.samples else { return }
        let moved = marked.indices.count {
            let (x, y) = ($0 % source.width, $0 / source.width)
            return marked[$0] == 0 && result.pixel(x, y) != source.pixel(x, y)
        }
        #expect(moved == 0)
    }

    @Test(arguments: Texture.allCases.oneIfSanitized, [EditMode.inpaint, .erase].oneIfSanitized)
    func `A texture is mended under its frame in one pass`(_ texture: Texture, _ mode: EditMode) throws {
        let scratch = try Scratch()
        let model = try ModelChoice(source: .embedded, precision: .f32).open()
        let source = texture.picture()
        let mask = Self.frame(source.size, width: 16)
        var request = EditRequest(
            mode: mode, picture: .file(path: try scratch.write(source, "a.png")),
            mask: .file(path: try scratch.write(mask, "m.png")))
        request.settings.tileable = .both
        let report = try EditJob(request: request, output: OutputChoice()).run(
            randomSeed: 3, openModel: { _ in model }, observe: { _ in })
        let result = try ImageFile.read(path: report.saved[0].path).picture
        expectKept(result, source, outside: mask)
        for axis in [WrappedAxes.x, .y] {
            var found = border(result, axis)
            if texture == .bricks {
                // A joint may come to lie along the border, and is an edge there as elsewhere.
                let joint = greatestStep(source, axis)
                found = (found.all / joint, found.corner / joint)
            }
            #expect(found.all < Self.tolerance, "\(axis): \(found)")
            #expect(found.corner < Self.cornerTolerance, "\(axis): \(found)")
        }
    }

    /// The largest ratio of a line inside a picture.
    private func greatestStep(_ picture: Picture, _ axis: WrappedAxes) -> Double {
        let image = RGBImage(picture)
        let length = axis == .x ? picture.width : picture.height
        return (16 ..< length - 16).map { SeamStatistic(image, across: axis, at: $0).ratio }.max() ?? 1
    }

    /// Whatever the model paints, the network, the fill and what fits its patch to the picture pass over the border.
    @Test(arguments: [WrappedAxes.x, .y, .both], [Fill.blurred, .patchmatch])
    func `A mask without a free line wraps`(_ axes: WrappedAxes, _ fill: Fill) throws {
        let scratch = try Scratch()
        let source = Texture.stone.picture(PixelSize(width: 96, height: 80))
        // Along one axis only, the mask is a band from border to border; it crosses the border of that axis.
        let mask =
            axes == .both
            ? Self.frame(source.size, width: 12)
            : Picture.mask(
                width: 96, height: 80,
                white: axes == .x
                    ? PixelRect(x: 0, y: 20, width: 96, height: 30) : PixelRect(x: 30, y: 0, width: 40, height: 80))
        var request = EditRequest(
            mode: .inpaint, picture: .file(path: try scratch.write(source, "a.png")),
            mask: .file(path: try scratch.write(mask, "m.png")))
        request.settings.tileable = axes
        request.settings.fill = fill
        let model = StubModel(nativeSize: 64) { image, _ in
            RGBImage(size: image.size, values: image.values.map { $0 * 0.9 + 0.06 })
        }
        let report = try request.run(model)
        #expect(model.requests.allSatisfy { $0.wraps == axes })
        let result = try ImageFile.read(path: report.saved[0].path).picture
        expectKept(result, source, outside: mask)
        // Where the mask crosses the border.
        for axis in [WrappedAxes.x, .y] where axes.contains(axis) {
            let image = RGBImage(result).rolled(x: 48, y: 40)
            let crossing =
                axes == .both
                ? PixelRect(source.size)
                : axis == .x
                    ? PixelRect(x: 0, y: 60, width: 96, height: 20) : PixelRect(x: 80, y: 0, width: 16, height: 80)
            let found = SeamStatistic(
                image.cropped(to: crossing), across: axis, at: axis == .x ? 48 : 40
            ).ratio
            #expect(found < Self.tolerance, "\(axis): \(found)")
        }
    }

    @Test func `A free column is where the picture is cut open, and the mask comes to its middle`() throws {
        let scratch = try Scratch()
        let source = Texture.grass.picture()
        let image = try scratch.write(source, "a.png")
        let hole = PixelRect(x: 8, y: 40, width: 20, height: 30)
        let mask = try scratch.write(.mask(width: 128, height: 128, white: hole), "m.png")
        var request = EditRequest(mode: .erase, picture: .file(path: image), mask: .file(path: mask))
        request.settings.tileable = .both
        let model = StubModel(nativeSize: 128)
        _ = try request.run(model)
        #expect(model.requests[0].wraps.isEmpty)
        guard case .masked(_, let plane) = model.requests[0].conditioning,
            let bounds = Mask(coverage: Plane(size: plane.size, values: plane.values.map { $0 > 0.99 ? 1 : 0 })).bounds
        else {
            Issue.record("a mask was given")
            return
        }
        #expect(abs(2 * bounds.x + bounds.width - 128) <= 2 && abs(2 * bounds.y + bounds.height - 128) <= 2)
    }

    @Test func `A picture's borders are made to meet in the corners, too`() throws {
        let scratch = try Scratch()
        for texture in [Texture.stone, .grass] {
            let image = try scratch.write(texture.picture(), "\(texture).png")
            var request = EditRequest(mode: .variations, picture: .file(path: image))
            request.settings.tileable = .both
            let report = try request.run(StubModel(nativeSize: 128))
            let result = try ImageFile.read(path: report.saved[0].path).picture
            for axis in [WrappedAxes.x, .y] {
                let found = border(result, axis)
                #expect(
                    found.all < Self.tolerance && found.corner < Self.cornerTolerance, "\(texture), \(axis): \(found)")
            }
        }
    }
}

/// A picture without colours does not get any.
@Suite struct GrayTests {
    private static func tinted(_ image: RGBImage, _: UInt64) -> RGBImage {
        var result = image
        for pixel in 0 ..< image.size.area {
            result.values[pixel * 3] += 0.05
            result.values[pixel * 3 + 1] -= 0.02 * Float(pixel % 7)
            result.values[pixel * 3 + 2] *= 0.8
        }
        return result
    }

    private func gray(_ layout: Picture.Layout, depth: Int) -> Picture {
        let image = RGBImage(TextureTests.Texture.stone.picture())
        return Picture(image, layout: layout, depth: depth)
    }

    private func spread(_ picture: Picture) -> Int { picture.largestSpread }

    private func edited(_ source: Picture, _ request: EditRequest, mask: Picture? = nil) throws -> Picture {
        let scratch = try Scratch()
        var request = request
        request.picture = .file(path: try scratch.write(source, "a.png"))
        if let mask { request.masks = [.picture(.file(path: try scratch.write(mask, "m.png")))] }
        let report = try request.run(StubModel(nativeSize: 128, change: Self.tinted))
        return try ImageFile.read(path: report.saved[0].path).picture
    }

    @Test(
        arguments: [(Picture.Layout.rgb, 8), (.rgb, 16), (.rgba, 8), (.rgba, 16), (.gray, 8), (.grayAlpha, 16)]
            .oneIfSanitized)
    func `Equal channels stay equal`(_ layout: Picture.Layout, _ depth: Int) throws {
        let source = gray(layout, depth: depth)
        let mask = Picture.mask(width: 128, height: 128, white: PixelRect(x: 30, y: 40, width: 50, height: 40))
        for mode in [EditMode.variations, .remix] {
            for axes in [WrappedAxes(), .both] {
                var request = EditRequest(mode: mode, prompt: mode == .remix ? "cracked stone" : "")
                request.settings.tileable = axes
                let result = try edited(source, request)
                #expect(spread(result) == 0 && result != source)
            }
        }
        for mode in [EditMode.erase, .inpaint] {
            let result = try edited(source, EditRequest(mode: mode), mask: mask)
            #expect(spread(result) == 0 && result != source)
        }
        var texture = EditRequest(mode: .inpaint, prompt: "a stone")
        texture.settings.tileable = .both
        #expect(spread(try edited(source, texture, mask: mask)) == 0)
        let outpainted = try edited(
            source, EditRequest(mode: .outpaint, canvas: .margins(Margins(left: 40, bottom: 20))))
        #expect(spread(outpainted) == 0)
    }

    /// A grey JPEG, or a photo of concrete, is not quite grey.
    @Test func `A nearly grey picture stays as near`() throws {
        var source = RGBImage(gray(.rgb, depth: 8))
        for pixel in 0 ..< source.size.area { source.values[pixel * 3] += Float(pixel % 3) / 255 }
        #expect(spread(try edited(Picture(source), EditRequest(mode: .variations))) <= 3)
    }

    @Test func `Colours stay where there are some or some are asked for`() throws {
        let grass = TextureTests.Texture.grass.picture()
        #expect(ChromaRange(grass) == nil)
        #expect(spread(try edited(grass, EditRequest(mode: .variations))) > 30)
        for prompt in ["red stone", "una piedra azulada azul", "a colourful wall", "des pierres vertes"] {
            #expect(spread(try edited(gray(.rgb, depth: 8), EditRequest(mode: .remix, prompt: prompt))) > 10)
        }
        // A prompt for a hole says what comes into it.
        let mask = Picture.mask(width: 128, height: 128, white: PixelRect(x: 30, y: 40, width: 50, height: 40))
        let inpainted = try edited(gray(.rgb, depth: 8), EditRequest(mode: .inpaint, prompt: "a poppy"), mask: mask)
        #expect(spread(inpainted) > 10)
        // What is marked does not count as the picture's colour.
        var marked = RGBImage(gray(.rgb, depth: 8))
        marked.paste(RGBImage(size: PixelSize(width: 50, height: 40), repeating: (0.9, 0.2, 0.1)), x: 30, y: 40)
        #expect(spread(try edited(Picture(marked), EditRequest(mode: .erase), mask: mask)) == 0)
    }
}
