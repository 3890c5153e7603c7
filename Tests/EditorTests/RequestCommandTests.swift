import ArgumentParser
import Editing
import Foundation
import ImageFiles
import PlainText
import Raster
import Testing

@testable import editor

/// What the command line can say, a request in JSON can say.
@Suite struct RequestCommandTests {
    /// The words of each command without options.
    static let commands = [
        ["inpaint", "a.png", "m.png", "a \"red\" door"], ["outpaint", "a.png", "a lake", "--right", "64"],
        ["remix", "a.png", "an oil painting"], ["variations", "a.png"], ["generate", "a lake"],
        ["erase", "a.png", "m.png"],
    ]

    /// A value of each option that goes into a request, none of them the default; `nil` for a flag.
    static let values: [String: String?] = [
        "count": "3", "max-pixels": "64M", "live-preview": "l.png", "live-preview-interval": "7", "max-memory": "6.5G",
        "negative": "text", "seed": "18446744073709551615", "steps": "7", "guidance": "6,5", "image-guidance": "1.7",
        "guidance-rescale": "70%", "guidance-interval": "0.2:0.8", "reuse-features": "3", "batch-size": "2",
        "strength": "35%", "sampler": "DPM++ 2M Karras", "schedule": "exponential", "rng": "philox",
        "mask-means": "keep", "fit-mask": nil, "box": "10%,7%,20,0.1", "ellipse": "30,20,12,8",
        "polygon": "1,1 20%,4 12,16", "svg-path": "M10 10C1 2 3 4 5 6A3 4 30 1 0 9 9Z", "even-odd": nil,
        "mask": "n.png", "own-alpha": nil, "protect": "1,2,3,4", "area": "whole", "padding": "12px",
        "fill": "#f80", "detail": "mixed", "composite": "paste", "reuse-known": nil, "tileable": "both",
        "grow": "3", "feather": "2.5", "blend": "4", "known-latents": "channels", "coherence": "5",
        "coherence-method": "repaint", "alpha": "opaque", "panel": "384", "left": "5", "right": "6", "top": "7",
        "bottom": "8", "size": "640x480", "aspect": "2.39:1", "zoom-out": "150%", "anchor": "top-left",
    ]

    /// Options that say how a request is run, and what is said of it.
    static let others: Set = [
        "output", "force", "no-metadata", "preview", "preview-vae", "json", "quiet", "print-request", "model", "vae",
        "precision", "threads", "no-weight-cache", "lora", "embedding", "version", "help",
    ]

    /// What an option needs beside it, or takes the place of.
    private static func words(_ command: [String], option: String) -> (words: [String], base: [String]) {
        let value = values[option] ?? nil
        let added = ["--\(option)"] + [value].compactMap(\.self)
        var base = command
        switch option {
        case "even-odd": base += ["--polygon", "1,1 20,4 12,16"]
        case "live-preview-interval": base += ["--live-preview", "l.png"]
        case "anchor": base = base.filter { $0 != "--right" && $0 != "64" } + ["--size", "640x480"]
        case "size" where command[0] == "outpaint", "aspect", "zoom-out":
            return (base.filter { $0 != "--right" && $0 != "64" } + added, base)
        case "right": return (base.filter { $0 != "--right" && $0 != "64" } + added, base)
        // What is painted fits what is held.
        case "coherence-method": base += ["--coherence", "2"]
        default: break
        }
        return (base + added, base)
    }

    private static func request(_ words: [String]) throws -> EditRequest {
        let command = try #require(try EditorCommand.parseAsRoot(words) as? any EditCommand)
        return try command.request(InputResolver())
    }

    @Test(arguments: commands) func `Every option of a command is in the request that it prints`(
        command: [String]
    ) throws {
        let program = try CommandDescription.ofProgram()
        let description = try #require(program.commands.first { $0.commandName == command[0] })
        let names = (description.arguments ?? []).filter { $0.kind != "positional" }
            .compactMap { $0.names?.first { $0.kind == "long" }?.name }
        #expect(names.count > 20)
        var said = 0
        for name in names where !Self.others.contains(name) {
            guard Self.values.keys.contains(name) else {
                Issue.record("--\(name) has no value to try it with")
                continue
            }
            // Generate changes no picture.
            if command[0] == "generate", name == "strength" { continue }
            let (words, base) = Self.words(command, option: name)
            let request = try Self.request(words)
            #expect(try request != Self.request(base), "--\(name) says nothing")
            let json = try request.json()
            #expect(try EditRequest(json: Array(json.utf8), name: "r") == request, "--\(name): \(json)")
            said += 1
        }
        #expect(said >= 17, "\(said)")
    }

