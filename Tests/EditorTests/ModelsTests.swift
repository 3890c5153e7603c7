import Foundation
import ImageFiles
import Raster
import Testing

/// `editor models`, but for `pull`.
@Suite struct ModelsTests {
    private static func home() throws -> Editor {
        let editor = try Editor()
        editor.environment["XDG_DATA_HOME"] = editor.folder.appending(path: ".data").path()
        return editor
    }

    private static func json(_ outcome: Editor.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.error)")
    }

    private static func names(_ editor: Editor) throws -> [String: String] {
        let models = try #require(try json(editor.run(["models", "list", "--json"]))["models"] as? [[String: Any]])
        return try Dictionary(
            models.map { (try #require($0["name"] as? String), try #require($0["place"] as? String)) },
            uniquingKeysWith: { $0 + " " + $1 })
    }

    private static func put(_ text: String, _ editor: Editor, _ path: String) throws {
        let url = editor.folder.appending(path: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// A model in every place, and things beside them that are none.
    private static func fill(_ editor: Editor) throws {
        try TinyModel.write(to: editor.folder.appending(path: ".data/editor/models/me/own"))
        // As huggingface_hub lays it out: links to files named by their hashes.
        let cache = editor.folder.appending(path: ".hub/models--someone--cached")
        let snapshot = cache.appending(path: "snapshots/0123abc")
        try TinyModel.write(to: cache.appending(path: "blobs/model"))
        try FileManager.default.createDirectory(at: snapshot, withIntermediateDirectories: true)
        for part in ["model_index.json", "unet", "vae", "text_encoder", "scheduler", "tokenizer"] {
            try FileManager.default.createSymbolicLink(
                at: snapshot.appending(path: part),
                withDestinationURL: cache.appending(path: "blobs/model/\(part)"))
        }
        try put("0123abc", editor, ".hub/models--someone--cached/refs/main")
        try put("{}", editor, ".hub/models--someone--cached/snapshots/old/model_index.json")
        try put("{}", editor, ".hub/models--someone--encoder/snapshots/1/config.json")
        try put("x", editor, ".hub/models--someone--encoder/snapshots/1/model.safetensors")
        try put("x", editor, "comfy/models/checkpoints/sub/dreams.safetensors")
        try put("x", editor, "comfy/models/loras/style.safetensors")
        try put("x", editor, "webui/models/Stable-diffusion/old.ckpt")
        try put("x", editor, "webui/models/VAE/vae.pt")
        try put("x", editor, "plain/small.gguf")
        try put("x", editor, "plain/notes.txt")
        let folders = ["comfy", "webui", "plain"].map { "\"\(editor.path($0))\"" }.joined(separator: ", ")
        try put(#"{"modelFolders": [\#(folders)]}"#, editor, ".config/editor/config.json")
    }

    @Test func `Models are found in every place, and nothing else is`() throws {
        let editor = try Self.home()
        #expect(try Self.names(editor) == ["embedded": "embedded"])
        try Self.fill(editor)
        #expect(
            try Self.names(editor) == [
                "me/own": "own", "someone/cached": "huggingFaceCache", "someone/cached@old": "huggingFaceCache",
                "sub/dreams": "configured", "old": "configured", "small": "configured", "embedded": "embedded",
            ])
        let text = try editor.run(["models", "list"])
        #expect(text.code == 0)
        #expect(text.output.contains("in \(editor.path("comfy")):\n  sub/dreams"))
        #expect(text.output.contains("not usable: "))
        #expect(text.output.contains("* embedded"))
    }

    @Test func `A name stands for a model wherever one is asked for`() throws {
        let editor = try Self.home()
        try Self.fill(editor)
        try editor.writePictures()
        func edit(_ output: String, _ more: [String]) throws -> Editor.Outcome {
            try editor.run(
                ["inpaint", "a.png", "m.png", "x", "--steps", "1", "--seed", "1", "--precision", "f32", "-o", output]
                    + more)
        }
        for (index, name) in ["me/own", "own", "someone/cached", "cached"].enumerated() {
            let outcome = try edit("\(index).png", ["--model", name])
            #expect(outcome.code == 0, "\(outcome.error)")
        }
        let pictures = try (0 ..< 4).map { try Data(contentsOf: editor.folder.appending(path: "\($0).png")) }
        #expect(pictures[0] == pictures[1] && pictures[2] == pictures[3])
        let unknown = try edit("x.png", ["--model", "ow"])
        #expect(unknown.code == 69)
        #expect(unknown.error.contains("none of that name in 'editor models list'; there is me/own"))
        let gone = try edit("x.png", ["--model", "./gone"])
        #expect(gone.code == 69)
        #expect(gone.error.contains("There is no model at ./gone"))
        try TinyModel.write(to: editor.folder.appending(path: ".data/editor/models/you/own"))
        let ambiguous = try edit("x.png", ["--model", "own"])
        #expect(ambiguous.code == 64)
        #expect(ambiguous.error.contains("'own' is the name of 2 models, expected one: me/own, you/own"))

        // The default, with which none need be named.
        #expect(try editor.run(["models", "default"]).output == "embedded\n")
        let unusable = try editor.run(["models", "default", "small"])
        #expect(unusable.code == 69, "\(unusable.error)")
        #expect(try editor.run(["models", "default", "cached"]).output == "someone/cached\n")
        let byDefault = try edit("4.png", [])
        #expect(byDefault.code == 0, "\(byDefault.error)")
        #expect(try Data(contentsOf: editor.folder.appending(path: "4.png")) == pictures[2])
        // What else was settled stays.
        #expect(try Self.names(editor).count == 8)
        #expect(try editor.run(["models", "list"]).output.contains("* someone/cached"))
        let embedded = try editor.run(["doctor", "--model", "embedded", "--json"])
        #expect(try Self.json(embedded)["model"] as? String == "embedded")
        #expect(try editor.run(["models", "default", "embedded"]).output == "embedded\n")
        // A path is kept whole.
        try TinyModel.write(to: editor.folder.appending(path: "here"))
        let path = try editor.run(["models", "default", "here"])
        #expect(path.output.hasPrefix("/") && path.output.hasSuffix("/here\n"), "\(path.output)")
        try FileManager.default.removeItem(atPath: editor.path("here"))
        let lost = try edit("x.png", [])
        #expect(lost.code == 69)
        #expect(lost.error.contains("/here' is not there any more"), "\(lost.error)")
    }

    @Test func `A configuration that is wrong is named`() throws {
        let editor = try Self.home()
        for (text, says) in [
            ("{", "expected a key"), ("[]", "it is an array, expected an object"),
            (#"{"modelFolder": []}"#, "unknown key 'modelFolder'"),
            (#"{"modelFolders": "x"}"#, "modelFolders is a string"),
            (#"{"modelFolders": ["relative"]}"#, "something else than whole paths"),
        ] {
            try Self.put(text, editor, ".config/editor/config.json")
            let outcome = try editor.run(["models", "list"])
            #expect(outcome.code == 65)
            #expect(
                outcome.error.contains(".config/editor/config.json' cannot be used") && outcome.error.contains(says))
        }
    }

    @Test func `A model's details are told`() throws {
        let editor = try Self.home()
        try Self.fill(editor)
        try Self.put(
            "---\nlicense: other\nlicense_name: \"tiny-1\"\n---\n", editor, ".data/editor/models/me/own/README.md")
        let details = try Self.json(editor.run(["models", "info", "own", "--json"]))
        #expect(details["name"] as? String == "me/own")
        #expect(details["family"] as? String == "latent diffusion inpainting")
        #expect(details["prediction"] as? String == "epsilon")
        #expect(details["license"] as? String == "tiny-1")
        #expect((details["elementTypes"] as? [String: [String]])?["unet"] == ["F16"])
        #expect((details["bytes"] as? Int ?? 0) > 100_000)
        let memory = try #require(details["memoryBytes"] as? [String: Int])
        #expect(try #require(memory["f32"]) > 100_000_000)
        let embedded = try editor.run(["models", "info", "embedded"])
        #expect(embedded.code == 0, "\(embedded.error)")
        #expect(embedded.output.contains("inside this program"))
        #expect(embedded.output.contains("LoRA of rank 8, "))
        #expect(details["ownLoRA"] == nil)
    }

    @Test func `What is damaged is found`() throws {
        let editor = try Self.home()
        try Self.fill(editor)
        let good = try editor.run(["models", "verify", "own"])
        #expect(good.code == 0, "\(good.error)")
        #expect(good.output.contains("values: all of"))
        let weights = editor.folder.appending(
            path: ".data/editor/models/me/own/unet/diffusion_pytorch_model.safetensors")
        var bytes = try Data(contentsOf: weights)
        // The last element of the last tensor becomes no number (f16).
        bytes.replaceSubrange(bytes.count - 2 ..< bytes.count, with: [0, 0x7E])
        try bytes.write(to: weights)
        let nan = try editor.run(["models", "verify", "own", "--json"])
        #expect(nan.code == 65)
        #expect(nan.error.contains("1 tensor of unet holds what is no number, first"))
        // Conversion changes no values, and says it.
        for output in ["made", "made.safetensors", "made.gguf"] {
            let made = try editor.run(["models", "convert", "own", output])
            guard output == "made" || made.code == 0 else { continue }
            #expect(made.code == 0, "\(made.error)")
            #expect(
                made.error.contains("warning: 1 tensor of unet holds what is no number, first '"), "\(made.error)")
        }
        let json = try editor.run(["models", "convert", "own", "other", "--json"])
        #expect((try Self.json(json)["warnings"] as? [String])?.count == 1, "\(json.output)")
        try bytes.dropLast(2).write(to: weights)
        let short = try editor.run(["models", "verify", "own"])
        #expect(short.code == 65)
        #expect(short.error.contains("is truncated"))
    }

    @Test func `The Hugging Face cache is held against its names`() throws {
        let editor = try Self.home()
        let root = editor.folder.appending(path: ".hub/models--someone--hashed")
        let snapshot = root.appending(path: "snapshots/1")
        try FileManager.default.createDirectory(at: root.appending(path: "blobs"), withIntermediateDirectories: true)
        try TinyModel.write(to: snapshot)
        try Self.put("1", editor, ".hub/models--someone--hashed/refs/main")
        // Large files lie under their hashes, with links to them.
        let weights = snapshot.appending(path: "vae/diffusion_pytorch_model.safetensors")
        let blob = root.appending(path: "blobs/\(try HubServer.sha256(weights))")
        try FileManager.default.moveItem(at: weights, to: blob)
        try FileManager.default.createSymbolicLink(at: weights, withDestinationURL: blob)
        let good = try editor.run(["models", "verify", "hashed"])
        #expect(good.code == 0, "\(good.error)")
        #expect(good.output.contains("sizes and hashes: 1 file, of which 1 by SHA-256"))
        var bytes = try Data(contentsOf: blob)
        bytes[bytes.count - 2] ^= 1
        try bytes.write(to: blob)
        let bad = try editor.run(["models", "verify", "hashed"])
        #expect(bad.code == 65)
        #expect(bad.error.contains("has the SHA-256"))
    }

    @Test func `Only what is the program's own is removed, and only on a yes`() throws {
        let editor = try Self.home()
        try Self.fill(editor)
        for name in ["someone/cached", "dreams", "embedded"] {
            let outcome = try editor.run(["models", "remove", name, "--force"])
            #expect(outcome.code == 64)
            #expect(outcome.error.contains("where nothing is removed"))
        }
        let unasked = try editor.run(["models", "remove", "own"])
        #expect(unasked.code == 64)
        #expect(unasked.error.contains("add --force"))
        // A link in the folder leads to what is not the program's.
        try TinyModel.write(to: editor.folder.appending(path: "elsewhere"))
        try FileManager.default.createSymbolicLink(
            at: editor.folder.appending(path: ".data/editor/models/linked"),
            withDestinationURL: editor.folder.appending(path: "elsewhere"))
        let link = try editor.run(["models", "remove", "linked", "--force"])
        #expect(link.code == 0, "\(link.error)")
        #expect(FileManager.default.fileExists(atPath: editor.path("elsewhere/model_index.json")))
        let outcome = try editor.run(["models", "remove", "own", "--force"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.hasPrefix("removed me/own, "))
        #expect(!FileManager.default.fileExists(atPath: editor.path(".data/editor/models/me")))
        #expect(try Self.names(editor).count == 6)
    }

    @Test func `Links that lead back are followed once, and a link to a model is its other name`() throws {
        let editor = try Self.home()
        let models = editor.folder.appending(path: ".data/editor/models")
        try Self.put("x", editor, ".data/editor/models/sub/dreams.safetensors")
        try TinyModel.write(to: models.appending(path: "sub/tiny"))
        // 40 links five deep were 10^8 folders.
        for number in 0 ..< 40 {
            try FileManager.default.createSymbolicLink(
                atPath: models.appending(path: "again\(number)").path(), withDestinationPath: ".")
        }
        try FileManager.default.createSymbolicLink(
            atPath: models.appending(path: "alias").path(), withDestinationPath: "sub/tiny")
        #expect(try Self.names(editor).keys.sorted() == ["alias", "embedded", "sub/dreams", "sub/tiny"])
    }

    @Test func `The model inside the program becomes a folder, and paints alike from there`() throws {
        let editor = try Self.home()
        try editor.writePictures()
        let outcome = try editor.run(["models", "convert", "embedded", "made", "--weights", "f32"])
        #expect(outcome.code == 0 && outcome.output == "made\n", "\(outcome.error)")
        let edit = ["inpaint", "a.png", "m.png", "a sunflower", "--seed", "1", "--precision", "f32"]
        for (name, model) in [("inside.png", "embedded"), ("folder.png", "made")] {
            let made = try editor.run(edit + ["--model", model, "-o", name])
            #expect(made.code == 0, "\(made.error)")
        }
        let pictures = try ["inside.png", "folder.png"].map {
            RGBImage(try ImageFile.read(path: editor.path($0)).picture).values
        }
        // Its LoRA is in the weights: merged once, as they are packed, or when they are written.
        #expect(zip(pictures[0], pictures[1]).allSatisfy { abs($0 - $1) < 3 / 255 })
        let file = try editor.run(["models", "convert", "embedded", "made.safetensors"])
        #expect(file.code == 69, "\(file.error)")
        #expect(file.error.contains("the embedded model cannot be converted: "), "\(file.error)")
        #expect(!editor.names.contains("made.safetensors"))
    }

    @Test func `A model is converted by its name`() throws {
        let editor = try Self.home()
        try Self.fill(editor)
        let outcome = try editor.run(["models", "convert", "own", "made", "--weights", "bf16"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output == "made\n")
        let details = try Self.json(editor.run(["models", "info", "made", "--json"]))
        #expect((details["elementTypes"] as? [String: [String]])?["vae"] == ["BF16"])
        let again = try editor.run(["models", "convert", "own", "made"])
        #expect(again.code == 73)
        let file = try editor.run(["models", "convert", "own", "made.safetensors"])
        // Its heads are none that a single file tells.
        #expect(file.code == 69, "\(file.error)")
        #expect(!editor.names.contains("made.safetensors"))
    }
}
