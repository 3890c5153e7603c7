import Diffusion
import Editing
import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// Edits of files in other colour spaces and formats: the network sees sRGB, and the file stays what it was.
@Suite struct FidelityTests {
    /// What a PNG says about its colours.
    struct Space: Sendable, CustomTestStringConvertible {
        let name: String
        let chunks: [PNGChunk]
        /// The largest difference, in steps of 16 bits, after an edit by a network that changes nothing.
        var rounding = 1
        var testDescription: String { name }

        static func big(_ values: Int...) -> [UInt8] {
            values.flatMap { value in (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        }
        static let adobe = Space(
            name: "Adobe RGB",
            chunks: [
                PNGChunk(type: "gAMA", data: big(45471)),
                PNGChunk(type: "cHRM", data: big(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)),
            ])
        static let p3 = Space(name: "Display P3", chunks: [PNGChunk(type: "cICP", data: [12, 13, 0, 1])])
        static let rec2020 = Space(name: "BT.2020", chunks: [PNGChunk(type: "cICP", data: [9, 1, 0, 1])])
        static let linear = Space(name: "linear", chunks: [PNGChunk(type: "gAMA", data: big(100_000))])
        static let all = [adobe, p3, rec2020, linear, Space(name: "sRGB", chunks: [])]
    }

    static let hole = PixelRect(x: 20, y: 12, width: 17, height: 9)

    private func inpaint(
        _ file: String, in scratch: Scratch, _ model: StubModel, output: OutputChoice = OutputChoice(),
        composite: Composite.Mode = .paste, size: (Int, Int) = (61, 43), hole: PixelRect = Self.hole
    ) throws -> (report: EditOutcome, notes: [String]) {
        let mask = try scratch.write(.mask(width: size.0, height: size.1, white: hole), "m.png")
        var request = EditRequest(
            mode: .inpaint, picture: .file(path: scratch.path(file)), mask: .file(path: mask), prompt: "x")
        request.settings.composite = composite
        request.settings.fill = .original
        request.settings.feather = 0
        var notes: [String] = []
        let report = try request.run(model, output: output) { event in
            if case .note(let note) = event { notes.append(note.text) }
        }
        return (report, notes)
    }

    private func write(_ picture: Picture, _ space: Space, _ format: ImageFormat, to path: String) throws {
        var metadata = ImageMetadata()
        metadata.colorChunks = space.chunks
        try ImageFile.write(picture, to: path, format: format, metadata: metadata)
    }

    @Test(arguments: Space.all, PromiseTests.Kind.all)
    func `A network that changes nothing gives the picture back`(space: Space, kind: PromiseTests.Kind) throws {
        for mode in [Composite.Mode.paste, .seamless] {
            for format in [ImageFormat.png, .tiff] {
                let scratch = try Scratch()
                let file = "a.\(format.fileExtension)"
                // Noise in every channel: most of it is outside sRGB.
                let source = Picture.patterned(width: 61, height: 43, layout: kind.layout, depth: kind.depth)
                try write(source, space, format, to: scratch.path(file))
                let before = try ImageFile.read(path: scratch.path(file))
                // Grey has no primaries: all that is left of Display P3 is sRGB's curve.
                let isPlain = space.chunks.isEmpty || space.name == "Display P3" && kind.layout.colorChannels == 1
                #expect(before.colorSpace.isSRGB == isPlain)
                let outcome = try inpaint(file, in: scratch, StubModel(), composite: mode)
                let after = try ImageFile.read(path: outcome.report.saved[0].path)
                #expect(after.format == format)
                #expect(after.colorSpace == before.colorSpace)
                #expect(after.metadata.iccProfile == before.metadata.iccProfile)
                #expect(after.metadata.colorChunks == before.metadata.colorChunks)
                #expect(after.picture.layout == kind.layout && after.picture.depth == kind.depth)
                var wrong: [String] = []
                for y in 0 ..< 43 {
                    for x in 0 ..< 61 {
                        let isInside = Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1))
                        let allowed = isInside && kind.depth == 16 ? space.rounding : 0
                        let (found, expected) = (after.picture.pixel(x, y), source.pixel(x, y))
                        if zip(found, expected).contains(where: { abs($0 - $1) > allowed }) {
                            wrong.append("\(x),\(y): \(expected) became \(found)")
                        }
                    }
                }
                #expect(wrong.isEmpty)
            }
        }
    }

