import Foundation
import Testing

/// A part of a model that is given to the option of another part is named for what it is.
@Suite struct WrongPartTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")

    private static func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let manager = FileManager.default
        for (from, to) in [
            ("adapters/kohya.safetensors", "lora.safetensors"), ("adapters/words.pt", "words.pt"),
            ("families/tiny-vae/vae", "taesd"),
        ] {
            try manager.copyItem(at: fixtures.appending(path: from), to: editor.folder.appending(path: to))
        }
        return editor
    }

    private static let denoiser = "it is a denoiser"
    private static let text = "it is a text encoder"
    private static let autoencoder = "--vae takes"
    private static let lora = "--lora takes"
    private static let embedding = "--embedding takes"
    private static let model = "--model takes"

    /// A kind of part, where it lies, and what is said of it.
    private static let parts: [(path: String, says: String, right: String)] = [
        ("model/unet", denoiser, ""), ("model/unet/diffusion_pytorch_model.safetensors", denoiser, ""),
        ("model/text_encoder", text, ""), ("model/text_encoder/model.safetensors", text, ""),
        ("model/vae", autoencoder, "vae"), ("taesd", autoencoder, "vae"), ("lora.safetensors", lora, "lora"),
        ("words.pt", embedding, "embedding"), ("model", model, "model vae"),
    ]

    @Test(arguments: ["model", "vae", "preview-vae", "lora", "embedding"])
    func `What is given to the wrong option is told what it is`(option: String) throws {
        let editor = try Self.editor()
        for part in Self.parts where !part.right.split(separator: " ").contains(where: { option.hasSuffix($0) }) {
            let others = option == "model" ? [] : ["--model", "model"]
            let preview = option == "preview-vae" ? ["--live-preview", "p.png"] : []
            let outcome = try editor.run(
                ["inpaint", "a.png", "m.png", "x", "--steps", "1", "--\(option)", part.path] + others + preview)
            #expect(outcome.code == 69, "--\(option) \(part.path): \(outcome.error)")
            let last = outcome.errorLines.last ?? ""
            #expect(last.contains(part.says), "--\(option) \(part.path): \(last)")
            #expect(!last.contains("not supported") && !last.contains("the first are"), "\(last)")
        }
    }

    @Test func `The file of an autoencoder that needs its configuration is told to be given by its folder`() throws {
        let editor = try Self.editor()
        for path in ["model/vae/diffusion_pytorch_model.safetensors"] {
            let outcome = try editor.run(
                ["inpaint", "a.png", "m.png", "x", "--steps", "1", "--model", "model", "--vae", path])
            #expect(outcome.code == 69, "\(outcome.error)")
            #expect(
                outcome.error.contains("its configuration lies beside it; give the folder, 'model/vae'"),
                "\(outcome.error)")
        }
    }
}
