import Diffusion
import Editing
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// `--detail kept`: the start at full resolution, plus what the model changed. `--detail mixed`: the start, but for what the
/// model painted. The pictures are four times the model's side and full of the finest detail, which no pass at the model's
/// own size would keep.
@Suite struct DetailTests {
    private func remixed(
        _ picture: Picture, detail: Detail = .kept, change: @escaping (RGBImage, UInt64) -> RGBImage
    ) throws -> (result: RGBImage, model: StubModel) {
        let scratch = try Scratch()
        let path = try scratch.write(picture, "a.png")
        var request = EditRequest(mode: .remix, picture: .file(path: path), prompt: "anything")
        request.settings.detail = detail
        let model = StubModel(nativeSize: 64, change: change)
        let report = try request.run(model)
        return (RGBImage(try ImageFile.read(path: report.saved[0].path).picture), model)
    }

    @Test func `What the model leaves alone keeps every sample`() throws {
        let picture = Picture.patterned(width: 256, height: 192)
        let (result, model) = try remixed(picture) { image, _ in image }
        #expect(result == RGBImage(picture))
        // One run, at about the model's own size.
        #expect(model.requests.count == 1)
        #expect(try #require(model.requests.first).conditioning.size.area < 256 * 192 / 4)
    }

    @Test func `A change of tone is added to the detail`() throws {
        let picture = Picture.patterned(width: 256, height: 192)
        let (result, _) = try remixed(picture) { image, _ in
            RGBImage(size: image.size, values: image.values.map { $0 + 0.125 })
        }
        for (found, value) in zip(result.values, RGBImage(picture).values) {
            #expect(abs(found - min(1, value + 0.125)) <= 1.5 / 255)
        }
    }

    /// The model paints everything one blue: the picture is blue under its own light.
    @Test func `With color the picture takes the model's colours, and keeps its light and its finest detail`() throws {
        let picture = Picture.patterned(width: 256, height: 192, layout: .rgb)
        let values = RGBImage(picture).values
        // A pattern of greys.
        let source = Picture(
            RGBImage(size: picture.size, values: values.indices.map { 0.2 + 0.6 * values[$0 / 3 * 3] }))
        let greys = RGBImage(source)
        let (result, model) = try remixed(source, detail: .color) { image, _ in
            RGBImage(size: image.size, repeating: (0.2, 0.3, 0.9))
        }
        #expect(model.requests.count == 1)
        var (last, light) = ([Float](), [Float]())
        for pixel in 0 ..< picture.size.area {
            let (red, green, blue) = (
                result.values[3 * pixel], result.values[3 * pixel + 1], result.values[3 * pixel + 2]
            )
            #expect(blue > red + 0.02 && blue > green + 0.02)
            last.append(LabColor(red: red, green: green, blue: blue).lightness)
            light.append(greys.values[3 * pixel])
        }
        #expect(correlation(last, light) > 0.97)
    }

    private func correlation(_ one: [Float], _ other: [Float]) -> Float {
        let (meanOne, meanOther) = (one.reduce(0, +) / Float(one.count), other.reduce(0, +) / Float(other.count))
        var (product, squareOne, squareOther) = (Float(0), Float(0), Float(0))
        for (a, b) in zip(one, other) {
            product += (a - meanOne) * (b - meanOther)
            squareOne += (a - meanOne) * (a - meanOne)
            squareOther += (b - meanOther) * (b - meanOther)
        }
        return product / (squareOne * squareOther).squareRoot()
    }

    /// The model paints the left half, and its unsteady hand shows everywhere.
    @Test func `What the model painted replaces the start, and nothing else does`() throws {
        let picture = Picture.patterned(width: 256, height: 192)
        let paint: [Float] = [0.9, 0.1, 0.2]
        let (result, model) = try remixed(picture, detail: .mixed) { image, _ in
            var changed = image
            for index in image.values.indices {
                let isPainted = index / 3 % image.width < image.width / 2
                changed.values[index] = isPainted ? paint[index % 3] : image.values[index] + 8 / 255
            }
            return changed
        }
        #expect(model.requests.count == 1)
        let start = RGBImage(picture)
        for index in result.values.indices {
            let column = index / 3 % 256
            if column < 100 { #expect(abs(result.values[index] - paint[index % 3]) <= 1 / 255) }
            if column >= 170 { #expect(result.values[index] == start.values[index]) }
        }
    }

    /// A scene that has nothing to do with what is around it would end like a poster.
    @Test func `What the model painted passes into the start along the mask's edge, not at the picture's border`()
        throws
    {
        let scratch = try Scratch()
        let grey = Picture(
            size: PixelSize(width: 64, height: 64), layout: .rgb,
            samples: .eight([UInt8](repeating: 128, count: 64 * 64 * 3)))
        let path = try scratch.write(grey, "a.png")
        let white = PixelRect(x: 24, y: 0, width: 40, height: 64)
        let mask = try scratch.write(.mask(width: 64, height: 64, white: white), "m.png")
        var request = EditRequest(
            mode: .inpaint, picture: .file(path: path), mask: .file(path: mask), prompt: "anything")
        request.settings.detail = .mixed
        request.settings.fill = .original
        request.settings.composite = .paste
        (request.settings.grow, request.settings.feather) = (0, 0)
        let report = try request.run(StubModel(change: StubModel.painting(red: 1, green: 0.5, blue: 0.5)))
        let result = try ImageFile.read(path: report.saved[0].path).picture
        let reds = (0 ..< 64).map { result.pixel($0, 32)[0] }
        #expect(reds[..<24].allSatisfy { $0 == 128 })
        #expect((128 ... 160).contains(reds[24]) && reds[44...].allSatisfy { $0 >= 253 })
        #expect(zip(reds, reds.dropFirst()).allSatisfy { $0 <= $1 && $1 - $0 < 32 })
        #expect(result.pixel(60, 0)[0] >= 253 && result.pixel(60, 63)[0] >= 253)
    }
}
