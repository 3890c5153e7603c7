import Foundation
import Testing

/// A name means one model, and what is removed is that model alone.
@Suite struct ModelNamesTests {
    private static func home() throws -> Editor {
        let editor = try Editor()
        editor.environment["XDG_DATA_HOME"] = editor.folder.appending(path: ".data").path()
        return editor
    }

    private static func put(_ text: String, _ editor: Editor, _ path: String) throws {
        let url = editor.folder.appending(path: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private static let store = ".data/editor/models"

    /// What lies below the program's own models.
    private static func there(_ editor: Editor) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: editor.path(store))) ?? []
        return all.filter { path in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: editor.path("\(store)/\(path)"), isDirectory: &isFolder)
            return !isFolder.boolValue
        }.sorted()
    }

    @Test func `Files that are called alike are told apart by their endings`() throws {
        let editor = try Self.home()
        for name in ["o/n/a.safetensors", "o/n/a.ckpt", "o/n/b.gguf", "p/b.gguf"] {
            try Self.put(name, editor, "\(Self.store)/\(name)")
        }
        let list = try editor.run(["models", "list"])
        for name in ["  o/n/a.ckpt ", "  o/n/a.safetensors ", "  o/n/b ", "  p/b "] {
            #expect(list.output.contains(name), "\(list.output)")
        }
        for (name, says) in [
            ("o/n/a", "'o/n/a' is the name of 2 models, expected one: o/n/a.ckpt, o/n/a.safetensors"),
            ("a", "o/n/a.ckpt, o/n/a.safetensors"), ("b", "'b' is the name of 2 models, expected one: o/n/b, p/b"),
            ("b.gguf", "expected one: o/n/b, p/b"),
        ] {
            for arguments in [
                ["models", "remove", name, "--force"], ["models", "info", name], ["generate", "x", "--model", name],
            ] {
                let outcome = try editor.run(arguments)
                #expect(outcome.code == 64, "\(arguments) \(outcome.error)")
                #expect(outcome.error.contains(says), "\(outcome.error)")
            }
        }
        // The other ending is another file.
        let other = try editor.run(["models", "remove", "o/n/b.safetensors", "--force"])
        #expect(other.code == 69, "\(other.error)")
        #expect(other.error.contains("there is o/n/b"))
        #expect(try editor.run(["models", "info", "o/n/a.gguf"]).code == 69)
        #expect(Self.there(editor).count == 4)

        let used = try editor.run(["generate", "x", "--model", "o/n/a.safetensors"])
        #expect(used.error.contains("a.safetensors") && !used.error.contains("a.ckpt"), "\(used.error)")
        let removed = try editor.run(["models", "remove", "o/n/a.safetensors", "--force", "--json"])
        #expect(removed.code == 0, "\(removed.error)")
        let object = try JSONSerialization.jsonObject(with: Data(removed.output.utf8)) as? [String: Any]
        #expect(object?["removed"] as? String == "o/n/a.safetensors")
        #expect((object?["path"] as? String)?.hasSuffix("/o/n/a.safetensors") == true)
        #expect(Self.there(editor) == ["o/n/a.ckpt", "o/n/b.gguf", "p/b.gguf"])
        // The only one of its name needs no ending.
        #expect(try editor.run(["models", "remove", "o/n/a", "--force"]).code == 0)
        #expect(Self.there(editor) == ["o/n/b.gguf", "p/b.gguf"])
    }

    @Test func `Names that look alike are told apart`() throws {
        let editor = try Self.home()
        for name in ["art/flow", "art/flow ", "a  b", "zero\u{200B}width", "zerowidth", "plain name"] {
            try Self.put("x", editor, "\(Self.store)/\(name).gguf")
        }
        let list = try editor.run(["models", "list"])
        for name in ["  art/flow  ", "  'art/flow '  ", "  'a  b'  ", "  zero\\u{200B}width  ", "  plain name  "] {
            #expect(list.output.contains(name), "\(list.output)")
        }
        let near = try editor.run(["models", "info", "flo"])
        #expect(near.error.contains("there is 'art/flow ', art/flow"), "\(near.error)")
    }

    @Test func `A folder of models is none`() throws {
        let editor = try Self.home()
        for name in ["o/n/a.safetensors", "o/m/b.ckpt"] { try Self.put(name, editor, "\(Self.store)/\(name)") }
        try TinyModel.write(to: editor.folder.appending(path: "\(Self.store)/o/whole"))
        let before = Self.there(editor)
        for path in ["\(Self.store)/o", "\(Self.store)/o/", "\(Self.store)/o/n", editor.path("\(Self.store)/o")] {
            let outcome = try editor.run(["models", "remove", path, "--force"])
            #expect(outcome.code == 64, "\(outcome.error)")
            #expect(outcome.error.contains("is no model, so nothing was removed; it holds o/"), "\(outcome.error)")
        }
        for path in [Self.store, "\(Self.store)/o/whole/unet", "\(Self.store)/o/whole/model_index.json"] {
            #expect(try editor.run(["models", "remove", path, "--force"]).code == 64)
        }
        #expect(Self.there(editor) == before)
        #expect(try editor.run(["models", "remove", "o", "--force"]).code == 69)
        let named = try editor.run(["models", "remove", "\(Self.store)/o/n/a.safetensors", "--force"])
        #expect(named.code == 0, "\(named.error)")
        #expect(Self.there(editor) == before.filter { $0 != "o/n/a.safetensors" })
    }

    @Test func `A model in a folder goes without the others that lie there`() throws {
        let editor = try Self.home()
        try TinyModel.write(to: editor.folder.appending(path: "\(Self.store)/o/n"))
        for name in ["o/n/a.safetensors", "o/n/loras/style.safetensors", "o/n/notes.txt"] {
            try Self.put("x", editor, "\(Self.store)/\(name)")
        }
        let outcome = try editor.run(["models", "remove", "o/n", "--force"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("o/n: ") && outcome.error.contains(" files in '"), "\(outcome.error)")
        #expect(outcome.error.contains("other models there stay: "))
        #expect(Self.there(editor) == ["o/n/a.safetensors", "o/n/loras/style.safetensors"])
        #expect(FileManager.default.fileExists(atPath: editor.path("\(Self.store)/o/n/unet")) == false)
    }

    @Test func `Links are removed, not what they lead to`() throws {
        let editor = try Self.home()
        try TinyModel.write(to: editor.folder.appending(path: "\(Self.store)/o/n"))
        try TinyModel.write(to: editor.folder.appending(path: "elsewhere/model"))
        try Self.put("x", editor, "elsewhere/outside.safetensors")
        func link(_ name: String, to target: String) throws {
            let folder = editor.folder.appending(path: "\(Self.store)/\(name)").deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: editor.path("\(Self.store)/\(name)"), withDestinationPath: editor.path(target))
        }
        try link("alias", to: "\(Self.store)/o/n")
        try link("outside.safetensors", to: "elsewhere/outside.safetensors")
        try link("folder", to: "elsewhere")
        try link("o/n/linked", to: "elsewhere")
        try link("art/ext", to: "elsewhere/model")
        try link("art/lost", to: "nowhere")
        // What lies behind a link is not ours; the link is.
        for name in ["folder/model", "folder/outside"] {
            let outcome = try editor.run(["models", "remove", name, "--force"])
            #expect(outcome.code == 64 && outcome.error.contains("such as the link folder"), "\(outcome.error)")
        }
        for name in ["elsewhere/model", "elsewhere/outside.safetensors", "\(Self.store)/o/n/linked"] {
            #expect(try editor.run(["models", "remove", name, "--force"]).code == 64, "\(name)")
        }
        for name in ["outside", "art/ext", "art/lost", "\(Self.store)/folder/"] {
            let outcome = try editor.run(["models", "remove", name, "--force", "--json"])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains(#""files":1"#), "\(outcome.output)")
        }
        #expect(!FileManager.default.fileExists(atPath: editor.path("\(Self.store)/art")))
        let count = Self.there(editor).count
        #expect(try editor.run(["models", "remove", "\(Self.store)/alias", "--force"]).code == 0)
        #expect(Self.there(editor).filter { $0.hasPrefix("o/n/") }.count > 5 && Self.there(editor).count <= count)
        #expect(try editor.run(["models", "remove", "o/n", "--force"]).code == 0)
        #expect(FileManager.default.fileExists(atPath: editor.path("elsewhere/model/model_index.json")))
        #expect(FileManager.default.fileExists(atPath: editor.path("elsewhere/outside.safetensors")))
    }
}
