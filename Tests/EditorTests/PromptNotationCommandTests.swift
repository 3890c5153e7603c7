import Foundation
import ImageFiles
import Raster
import Testing

/// Prompts with the notation of other programs, as a user gives them.
@Suite struct PromptNotationCommandTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")

    /// A folder with a model, `ink` beside it, and pictures.
    private func setting() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        let manager = FileManager.default
        try manager.copyItem(
            at: Self.fixtures.appending(path: "pipelines/sd1"), to: editor.folder.appending(path: "model"))
        try manager.copyItem(
            at: Self.fixtures.appending(path: "adapters/kohya.safetensors"),
            to: editor.folder.appending(path: "ink.safetensors"))
        // No models of whoever runs the tests.
        editor.environment["XDG_DATA_HOME"] = editor.path(".data")
        return editor
    }

    private let common = ["--model", "model", "--precision", "f32", "--seed", "3", "--steps", "2"]

    private func picture(_ editor: Editor, _ name: String) throws -> Picture {
        try ImageFile.read(path: editor.path(name)).picture
    }

    @Test func `A LoRA called in the prompt is that of --lora, and is in the record`() throws {
        let editor = try setting()
        let start = ["inpaint", "a.png", "m.png"]
        for (number, pair) in [
            ("a fox <lora:ink:0.8>", ["a fox", "--lora", "ink.safetensors:0.8"]),
            ("<lora:ink>a fox", ["a fox", "--lora", "ink.safetensors"]),
            ("a <lyco:INK:-1> fox", ["a fox", "--lora", "ink.safetensors:-1"]),
        ].enumerated() {
            let tagged = try editor.run(start + [pair.0, "-o", "tag\(number).png"] + common)
            #expect(tagged.code == 0, "\(tagged.error)")
            let plain = try editor.run(start + pair.1 + ["-o", "plain\(number).png"] + common)
            #expect(plain.code == 0, "\(plain.error)")
            #expect(try picture(editor, "tag\(number).png") == picture(editor, "plain\(number).png"))
            #expect(tagged.error.contains("of the prompt is") && tagged.error.contains("ink.safetensors"))
            let text = try #require(try ImageFile.read(path: editor.path("tag\(number).png")).provenance?.infotext)
            #expect(text.prompt == pair.0)
            #expect(text["Lora hashes"] == "ink: d54c59e46e89")
        }
        let both = try editor.run(start + ["a fox <lora:ink:0.5:1>", "-o", "both.png"] + common)
        #expect(both.code == 0 && both.error.contains("lora: ink at 0.5:1, "), "\(both.error)")
        #expect(try picture(editor, "both.png") != picture(editor, "plain1.png"))
    }

    @Test func `Of several files of one name the one that is taken and the others are said`() throws {
        let editor = try setting()
        let manager = FileManager.default
        for folder in ["a", "b"] {
            try manager.createDirectory(
                at: editor.folder.appending(path: "loras/\(folder)"), withIntermediateDirectories: true)
            try manager.copyItem(
                atPath: editor.path("ink.safetensors"), toPath: editor.path("loras/\(folder)/dup.safetensors"))
        }
        // Another name of the same file is no other.
        try manager.createSymbolicLink(
            atPath: editor.path("loras/dup.safetensors"), withDestinationPath: editor.path("loras/a/dup.safetensors"))
        func said(_ prompt: String) throws -> String {
            let outcome = try editor.run(["inpaint", "a.png", "m.png", prompt, "-o", "o.png", "--force"] + common)
            #expect(outcome.code == 0, "\(outcome.error)")
            return outcome.errorLines.filter { $0.contains("files are called") }.joined()
        }
        let warning = try said("a fox <lora:dup:0.3>")
        #expect(warning.hasPrefix("warning: lora: 2 files are called 'dup'; "), "\(warning)")
        #expect(warning.contains("loras/b/dup.safetensors") && warning.contains("Name its folder too"), "\(warning)")
        #expect(try said("a fox <lora:b/dup:0.3>").isEmpty)
        #expect(try said("a fox <lora:ink:0.3>").isEmpty)
    }

    @Test func `A LoRA of a folder of config.json is found, and one that is nowhere is said with the folders`() throws {
        let editor = try setting()
        let loras = editor.folder.appending(path: "ComfyUI/models/loras/styles")
        try FileManager.default.createDirectory(at: loras, withIntermediateDirectories: true)
        try FileManager.default.moveItem(
            at: editor.folder.appending(path: "ink.safetensors"), to: loras.appending(path: "pen.safetensors"))
        try FileManager.default.createDirectory(
            at: editor.folder.appending(path: ".config/editor"), withIntermediateDirectories: true)
        try editor.write(#"{"modelFolders": ["\#(editor.path("ComfyUI"))"]}"#, ".config/editor/config.json")
        let start = ["inpaint", "a.png", "m.png"]
        let found = try editor.run(start + ["a fox <lora:pen:1>", "-o", "found.png"] + common)
        #expect(found.code == 0 && found.error.contains("lora: pen at 1, "), "\(found.error)")
        let plain = try editor.run(start + ["a fox", "-o", "plain.png"] + common)
        #expect(plain.code == 0)
        let missing = try editor.run(start + ["a fox <lora:ink:1>", "-q", "-o", "missing.png"] + common)
        #expect(missing.code == 0)
        #expect(
            missing.error.contains("there is no LoRA 'ink' in "), "\(missing.error)")
        #expect(missing.error.contains(editor.path("ComfyUI") + "/models/loras"))
        #expect(try picture(editor, "missing.png") == picture(editor, "plain.png"))
        #expect(try picture(editor, "found.png") != picture(editor, "plain.png"))
    }

    @Test(arguments: [
        ["generate", "a fox [red|blue]", "--size", "64x64"], ["remix", "a.png", "a fox [red|blue]"],
        ["inpaint", "a.png", "m.png", "a fox [red|blue]"], ["outpaint", "a.png", "a fox [red|blue]", "--right", "16"],
    ]) func `What is not done is named by every command`(arguments: [String]) throws {
        let editor = try setting()
        let made = try editor.run(
            arguments + ["--negative", "{ugly|bad} <hypernet:x:1>", "-q", "-o", "made.png"] + common)
        #expect(made.code == 0, "\(made.error)")
        let says = [
            "prompt: '[red|blue]' is alternation, as AUTOMATIC1111 has it, and is taken as plain words",
            "negative prompt: '{ugly|bad}' is a random choice", "negative prompt: '<hypernet:x:1>' is left out",
        ]
        for text in says { #expect(made.error.contains(text), "\(made.error)") }
        let text = try #require(try ImageFile.read(path: editor.path("made.png")).provenance?.infotext)
        #expect(text.negativePrompt == "{ugly|bad} <hypernet:x:1>" && text.prompt == "a fox [red|blue]")
    }

    @Test func `A prompt of broken tags alone is no crash`() throws {
        let editor = try setting()
        let made = try editor.run(
            ["inpaint", "a.png", "m.png", String(repeating: "<lora:", count: 400), "-o", "made.png"] + common)
        #expect(made.code == 0 && made.error.contains("is a tag that is not whole"), "\(made.error)")
        let empty = try editor.run(["inpaint", "a.png", "m.png", "<lora:ink:1>", "-o", "tag.png"] + common)
        #expect(empty.code == 0, "\(empty.error)")
    }
}
