import CleanUp
import Diffusion
import ImageFiles
import Masking
import Raster
import Testing

@testable import Editing

/// Of several pictures each is saved as soon as it is made.
@Suite struct SavedInTurnTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var mode = EditMode.inpaint
        var size = PixelSize(width: 64, height: 48)
        /// Beside what all have.
        var change: @Sendable (inout EditSettings) -> Void = { _ in }
        var testDescription: String { name }

        static let all = [
            Kind(name: "one fill for all") { $0.fill = .blurred },
            Kind(name: "a fill for each") { $0.fill = .patchmatch },
            Kind(name: "kept detail") {
                $0.detail = .kept
                $0.strength = 0.5
            },
            Kind(name: "mixed detail") { $0.detail = .mixed },
            Kind(name: "tiles", size: PixelSize(width: 300, height: 200)) { $0.fill = .blurred },
            Kind(name: "tiles without a coarse pass", size: PixelSize(width: 300, height: 200)) {
                $0.fill = .original
                $0.strength = 0.3
            },
            Kind(name: "panels", mode: .outpaint) {
                $0.fill = .patchmatch
                $0.panel = 32
            },
            Kind(name: "no mask", mode: .variations),
            Kind(name: "no picture", mode: .generate),
        ]

        func request(_ scratch: Scratch) throws -> EditRequest {
            var request = EditRequest(mode: mode, prompt: mode == .generate ? "a fox" : "", size: nil)
            if mode == .generate { request.size = size }
            if mode != .generate {
                request.picture = .file(
                    path: try scratch.write(.patterned(width: size.width, height: size.height), "a.png"))
            }
            if mode == .inpaint {
                let hole = PixelRect(x: 8, y: 8, width: size.width - 16, height: size.height - 16)
                let mask = try scratch.write(.mask(width: size.width, height: size.height, white: hole), "m.png")
                request.masks = [.picture(.file(path: mask))]
            }
            if mode == .outpaint { request.canvas = .margins(Margins(left: 0, right: 96, top: 0, bottom: 0)) }
            request.settings.steps = 4
            request.settings.seed = 11
            change(&request.settings)
            return request
        }
    }

    /// A picture that differs from seed to seed.
    private static func denoiser() -> StubModel {
        StubModel { image, seed in
            let shade = Float(seed % 97) / 97
            return RGBImage(size: image.size, values: image.values.map { 0.5 * $0 + 0.5 * shade })
        }
    }

    @Test(arguments: Kind.all) func `A picture is in place before the next one's first step`(_ kind: Kind) throws {
        let scratch = try Scratch()
        var request = try kind.request(scratch)
        request.settings.count = 3
        var saved: [String] = []
        var stepsOf: [Int: Int] = [:]
        let report = try request.run(Self.denoiser(), output: OutputChoice(path: scratch.path("r.png"))) { event in
            switch event {
            case .saved(let picture):
                #expect(FileSystem.isFile(picture.path))
                saved.append(picture.path)
            case .step(let progress):
                #expect(saved.count == progress.picture - 1)
                stepsOf[progress.picture, default: 0] += 1
            default: break
            }
        }
        let names = ["r.png", "r-2.png", "r-3.png", "r-sheet.png"].map(scratch.path)
        #expect(saved == names && report.saved.map(\.path) == names)
        #expect(report.seeds == [11, 12, 13] && report.pictures.count == 3)
        #expect(stepsOf.keys.sorted() == [1, 2, 3] && Set(stepsOf.values).count == 1, "\(stepsOf)")

        // As each seed alone makes it.
        for (number, name) in names.dropLast().enumerated() {
            var alone = request
            alone.settings.count = 1
            alone.settings.seed = 11 + UInt64(number)
            _ = try alone.run(Self.denoiser(), output: OutputChoice(path: scratch.path("alone.png"), force: true))
            #expect(FileSystem.bytes(of: name) == FileSystem.bytes(of: scratch.path("alone.png")), "\(number)")
        }
    }

    @Test func `A batch is in place before the next one's first step`() throws {
        let scratch = try Scratch()
        for kind in Kind.all where kind.mode != .outpaint {
            var request = try kind.request(scratch)
            request.settings.count = 5
            request.settings.batchSize = 2
            var saved = 0
            let output = OutputChoice(path: scratch.path("r.png"), force: true)
            _ = try request.run(Self.denoiser(), output: output) { event in
                if case .saved = event { saved += 1 }
                // The stub works one after the other, whatever the batch.
                guard case .step(let progress) = event else { return }
                #expect(saved >= (progress.picture - 1) / 2 * 2, "\(kind.name)")
            }
            #expect(saved == 6)
        }
    }

    @Test(arguments: Kind.all) func `What is made when the work is stopped stays`(_ kind: Kind) throws {
        let scratch = try Scratch()
        var request = try kind.request(scratch)
        request.settings.count = 4
        let before = scratch.names
        #expect(throws: EditInterrupted.self) {
            _ = try request.run(Self.denoiser(), output: OutputChoice(path: scratch.path("r.png"))) { event in
                if case .step(let progress) = event, progress.picture == 3 { throw EditInterrupted() }
            }
        }
        #expect(scratch.names.filter { !before.contains($0) } == ["r-2.png", "r.png"])
    }

    @Test func `What is in place is counted by its kind`() {
        let cases: [(EditInterrupted, String)] = [
            (EditInterrupted([:]), "nothing was written"),
            (EditInterrupted([.picture: 1]), "1 picture was written"),
            (EditInterrupted([.picture: 7]), "7 pictures were written"),
            (EditInterrupted([.picture: 4, .contactSheet: 1]), "4 pictures and 1 contact sheet were written"),
            (EditInterrupted([.mask: 1, .preview: 1]), "1 mask and 1 preview were written"),
            (
                EditInterrupted([.picture: 2, .contactSheet: 1, .preview: 1]),
                "2 pictures, 1 contact sheet and 1 preview were written"
            ),
            (EditInterrupted([.model: 1]), "1 model was written"),
            (EditInterrupted([.setting: 1]), "1 setting was written"),
            (EditInterrupted([.removedModel: 1]), "1 model was removed"),
            (EditInterrupted([:], isOutputCut: true), "the picture on standard output is not whole"),
            (
                EditInterrupted([.preview: 1], isOutputCut: true),
                "1 preview was written, the picture on standard output is not whole"
            ),
        ]
        for (interruption, text) in cases { #expect("\(interruption)" == "interrupted; " + text) }
    }
}
