import Diffusion
import Editing
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// What is outside the mask comes back byte for byte.
@Suite struct PromiseTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let layout: Picture.Layout
        let depth: Int
        var testDescription: String { "\(layout), \(depth) bits" }
        static let all = Picture.Layout.allCases.flatMap { layout in [8, 16].map { Kind(layout: layout, depth: $0) } }
    }

    static let hole = PixelRect(x: 20, y: 12, width: 17, height: 9)

    @Test(arguments: Kind.all, [Composite.Mode.seamless, .paste])
    func `Pixels outside the mask keep every sample`(kind: Kind, mode: Composite.Mode) throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 61, height: 43, layout: kind.layout, depth: kind.depth)
        let image = try scratch.write(source, "a.png")
        let mask = try scratch.write(.mask(width: 61, height: 43, white: Self.hole), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
        request.settings.composite = mode
        request.settings.fill = .blurred
        let model = StubModel(change: StubModel.painting(red: 0.9, green: 0.1, blue: 0.4))
        let report = try request.run(model)

        let result = try ImageFile.read(path: report.saved[0].path).picture
        #expect(result.layout == source.layout)
        #expect(result.depth == source.depth)
        var changed = 0
        for y in 0 ..< 43 {
            for x in 0 ..< 61 {
                if Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                    if result.pixel(x, y) != source.pixel(x, y) { changed += 1 }
                } else {
                    #expect(result.pixel(x, y) == source.pixel(x, y), "at \(x),\(y)")
                }
            }
        }
        #expect(changed > Self.hole.size.area / 2)
    }

    @Test func `A JPEG's decoded samples are kept in a PNG`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 64, height: 48), "a.jpg")
        let decoded = try ImageFile.read(path: image).picture
        let mask = try scratch.write(.mask(width: 64, height: 48, white: Self.hole), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        let model = StubModel(change: StubModel.painting(red: 0, green: 1, blue: 0))
        let report = try request.run(model, output: OutputChoice(path: scratch.path("out.png")))
        let result = try ImageFile.read(path: report.saved[0].path).picture
        for y in 0 ..< 48 {
            for x in 0 ..< 64 where !Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                #expect(result.pixel(x, y) == decoded.pixel(x, y))
            }
        }
    }

    @Test func `An empty mask gives the input back without opening a model`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 30, height: 20, layout: .rgba, depth: 16)
        let image = try scratch.write(source, "a.png")
        let mask = try scratch.write(
            .mask(width: 30, height: 20, white: PixelRect(x: 0, y: 0, width: 0, height: 0)), "m.png")
        let request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        var warnings: [String] = []
        let report = try EditJob(request: request, output: OutputChoice()).run(
            randomSeed: 1, openModel: { _ in throw EditInterrupted() },
            observe: { if case .note(let note) = $0, note.isWarning { warnings.append(note.text) } })
        #expect(try ImageFile.read(path: report.saved[0].path).picture == source)
        #expect(warnings.count == 1)
    }

    @Test func `Outpainting puts the picture on the canvas unchanged`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 40, height: 30, layout: .rgba)
        let image = try scratch.write(source, "a.png")
        var request = EditRequest(
            mode: .outpaint, picture: .file(path: image),
            canvas: .margins(Margins(left: 7, right: 20, top: 3, bottom: 0)))
        request.settings.fill = .blurred
        let report = try request.run(StubModel())
        let result = try ImageFile.read(path: report.saved[0].path).picture
        #expect(result.size == PixelSize(width: 67, height: 33))
        #expect(result.cropped(to: PixelRect(x: 7, y: 3, width: 40, height: 30)) == source)
        // The panels are opaque.
        #expect(result.pixel(0, 0)[3] == 255)
        #expect(result.pixel(66, 32)[3] == 255)
    }

    @Test func `A mask larger than the model is worked coarse to fine, and its surroundings are kept`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 300, height: 200)
        let image = try scratch.write(source, "a.png")
        let hole = PixelRect(x: 40, y: 30, width: 180, height: 120)
        let mask = try scratch.write(.mask(width: 300, height: 200, white: hole), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        let model = StubModel()
        let report = try request.run(model)
        #expect(model.requests.count > 2)
        #expect(model.requests[0].strength == 1)
        #expect(model.requests.dropFirst().allSatisfy { $0.strength <= CropPlan.maximumRefinementStrength })
        let result = try ImageFile.read(path: report.saved[0].path).picture
        for y in 0 ..< 200 {
            for x in 0 ..< 300 where !hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                #expect(result.pixel(x, y) == source.pixel(x, y))
            }
        }
    }
}

extension EditRequest {
    /// Runs the edit with a denoiser at hand.
    func run(
        _ model: StubModel, output: OutputChoice = OutputChoice(),
        observe: @escaping (EditEvent) throws -> Void = { _ in }
    ) throws -> EditOutcome {
        try EditJob(request: self, output: output).run(randomSeed: 7, openModel: { _ in model }, observe: observe)
    }
}
