import ImageFiles
import Raster
import Synchronization
import Testing

@testable import Editing

/// Results as bytes: the same as files hold, each as soon as it is made.
@Suite struct DeliveryTests {
    /// Sendable: what it holds is behind a lock.
    private final class Received: Sendable {
        private let all = Mutex<[EncodedPicture]>([])
        var pictures: [EncodedPicture] { all.withLock(\.self) }
        func take(_ picture: EncodedPicture) { all.withLock { $0.append(picture) } }
    }

    private static func model() -> StubModel {
        StubModel { image, seed in
            RGBImage(size: image.size, values: image.values.map { 0.5 * $0 + Float(seed % 7) / 14 })
        }
    }

    private func request(_ scratch: Scratch) throws -> EditRequest {
        let image = try scratch.write(.patterned(width: 64, height: 48), "photo.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 48, white: PixelRect(x: 20, y: 10, width: 20, height: 20)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.seed = 5
        request.settings.count = 3
        return request
    }

    @Test func `Bytes are those that files hold, and no file is written`() throws {
        let scratch = try Scratch()
        let request = try request(scratch)
        let before = scratch.names
        let received = Received()
        var steps: [Int] = []
        let outcome = try EditJob(request: request, delivery: .bytes(BytesChoice()) { received.take($0) }).run(
            randomSeed: 1, openModel: { _ in Self.model() },
            observe: { event in
                if case .saved = event { Issue.record("nothing is saved") }
                guard case .step(let progress) = event else { return }
                // Each before the next one's first step.
                #expect(received.pictures.count == progress.picture - 1)
                steps.append(progress.picture)
            })
        #expect(scratch.names == before && Set(steps) == [1, 2, 3])
        let pictures = received.pictures
        #expect(pictures.map(\.name) == ["photo-inpaint.png", "photo-inpaint-2.png", "photo-inpaint-3.png"])
        #expect(pictures.map(\.seed) == [5, 6, 7] && outcome.seeds == [5, 6, 7])
        #expect(pictures.allSatisfy { $0.format == .png && $0.size == PixelSize(width: 64, height: 48) })
        #expect(outcome.saved.map(\.path) == ["-", "-", "-"] && outcome.pictures.count == 3)

        let files = try request.run(Self.model(), output: OutputChoice(path: scratch.path("r.png")))
        for (picture, file) in zip(pictures, files.saved) {
            #expect(FileSystem.bytes(of: file.path) == picture.bytes, "\(picture.name)")
        }
    }

    @Test func `The format is the one asked for, else the picture's own`() throws {
        let scratch = try Scratch()
        var request = try request(scratch)
        request.settings.count = 1
        request.picture = .file(path: try scratch.write(.patterned(width: 64, height: 48), "photo.jpg"))
        for (asked, format) in [(nil, ImageFormat.jpeg), (.webp, .webp)] as [(ImageFormat?, ImageFormat)] {
            let received = Received()
            let choice = BytesChoice(format: asked, metadata: false)
            _ = try EditJob(request: request, delivery: .bytes(choice) { received.take($0) }).run(
                randomSeed: 1, openModel: { _ in Self.model() }, observe: { _ in })
            let picture = try #require(received.pictures.first)
            #expect(picture.format == format && picture.name == "photo-inpaint.\(format.fileExtension)")
            let image = try ImageFile.read(bytes: picture.bytes, name: picture.name)
            #expect(image.format == format && image.provenance == nil)
        }
    }

    @Test func `An unchanged picture is delivered as it is`() throws {
        let scratch = try Scratch()
        var request = try request(scratch)
        let empty = PixelRect(x: 0, y: 0, width: 0, height: 0)
        request.masks = [.picture(.file(path: try scratch.write(.mask(width: 64, height: 48, white: empty), "e.png")))]
        let received = Received()
        _ = try EditJob(request: request, delivery: .bytes(BytesChoice()) { received.take($0) }).run(
            randomSeed: 1, openModel: { _ in throw EditInterrupted() }, observe: { _ in })
        #expect(received.pictures.map(\.bytes) == [FileSystem.bytes(of: scratch.path("photo.png"))])
    }

    @Test func `Whoever takes the bytes ends the edit by throwing`() throws {
        struct Full: Error {}
        let scratch = try Scratch()
        let model = Self.model()
        let job = EditJob(request: try request(scratch), delivery: .bytes(BytesChoice()) { _ in throw Full() })
        #expect(throws: Full.self) {
            try job.run(randomSeed: 1, openModel: { _ in model }, observe: { _ in })
        }
    }
}
