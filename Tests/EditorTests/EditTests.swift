import Foundation
import ImageFiles
import Raster
import Testing

/// Whole edits with a model of random weights.
@Suite struct EditTests {
    private func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        return editor
    }

    private static let quick = ["--model", "model", "--steps", "2", "--seed", "5"]

    @Test func `Inpaint, then outpaint the result, then remix that`() throws {
        let editor = try editor()
        let inpaint = try editor.run(["inpaint", "a.png", "m.png", "a fox"] + Self.quick)
        #expect(inpaint.code == 0, "\(inpaint.error)")
        #expect(inpaint.output == "a-inpaint.png\n")
        #expect(inpaint.error.contains("mask: white repaints, 13.0 % of the picture"))
        #expect(inpaint.error.contains("step 2/2"))
        #expect(inpaint.error.contains("seed 5"))

        let outpaint = try editor.run(["outpaint", "--right", "16"] + Self.quick)
        #expect(outpaint.code == 0, "\(outpaint.error)")
        #expect(outpaint.output == "a-inpaint-outpaint.png\n")
        #expect(outpaint.error.contains("continuing with the last result made in this folder, 'a-inpaint.png'"))
        let before = try ImageFile.read(path: editor.path("a-inpaint.png")).picture
        let after = try ImageFile.read(path: editor.path("a-inpaint-outpaint.png")).picture
        #expect(after.size == PixelSize(width: 80, height: 48))
        #expect(after.cropped(to: PixelRect(before.size)) == before)

        let remix = try editor.run(["remix", "an oil painting"] + Self.quick)
        #expect(remix.code == 0, "\(remix.error)")
        #expect(remix.output == "a-inpaint-outpaint-remix.png\n")
    }

    @Test func `The result says how it was made, unless told not to`() throws {
        let editor = try editor()
        let made = try editor.run(["inpaint", "a.png", "m.png", "a fox, red", "--negative", "a dog"] + Self.quick)
        #expect(made.code == 0, "\(made.error)")
        let provenance = try #require(try ImageFile.read(path: editor.path("a-inpaint.png")).provenance)
        #expect(provenance.digitalSourceType == .compositeWithTrainedAlgorithmicMedia)
        let infotext = try #require(provenance.infotext)
        #expect(infotext.prompt == "a fox, red")
        #expect(infotext.negativePrompt == "a dog")
        #expect(infotext["Seed"] == "5")
        #expect(infotext["Steps"] == "2")
        #expect(infotext["Sampler"] == "DDIM")
        #expect(infotext["Size"] == "64x48")

        let bare = try editor.run(
            ["inpaint", "a.png", "m.png", "a fox", "--no-metadata", "-o", "bare.png"] + Self.quick)
        #expect(bare.code == 0, "\(bare.error)")
        #expect(try ImageFile.read(path: editor.path("bare.png")).provenance == nil)
    }

    @Test func `Words that the embedded model was not taught are named, also when asked to be quiet`() throws {
        let editor = try editor()
        func said(_ prompt: String, _ options: [String] = []) throws -> String {
            let outcome = try editor.run(
                ["inpaint", "a.png", "m.png", prompt, "--steps", "1", "--seed", "1", "--force", "-q"] + options)
            #expect(outcome.code == 0, "\(outcome.error)")
            return outcome.error
        }
        #expect(
            try said("a red glockenspiel and (xylophones:1.2)").contains(
                "embedded was not taught 'glockenspiel', 'xylophones': expect something vague"))
        #expect(try said("a red heart BREAK mountains").isEmpty)
        #expect(try !said("a red heart --ar 16:9").contains("was not taught"))
        for known in ["a red heart", "Un corazón rojo", "une montagne enneigée", "mountains"] {
            #expect(try said(known).isEmpty)
        }
        // Another model does not say what it knows.
        #expect(try said("a glockenspiel", ["--model", "model"]).isEmpty)
    }

    @Test func `A limit on memory that changes the picture is said, also when asked to be quiet`() throws {
        let editor = try editor()
        let size = PixelSize(width: 320, height: 320)
        try editor.write(
            Picture(size: size, layout: .rgb, samples: .eight([UInt8](repeating: 99, count: size.area * 3))), "w.png")
        func said(_ limit: String) throws -> String {
            let outcome = try editor.run(
                ["inpaint", "w.png", "a star", "--box", "80,80,160,160", "--steps", "1", "--seed", "1", "-q", "-o"]
                    + ["\(limit).png", "--max-memory", limit])
            #expect(outcome.code == 0, "\(outcome.error)")
            return outcome.error
        }
        let tight = try said("256M")
        #expect(tight.hasPrefix("warning: --max-memory leaves room for a crop of "), "\(tight)")
        #expect(tight.hasSuffix("which gives another picture than with more memory\n"), "\(tight)")
        #expect(try said("8G").isEmpty)
    }

    @Test func `A live preview is written while the picture is made, and changes nothing of it`() throws {
        let editor = try editor()
        let edit = ["inpaint", "a.png", "m.png", "a fox"] + Self.quick + ["--force"]
        let plain = try editor.run(edit + ["-o", "plain.png"])
        #expect(plain.code == 0, "\(plain.error)")
        let shown = try editor.run(
            edit + ["-o", "shown.png", "--live-preview", "p.png", "--live-preview-interval", "1", "--json"])
        #expect(shown.code == 0, "\(shown.error)")
        #expect(shown.errorLines.filter { $0.contains(#""event":"preview""#) }.count == 1)
        #expect(
            try Data(contentsOf: editor.folder.appending(path: "plain.png"))
                == Data(contentsOf: editor.folder.appending(path: "shown.png")))
        let preview = try ImageFile.read(path: editor.path("p.png")).picture
        #expect(preview.size == PixelSize(width: 256, height: 192))
        #expect(!editor.names.contains { $0.hasPrefix("p.png") && $0 != "p.png" })
    }

    @Test func `Where a live preview cannot go is said before anything is made`() throws {
        let editor = try editor()
        let edit = ["inpaint", "a.png", "m.png", "a fox"] + Self.quick
        let cases: [([String], Int32, String)] = [
            (["--live-preview", "p.jpg"], 64, "must be 'terminal' or the name of a .png file, found 'p.jpg'"),
            (["--live-preview", "a.png"], 64, "'a.png' is the input"),
            (["--live-preview", "./o.png", "-o", "o.png"], 64, "'./o.png' is where a result will be written"),
            (["--live-preview", "a-inpaint.png"], 64, "'a-inpaint.png' is where a result will be written"),
            (["--live-preview", "empty.png"], 73, "'empty.png' exists already"),
            (["--live-preview", "none/p.png"], 73, "its folder does not exist"),
            (["--live-preview", "terminal", "--json"], 64, "--json leaves no room"),
            (["--preview-vae", "model/vae"], 64, "expected --live-preview beside it"),
            (["--live-preview", "p.png", "--live-preview-interval", "0"], 64, "live-preview-interval must be"),
            (["--coherence", "2", "--known-latents", "channels"], 64, "an inpainting model holds none"),
        ]
        for (options, code, says) in cases {
            let refused = try editor.run(edit + options)
            #expect(refused.code == code && refused.error.contains(says), "\(options): \(refused.error)")
        }
        #expect(!editor.names.contains("a-inpaint.png"))
        let blind = try editor.run(edit + ["--live-preview", "terminal"])
        #expect(blind.code == 0 && blind.error.contains("no live preview: this terminal shows no pictures"))
    }

    @Test func `The same seed gives the same bytes, alone or as one of several`() throws {
        let editor = try editor()
        let options = ["--model", "model", "--steps", "2"]
        let several = try editor.run(["erase", "a.png", "m.png", "-n", "3", "--seed", "5", "-o", "s.png"] + options)
        #expect(several.code == 0, "\(several.error)")
        #expect(several.output == "s.png\ns-2.png\ns-3.png\ns-sheet.png\n")
        let alone = try editor.run(["erase", "a.png", "m.png", "--seed", "6", "-o", "alone.png"] + options)
        #expect(alone.code == 0, "\(alone.error)")
        #expect(
            try Data(contentsOf: editor.folder.appending(path: "s-2.png"))
                == Data(contentsOf: editor.folder.appending(path: "alone.png")))
        #expect(
            try Data(contentsOf: editor.folder.appending(path: "s.png"))
                != Data(contentsOf: editor.folder.appending(path: "alone.png")))
    }

    @Test func `Generate makes a picture of any size`() throws {
        let editor = try editor()
        let outcome = try editor.run(["generate", "a fox", "--size", "50x30", "-o", "-", "-q"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.isEmpty)
        let picture = try ImageFile.read(bytes: outcome.outputBytes, name: "standard output")
        #expect(picture.picture.size == PixelSize(width: 50, height: 30))
        #expect(picture.provenance?.digitalSourceType == .trainedAlgorithmicMedia)
    }

    @Test func `With --json every line is an object and the last says all`() throws {
        let editor = try editor()
        let outcome = try editor.run(["inpaint", "a.jpg", "m.png", "a fox", "--json"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        for line in outcome.errorLines {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
        }
        let done = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(done["event"] as? String == "done")
        #expect(done["output"] as? String == "a-inpaint.jpg")
        #expect(done["seed"] as? Int == 5)
        #expect(done["model"] as? String == "model")
        #expect(done["steps"] as? Int == 2)
        #expect(done["secondsPerStep"] is Double)
        #expect((done["peakMemoryBytes"] as? Int ?? 0) > 0)
        let seconds = try #require(done["seconds"] as? [String: Any])
        for part in ["load", "encode", "denoise", "decode", "composite"] { #expect(seconds[part] is Double) }
    }

    @Test func `Ctrl-C between steps ends the edit with 130 and leaves no file`() throws {
        let editor = try editor()
        let before = editor.names
        let (process, output, error) = try editor.start(
            ["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "900"])
        Thread.sleep(forTimeInterval: 1)
        process.interrupt()
        let outcome = Editor.outcome(of: process, output, error)
        #expect(outcome.code == 130)
        #expect(outcome.errorLines.last == "editor: interrupted; nothing was written")
        #expect(editor.names == before)
    }

    @Test func `A sampler that lacks the schedule is a wrong usage`() throws {
        let outcome = try editor().run(
            ["inpaint", "a.png", "m.png", "x", "--sampler", "ddim", "--schedule", "karras"] + Self.quick)
        #expect(outcome.code == 64, "\(outcome.error)")
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let says: [String]
        let apply: @Sendable (URL) throws -> Void
    }

    private static let weights = "unet/diffusion_pytorch_model.safetensors"
    static let damages = [
        Damage(testDescription: "no configuration", says: ["unet/config.json"]) { model in
            try FileManager.default.removeItem(at: model.appending(path: "unet/config.json"))
        },
        Damage(testDescription: "truncated weights", says: [weights, "truncated"]) { model in
            let file = model.appending(path: weights)
            try Data(contentsOf: file).dropLast(1000).write(to: file)
        },
        Damage(testDescription: "a missing tensor", says: [weights, "conv_in.weight"]) { model in
            try rename("conv_in.weight", to: "conv_xx.weight", in: model.appending(path: weights))
        },
        Damage(testDescription: "a header that lies", says: [weights, "header"]) { model in
            let file = model.appending(path: weights)
            var bytes = try Data(contentsOf: file)
            bytes.replaceSubrange(0 ..< 8, with: [255, 255, 255, 255, 0, 0, 0, 0])
            try bytes.write(to: file)
        },
        Damage(testDescription: "a NaN", says: ["denoiser", "not numbers"]) { model in
            let file = model.appending(path: weights)
            var bytes = try Data(contentsOf: file)
            // The last tensor's last element, two bytes of an f16.
            bytes.replaceSubrange(bytes.count - 2 ..< bytes.count, with: [0xFF, 0x7F])
            try bytes.write(to: file)
        },
    ]

    private static func rename(_ name: String, to other: String, in file: URL) throws {
        var bytes = try Data(contentsOf: file)
        let range = try #require(bytes.range(of: Data(name.utf8)))
        bytes.replaceSubrange(range, with: Data(other.utf8))
        try bytes.write(to: file)
    }

    @Test(arguments: damages)
    func `A model that cannot be used is named in one sentence`(_ damage: Damage) throws {
        let editor = try editor()
        try damage.apply(editor.folder.appending(path: "model"))
        let before = editor.names
        let outcome = try editor.run(["inpaint", "a.png", "m.png", "a fox"] + Self.quick)
        #expect(outcome.code == 69, "\(outcome.error)")
        #expect(outcome.errorLines.filter { $0.hasPrefix("editor: ") }.count == 1)
        for part in damage.says { #expect(outcome.error.contains(part), "\(outcome.error)") }
        #expect(editor.names == before)
    }

    @Test func `A disk without room leaves no file`() throws {
        // A quota without privileges: the size that the system lets any file of this process grow to.
        let editor = try editor()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments =
            [
                "-c", "ulimit -f 1; trap '' XFSZ; exec \"$0\" \"$@\"", Editor.program.path(), "inpaint", "a.png",
                "m.png", "a fox",
            ] + Self.quick
        process.currentDirectoryURL = editor.folder
        process.standardInput = FileHandle.nullDevice
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        let before = editor.names
        try process.run()
        let outcome = Editor.outcome(of: process, output, error)
        #expect(outcome.code == 74, "\(outcome.error)")
        #expect(outcome.error.contains("a-inpaint.png"))
        #expect(editor.names == before)
    }
}
