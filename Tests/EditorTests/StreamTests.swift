import Foundation
import ImageFiles
import Raster
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the streams carry, and to whom.
@Suite(.beside) struct StreamTests {
    @Test(arguments: [
        "manual", "--help", "inpaint --help", "models list", "models list --json", "info a.png", "info a.png --json",
        "--version", "--generate-completion-script bash", "inpaint a.png empty.png --json",
        "mask box a.png 1,1,9,9 --json",
    ])
    func `Whoever has read enough closes the pipe in silence, and a full disk is said`(command: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        // The reader is gone before the program starts.
        let closed = try editor.shell(
            "set -o pipefail; (sleep 0.3; exec \"$EDITOR_PROGRAM\" \(command) 2>errors) | true; echo \"code ${PIPESTATUS[0]}\""
        )
        #expect(closed.output == "code 0\n", "\(closed.output)")
        let errors = String(decoding: editor.data("errors") ?? Data(), as: UTF8.self)
        #expect(!errors.contains("standard output"), "\(errors)")
        #if os(Linux)
            let full = try editor.shell("exec \"$EDITOR_PROGRAM\" \(command) >/dev/full")
            #expect(full.code == 74, "\(full.error)")
            #expect(full.error.contains("standard output cannot be written: No space left"), "\(full.error)")
        #endif
    }

    @Test func `A picture that nobody takes ends the program as a closed pipe does`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.shell(
            "(sleep 0.3; exec \"$EDITOR_PROGRAM\" inpaint a.png empty.png --quiet -o -) | true; echo \"code ${PIPESTATUS[0]}\""
        )
        #expect(outcome.output == "code \(128 + SIGPIPE)\n")
        #expect(!outcome.error.contains("standard output"), "\(outcome.error)")
    }

    @Test(arguments: [
        ["inpaint", "a.png", "m.png", "--steps", "many", "--json"], ["inpaint", "--json"], ["nonsense", "--json"],
        ["mask", "nonsense", "--json"],
        ["models", "list", "--json", "--nonsense"], ["manual", "--json"], ["mask", "box", "--json", "a.png"],
        ["generate", "x", "--size", "4x4", "--json"],
    ])
    func `Wrong usage under --json is a JSON line`(arguments: [String]) throws {
        let outcome = try Editor().run(arguments)
        #expect(outcome.code == 64)
        #expect(outcome.errorLines.count == 1, "\(outcome.error)")
        let object = try JSONSerialization.jsonObject(with: Data(outcome.error.utf8)) as? [String: Any]
        #expect(object?["event"] as? String == "error")
        #expect(object?["exitCode"] as? Int == 64)
        let message = try #require(object?["message"] as? String)
        #expect(!message.isEmpty)
        if arguments[0] == "nonsense" { #expect(message.contains("there is no command 'nonsense'")) }
        // Behind the end of options it is a word like others.
        let plain = try Editor().run(["nonsense", "--", "--json"])
        #expect(plain.error.hasPrefix("editor: "), "\(plain.error)")
    }

    /// What arrives at a terminal of that kind.
    private static func terminal(_ kind: String?, _ arguments: [String], in editor: Editor) throws -> String {
        var master: Int32 = 0
        var slave: Int32 = 0
        try #require(openpty(&master, &slave, nil, nil, nil) == 0)
        let process = Process()
        process.executableURL = Editor.program
        process.arguments = arguments
        process.currentDirectoryURL = editor.folder
        var environment = ProcessInfo.processInfo.environment
        environment["XDG_CACHE_HOME"] = editor.path(".cache")
        environment["TERM"] = kind
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(fileDescriptor: slave)
        try process.run()
        close(slave)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(master, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        close(master)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        // A terminal makes line ends of its own.
        return String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    @Test(arguments: ["dumb", nil, "xterm-256color"])
    func `A terminal that knows no control codes gets plain lines`(kind: String?) throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let text = try Self.terminal(
            kind, ["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "2", "--preview"], in: editor)
        let hasCodes = text.contains("\u{1B}") || text.contains("\r")
        #expect(hasCodes == (kind == "xterm-256color"), "\(text)")
        #expect(text.contains("step 2/2"))
    }

    @Test func `One step is one step`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let outcome = try editor.run(["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "1"])
        #expect(outcome.error.contains("1 step of "), "\(outcome.error)")
        #expect(!outcome.error.contains("1 steps"))
    }

    #if os(Linux)
        /// When a thin hole is filled, too.
        @Test func `One thread is one thread`() throws {
            let editor = try Editor()
            let size = PixelSize(width: 1200, height: 900)
            let samples = (0 ..< size.area * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 / 11) }
            try editor.write(Picture(size: size, layout: .rgb, samples: .eight(samples)), "a.png")
            let (process, output, error) = try editor.start([
                "erase", "a.png", "--polygon", "10,10 1190,440 1190,446 10,16", "--threads", "1",
            ])
            let folder = "/proc/\(process.processIdentifier)/task"
            var (most, mostOfEngine) = (0, 0)
            while process.isRunning {
                let tasks = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                // A thread that another starts has that one's name.
                let names = tasks.map { (try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8)) ?? "" }
                most = max(most, tasks.count)
                mostOfEngine = max(mostOfEngine, names.count { $0.hasPrefix("editor-engine") })
                usleep(1000)
            }
            #expect(Editor.outcome(of: process, output, error).code == 0)
            // Its own, the one that waits for signals, and the engine's, which works while the first waits. What starts
            // beside them stays to the end.
            #expect(most == 3)
            #expect(mostOfEngine == 1)
        }

        @Test func `Threads are as many as the processors that may be used`() throws {
            let editor = try Editor()
            let outcome = try editor.shell(#"taskset -c 0 "$EDITOR_PROGRAM" doctor --json"#)
            #expect(outcome.output.contains("\"threads\":1"), "\(outcome)")
        }

        @Test func `The process shows as the program`() throws {
            let editor = try Editor()
            let pipe = Pipe()
            let (process, output, error) = try editor.start(["variations", "-"], input: pipe)
            Thread.sleep(forTimeInterval: 0.5)
            let names = ["comm", "cmdline"].map { name in
                let data = FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/\(name)") ?? Data()
                return String(decoding: data, as: UTF8.self)
            }
            #expect(names[0] == "editor\n")
            #expect(names[1].hasPrefix(Editor.program.path()))
            process.interrupt()
            _ = Editor.outcome(of: process, output, error)
            withExtendedLifetime(pipe) {}
        }
    #endif
}
