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

    /// A safetensors file with every element of the tensors that `isChanged` names as these bytes.
    private static func write(
        _ path: String, _ editor: Editor, element: [UInt8], where isChanged: (String) -> Bool
    ) throws {
        var bytes = Array(try #require(editor.data(path)))
        let length = (0 ..< 8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        let header = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes[8 ..< 8 + length])) as? [String: [String: Any]])
        var count = 0
        for (name, entry) in header where isChanged(name) {
            guard let offsets = entry["data_offsets"] as? [Int] else { continue }
            #expect(entry["dtype"] as? String == (element.count == 2 ? "F16" : "F32"))
            for place in stride(from: 8 + length + offsets[0], to: 8 + length + offsets[1], by: element.count) {
                bytes.replaceSubrange(place ..< place + element.count, with: element)
                count += 1
            }
        }
        #expect(count > 0)
        try editor.write(bytes, path)
    }

    @Test func `Numbers that are none are laid to the file that brings them`() throws {
        let editor = try Self.editor()
        let manager = FileManager.default
        try manager.copyItem(atPath: editor.path("model/vae"), toPath: editor.path("other-vae"))
        let weights = "diffusion_pytorch_model.safetensors"
        try Self.write("other-vae/\(weights)", editor, element: [0, 0x7E]) {
            $0 == "decoder.conv_out.weight"
        }
        let edit = ["inpaint", "a.png", "m.png", "x", "--steps", "1", "--model", "model", "-q", "-o", "o.png"]
        let vae = try editor.run(edit + ["--vae", "other-vae"])
        #expect(vae.code == 69, "\(vae.error)")
        #expect(
            vae.error.hasPrefix(
                "editor: other-vae: the autoencoder gave values that are not numbers, because its tensor 'decoder.conv_out.weight'"
            ), "\(vae.error)")
        // 10^38: a number, and what is computed with it is none.
        try Self.write("lora.safetensors", editor, element: [0x99, 0x76, 0x96, 0x7E]) { $0.hasSuffix(".alpha") }
        let model = Self.fixtures.appending(path: "pipelines/sd1").path()
        let lora = try editor.run(edit + ["--lora", "lora.safetensors", "--model", model])
        #expect(lora.code == 69, "\(lora.error)")
        #expect(lora.error.contains("lora.safetensors: with it added, the "), "\(lora.error)")
        #expect(lora.error.contains("a smaller weight for --lora may help"), "\(lora.error)")
        // The model's own stay its own, whatever is added.
        try Self.write("model/vae/\(weights)", editor, element: [0, 0x7E]) { $0 == "decoder.conv_out.weight" }
        let own = try editor.run(edit)
        #expect(own.error.hasPrefix("editor: model: the autoencoder gave values"), "\(own.error)")
        #expect(editor.data("o.png") == nil)
    }

    @Test func `info has a word for a LoRA of which no layer is whole`() throws {
        let editor = try Editor()
        let name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight"
        let header = Array("{\"\(name)\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}".utf8)
        try editor.write(
            (0 ..< 8).map { UInt8(header.count >> (8 * $0) & 255) } + header + [UInt8](repeating: 0, count: 8),
            "half.safetensors")
        let outcome = try editor.run(["info", "half.safetensors"])
        #expect(outcome.output.contains("kind:      LoRA of which no layer is whole\n"), "\(outcome.output)")
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
