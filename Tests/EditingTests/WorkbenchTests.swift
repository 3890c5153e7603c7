import Diffusion
import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

@testable import Editing

/// Models stay open between edits, and no edit is made with another's.
@Suite struct WorkbenchTests {
    /// Says which choices were opened.
    private final class Opened {
        var choices: [ModelChoice] = []

        func open(_ choice: ModelChoice) -> any PictureModel {
            choices.append(choice)
            return StubModel()
        }
    }

    private func model(_ scratch: Scratch, _ name: String, holding text: String = "weights") throws -> ModelChoice {
        try Data(text.utf8).write(to: URL(filePath: scratch.path(name)))
        return ModelChoice(source: .file(scratch.path(name)))
    }

    @Test func `A model stays open while its files are as they were`() throws {
        let (scratch, opened) = (try Scratch(), Opened())
        let workbench = Workbench(open: opened.open)
        let choice = try model(scratch, "a.safetensors")
        let first = try workbench.model(for: choice)
        #expect(try workbench.model(for: choice) === first)
        #expect(opened.choices == [choice])

        // As many bytes as before.
        _ = try model(scratch, "b.safetensors", holding: "WEIGHTS")
        let (path, other) = (scratch.path("a.safetensors"), scratch.path("b.safetensors"))
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: other, toPath: path)
        #expect(try workbench.model(for: choice) !== first)
        try FileManager.default.removeItem(atPath: path)
        _ = try workbench.model(for: choice)
        #expect(opened.choices.count == 3 && workbench.openModels == 1)
    }

    @Test func `A part of a folder, a LoRA, an autoencoder and an embedding are its files`() throws {
        let (scratch, opened) = (try Scratch(), Opened())
        let workbench = Workbench(open: opened.open)
        try FileManager.default.createDirectory(
            atPath: scratch.path("m/unet"), withIntermediateDirectories: true)
        var choice = ModelChoice(source: .folder(scratch.path("m")))
        let files = ["m/model_index.json", "m/unet/config.json", "lora.safetensors", "vae.safetensors", "word.pt"]
        for file in files { _ = try model(scratch, file) }
        choice.adapters.loras = [LoRAChoice(path: scratch.path(files[2]))]
        choice.autoencoder = scratch.path(files[3])
        choice.adapters.embeddings = [EmbeddingChoice(path: scratch.path(files[4]))]
        _ = try workbench.model(for: choice)
        for file in files {
            _ = try model(scratch, file, holding: "others")
            _ = try workbench.model(for: choice)
        }
        _ = try model(scratch, "m/unet/weights.safetensors")
        _ = try workbench.model(for: choice)
        #expect(opened.choices.count == files.count + 2)
        _ = try workbench.model(for: choice)
        #expect(opened.choices.count == files.count + 2)
    }

    @Test func `Whatever is chosen otherwise is another model`() throws {
        let (scratch, opened) = (try Scratch(), Opened())
        let workbench = Workbench(size: 20, open: opened.open)
        let choice = try model(scratch, "a.safetensors")
        var others: [ModelChoice] = []
        for change: (inout ModelChoice) -> Void in [
            { $0.autoencoder = "x" }, { $0.previewAutoencoder = "x" }, { $0.precision = .f32 }, { $0.threads = 1 },
            { $0.keepsPackedWeights = true }, { $0.adapters.loras = [LoRAChoice(path: "l")] },
            { $0.adapters.loras = [LoRAChoice(path: "l", weight: 0.5)] },
            { $0.adapters.loras = [LoRAChoice(path: "l", weight: 0.5, textWeight: 1)] },
            { $0.adapters.embeddings = [EmbeddingChoice(path: "e")] },
            { $0.adapters.embeddings = [EmbeddingChoice(path: "e", word: "w")] }, { $0.source = .embedded },
        ] {
            var other = choice
            change(&other)
            others.append(other)
        }
        for choice in [choice] + others { _ = try workbench.model(for: choice) }
        for choice in [choice] + others { _ = try workbench.model(for: choice) }
        #expect(opened.choices == [choice] + others)
    }

    @Test func `The one not used for longest is closed`() throws {
        let (scratch, opened) = (try Scratch(), Opened())
        let workbench = Workbench(size: 2, open: opened.open)
        let choices = try ["a", "b", "c"].map { try model(scratch, $0 + ".safetensors") }
        weak let first = try workbench.model(for: choices[0])
        _ = try workbench.model(for: choices[1])
        _ = try workbench.model(for: choices[0])
        _ = try workbench.model(for: choices[2])
        #expect(workbench.openModels == 2 && first != nil)
        _ = try workbench.model(for: choices[0])
        #expect(opened.choices.count == 3)
        _ = try workbench.model(for: choices[1])
        #expect(opened.choices.count == 4)
        workbench.close()
        #expect(workbench.openModels == 0 && first == nil)
    }

    @Test func `A model that cannot be opened closes none that is used next`() throws {
        struct Damaged: Error {}
        let scratch = try Scratch()
        let good = try model(scratch, "good.safetensors")
        let workbench = Workbench(size: 2) { choice in
            guard choice == good else { throw Damaged() }
            return StubModel()
        }
        let first = try workbench.model(for: good)
        let bad = try model(scratch, "bad.safetensors")
        #expect(throws: Damaged.self) { try workbench.model(for: bad) }
        #expect(try workbench.model(for: good) === first)
    }

    /// Edits with changing models, adapters, limits and precisions on one workbench against each on one of its own.
    @Test func `Warm models give the bytes of cold ones`() throws {
        let scratch = try Scratch()
        let parity = "\(Fixtures.root)/parity"
        func folder(_ name: String) -> ModelChoice { ModelChoice(source: .folder("\(parity)/pipelines/\(name)")) }
        var adapted = folder("sd1")
        adapted.adapters.loras = [LoRAChoice(path: "\(parity)/adapters/kohya.safetensors", weight: 0.7)]
        var exact = ModelChoice(source: .embedded)
        exact.precision = .f32
        let edits: [(model: ModelChoice, memoryLimit: Int?)] = [
            (ModelChoice(source: .embedded), nil), (folder("sd1"), nil), (adapted, nil), (exact, 512 << 20),
            (folder("sd2-inpaint"), nil), (ModelChoice(source: .embedded), 400 << 20), (adapted, nil), (exact, nil),
            (folder("sd1"), nil),
        ]
        let image = try scratch.write(.patterned(width: 96, height: 64), "a.png")
        let mask = try scratch.write(
            .mask(width: 96, height: 64, white: PixelRect(x: 30, y: 10, width: 40, height: 40)), "m.png")
        func bytes(_ number: Int, on workbench: Workbench, _ name: String) throws -> Data {
            var request = EditRequest(
                mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "a red heart")
            request.settings.steps = 2
            request.settings.seed = 5
            request.settings.memoryLimit = edits[number].memoryLimit
            let job = EditJob(request: request, output: OutputChoice(path: scratch.path("\(name)-\(number).png")))
            let outcome = try workbench.run(job, with: edits[number].model, randomSeed: 1) { _ in }
            return try Data(contentsOf: URL(filePath: outcome.saved[0].path))
        }
        let warm = Workbench(size: 3)
        var different: Set<Data> = []
        for number in edits.indices {
            let expected = try bytes(number, on: Workbench(), "cold")
            #expect(try bytes(number, on: warm, "warm") == expected, "edit \(number)")
            different.insert(expected)
        }
        #expect(different.count >= 5)
    }
}
