import Diffusion
import Editing
import ImageFiles
import Raster
import Testing

/// `--detail kept`: the start at full resolution, plus what the model changed. The pictures are four times the model's
/// side and full of the finest detail, which no pass at the model's own size would keep.
@Suite struct DetailTests {
    private func remixed(
        _ picture: Picture, change: @escaping (RGBImage, UInt64) -> RGBImage
    ) throws -> (result: RGBImage, denoiser: StubDenoiser) {
        let scratch = try Scratch()
        let path = try scratch.write(picture, "a.png")
        var request = EditRequest(mode: .remix, picture: .file(path: path), prompt: "anything")
        request.settings.detail = .kept
        let denoiser = StubDenoiser(nativeSize: 64, change: change)
        let report = try request.run(denoiser)
        return (RGBImage(try ImageFile.read(path: report.saved[0].path).picture), denoiser)
    }

    @Test func `What the model leaves alone keeps every sample`() throws {
        let picture = Picture.patterned(width: 256, height: 192)
        let (result, denoiser) = try remixed(picture) { image, _ in image }
        #expect(result == RGBImage(picture))
        // One run, at about the model's own size.
        #expect(denoiser.requests.count == 1)
        #expect(try #require(denoiser.requests.first).conditioning.size.area < 256 * 192 / 4)
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
}
