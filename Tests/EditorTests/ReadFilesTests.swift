import Foundation
import Testing

/// What a command reads, nothing that it writes takes the place of.
@Suite struct ReadFilesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        /// The file that must stay.
        let file: String
        /// A part of the sentence; `nil` where the command finds another name and goes on.
        let says: String?
        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: String, keeps file: String, says: String? = "never overwritten") {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.file = file
            self.says = says
        }
    }

    private static let edit = "--model model --steps 1 --seed 1 --force"

    static let cases: [Case] = [
        Case("mask box a.png 1,1,9,9 -o a.png --force", keeps: "a.png", says: "is the input, which is never"),
        Case("mask box a.png 1,1,9,9 -o ./folder/../a.png --force", keeps: "a.png"),
        Case("mask box a.png 1,1,9,9 -o link.png --force", keeps: "a.png"),
        Case("mask box a.png 1,1,9,9 -o hard.png --force", keeps: "a.png"),
        Case("mask box a.png 1,1,9,9 -o a.png", keeps: "a.png"),
        Case("mask invert m.png -o m.png --force", keeps: "m.png"),
        Case("mask grow m.png 3 -o m.png --force", keeps: "m.png"),
        Case("mask feather m.png 3 -o m.png --force", keeps: "m.png"),
        Case("mask combine m.png empty.png -o m.png --force", keeps: "m.png"),
        Case("mask combine m.png empty.png -o empty.png --force", keeps: "empty.png", says: "a mask and is never"),
        Case("mask select a.png 1,1,30,30 --include m.png -o m.png --force", keeps: "m.png"),
        Case("mask color a.png #ffffff -o a.png --force", keeps: "a.png"),
        Case("inpaint a.png m.png -o m.png \(edit)", keeps: "m.png", says: "a mask and is never"),
        Case("erase a.png m.png -o mask-link.png \(edit)", keeps: "m.png"),
        Case("remix a.png x --mask m.png -o m.png \(edit)", keeps: "m.png"),
        Case("remix a.png x --protect m.png -o m.png \(edit)", keeps: "m.png"),
        Case("outpaint a.png --right 8 --mask m.png -o m.png \(edit)", keeps: "m.png"),
        Case("inpaint a.png m.png --live-preview m.png \(edit)", keeps: "m.png"),
        Case("inpaint a.png m.png --live-preview a.png \(edit)", keeps: "a.png", says: "is the input, which is never"),
        Case(
            "inpaint a.png m.png --live-preview weights.png \(edit)", keeps: weights, says: "the model and is never"),
        Case("inpaint a.png m.png -o weights.png \(edit)", keeps: weights, says: "the model and is never"),
        Case("inpaint a.png m.png -o vae.png --vae vae.bin \(edit)", keeps: "vae.bin", says: "an autoencoder and"),
        Case("inpaint a.png m.png -o lora.png --lora lora.bin:0.5 \(edit)", keeps: "lora.bin", says: "a LoRA and"),
        Case("inpaint a.png m.png -o lora.png --embedding lora.bin \(edit)", keeps: "lora.bin", says: "an embedding"),
        Case(
            "inpaint a.png m.png x<lora:lora:0.5> -o lora.png \(edit)", keeps: "lora.bin",
            says: "a LoRA and is never"),
        Case(
            "inpaint a.png m.png x<lora:lora:0.5> --live-preview lora.png \(edit)", keeps: "lora.bin",
            says: "a LoRA and is never"),
        Case(
            "inpaint a.png m.png -o in-vae.png --vae vae-folder \(edit)", keeps: "vae-folder/w.bin",
            says: "an autoencoder and"),
        Case(
            "inpaint a.png m.png -o in-vae.png --preview-vae vae-folder --live-preview p.png \(edit)",
            keeps: "vae-folder/w.bin", says: "an autoencoder and"),
        Case(
            "inpaint a.png m.png -o in-part.png --force --model linked --steps 1", keeps: "real-unet/w.bin",
            says: "the model and is never"),
        Case(
            "inpaint a.png m.png --live-preview in-part.png --force --model linked --steps 1",
            keeps: "real-unet/w.bin", says: "the model and is never"),
        Case(
            "inpaint a.png m.png -o vae.png --preview-vae vae.bin --live-preview p.png \(edit)", keeps: "vae.bin",
            says: "an autoencoder"),
        Case("mask text a.png HI --font font.ttf -o font.png --force", keeps: "font.ttf", says: "the font"),
        Case("edit request.png -o request.png --force", keeps: "request.png", says: "the request and is never"),
        Case("edit request.png -o in-request.png --force", keeps: "request.png", says: "the request and is never"),
        Case("edit in-request.png -o request.png --force", keeps: "request.png", says: "the request and is never"),
        Case("edit request.png -o r.png --live-preview request.png --force", keeps: "request.png"),
        Case("inpaint a.png m.png -n 2 -o r-2.png \(edit) --mask r-2.png", keeps: "r-2.png"),
        // Names that the program makes go round what is read.
        Case("inpaint a.png m.png -n 2 -o r.png --mask r-2.png \(edit)", keeps: "r-2.png", says: nil),
        Case("erase a.png r-2.png -n 3 -o r.png --model model --steps 1", keeps: "r-2.png", says: nil),
        Case("variations r-2.png -n 3 -o r.png \(edit)", keeps: "r-2.png", says: nil),
        Case("inpaint a.png r-sheet.png -n 2 -o r.png \(edit)", keeps: "r-sheet.png", says: nil),
        Case("inpaint a.png a-inpaint.png \(edit)", keeps: "a-inpaint.png", says: nil),
        Case("mask grow a-mask-preview.png 1 -o a-mask.png --preview --force", keeps: "a-mask-preview.png", says: nil),
        Case("mask combine m.png o-preview.png -o o.png --preview --force", keeps: "o-preview.png", says: nil),
        Case("mask invert m-inverted.png --force", keeps: "m-inverted.png", says: nil),
    ]

    private static let weights = "model/unet/diffusion_pytorch_model.safetensors"

    @Test(arguments: cases)
    func `Nothing that is read is replaced`(_ one: Case) throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let manager = FileManager.default
        try manager.createDirectory(atPath: editor.path("folder"), withIntermediateDirectories: false)
        for name in [
            "r-sheet.png", "r-2.png", "a-inpaint.png", "a-mask-preview.png", "o-preview.png", "m-inverted.png",
        ] {
            try manager.copyItem(atPath: editor.path("m.png"), toPath: editor.path(name))
        }
        for name in ["vae-folder", "real-unet", "linked"] {
            try manager.createDirectory(atPath: editor.path(name), withIntermediateDirectories: false)
        }
        // A model with a part elsewhere, and a link in that part that leads back.
        try editor.write("{}", "linked/model_index.json")
        try manager.createSymbolicLink(atPath: editor.path("linked/unet"), withDestinationPath: "../real-unet")
        try manager.createSymbolicLink(atPath: editor.path("real-unet/again"), withDestinationPath: ".")
        try editor.write(
            "{\"mode\": \"erase\", \"picture\": \"a.png\", \"masks\": [\"m.png\"], \"seed\": 1}", "request.png")
        for name in ["vae.bin", "lora.bin", "font.ttf", "vae-folder/w.bin", "real-unet/w.bin"] {
            try editor.write("weights", name)
        }
        for (link, target) in [
            ("link.png", "a.png"), ("mask-link.png", "m.png"), ("weights.png", Self.weights), ("vae.png", "vae.bin"),
            ("lora.png", "lora.bin"), ("font.png", "font.ttf"), ("in-vae.png", "vae-folder/w.bin"),
            ("in-part.png", "real-unet/w.bin"), ("in-request.png", "request.png"),
        ] {
            try manager.createSymbolicLink(atPath: editor.path(link), withDestinationPath: target)
        }
        try manager.linkItem(atPath: editor.path("a.png"), toPath: editor.path("hard.png"))
        let before = try #require(editor.data(one.file))

        let outcome = try editor.run(one.arguments)

        #expect(editor.data(one.file) == before)
        if let says = one.says {
            #expect(outcome.code == 64, "\(outcome.error)")
            #expect(outcome.error.contains(says), "\(outcome.error)")
            // No advice that does not help.
            #expect(!outcome.error.contains("--force"), "\(outcome.error)")
        } else {
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test func `The picture itself is overwritten where --force asks for it, and only there`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let before = editor.data("a.png")
        let edit = ["inpaint", "a.png", "m.png", "x", "--model", "model", "--steps", "1", "-o", "a.png"]
        let refused = try editor.run(edit)
        #expect(refused.code == 64)
        #expect(refused.error.contains("which only --force overwrites"))
        #expect(editor.data("a.png") == before)
        #expect(try editor.run(edit + ["--force"]).code == 0)
        #expect(editor.data("a.png") != before)
    }

    @Test func `A mask on standard input is a file, too`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let before = editor.data("m.png")
        for command in [
            "mask grow - 3 -o m.png --force", "inpaint a.png - -o m.png --force",
            "mask combine empty.png - -o m.png --force",
        ] {
            let outcome = try editor.shell("exec \"$EDITOR_PROGRAM\" \(command) < m.png")
            #expect(outcome.code == 64, "\(outcome.error)")
            #expect(outcome.error.contains("never overwritten"))
        }
        #expect(editor.data("m.png") == before)
    }

    @Test func `What the picture's file holds besides is warned of before it is lost`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let more = Array(try #require(editor.data("a.png"))) + Array("more than a picture".utf8)
        let edit = ["erase", "b.png", "m.png", "--model", "model", "--steps", "1", "-q", "--force", "-o"]
        for (target, isWarned) in [("b.png", true), ("./c.png", true), ("d.png", false)] {
            try editor.write(more, "b.png")
            _ = try editor.shell("ln -sf b.png c.png")
            let outcome = try editor.run(edit + [target])
            #expect(outcome.code == 0, "\(outcome.error)")
            let says = "warning: b.png: 19 bytes behind its end chunk are not carried over; the file is replaced"
            #expect(outcome.error.contains(says) == isWarned, "\(target): \(outcome.error)")
        }
        // Nothing is lost where the file stays as it is.
        try editor.write(more, "b.png")
        let kept = try editor.run(["erase", "b.png", "empty.png", "-q", "--force", "-o", "b.png"])
        #expect(kept.code == 0 && !kept.error.contains("replaced"), "\(kept.error)")
        #expect(editor.data("b.png").map(Array.init) == more)
    }

    @Test func `A link that leads to no file is named`() throws {
        let editor = try Editor()
        try editor.writePictures()
        _ = try editor.shell("ln -s loop.png loop.png; ln -s gone/x.png gone.png")
        for link in ["loop.png", "gone.png"] {
            let outcome = try editor.run(["erase", "a.png", "m.png", "-q", "--force", "-o", link])
            #expect(outcome.code == 73, "\(outcome.error)")
            #expect(outcome.error.contains("it is a link that leads to no file"), "\(outcome.error)")
        }
    }

    @Test func `A request on standard input is a file, too`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try editor.write("{\"mode\": \"erase\", \"picture\": \"a.png\", \"masks\": [\"m.png\"]}", "request.png")
        let before = editor.data("request.png")
        let outcome = try editor.shell("exec \"$EDITOR_PROGRAM\" edit - -o request.png --force < request.png")
        #expect(outcome.code == 64, "\(outcome.error)")
        #expect(outcome.error.contains("the request and is never overwritten"), "\(outcome.error)")
        #expect(editor.data("request.png") == before)
    }
}
