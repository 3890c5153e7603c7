import Foundation
import ImageFiles
import Testing

/// Files of other kinds, given to the options that take weights: each is named for what it is.
@Suite struct ForeignFileTests {
    private static let files: [(name: String, bytes: [UInt8], clause: String)] = [
        ("p.safetensors", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13], "it is a PNG picture"),
        ("j.ckpt", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 0x4A, 0x46, 0x49, 0x46], "it is a JPEG picture"),
        ("w.pt", Array("RIFF\u{1}\0\0\0WEBPVP8 ".utf8), "it is a WebP picture"),
        ("t.bin", Array("MM\0*\0\0\0\u{8}\0\0".utf8), "it is a TIFF picture"),
        ("g.gguf", Array("GIF89a\u{1}\0\u{1}\0".utf8), "it is a GIF picture"),
        ("d.safetensors", Array("%PDF-1.7\n%more".utf8), "it is a PDF file"),
        ("h.safetensors", Array("<!DOCTYPE html><html>".utf8), "it is a web page, as a failed download leaves"),
        (
            "l.safetensors", Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".utf8),
            "it is a Git LFS pointer, which stands in for a file that was not downloaded"
        ),
        ("z.ckpt", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "it is a gzip archive, which must be unpacked first"),
        ("k.pt", [0x80, 2, 0x7D, 0x71, 0, 0x2E], "it is a Python pickle, and none that PyTorch wrote"),
        ("q.json", Array("{\"a\": 1}\n".utf8), "it is a JSON file"),
        ("y.yaml", Array("model:\n  target: ldm\n".utf8), "it is a text file"),
        (
            "e.pt", Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 18),
            "it is a ZIP archive without data.pkl, so none that PyTorch wrote; unpack it first"
        ),
    ]

    private static let options: [(option: String, sentence: String)] = [
        ("--model", "cannot be used as a model"), ("--vae", "cannot be used as an autoencoder"),
        ("--preview-vae", "cannot be used as an autoencoder"), ("--lora", "is not a LoRA"),
        ("--embedding", "is not an embedding"),
    ]

    @Test(arguments: files.map(\.name)) func `A file without weights is named for what it is`(name: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        let file = try #require(Self.files.first { $0.name == name })
        try editor.write(file.bytes, name)
        let before = editor.names
        for (option, sentence) in Self.options {
            var arguments = ["inpaint", "a.png", "m.png", "x", "-q", option, name]
            if option == "--preview-vae" { arguments += ["--live-preview", "live.png"] }
            let outcome = try editor.run(arguments)
            #expect(outcome.code == 69, "\(option)")
            #expect(outcome.errorLines == ["editor: \(name) \(sentence): \(file.clause)"], "\(option)")
        }
        #expect(editor.names == before)
        let told = try editor.run(["models", "info", name])
        #expect(told.code == 69 && told.error.contains(file.clause), "\(told.error)")
    }

    @Test func `A file of a model's folder says which folder to name`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "sd"))
        let clause = "it is a JSON file; name the folder that it lies in"
        for (option, name, sentence) in [
            ("--model", "sd/model_index.json", "cannot be used as a model: \(clause)"),
            ("--model", "sd/vae/config.json", "cannot be used as a model: \(clause)"),
            ("--vae", "sd/vae/config.json", "cannot be used as an autoencoder: \(clause)"),
            ("--lora", "sd/model_index.json", "is not a LoRA: it is a JSON file"),
        ] {
            let outcome = try editor.run(["inpaint", "a.png", "m.png", "x", "-q", option, name])
            #expect(outcome.code == 69)
            #expect(outcome.errorLines == ["editor: \(name) \(sentence)"])
        }
        // Parts that were not downloaded.
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
        for (name, sentence) in [
            ("sd/unet/config.json", "is not a JSON object: it is a Git LFS pointer"),
            ("sd/unet/diffusion_pytorch_model.safetensors", "holds no weights: it is a Git LFS pointer"),
        ] {
            let url = editor.folder.appending(path: name)
            let whole = try Data(contentsOf: url)
            try editor.write(pointer, name)
            let outcome = try editor.run(["inpaint", "a.png", "m.png", "x", "-q", "--model", "sd"])
            #expect(outcome.code == 69 && outcome.error.contains("\(name) \(sentence)"), "\(outcome.error)")
            try whole.write(to: url)
        }
    }

    /// Weights, and what a failed download leaves, given as a picture.
    @Test func `A picture that is none is named for what it is`() throws {
        let editor = try Editor()
        try editor.writePictures()
        for (bytes, found) in [
            (Array("<!doctype html><html>".utf8), "a web page"), ([0x1F, 0x8B, 8, 0], "a gzip archive"),
            (Array("GGUF\u{3}\0\0\0".utf8), "a GGUF file"),
            ([9, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\": 1}".utf8), "a safetensors file"),
        ] {
            try editor.write(bytes, "x.png")
            for arguments in [["info", "x.png"], ["erase", "a.png", "x.png"]] {
                let outcome = try editor.run(arguments)
                #expect(
                    outcome.code == 65 && outcome.error.contains("was expected, \(found) was found"), "\(outcome.error)"
                )
            }
        }
    }
}
