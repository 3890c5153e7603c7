import Diffusion
import Editing
import Masking
import PlainText
import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// Edits of TIFFs with associated alpha whose colours are larger than alpha.
@Suite struct GlowTests {
    private static let size = PixelSize(width: 61, height: 43)
    private static let hole = PixelRect(x: 20, y: 12, width: 17, height: 9)

    /// Writes a TIFF whose samples are stored as `stored` has them.
    private func write(_ stored: Picture, _ scratch: Scratch) throws -> String {
        var metadata = ImageMetadata()
        metadata.hasAssociatedAlpha = true
        metadata.associatedSource = AssociatedSource(stored)
        var straight = stored
        AssociatedSource.straighten(&straight)
        try ImageFile.write(straight, to: scratch.path("a.tif"), format: .tiff, metadata: metadata)
        #expect(try self.stored("a.tif", scratch) == stored)
        return scratch.path("a.tif")
    }

    private func stored(_ name: String, _ scratch: Scratch) throws -> Picture? {
        try ImageFile.read(path: scratch.path(name)).metadata.associatedSource?.picture
    }

    @Test(arguments: [8, 16], [Picture.Layout.rgba, .grayAlpha])
    func `Light that glows outside the mask comes back byte for byte`(depth: Int, layout: Picture.Layout) throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 61, height: 43, layout: layout, depth: depth)
        let image = try write(source, scratch)
        let mask = try scratch.write(.mask(width: 61, height: 43, white: Self.hole), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
        request.settings.fill = .blurred
        let model = StubModel(change: StubModel.painting(red: 0.9, green: 0.1, blue: 0.4))
        _ = try request.run(model, output: OutputChoice(path: scratch.path("b.tif")))
        let result = try #require(try stored("b.tif", scratch))
        var wrong = 0
        for y in 0 ..< 43 {
            for x in 0 ..< 61 where !Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) {
                if result.pixel(x, y) != source.pixel(x, y) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(result.cropped(to: Self.hole) != source.cropped(to: Self.hole))
    }

    @Test func `It stays with its picture on a larger canvas`() throws {
        let scratch = try Scratch()
        let source = Picture.patterned(width: 61, height: 43, layout: .rgba)
        let image = try write(source, scratch)
        var request = EditRequest(
            mode: .outpaint, picture: .file(path: image),
            canvas: .margins(Margins(left: 7, right: 20, top: 3, bottom: 0)))
        request.settings.fill = .blurred
        _ = try request.run(StubModel(), output: OutputChoice(path: scratch.path("b.tif")))
        let result = try #require(try stored("b.tif", scratch))
        #expect(result.cropped(to: PixelRect(x: 7, y: 3, width: 61, height: 43)) == source)
    }
}
