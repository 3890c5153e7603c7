import Foundation
import Testing

/// The help is what people read first: a change of it is a change to look at.
@Suite struct HelpTests {
    static let commands = [
        "", "inpaint", "outpaint", "remix", "variations", "generate", "erase", "info", "doctor", "bench", "manual",
        "mask", "models", "edit",
    ]
    static let verbs =
        [
            "box", "ellipse", "polygon", "path", "stroke", "text", "select", "wand", "color", "luminance", "edges",
            "alpha",
            "grow", "shrink", "feather", "fill-holes", "invert", "threshold", "combine",
        ].map { "mask \($0)" }
        + ["list", "info", "pull", "convert", "verify", "remove", "default"].map { "models \($0)" }

    private static func record(of command: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Help/\(command.isEmpty ? "editor" : command.replacing(" ", with: "-")).txt")
    }

    /// To accept a change, run the tests once with EDITOR_RECORD=1 in the environment.
    @Test(arguments: commands + verbs)
    func `The help is as recorded`(command: String) throws {
        let outcome = try Editor().run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.code == 0)
        #expect(outcome.error.isEmpty)
        let record = Self.record(of: command)
        if ProcessInfo.processInfo.environment["EDITOR_RECORD"] != nil {
            try Data(outcome.output.utf8).write(to: record)
        }
        #expect(try String(contentsOf: record, encoding: .utf8) == outcome.output)
    }

    @Test(arguments: commands + verbs)
    func `The help fits 80 columns`(command: String) throws {
        let outcome = try Editor().run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func `The version is printed`() throws {
        let outcome = try Editor().run(["--version"])
        #expect(outcome.code == 0)
        #expect(outcome.output == "editor 0.1.0\n")
    }

    @Test func `The manual names every command and option`() throws {
        let manual = try Editor().run(["manual"])
        #expect(manual.code == 0, "\(manual.error)")
        for command in Self.commands + Self.verbs where !command.isEmpty && command != "mask" && command != "models" {
            #expect(manual.output.contains(".Sh \(command.uppercased())\n"))
        }
        #expect(manual.output.contains("\n.It \\-\\-known\\-latents known\\-latents\n"))
        #expect(manual.output.contains("\n.It \\-o, \\-\\-output path\n"))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `Completions know every command and option`(shell: String) throws {
        let outcome = try Editor().run(["--generate-completion-script", shell])
        #expect(outcome.code == 0)
        /// Names without the dashes before them.
        func names(_ text: some StringProtocol) -> Set<String> {
            let words = text.split { !($0.isLetter || $0.isNumber || $0 == "-") }
            return Set(words.map { String($0.drop { $0 == "-" }) })
        }
        let known = names(outcome.output)
        for command in Self.commands + Self.verbs {
            #expect(known.isSuperset(of: names(command)), "\(command)")
            // Help has an option or several at the beginning of a line.
            for line in try String(contentsOf: Self.record(of: command), encoding: .utf8).split(separator: "\n") {
                guard line.hasPrefix("  -") else { continue }
                let options = line.split(separator: " ").prefix { $0.hasPrefix("-") }
                #expect(known.isSuperset(of: names(options.joined(separator: " "))), "\(command): \(line)")
            }
        }
    }

    @Test(arguments: [("outp", "outpaint"), ("inpaint --known-l", "--known-latents"), ("models pu", "pull")])
    func `A shell completes commands and options`(typed: String, whole: String) throws {
        let editor = try Editor()
        let outcome = try editor.shell(
            #"""
            source <("$EDITOR_PROGRAM" --generate-completion-script bash)
            COMP_LINE="editor \#(typed)"; COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMP_POINT=${#COMP_LINE}
            function_name=$(complete -p editor | sed -E 's/.*-F ([^ ]+).*/\1/')
            "$function_name" editor "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
            printf '%s\n' "${COMPREPLY[@]}"
            """#)
        #expect(outcome.output.split(whereSeparator: { " \n".contains($0) }).contains(Substring(whole)), "\(outcome)")
    }
}
