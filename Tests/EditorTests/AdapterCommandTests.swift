import Foundation
import ImageFiles
import Testing

/// `--lora` and `--embedding` as a user gives them.
@Suite struct AdapterCommandTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")
    private static let model = [
        "--model", fixtures.appending(path: "pipelines/sd1").path(), "--precision", "f32", "--seed", "3",
    ]

    private func fixture(_ name: String) -> String { Self.fixtures.appending(path: "adapters/\(name)").path() }

    private func pictures() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        return editor
    }

    @Test func `A LoRA and an embedding are said aloud, change the picture and are in its record`() throws {
        let editor = try pictures()
        let common = ["--steps", "2"] + Self.model
        let plain = try editor.run(["inpaint", "a.png", "m.png", "a words fox", "-o", "plain.png"] + common)
        #expect(plain.code == 0, "\(plain.error)")
        let added = [
            "--lora", fixture("kohya.safetensors") + ":0.8", "--lora", fixture("processors.safetensors"), "--embedding",
            fixture("words.pt"),
        ]
        let made = try editor.run(["inpaint", "a.png", "m.png", "a words fox", "-o", "made.png"] + added + common)
        #expect(made.code == 0, "\(made.error)")
        #expect(made.error.contains("lora: kohya at 0.8, LoCon and LoRA of rank 2, made for"))
        #expect(made.error.contains("lora: processors at 1, LoRA of rank 2"))
        #expect(made.error.contains("words.pt, word 'words' (2 vectors)"))
        #expect(
            try ImageFile.read(path: editor.path("plain.png")).picture
                != ImageFile.read(path: editor.path("made.png")).picture)
        let infotext = try #require(try ImageFile.read(path: editor.path("made.png")).provenance?.infotext)
        #expect(infotext["Lora"] == "kohya:0.8, processors:1")
        #expect(infotext["TI"] == "words")
        // By Python's hashlib: of what follows the header, and of the whole file.
        #expect(infotext["Lora hashes"] == "kohya: d54c59e46e89, processors: a1277926b618")
        #expect(infotext["TI hashes"] == "words: dcf43df66855")
        let told = try editor.run(["info", "made.png"])
        #expect(told.output.contains(#"Lora: "kohya:0.8, processors:1""#))
    }

    @Test func `With a LoRA, --sampler lcm means four steps without guidance`() throws {
        let editor = try pictures()
        let lora = ["--lora", fixture("kohya.safetensors"), "--sampler", "lcm"]
        let made = try editor.run(["inpaint", "a.png", "m.png", "a fox", "-o", "made.png"] + lora + Self.model)
        #expect(made.code == 0, "\(made.error)")
        #expect(made.error.contains("lcm: --sampler lcm with a LoRA: sampler lcm, 4 steps, guidance 1"))
        let infotext = try #require(try ImageFile.read(path: editor.path("made.png")).provenance?.infotext)
        #expect(infotext["Steps"] == "4" && infotext["CFG scale"] == "1" && infotext["Sampler"] == "LCM")
    }

    @Test func `info tells what an autoencoder by itself is, and where it goes`() throws {
        let editor = try pictures()
        let tiny = Self.fixtures.appending(path: "families/tiny-vae/vae").path()
        let own = Self.fixtures.appending(path: "pipelines/sd1/vae").path()
        for command in [["info"], ["models", "info"]] {
            for path in [tiny, tiny + "/diffusion_pytorch_model.safetensors"] {
                let told = try editor.run(command + [path])
                #expect(told.code == 0, "\(told.error)")
                #expect(told.output.contains("tiny autoencoder (TAESD)"))
                #expect(told.output.contains("4 channels at 1/4 of the picture's size"))
                #expect(told.output.contains("--vae takes it in place of a model's own, --preview-vae for live"))
            }
            let told = try editor.run(command + [own])
            #expect(told.code == 0 && told.output.contains("autoencoder alone"), "\(told.error)")
            #expect(told.output.contains("0.18215"))
        }
        let json = try editor.run(["info", own, "--json"])
        #expect(json.output.contains(#""kind":"autoencoder""#) && json.output.contains(#""channels":4"#))
    }

    @Test func `info tells what a LoRA and an embedding are`() throws {
        let editor = try pictures()
        let lora = try editor.run(["info", fixture("numbered.safetensors")])
        #expect(lora.code == 0, "\(lora.error)")
        for line in ["kind:      LoRA", "rank:      2", "words:     word '<s1>'", "names:     cloneofsimo"] {
            #expect(lora.output.contains(line), "\(line) in \(lora.output)")
        }
        let json = try editor.run(["info", "--json", fixture("lycoris.safetensors")])
        let facts = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(facts["kind"] as? String == "lora" && facts["alpha"] as? [Double] == [3, 3])
        #expect((facts["layers"] as? [String: Int]) == ["unet": 13])
        let words = try editor.run(["info", fixture("words.safetensors")])
        #expect(words.output.contains("textual inversion") && words.output.contains("'words' (2 vectors)"))
    }

    @Test func `What cannot be added is one sentence and no picture`() throws {
        let editor = try pictures()
        let before = editor.names
        let edit = ["inpaint", "a.png", "m.png", "a fox"] + Self.model
        let cases: [(options: [String], code: Int32, says: String)] = [
            (["--lora", "none.safetensors"], 69, "none.safetensors cannot be read: there is no such file"),
            (
                ["--lora", fixture("words.pt")], 69,
                "words.pt is not a LoRA: it is an embedding, which --embedding takes"
            ),
            (["--embedding", fixture("kohya.safetensors")], 69, "kohya.safetensors is not an embedding"),
            (["--lora", fixture("kohya.safetensors") + ":11"], 64, "--lora must be from -10 to 10"),
        ]
        for (options, code, says) in cases {
            let outcome = try editor.run(edit + options)
            #expect(outcome.code == code && outcome.error.contains(says), "\(outcome.error)")
        }
        #expect(editor.names == before)
        // The embedded model has other layers.
        let other = try editor.run(
            ["inpaint", "a.png", "m.png", "a fox", "-q", "--lora", fixture("kohya.safetensors"), "--steps", "1"]
                + ["--seed", "1"])
        #expect(other.code == 69, "\(other.error)")
        #expect(other.error.contains("is a LoRA for") && other.error.contains("and does not fit the embedded model"))
    }
}
