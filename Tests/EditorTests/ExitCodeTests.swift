import Foundation
import Testing

/// Bad input: one plain sentence on standard error, the documented exit code, and no file.
@Suite struct ExitCodeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let code: Int32
        /// Parts of the sentence.
        let says: [String]
        var testDescription: String { arguments.map { String($0.prefix(40)) }.joined(separator: " ") }

        init(_ arguments: [String], _ code: Int32, _ says: String...) {
            self.arguments = arguments
            self.code = code
            self.says = says
        }
    }

    static let usage: [Case] = [
        Case(["nonsense"], 64, "there is no command 'nonsense'", "'editor --help'"),
        Case(["nonsense", "a.png", "--steps", "3"], 64, "there is no command 'nonsense'"),
        Case(["inpiant", "a.png"], 64, "there is no command 'inpiant'; did you mean 'editor inpaint'?"),
        Case(["mask", "nonsense", "a.png"], 64, "there is no command 'mask nonsense'", "'editor mask --help'"),
        Case(["mask", "elipse", "a.png"], 64, "did you mean 'editor mask ellipse'?"),
        Case(["models", "lst", "-q"], 64, "did you mean 'editor models list'?"),
        Case(["wand", "a.png", "3,3"], 64, "did you mean 'editor mask wand'?"),
        Case(["mask", "text", "a.png", "-5 %"], 64, "<text>", "'-5 %' begins as an option does", "write -- '-5 %'"),
        Case(["mask", "text", "a.png", "-hello"], 64, "'-hello' begins", "write -- -hello"),
        Case(["mask", "box", "a.png", "-5,2,30,30"], 64, "<x,y,w,h>", "write -- -5,2,30,30"),
        Case(["mask", "box", "a.png", "--force", "-5,2,30,30", "-o", "-"], 64, "write -- -5,2,30,30"),
        Case(["mask", "wand", "a.png", "-5,3"], 64, "<x,y>", "write -- -5,3"),
        Case(["mask", "grow", "m.png", "-5"], 64, "<pixels>", "write -- -5"),
        Case(["generate", "-a dog's bowl"], 64, "write -- '-a dog'\\''s bowl'"),
        Case(["remix", "a.png", "-n dog"], 64, "write -- '-n dog'"),
        Case(["models", "info", "-x"], 64, "<model>", "write -- -x"),
        Case(["info", "-hat"], 64, "'-hat' begins as an option does"),
        Case(["erase", "a.png", "m.png", "--negative", "-blurry"], 64, "write --negative=-blurry"),
        Case(["mask", "text", "a.png", "--box", "-1,0,9,9"], 64, "missing expected argument '<text>'"),
        Case(["inpaint", "a.png"], 64, "<mask>"),
        Case(["inpaint", "a.png", "m.png", "x", "--nonsense"], 64, "--nonsense"),
        Case(["inpaint", "a.png", "m.png", "x", "--steps", "0"], 64, "--steps", "1 to 1000", "found 0"),
        Case(["inpaint", "a.png", "m.png", "x", "--steps", "many"], 64, "--steps", "many"),
        Case(["inpaint", "a.png", "m.png", "x", "--strength", "1.5"], 64, "--strength", "0.01 to 1", "found 1.5"),
        Case(["inpaint", "a.png", "m.png", "x", "--strength", "nan"], 64, "--strength", "nan"),
        Case(["inpaint", "a.png", "m.png", "x", "--guidance", "-1"], 64, "--guidance", "found -1"),
        Case(["inpaint", "a.png", "m.png", "x", "--guidance-interval", "0.8:0.2"], 64, "--guidance-interval"),
        Case(["inpaint", "a.png", "m.png", "x", "--sampler", "best"], 64, "--sampler", "best", "ddim"),
        Case(["inpaint", "a.png", "m.png", "x", "--fill", "#12345g"], 64, "--fill", "#12345g"),
        Case(["inpaint", "a.png", "m.png", "x", "-n", "0"], 64, "--count", "found 0"),
        Case(["inpaint", "a.png", "m.png", "x", "-n", "2", "-o", "-"], 64, "standard output", "2"),
        Case(["inpaint", "a.png", "m.png", "x", "--max-memory", "1K"], 64, "--max-memory", "256M"),
        Case(["inpaint", "a.png", "m.png", ""], 64, "prompt is empty"),
        Case(["inpaint", "a.png", "m.png", " \n\t"], 64, "prompt is empty"),
        Case(["inpaint", "a.png", "m.png", String(repeating: "🦊", count: 25_600)], 64, "102400 bytes", "16384"),
        Case(["inpaint", "-", "-", "x"], 64, "standard input"),
        Case(["inpaint", "a.png", "m.png", "-o", "a.png"], 64, "a.png", "input", "--force"),
        Case(["inpaint", "a.png", "m.png", "x", "--max-pixels", "0"], 64, "--max-pixels", "found 0"),
        Case(["inpaint", "a.png", "m.png", "-o", "m.png", "--force"], 64, "m.png", "read as a mask"),
        Case(["inpaint", "a.png", "m.png", "-o", "b.gif"], 64, "b.gif", ".png"),
        Case(["outpaint", "a.png"], 64, "--left"),
        Case(["outpaint", "a.png", "--right", "-5"], 64, "--right", "found -5"),
        Case(["outpaint", "a.png", "--right=-5"], 64, "--right", "found -5"),
        Case(["outpaint", "a.png", "--right", "0"], 64, "--right"),
        Case(["outpaint", "a.png", "--right", "5", "--size", "100x100"], 64, "--size"),
        Case(["outpaint", "a.png", "--size", "10x10"], 64, "10×10", "64×48"),
        Case(["outpaint", "a.png", "--aspect", "4:3"], 64, "64×48"),
        Case(["outpaint", "a.png", "--aspect", "1000:1"], 64, "canvas would be 48000×48", "at most 32768"),
        Case(["outpaint", "a.png", "--size", "100000x48"], 64, "canvas would be 100000×48", "at most 32768"),
        Case(["outpaint", "a.png", "--right", "32705"], 64, "canvas would be 32769×48", "at most 32768"),
        Case(["outpaint", "a.png", "--left", "20000", "--right", "20000"], 64, "40064×48", "at most 32768"),
        Case(["outpaint", "a.png", "--size", "32768x32768"], 64, "32768×32768", "268435456 pixels in all"),
        Case(["outpaint", "a.png", "--aspect", "0:3"], 64, "--aspect", "0:3"),
        Case(["remix", "a.png"], 64, "prompt"),
        Case(["remix", "a.png", "m.png"], 64, "'m.png' is a file", "--mask"),
        Case(["outpaint", "a.png", "m.png", "--right", "8"], 64, "'m.png' is a file", "--mask"),
        Case(["inpaint", "a.png", "m.png", "m.png"], 64, "'m.png' is a file", "--mask"),
        Case(["generate", "a.png"], 64, "'a.png' is a file", "editor remix"),
        Case(["erase", "a.png", "m.png", "a tree"], 64, "'a tree'", "no prompt", "editor inpaint"),
        Case(["variations", "a.png", "m.png"], 64, "'m.png'", "--mask"),
        Case(["generate", "x", "--size", "4x4"], 64, "--size", "4x4"),
        Case(["generate", "x", "--strength", "0.5"], 64, "--strength"),
    ]

    /// Files as PyTorch writes them.
    private static let pickles = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/pickles").path()

    static let files: [Case] = [
        Case(["inpaint", "missing.png", "m.png", "x"], 66, "missing.png", "not exist"),
        Case(["inpaint", "a.png", "missing.png", "x"], 66, "missing.png", "not exist"),
        Case(["inpaint", "folder", "m.png", "x"], 66, "folder"),
        Case(["inpaint", "text.png", "m.png", "x"], 65, "text.png", "a text file was found"),
        Case(["inpaint", "empty-file.png", "m.png", "x"], 65, "empty-file.png", "empty"),
        Case(["inpaint", "short.png", "m.png", "x"], 65, "short.png", "64×48"),
        Case(["inpaint", "short.jpg", "m.png", "x"], 65, "short.jpg"),
        Case(["inpaint", "a.png", "short.png", "x"], 65, "short.png"),
        Case(["inpaint", "a.png", "m.png", "x", "--max-pixels", "3071"], 65, "a.png", "64×48", "3071", "--max-pixels"),
        Case(["inpaint", "a.png", "small.png", "x"], 65, "small.png", "32×32", "64×48", "--fit-mask"),
        Case(["inpaint", "a.png", "m.png", "x", "-o", "no-folder/b.png"], 73, "no-folder/b.png"),
        Case(["inpaint", "a.png", "m.png", "x", "-o", "/proc/b.png"], 73, "/proc/b.png"),
        Case(["inpaint", "a.png", "m.png", "x", "-o", "taken.png"], 73, "taken.png", "--force"),
        Case(["inpaint", "a.png", "m.png", "x", "--model", "no-model"], 69, "no-model"),
        Case(["inpaint", "a.png", "m.png", "x", "--model", "folder"], 69, "folder"),
        Case(["inpaint", "a.png", "m.png", "x", "--model", "text.png"], 69, "text.png"),
        Case(["inpaint", "a.png", "m.png", "x", "--model", pickles + "/evil-plain.ckpt"], 69, "posix.system"),
        Case(["generate", "x", "--model", pickles + "/zip.pth"], 69, "none of its 10 tensors", "'brain'"),
        Case(["info", pickles + "/evil-zip.pth"], 69, "evil-zip.pth", "posix.system"),
        Case(["outpaint", "--right", "8"], 66, "no earlier result"),
        Case(["variations"], 66, "no earlier result"),
        Case(["info", "missing.png"], 66, "missing.png"),
        Case(["info", "text.png"], 65, "text.png"),
    ]

    @Test(arguments: usage + files)
    func `Bad input is refused in one sentence`(_ bad: Case) throws {
        let editor = try Editor()
        try editor.writePictures()
        try editor.write("hello\n", "text.png")
        try editor.write("", "empty-file.png")
        try editor.write([UInt8](Data(contentsOf: editor.folder.appending(path: "a.png")).prefix(300)), "short.png")
        try editor.write([UInt8](Data(contentsOf: editor.folder.appending(path: "a.jpg")).prefix(700)), "short.jpg")
        try editor.write("taken", "taken.png")
        try FileManager.default.createDirectory(
            at: editor.folder.appending(path: "folder"), withIntermediateDirectories: false)
        let before = editor.names

        let outcome = try editor.run(bad.arguments)

        #expect(outcome.code == bad.code)
        #expect(outcome.output.isEmpty)
        let failures = outcome.errorLines.filter { $0.hasPrefix("editor: ") }
        #expect(failures.count == 1, "\(outcome.error)")
        #expect(outcome.errorLines.last == failures.first)
        for part in bad.says { #expect(failures.first?.contains(part) == true, "\(outcome.error)") }
        #expect(editor.names == before)
    }

    @Test func `A file whose name begins with a dash is not taken for options`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try FileManager.default.copyItem(atPath: editor.path("a.png"), toPath: editor.path("-dash.png"))
        for arguments in [["info", "-dash.png"], ["erase", "-dash.png", "m.png"], ["inpaint", "a.png", "-dash.png"]] {
            let outcome = try editor.run(arguments)
            #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome.output)\(outcome.error)")
            #expect(outcome.error.contains("write ./-dash.png"), "\(outcome.error)")
        }
        #expect(try editor.run(["info", "./-dash.png"]).code == 0)
        #expect(try editor.run(["info", "--", "-dash.png"]).code == 0)
        #expect(try editor.run(["info", "-h"]).code == 0)
        // Advice that is followed works.
        let minus = try editor.run(["mask", "box", "a.png", "-o", "b.png", "--", "-5,2,30,30"])
        #expect(minus.code == 0, "\(minus.error)")
        let negative = try editor.run(["erase", "a.png", "empty.png", "--negative=-blurry"])
        #expect(negative.code == 0, "\(negative.error)")
    }

    @Test func `With --json a failure is a JSON line`() throws {
        let editor = try Editor()
        let outcome = try editor.run(["inpaint", "missing.png", "m.png", "--json"])
        #expect(outcome.code == 66)
        let line = try #require(outcome.errorLines.last)
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        #expect(object?["event"] as? String == "error")
        #expect(object?["exitCode"] as? Int == 66)
    }

    @Test func `Ctrl-C ends the program with 130 and leaves nothing`() throws {
        let editor = try Editor()
        let pipe = Pipe()
        let (process, output, error) = try editor.start(["variations", "-"], input: pipe)
        // The program waits for a picture; the handler is in place before it reads.
        Thread.sleep(forTimeInterval: 0.5)
        process.interrupt()
        let outcome = Editor.outcome(of: process, output, error)
        withExtendedLifetime(pipe) {}
        #expect(outcome.code == 130)
        #expect(outcome.error.contains("interrupted"))
        #expect(editor.names.isEmpty)
    }
}