    @Test func `The network sees sRGB, and what it paints is converted back`() throws {
        let scratch = try Scratch()
        let source = Picture(
            size: PixelSize(width: 61, height: 43), layout: .rgb,
            samples: .eight((0 ..< 61 * 43).flatMap { _ in [0, 255, 0] as [UInt8] }))
        try write(source, .p3, .png, to: scratch.path("a.png"))
        let model = StubModel(change: StubModel.painting(red: 1, green: 0, blue: 0))
        let outcome = try inpaint("a.png", in: scratch, model)
        guard case .masked(let seen, _)? = model.requests.first?.conditioning else {
            Issue.record("no picture was shown")
            return
        }
        // CSS Color 4: color(display-p3 0 1 0) is color(srgb -0.5116 1.01827 -0.3107), and red is 0.9175 0.2003 0.1386.
        for (found, expected) in zip(seen.values.prefix(3), [-0.5116, 1.01827, -0.3107] as [Float]) {
            #expect(abs(found - expected) < 0.001)
        }
        let result = try ImageFile.read(path: outcome.report.saved[0].path).picture
        #expect(result.pixel(0, 0) == [0, 255, 0])
        for (found, expected) in zip(result.pixel(28, 16), [234, 51, 35]) { #expect(abs(found - expected) <= 1) }
        #expect(outcome.notes.contains { $0.contains("Display P3") })
        let preview = try #require(outcome.report.preview)
        #expect(preview.pixel(28, 16) == [255, 0, 0])
    }

    @Test func `Grey stays grey`() throws {
        let scratch = try Scratch()
        try write(.patterned(width: 61, height: 43, layout: .gray, depth: 16), .linear, .png, to: scratch.path("a.png"))
        let model = StubModel(change: StubModel.painting(red: 0.5, green: 0.5, blue: 0.5))
        let outcome = try inpaint("a.png", in: scratch, model)
        let result = try ImageFile.read(path: outcome.report.saved[0].path).picture
        #expect(result.layout == .gray && result.depth == 16)
        // sRGB's 0.5 is 0.21404 of light.
        #expect(abs(result.pixel(28, 16)[0] - 14027) <= 2)
    }

    @Test func `A profile that cannot be used is said and kept`() throws {
        let scratch = try Scratch()
        var metadata = ImageMetadata()
        metadata.iccProfile = [UInt8](repeating: 1, count: 300)
        metadata.iccProfile?.replaceSubrange(16 ..< 20, with: Array("RGB ".utf8))
        let source = Picture.patterned(width: 61, height: 43)
        try ImageFile.write(source, to: scratch.path("a.png"), format: .png, metadata: metadata)
        let outcome = try inpaint("a.png", in: scratch, StubModel())
        #expect(outcome.notes.contains { $0.contains("profile cannot be used") && $0.contains("sRGB") })
        let result = try ImageFile.read(path: outcome.report.saved[0].path)
        #expect(result.metadata.iccProfile == metadata.iccProfile)
        #expect(result.picture == source)
    }

    @Test func `An edited JPEG keeps the blocks outside the mask`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 256, height: 192)
        try ImageFile.write(source, to: scratch.path("a.jpg"), format: .jpeg, quality: 88)
        let before = try ImageFile.read(path: scratch.path("a.jpg")).picture
        let hole = PixelRect(x: 64, y: 64, width: 40, height: 32)
        let model = StubModel(change: StubModel.painting(red: 0.2, green: 0.6, blue: 0.4))
        let outcome = try inpaint("a.jpg", in: scratch, model, size: (256, 192), hole: hole)
        // 4:4:4: 5 × 4 blocks of 32 × 24, in three components.
        #expect(outcome.notes.contains { $0.contains("2244 of 2304 blocks are the input's own") }, "\(outcome.notes)")
        let after = try ImageFile.read(path: outcome.report.saved[0].path).picture
        for y in 0 ..< 192 {
            for x in 0 ..< 256 where !hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                #expect(after.pixel(x, y) == before.pixel(x, y), "\(x),\(y)")
            }
        }
        #expect(after.pixel(80, 80) != before.pixel(80, 80))
    }

    /// Ten edits of one JPEG, each in another place: nothing drifts.
    @Test func `A JPEG edited ten times keeps what no edit touched`() throws {
        let scratch = try Scratch()
        try ImageFile.write(.patterned(width: 256, height: 192), to: scratch.path("0.jpg"), format: .jpeg, quality: 75)
        let first = try ImageFile.read(path: scratch.path("0.jpg")).picture
        for edit in 0 ..< 10 {
            let hole = PixelRect(x: 16 + edit * 20, y: 24, width: 10, height: 10)
            let model = StubModel(change: StubModel.painting(red: 0.9, green: 0.5, blue: 0.1))
            _ = try inpaint(
                "\(edit).jpg", in: scratch, model, output: OutputChoice(path: scratch.path("\(edit + 1).jpg")),
                size: (256, 192), hole: hole)
        }
        let last = try ImageFile.read(path: scratch.path("10.jpg")).picture
        for y in 40 ..< 192 {
            for x in 0 ..< 256 { #expect(last.pixel(x, y) == first.pixel(x, y)) }
        }
    }

    @Test(arguments: [ImageFormat.webp, .tiff])
    func `Other formats stay what they were`(format: ImageFormat) throws {
        let scratch = try Scratch()
        let file = "a.\(format.fileExtension)"
        let source = Picture.patterned(width: 61, height: 43, layout: .rgba)
        try ImageFile.write(source, to: scratch.path(file), format: format)
        let model = StubModel(change: StubModel.painting(red: 0, green: 1, blue: 0))
        let outcome = try inpaint(file, in: scratch, model)
        #expect(outcome.report.saved[0].path.hasSuffix("a-inpaint.\(format.fileExtension)"))
        let after = try ImageFile.read(path: outcome.report.saved[0].path)
        #expect(after.format == format)
        #expect(after.provenance?.infotext?.prompt == "x")
        for y in 0 ..< 43 {
            for x in 0 ..< 61 where !Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                #expect(after.picture.pixel(x, y) == source.pixel(x, y))
            }
        }
    }

    @Test func `A picture beyond --max-pixels is refused by its header`() throws {
        let scratch = try Scratch()
        try scratch.write(.patterned(width: 61, height: 43), "a.png")
        var request = EditRequest(mode: .variations, picture: .file(path: scratch.path("a.png")))
        request.settings.maximumPixels = 61 * 43 - 1
        #expect(
            throws: ImageFileError.tooManyPixels(
                file: scratch.path("a.png"), size: PixelSize(width: 61, height: 43), limit: 2622)
        ) { try request.run(StubModel()) }
        request.settings.maximumPixels = 61 * 43
        _ = try request.run(StubModel())
    }

    @Test func `--force lets a result take its picture's place, never its mask's`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 61, height: 43), "a.png")
        let model = StubModel(change: StubModel.painting(red: 0, green: 1, blue: 0))
        #expect(throws: EditError.outputIsInput(path: image)) {
            try inpaint("a.png", in: scratch, model, output: OutputChoice(path: image))
        }
        _ = try inpaint("a.png", in: scratch, model, output: OutputChoice(path: image, force: true))
        #expect(try ImageFile.read(path: image).picture.pixel(28, 16) == [0, 255, 0])
        let mask = scratch.path("m.png")
        #expect(throws: EditError.outputIsRead(path: mask, role: .mask)) {
            try inpaint("a.png", in: scratch, model, output: OutputChoice(path: mask, force: true))
        }
    }
}
