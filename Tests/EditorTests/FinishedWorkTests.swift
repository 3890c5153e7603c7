import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

/// What was computed is kept, and what cannot be kept is refused before it is computed.
@Suite struct FinishedWorkTests {
    private static func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        return editor
    }

    private static let quick = ["--model", "model", "--steps", "1"]

    @Test(arguments: [[], ["-o", "out.png"], ["-n", "2"], ["-n", "2", "-o", "out.png"]])
    func `Runs at the same time each find a name`(more: [String]) throws {
        let editor = try Self.editor()
        let before = Set(editor.names)
        let runs = try (0 ..< 3).map { _ in
            try editor.start(["inpaint", "a.png", "m.png", "a fox"] + Self.quick + more)
        }
        let outcomes = runs.map { Editor.outcome(of: $0.0, $0.1, $0.2) }
        var paths: [String] = []
        for outcome in outcomes {
            // Where a name was given, one that comes late enough finds it taken before any work.
            guard outcome.code == 0 else {
                #expect(more.contains("-o") && outcome.code == 73, "\(outcome.error)")
                continue
            }
            paths += outcome.output.split(separator: "\n").map(String.init)
        }
        #expect(!paths.isEmpty)
        #expect(Set(paths).count == paths.count, "\(paths)")
        #expect(Set(editor.names).subtracting(before) == Set(paths))
        for path in paths { #expect(throws: Never.self) { try ImageFile.read(path: editor.path(path)) } }
    }

    /// Two edits of one photo that both replace it: neither is lost.
    @Test(arguments: [["-o", "a.png", "--force"], ["-o", "old.png", "--force"], ["-o", "new.png", "--force"]])
    func `A file that is changed while the model works is not replaced`(output: [String]) throws {
        let editor = try Self.editor()
        try editor.write("old", "old.png")
        let (process, out, error) = try editor.start(
            ["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "400"] + output)
        var log = Data()
        while !String(decoding: log, as: UTF8.self).contains("step 1/400") {
            let more = error.fileHandleForReading.availableData
            if more.isEmpty { break }
            log += more
        }
        // As another edit does it: a file with the name, not in the file.
        try editor.write("somebody's", "other")
        #expect(try editor.shell("mv other \(output[1])").code == 0)
        let outcome = Editor.outcome(of: process, out, error)
        #expect(outcome.code == 0, "\(outcome.error)")
        let next = output[1].replacing(".png", with: "-2.png")
        #expect(outcome.output == "\(next)\n", "\(outcome.error)")
        let verb = output[1] == "new.png" ? "made" : "changed"
        #expect(
            outcome.error.contains(
                "warning: '\(output[1])' was \(verb) by another program meanwhile and stays; the result is in '\(next)'"
            ),
            "\(outcome.error)")
        #expect(editor.data(output[1]) == Data("somebody's".utf8))
        _ = try ImageFile.read(path: editor.path(next))
        // What nobody changes is replaced.
        let plain = try editor.run(["inpaint", "a.jpg", "m.png", "a fox"] + Self.quick + ["-o", "a.jpg", "--force"])
        #expect(plain.code == 0 && plain.output == "a.jpg\n", "\(plain.error)")
    }

    @Test func `A name that is taken while the model works gives way to the next`() throws {
        let editor = try Self.editor()
        // Long enough to be overtaken.
        let (process, output, error) = try editor.start(
            ["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "400", "-o", "out.png"])
        var log = Data()
        while !String(decoding: log, as: UTF8.self).contains("step 1/400") {
            let more = error.fileHandleForReading.availableData
            if more.isEmpty { break }
            log += more
        }
        try editor.write("somebody's", "out.png")
        let outcome = Editor.outcome(of: process, output, error)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output == "out-2.png\n")
        #expect(outcome.error.contains("warning: 'out.png' was made by another program meanwhile"))
        #expect(editor.data("out.png") == Data("somebody's".utf8))
        _ = try ImageFile.read(path: editor.path("out-2.png"))
    }

    struct Large: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let says: [String]
        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: String, _ says: String...) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.says = says
        }
    }

    @Test(arguments: [
        Large("outpaint flat.webp --right 200", "flat-outpaint.webp", "16383", ".png"),
        Large("outpaint a.png --size 16400x48 -o wide.webp", "wide.webp", "16400×48", ".jpg", ".tif"),
        Large("outpaint a.png --right 16384 -o wide.webp", "16448×48"),
        Large("outpaint long.png --bottom 600 -o long.jpg", "long.jpg", "65500", ".png"),
        Large("inpaint flat.png flat-mask.png x -o flat.webp --force", "16390×8"),
        Large("variations flat.png -o flat2.webp", "flat2.webp"),
        Large("generate x --size 16400x64 -o g.webp", "g.webp", "16383"),
        Large("inpaint flat.png flat-none.png -o none.webp", "none.webp"),
    ])
    func `A format that cannot hold the result is named before the model runs`(_ large: Large) throws {
        let editor = try Editor()
        try editor.writePictures()
        func write(_ width: Int, _ name: String, _ value: UInt8 = 90) throws {
            let size = PixelSize(width: width, height: 8)
            try editor.write(
                Picture(size: size, layout: .gray, samples: .eight([UInt8](repeating: value, count: size.area))), name)
        }
        try write(16300, "flat.webp")
        try write(16390, "flat.png")
        try write(16390, "flat-mask.png", 255)
        try write(16390, "flat-none.png", 0)
        try write(65600, "long.png")
        let before = editor.names
        let outcome = try editor.run(large.arguments + ["--model", "there-is-none"])
        #expect(outcome.code == 64, "\(outcome.error)")
        for part in large.says { #expect(outcome.error.contains(part), "\(outcome.error)") }
        #expect(editor.names == before)
    }

    @Test func `The longest sides that a format states can be written`() throws {
        for format in [ImageFormat.jpeg, .webp] {
            func picture(_ width: Int) -> Picture {
                Picture(
                    size: PixelSize(width: width, height: 1), layout: .gray,
                    samples: .eight([UInt8](repeating: 7, count: width)))
            }
            #expect(throws: Never.self) { try ImageFile.encode(picture(format.longestSide), format: format) }
            #expect(throws: ImageFileError.self) {
                try ImageFile.encode(picture(format.longestSide + 1), format: format)
            }
        }
    }

    @Test func `An interrupted run leaves no file and takes no name`() throws {
        let editor = try Self.editor()
        let before = editor.names
        for signal in [SIGINT, SIGTERM, SIGKILL] {
            let (process, output, error) = try editor.start(
                ["inpaint", "a.png", "m.png", "a fox", "--model", "model", "--steps", "500"])
            _ = error.fileHandleForReading.availableData
            Thread.sleep(forTimeInterval: 0.5)
            kill(process.processIdentifier, signal)
            let outcome = Editor.outcome(of: process, output, error)
            #expect(outcome.code == (signal == SIGKILL ? 128 + SIGKILL : 130), "\(outcome.error)")
            #expect(editor.names == before)
        }
        let next = try editor.run(["inpaint", "a.png", "m.png", "a fox"] + Self.quick)
        #expect(next.output == "a-inpaint.png\n", "\(next.error)")
    }

    @Test func `A folder in the place of the usual name is gone round`() throws {
        let editor = try Self.editor()
        try FileManager.default.createDirectory(
            atPath: editor.path("a-inpaint.png"), withIntermediateDirectories: false)
        let outcome = try editor.run(["inpaint", "a.png", "m.png", "a fox", "--force"] + Self.quick)
        #expect(outcome.output == "a-inpaint-2.png\n", "\(outcome.error)")
    }

    @Test func `A name that is too long is refused before the model runs`() throws {
        let editor = try Self.editor()
        let long = String(repeating: "n", count: 246)
        try FileManager.default.copyItem(atPath: editor.path("a.png"), toPath: editor.path(long + ".png"))
        for arguments in [
            ["inpaint", long + ".png", "m.png"], ["variations", "a.png", "-o", long + "longer.png"],
            ["variations", "a.png", "-n", "2", "-o", "o" + long.dropFirst() + ".png"],
            ["mask", "fill-holes", long + ".png"],
        ] {
            let outcome = try editor.run(arguments + (arguments[0] == "mask" ? [] : ["--model", "none"]))
            #expect(outcome.code == 73, "\(outcome.error)")
            #expect(outcome.error.contains("bytes, expected at most 255"), "\(outcome.error)")
        }
    }

    #if os(Linux)
        private static let canMount =
            geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare")

        @Test(.enabled(if: canMount, "skipped: only root can mount a small disk"))
        func `A disk that is full is found before the model runs`() throws {
            let editor = try Editor()
            let size = PixelSize(width: 600, height: 500)
            let noise = RandomValues.bytes(size.area * 3, seed: 1)
            try editor.write(Picture(size: size, layout: .rgb, samples: .eight(noise)), "a.png")
            let outcome = try editor.shell(
                """
                unshare -m sh -c 'mkdir disk && mount -t tmpfs -o size=40k none disk && \
                "$EDITOR_PROGRAM" variations a.png -o disk/out.png --model none-is-there; echo "code $?"; ls -A disk'
                """)
            #expect(outcome.output == "code 74\n", "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.contains("disk/out.png' cannot be written: no space is left on its disk"))
        }
    #endif
}
