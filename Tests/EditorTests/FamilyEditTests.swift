import Foundation
import ImageFiles
import Testing

/// Edits with models of other families than Stable Diffusion 1.x and 2.x, by the program.
@Suite struct FamilyEditTests {
    private static let parity = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")
    private static let sdxl = parity.appending(path: "families/sdxl").path()
    private static let quick = ["--steps", "2", "--seed", "5"]

    /// An editor with pictures, and a model of InstructPix2Pix in the folder `pix2pix`.
    private func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        let folder = editor.folder.appending(path: "pix2pix")
        let manager = FileManager.default
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        let parts = [
            "families/pix2pix": ["unet", "scheduler", "model_index.json"],
            "pipelines/sd1": ["text_encoder", "tokenizer", "vae"],
        ]
        for (place, names) in parts {
            for name in names {
                try manager.createSymbolicLink(
                    at: folder.appending(path: name),
                    withDestinationURL: Self.parity.appending(path: place).appending(path: name))
            }
        }
        return editor
    }

    @Test func `SDXL generates, remixes and inpaints`() throws {
        let editor = try editor()
        let commands = [
            ["generate", "a fox", "--size", "64x48", "-o", "g.png"], ["remix", "a.png", "a fox", "-o", "r.png"],
            ["inpaint", "a.png", "m.png", "a fox", "-o", "i.png"],
        ]
        for command in commands {
            let outcome = try editor.run(command + ["--model", Self.sdxl] + Self.quick)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("model: sdxl, Stable Diffusion XL\n"))
            let file = try ImageFile.read(path: editor.path(try #require(command.last)))
            let infotext = try #require(file.provenance?.infotext)
            #expect(infotext["CFG scale"] == "5")
            #expect(infotext["Sampler"] == "Euler")
            #expect(infotext["Image CFG scale"] == nil)
        }
    }

    @Test func `InstructPix2Pix remixes by an instruction and generates nothing`() throws {
        let editor = try editor()
        let options = ["--model", "pix2pix"] + Self.quick
        let outcome = try editor.run(["remix", "a.png", "make it winter", "--image-guidance", "1.2"] + options)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("InstructPix2Pix"))
        #expect(outcome.error.contains("step 2/2"))
        let infotext = try #require(try ImageFile.read(path: editor.path("a-remix.png")).provenance?.infotext)
        #expect(infotext["Image CFG scale"] == "1.2")
        #expect(infotext["Denoising strength"] == "1")

        let generate = try editor.run(["generate", "a fox"] + options)
        #expect(generate.code == 69)
        #expect(generate.error.contains("reworks a picture and makes none from text alone; use remix"))
    }

    @Test func `--image-guidance that is not heard is said`() throws {
        let editor = try editor()
        let outcome = try editor.run(
            ["generate", "a fox", "--size", "32x32", "--image-guidance", "2", "--model", Self.sdxl, "-q"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("warning: --image-guidance has no effect: sdxl does not follow instructions"))
        let wrong = try editor.run(["generate", "a fox", "--image-guidance", "-1"])
        #expect(wrong.code == 64)
        #expect(wrong.error.contains("--image-guidance"))
    }

    @Test func `--vae takes the place of the model's own, or is refused in a sentence`() throws {
        let editor = try editor()
        let model = Self.parity.appending(path: "pipelines/sd1").path()
        let tiny = Self.parity.appending(path: "families/tiny-vae/vae").path()
        let outcome = try editor.run(
            ["generate", "a fox", "--size", "32x32", "--model", model, "--vae", tiny, "-o", "t.png"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("autoencoder: vae, in place of the model's own"))
        #expect(try ImageFile.read(path: editor.path("t.png")).provenance?.infotext?["VAE"] == "vae")
        let other = Self.parity.appending(path: "networks/vae-8").path()
        let refused = try editor.run(["generate", "a fox", "--model", model, "--vae", other] + Self.quick)
        #expect(refused.code == 69)
        #expect(refused.error.contains("is an autoencoder of 8 latent channels at 1/2 of the size"))
        let none = try editor.run(["generate", "a fox", "--vae", "none.safetensors"] + Self.quick)
        #expect(none.code == 69)
        #expect(none.error.contains("none.safetensors cannot be used as an autoencoder: there is no such file"))
    }
}