    @Test func `Every key of a setting is an option`() throws {
        let program = try CommandDescription.ofProgram()
        func names(_ command: CommandDescription) -> [String] {
            (command.arguments ?? []).flatMap { $0.names ?? [] }.map(\.spelling) + command.commands.flatMap(names)
        }
        let options = Set(names(program))
        for key in SettingKey.allCases {
            let name = OptionNaming().name(of: key)
            #expect(options.contains(name) || ["the command", "<image>", "<prompt>"].contains(name), "\(name)")
        }
    }

    @Test func `A request that a command prints makes the picture that the command makes`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let words = ["inpaint", "a.png", "m.png", "a b", "--steps", "2", "--seed", "3", "--fill", "#ff8800"]
        let printed = try editor.run(words + ["--print-request"])
        #expect(printed.code == 0 && printed.error.isEmpty, "\(printed.error)")
        #expect(editor.names == ["a.jpg", "a.png", "empty.png", "m.png", "model", "small.png"])
        try editor.write(printed.output, "r.json")
        let made = try editor.run(words + ["--model", "model", "-o", "command.png"])
        #expect(made.code == 0, "\(made.error)")
        let run = try editor.run(["edit", "r.json", "--model", "model", "-o", "request.png"])
        #expect(run.code == 0 && run.output == "request.png\n", "\(run.error)")
        let piped = try editor.run(["edit", "-", "--model", "model", "-o", "-"], input: Array(printed.output.utf8))
        #expect(piped.code == 0, "\(piped.error)")
        let bytes = try Data(contentsOf: editor.folder.appending(path: "command.png"))
        #expect(try Data(contentsOf: editor.folder.appending(path: "request.png")) == bytes)
        #expect(Data(piped.outputBytes) == bytes)
    }

    @Test func `A picture from standard input is part of the request`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let picture = try Data(contentsOf: editor.folder.appending(path: "a.png"))
        let printed = try editor.run(["variations", "-", "--print-request"], input: Array(picture))
        #expect(printed.code == 0, "\(printed.error)")
        let request = try EditRequest(json: printed.outputBytes, name: "r")
        #expect(request.picture == .bytes(Array(picture), name: "standard input"))
    }

    @Test(arguments: [
        (
            "{\"mode\": \"inpaint\", \"picture\": \"a.png\", \"guidanceRescale\": 7}", 64,
            "editor: guidanceRescale must be from 0 to 1, found 7"
        ),
        (
            "{\"mode\": \"inpaint\", \"picture\": \"a.png\", \"masks\": [{\"box\": [1, 2, 3]}]}", 64,
            "editor: masks[0].box: '1.0,2.0,3.0' is not of the form"
        ),
        ("{\"mode\": \"inpaint\", \"picture\": \"\"}", 64, "editor: picture must be a path"),
        ("{\"mode\": \"paint\"}", 64, "editor: mode must be"),
        (
            "{\"mode\": \"inpaint\", \"picture\": \"a.png\", \"masks\": [\"small.png\"]}", 65,
            "expected the same size; fitMask scales the mask"
        ),
        ("{\"mode\": \"inpaint\", \"picture\": \"a.png\", \"gidance\": 7}", 64, "did you mean 'guidance'?"),
        ("{\"mode\": \"inpaint\", \"picture\": \"a.png\"", 65, "'r.json' is no request: expected ',' or '}'"),
        (
            "{\"mode\": \"inpaint\", \"picture\": \"missing.png\", \"masks\": [\"m.png\"]}", 66,
            "missing.png does not exist"
        ),
        (
            "{\"mode\": \"variations\", \"picture\": \"a.png\", \"count\": 2}", 64,
            "standard output takes one picture, found a count of 2"
        ),
    ]) func `A request that is wrong is refused as a command line is`(json: String, code: Int32, says: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        try editor.write(json, "r.json")
        let outcome = try editor.run(["edit", "r.json", "-o", "-"])
        #expect(outcome.code == code && outcome.error.contains(says), "\(outcome.error)")
        #expect(outcome.output.isEmpty)
    }

    @Test func `A request that is not there is missed`() throws {
        let outcome = try Editor().run(["edit", "missing.json"])
        #expect(outcome.code == 66)
        #expect(outcome.error == "editor: 'missing.json' does not exist; a request in JSON was expected there\n")
    }
}
