import Foundation
import ImageFiles
import Testing

/// Pictures, masks and requests that come through pipes, and what is there and is no file.
@Suite struct PipeTests {
    private static let quick = "--model embedded --steps 1 --seed 1 -q"

    @Test(arguments: [
        "erase a.png <(cat m.png)", "erase <(cat a.png) m.png", "erase <(cat a.png) <(cat m.png)",
        "inpaint a.png <(cat m.png) 'a fox'", "inpaint a.png <(cat m.png)", "remix a.png fox --mask <(cat m.png)",
        "remix <(cat a.png) fox --protect <(cat m.png)", "variations <(cat a.png)", "erase a.png fifo",
        "edit <(echo '{\"mode\": \"erase\", \"picture\": \"a.png\", \"masks\": [\"m.png\"], \"seed\": 1}')",
    ]) func `What comes through a pipe is read like a file`(command: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        let plain = command.replacing(#/<\(cat ([a-z.]*)\)/#) { $0.output.1 }.replacing("fifo", with: "m.png")
        let quick = command.hasPrefix("edit") ? "-q" : Self.quick
        // Whoever opens a named pipe waits for the other side, which holds the streams of the test.
        let fifo = command.contains("fifo") ? "mkfifo fifo; (cat m.png > fifo &); " : ""
        let piped = try editor.shell("\(fifo)\"$EDITOR_PROGRAM\" \(command) \(quick) -o piped.png")
        #expect(piped.code == 0, "\(piped.error)")
        let request = "edit request.json"
        if command.hasPrefix("edit") {
            try editor.write(
                "{\"mode\": \"erase\", \"picture\": \"a.png\", \"masks\": [\"m.png\"], \"seed\": 1}", "request.json")
        }
        let named = try editor.shell(
            "exec \"$EDITOR_PROGRAM\" \(command.hasPrefix("edit") ? request : plain) \(quick) -o named.png")
        #expect(named.code == 0, "\(named.error)")
        #expect(
            try ImageFile.read(path: editor.path("piped.png")).picture
                == ImageFile.read(path: editor.path("named.png")).picture)
    }

    @Test func `A picture from a pipe in which nothing changes is given back whole`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.shell("\"$EDITOR_PROGRAM\" erase <(cat a.png) empty.png -q -o b.png")
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(editor.data("b.png") == editor.data("a.png"))
    }

    @Test func `A result of a piped picture has a name of its own, here`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.shell("\"$EDITOR_PROGRAM\" erase <(cat a.png) m.png \(Self.quick)")
        #expect(outcome.output == "editor-erase.png\n", "\(outcome.output) \(outcome.error)")
        let redirected = try editor.shell("\"$EDITOR_PROGRAM\" erase /dev/stdin m.png \(Self.quick) < a.png")
        #expect(redirected.output == "editor-erase-2.png\n", "\(redirected.output) \(redirected.error)")
        let mask = try editor.shell("\"$EDITOR_PROGRAM\" mask invert <(cat m.png) -q")
        #expect(mask.output == "editor-inverted.png\n", "\(mask.output) \(mask.error)")
    }

    @Test func `A request holds what came through a pipe`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let printed = try editor.shell("\"$EDITOR_PROGRAM\" erase a.png <(cat m.png) --seed 1 --print-request > r.json")
        #expect(printed.code == 0, "\(printed.error)")
        let run = try editor.run(["edit", "r.json", "-q", "-o", "r.png"])
        #expect(run.code == 0, "\(run.error)")
    }

    @Test(arguments: [
        ("erase a.png .", 66, "'.' is a folder"), ("erase . m.png", 66, ". is a folder"),
        ("inpaint a.png . fox", 66, ". is a folder"), ("erase a.png --mask .", 66, ". is a folder"),
        ("erase a.png /dev/null", 65, "a device without data was found"),
        ("erase a.png /dev/zero", 65, "/dev/zero is not a picture"),
        ("erase a.png <(true)", 65, "an empty pipe was found"),
        ("erase a.png missing", 64, "there is no file 'missing'"), ("erase a.png ''", 64, "MASK is empty"),
        ("erase '' m.png", 64, "IMAGE is empty"), ("remix a.png fox --mask ''", 64, "--mask is empty"),
        ("edit .", 65, "'.' is no request: it is a folder"), ("mask invert ''", 64, "MASK is empty"),
    ]) func `What is no file is called what it is`(command: String, code: Int32, says: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.shell("exec \"$EDITOR_PROGRAM\" \(command)")
        // In the place of MASK a folder is refused with the words of the command line.
        let expected = command == "erase a.png ." ? 64 : code
        #expect(outcome.code == expected, "\(outcome.code) \(outcome.error)")
        #expect(outcome.error.contains(says), "\(outcome.error)")
        if says != "there is no file 'missing'" { #expect(!outcome.error.contains("there is no file")) }
    }
}
