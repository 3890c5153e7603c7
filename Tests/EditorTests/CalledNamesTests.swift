import Foundation
import ImageFiles
import Testing

/// What the user calls a model, an autoencoder or a file is what messages and records call it.
@Suite struct CalledNamesTests {
    private static func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "mine"))
        return editor
    }

    private static func record(_ editor: Editor, _ name: String) throws -> Infotext {
        try #require(try ImageFile.read(path: editor.path(name)).provenance?.infotext)
    }

    private static let quick = ["--steps", "1", "--seed", "1"]

    @Test func `A model made from another goes by its own folder's name`() throws {
        let editor = try Self.editor()
        let made = try editor.run(["models", "convert", "embedded", "painter"])
        #expect(made.code == 0, "\(made.error)")
        let outcome = try editor.run(
            ["inpaint", "a.png", "m.png", "a glockenspiel", "--model", "painter", "-o", "o.png"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("model: painter, "), "\(outcome.error)")
        #expect(outcome.error.contains("painter was not taught 'glockenspiel'"), "\(outcome.error)")
        #expect(outcome.error.contains("name a larger model with --model in its place"), "\(outcome.error)")
        #expect(try Self.record(editor, "o.png")["Model"] == "painter")
        // From inside the folder, and by a link.
        let inside = try editor.shell(
            "ln -s painter other; cd painter && \"$EDITOR_PROGRAM\" inpaint ../a.png ../m.png x --model . --steps 1 -o ../i.png"
        )
        #expect(inside.code == 0, "\(inside.error)")
        #expect(try Self.record(editor, "i.png")["Model"] == "painter")
        let linked = try editor.run(["inpaint", "a.png", "m.png", "x", "--model", "other", "-o", "l.png"] + Self.quick)
        #expect(linked.code == 0, "\(linked.error)")
        #expect(try Self.record(editor, "l.png")["Model"] == "other")
        let embedded = try editor.run(["inpaint", "a.png", "m.png", "x", "-o", "e.png"] + Self.quick)
        #expect(embedded.code == 0, "\(embedded.error)")
        #expect(try Self.record(editor, "e.png")["Model"] == "embedded")
    }

    /// As AUTOMATIC1111 has it: the name, and ten digits of the file's SHA-256.
    @Test func `Two autoencoders are told apart in the record`() throws {
        let editor = try Self.editor()
        let manager = FileManager.default
        for (name, folder) in [("va", "va/vae"), ("vb", "vb/vae"), ("plain", "plain")] {
            if folder != name {
                try manager.createDirectory(
                    at: editor.folder.appending(path: name), withIntermediateDirectories: true)
            }
            try manager.copyItem(
                at: editor.folder.appending(path: "mine/vae"), to: editor.folder.appending(path: folder))
            let outcome = try editor.run(
                ["inpaint", "a.png", "m.png", "x", "--model", "mine", "--vae", folder, "-o", "\(name).png"]
                    + Self.quick)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("autoencoder: \(name), in place"), "\(outcome.error)")
            let record = try Self.record(editor, "\(name).png")
            #expect(record["VAE"] == name)
            let sum = try editor.shell("sha256sum '\(folder)/diffusion_pytorch_model.safetensors'").output
            #expect(record["VAE hash"] == String(sum.prefix(10)), "\(sum)")
            #expect(record["Model"] == "mine" && record["Model hash"] == nil)
        }
        let without = try editor.run(["inpaint", "a.png", "m.png", "x", "--model", "mine", "-o", "w.png"] + Self.quick)
        #expect(without.code == 0, "\(without.error)")
        #expect(try Self.record(editor, "w.png")["VAE hash"] == nil)
    }

    @Test func `A line break in a name is shown as other control characters are`() throws {
        let editor = try Self.editor()
        let taken = try editor.shell(
            """
            cp a.png $'a\\nb.png'
            "$EDITOR_PROGRAM" inpaint $'a\\nb.png' m.png x --model mine --steps 1 -o $'a\\nb.png'
            "$EDITOR_PROGRAM" inpaint $'c\\nd.png' m.png x --model mine --steps 1
            "$EDITOR_PROGRAM" inpaint a.png $'no\\nmask'
            "$EDITOR_PROGRAM" models info $'no\\nmodel'
            """)
        for name in ["a\\x0Ab.png", "c\\x0Ad.png", "no\\x0Amask", "no\\x0Amodel"] {
            #expect(taken.error.contains(name), "\(name): \(taken.error)")
        }
        #expect(taken.errorLines.count { $0.hasPrefix("editor: ") } == 4, "\(taken.error)")
        #expect(taken.errorLines.count == 4, "\(taken.error)")
        let info = try editor.shell("\"$EDITOR_PROGRAM\" info $'a\\nb.png' | head -1")
        #expect(info.output.hasPrefix("file:") && info.output.hasSuffix("a\\x0Ab.png\n"), "\(info.output)")
        // Warnings on the way, too; the path on standard output is the name itself.
        let made = try editor.shell(
            "\"$EDITOR_PROGRAM\" inpaint a.jpg m.png x --model mine --steps 1 -o $'out\\n.webp'")
        #expect(made.code == 0, "\(made.error)")
        #expect(made.output == "out\n.webp\n")
        #expect(!made.errorLines.contains { $0.hasPrefix(".webp") }, "\(made.error)")
    }
}
