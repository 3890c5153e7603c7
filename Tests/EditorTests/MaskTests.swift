import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `editor mask`, and masks given in numbers.
@Suite struct MaskTests {
    @Test(arguments: [
        ["box", "0.1,0.1,0.5,0.5"], ["ellipse", "0.5,0.5,0.25,0.2"], ["polygon", "0.1,0.1 0.9,0.1 0.5,0.9"],
    ])
    func `Shares without % are told apart from pixels`(shape: [String]) throws {
        let editor = try Editor()
        try editor.writePictures()
        let percentages = ["10%,10%,50%,50%", "50%,50%,25%,20%", "10%,10% 90%,10% 50%,90%"]
        for arguments in [["mask", shape[0], "a.png", shape[1]], ["erase", "a.png", "--\(shape[0])", shape[1]]] {
            let outcome = try editor.run(arguments)
            #expect(outcome.code == 64, "\(outcome.error)")
            #expect(outcome.error.contains("are written with %: "), "\(outcome.error)")
            #expect(percentages.contains { outcome.error.contains($0) }, "\(outcome.error)")
        }
        // A whole pixel may be meant.
        #expect(try editor.run(["mask", "box", "a.png", "0,0,1,1", "-o", "one.png"]).code == 0)
    }

    private func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        return editor
    }

    private func samples(_ editor: Editor, _ name: String) throws -> [UInt8] {
        let file = try ImageFile.read(path: editor.path(name))
        #expect(file.format == .png)
        #expect(file.picture.layout == .gray)
        guard case .eight(let samples) = file.picture.samples else {
            Issue.record("\(name) has 16 bits")
            return []
        }
        return samples
    }

    /// White inside the rectangle, on 64×48.
    private func box(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> [UInt8] {
        (0 ..< 64 * 48).map { index -> UInt8 in
            let isInside = (x ..< x + width).contains(index % 64) && (y ..< y + height).contains(index / 64)
            return isInside ? 255 : 0
        }
    }

    @Test func `Verbs chain, through files and through pipes`() throws {
        let editor = try editor()
        let made = try editor.run(["mask", "box", "a.png", "20,10,20,20"])
        #expect(made.code == 0, "\(made.error)")
        #expect(made.output == "a-mask.png\n")
        #expect(made.error.contains("mask: white repaints, 13.0 % of the picture"))
        #expect(try samples(editor, "a-mask.png") == box(20, 10, 20, 20))

        let ring = try editor.run(["mask", "shrink", "a-mask.png", "3", "-o", "-", "-q"])
        #expect(ring.code == 0 && ring.error.isEmpty, "\(ring.error)")
        let combined = try editor.run(
            ["mask", "combine", "a-mask.png", "-", "--by", "subtract", "-o", "ring.png"], input: ring.outputBytes)
        #expect(combined.code == 0, "\(combined.error)")
        #expect(try samples(editor, "ring.png").reduce(0) { $0 + ($1 == 255 ? 1 : 0) } == 400 - 14 * 14)
        let filled = try editor.run(["mask", "fill-holes", "ring.png"])
        #expect(filled.output == "ring-filled.png\n", "\(filled.error)")
        #expect(try samples(editor, "ring-filled.png") == box(20, 10, 20, 20))
        let inverted = try editor.run(["mask", "invert", "ring-filled.png", "-o", "i.png"])
        #expect(inverted.code == 0, "\(inverted.error)")
        #expect(try samples(editor, "i.png") == box(20, 10, 20, 20).map { 255 - $0 })
        let both = try editor.run(["mask", "combine", "a-mask.png", "i.png", "-o", "both.png"])
        #expect(both.error.contains("covers the whole picture"))
        let none = try editor.run(["mask", "combine", "a-mask.png", "i.png", "--by", "intersect", "-o", "none.png"])
        #expect(none.error.contains("the mask is empty"))
    }

    @Test func `Every maker makes a mask of the picture's size`() throws {
        let editor = try editor()
        var rgba = [UInt8](repeating: 120, count: 64 * 48 * 4)
        for pixel in 0 ..< 64 * 48 { rgba[pixel * 4 + 3] = (10 ..< 30).contains(pixel % 64) ? 0 : 255 }
        let size = PixelSize(width: 64, height: 48)
        try editor.write(Picture(size: size, layout: .rgba, samples: .eight(rgba)), "alpha.png")
        let disc = (0 ..< 64 * 48).flatMap { index -> [UInt8] in
            let (x, y) = (index % 64 - 32, index / 64 - 24)
            return x * x + y * y < 144 ? [220, 60, 40] : [40, 90, 160]
        }
        try editor.write(Picture(size: size, layout: .rgb, samples: .eight(disc)), "disc.png")
        let area = Double.pi * 144
        let cases: [([String], ClosedRange<Double>)] = [
            (["ellipse", "disc.png", "50%,50%,12,12"], area - 3 ... area + 3),
            (["polygon", "disc.png", "0,0 40,0 0,30"], 599 ... 601),
            (["path", "disc.png", "M0 0h40v30h-40zM10 10h5v5h-5z", "--even-odd"], 1175 ... 1175),
            (["stroke", "disc.png", "10,20 50,20", "--width", "8"], 320 + 45 ... 320 + 55),
            (["color", "disc.png", "#dc3c28"], area - 20 ... area + 20),
            (["color", "disc.png", "--at", "32,24"], area - 20 ... area + 20),
            (["wand", "disc.png", "32,24"], area - 20 ... area + 20),
            (["luminance", "disc.png", "--from", "45", "--softness", "0"], area - 20 ... area + 20),
            (["select", "disc.png", "15,8,34,32"], area - 20 ... area + 20),
            (["alpha", "alpha.png"], 960 ... 960),
            (["alpha", "alpha.png", "--opaque"], 64 * 48 - 960 ... 64 * 48 - 960),
        ]
        for (index, (arguments, expected)) in cases.enumerated() {
            let outcome = try editor.run(["mask"] + arguments + ["-o", "\(index).png"])
            #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
            let sum = try samples(editor, "\(index).png").reduce(0.0) { $0 + Double($1) / 255 }
            #expect(expected.contains((sum * 1000).rounded() / 1000), "\(arguments): \(sum)")
        }
        let edges = try editor.run(["mask", "edges", "disc.png", "--grow", "0", "--threshold", "1", "-o", "edges.png"])
        #expect(edges.code == 0, "\(edges.error)")
        // A circle's worth of pixels.
        #expect((60 ... 100).contains(try samples(editor, "edges.png").count { $0 == 255 }))
    }

    @Test func `With --json the mask is described, and --preview says where the overlay is`() throws {
        let editor = try editor()
        let outcome = try editor.run(["mask", "box", "a.png", "20,10,20,20", "--json", "--preview"])
        #expect(outcome.code == 0, "\(outcome.error)")
        let done = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(done["event"] as? String == "done")
        #expect(done["output"] as? String == "a-mask.png")
        #expect(done["bounds"] as? [Int] == [20, 10, 20, 20])
        #expect(done["preview"] as? String == "a-mask-preview.png")
        let overlay = try ImageFile.read(path: editor.path("a-mask-preview.png")).picture
        let source = try ImageFile.read(path: editor.path("a.png")).picture
        #expect(
            overlay.cropped(to: PixelRect(x: 0, y: 0, width: 20, height: 48))
                == source.cropped(to: PixelRect(x: 0, y: 0, width: 20, height: 48)))
        #expect(overlay != source)
    }

    @Test func `Names are numbered, and --force overwrites`() throws {
        let editor = try editor()
        #expect(try editor.run(["mask", "box", "a.png", "0,0,9,9", "-q"]).output == "a-mask.png\n")
        #expect(try editor.run(["mask", "box", "a.png", "0,0,9,9", "-q"]).output == "a-mask-2.png\n")
        #expect(try editor.run(["mask", "box", "a.png", "0,0,9,8", "-q", "--force"]).output == "a-mask.png\n")
        #expect(try samples(editor, "a-mask.png") == box(0, 0, 9, 8))
    }

    static let refused: [(arguments: [String], code: Int32, says: String)] = [
        (["box", "a.png", "1,2,3"], 64, "x,y,w,h"),
        (["box", "a.png", "1,2,0,4"], 64, "above 0"),
        (["box", "missing.png", "1,2,3,4"], 66, "missing.png"),
        (["box", "a.png", "1,2,3,4", "-o", "b.jpg"], 64, "b.jpg"),
        (["path", "a.png", "M0 0 X"], 64, "character 6"),
        (["polygon", "a.png", "1,1 2,2"], 64, "at least 3"),
        (["wand", "a.png", "64,2"], 64, "outside"),
        (["color", "a.png"], 64, "--at"),
        (["grow", "m.png", "0"], 64, "1 to 4096"),
        (["feather", "m.png", "nan"], 64, "0.1 to 256"),
        (["combine", "m.png", "small.png"], 65, "32×32"),
        (["combine", "-", "-"], 64, "standard input"),
        (["alpha", "a.png"], 65, "no transparency"),
        (["select", "a.png", "0,0,64,48"], 65, "background"),
        (["text", "a.png", "x", "--font", "no such font"], 66, "no such font"),
        (["luminance", "a.png", "--from", "60", "--to", "40"], 64, "--from"),
    ]

    @Test func `Bad input is refused in one sentence`() throws {
        let editor = try editor()
        let before = editor.names
        for (arguments, code, says) in Self.refused {
            let outcome = try editor.run(["mask"] + arguments, input: [])
            #expect(outcome.code == code, "\(arguments): \(outcome.error)")
            #expect(outcome.error.contains(says), "\(arguments): \(outcome.error)")
            #expect(outcome.errorLines.filter { $0.hasPrefix("editor: ") }.count == 1)
        }
        #expect(editor.names == before)
    }

    @Test func `A shape stands in for MASK, masks add up, and what is protected stays`() throws {
        let editor = try editor()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let quick = ["--model", "model", "--steps", "1", "--seed", "5", "--grow", "6", "--blend", "4"]
        let source = try ImageFile.read(path: editor.path("a.png")).picture
        func changed(_ name: String) throws -> [Bool] {
            let result = try ImageFile.read(path: editor.path(name)).picture
            guard case .eight(let before) = source.samples, case .eight(let after) = result.samples else { return [] }
            return (0 ..< 64 * 48).map { pixel -> Bool in
                let samples = pixel * 3 ..< pixel * 3 + 3
                return before[samples] != after[samples]
            }
        }
        let shapes = try editor.run(
            [
                "inpaint", "a.png", "a fox", "--box", "4,4,16,16", "--svg-path", "M40 20h16v16h-16z", "--protect",
                "m.png", "--protect", "0,0,64,8", "-o", "shapes.png",
            ] + quick)
        #expect(shapes.code == 0, "\(shapes.error)")
        let made = try #require(try ImageFile.read(path: editor.path("shapes.png")).provenance?.infotext)
        #expect(made.prompt == "a fox")
        let pixels = try changed("shapes.png")
        #expect(pixels[12 * 64 + 12] && pixels[28 * 64 + 50])
        for index in pixels.indices where pixels[index] {
            let (x, y) = (index % 64, index / 64)
            #expect(y >= 8 && !((20 ..< 40).contains(x) && (10 ..< 30).contains(y)), "\(x),\(y) was protected")
        }
        let erase = try editor.run(["erase", "a.png", "--ellipse", "32,24,8,8", "-o", "e.png"] + quick)
        #expect(erase.code == 0, "\(erase.error)")
        let both = try editor.run(["inpaint", "a.png", "m.png", "--box", "50,2,9,9", "-o", "u.png"] + quick)
        #expect(both.error.contains("mask: 15.7 % of the picture"), "\(both.error)")
        let remix = try editor.run(["remix", "a.png", "x", "--protect", "0,0,32,48", "-o", "r.png"] + quick)
        #expect(remix.code == 0, "\(remix.error)")
        let reworked = try changed("r.png")
        #expect(reworked.indices.allSatisfy { $0 % 64 >= 32 || !reworked[$0] })
        #expect(reworked.contains(true))
        let raw = try editor.run(
            ["remix", "a.png", "x", "--protect", "0,0,32,48", "--composite", "raw", "-o", "raw.png"] + quick)
        #expect(raw.code == 64 && raw.error.contains("--protect"))
        let bare = try editor.run(["erase", "a.png"] + quick)
        #expect(bare.code == 64 && bare.error.contains("--box"))
    }

    /// Colours are those that the picture shows, not the numbers it is stored in.
    @Test(arguments: [[12, 13, 0, 1], [9, 13, 0, 1], [9, 8, 0, 1]] as [[UInt8]])
    func `Colours are found in wide-gamut pictures`(codePoints: [UInt8]) throws {
        let editor = try Editor()
        let size = PixelSize(width: 40, height: 30)
        var metadata = ImageMetadata()
        metadata.colorChunks = [PNGChunk(type: "cICP", data: codePoints)]
        func write(_ samples: [UInt16], _ name: String) throws {
            let picture = Picture(size: size, layout: .rgb, samples: .sixteen(samples))
            try ImageFile.write(picture, to: editor.path(name), format: .png, metadata: metadata)
        }
        try write([UInt16](repeating: 0, count: size.area * 3), "black.png")
        let space = try ImageFile.read(path: editor.path("black.png")).colorSpace
        #expect(!space.isSRGB)
        // Left the colour itself, right its numbers in sRGB, which mean another colour here.
        let color: [Float] = [200.0 / 255, 60.0 / 255, 40.0 / 255]
        let shown = space.fromSRGB(RGBImage(size: PixelSize(width: 1, height: 1), values: color)).values
        let samples = (0 ..< size.area).flatMap { pixel in
            (pixel % 40 < 20 ? shown : color).map { UInt16(($0 * 65535).rounded()) }
        }
        try write(samples, "wide.png")
        let left = (0 ..< size.area).map { $0 % 40 < 20 ? UInt8(255) : 0 }
        for arguments in [
            ["color", "wide.png", "#c83c28"], ["color", "wide.png", "--at", "5,5"], ["wand", "wide.png", "5,5"],
        ] {
            let made = try editor.run(
                ["mask"] + arguments + ["--tolerance", "2", "--softness", "0", "-o", "m.png", "--force"])
            #expect(made.code == 0, "\(made.error)")
            #expect(try self.samples(editor, "m.png") == left, "\(arguments)")
        }
    }

    /// Nothing of a picture's file is in a mask, so what is not carried over from it is not said.
    @Test func `A mask says nothing of what else is in the picture's file`() throws {
        let editor = try editor()
        let chunks: [(String, [UInt8])] = [
            ("tIME", [7, 0xE9, 1, 1, 0, 0, 0]), ("bKGD", [0, 0, 0, 0, 0, 0]), ("abCd", [1]),
            // Colours that mean nothing.
            ("gAMA", [0, 0, 0, 0]),
        ]
        for name in ["a", "m"] {
            let plain = try Data(contentsOf: URL(fileURLWithPath: editor.path("\(name).png")))
            let mine = chunks.filter { $0.0 != "bKGD" || name == "a" }
            try editor.write(HandmadePNG.adding(mine, to: Array(plain)) + [1, 2, 3], "\(name)t.png")
        }
        let colorNote = "its gamma makes no sense; its colours are taken as sRGB"
        for (verb, looksAtColors) in [
            (["box", "at.png", "8,8,16,16"], false), (["text", "at.png", "Hi"], false),
            (["ellipse", "at.png", "20,20,9,9"], false), (["luminance", "at.png", "--from", "50"], true),
            (["color", "at.png", "--at", "5,5"], true), (["wand", "at.png", "5,5"], true), (["edges", "at.png"], true),
            (["select", "at.png", "8,8,40,30", "--include", "mt.png"], true), (["grow", "mt.png", "3"], false),
            (["invert", "mt.png"], false), (["combine", "m.png", "mt.png"], false),
        ] {
            let made = try editor.run(["mask"] + verb + ["-o", "x.png", "--force"])
            #expect(made.code == 0, "\(verb): \(made.error)")
            #expect(!made.error.contains("carried over"), "\(verb): \(made.error)")
            #expect(!made.error.contains("mt.png: its"), "\(verb): \(made.error)")
            #expect(made.error.contains(colorNote) == looksAtColors, "\(verb): \(made.error)")
        }
        // An edit carries things over from the picture, and nothing from the mask.
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let edit = try editor.run(
            ["inpaint", "at.png", "mt.png", "x", "--model", "model", "--steps", "1", "--seed", "1", "-o", "e.png"])
        #expect(edit.code == 0, "\(edit.error)")
        #expect(edit.error.contains("at.png: its time of last change (tIME) is not carried over"))
        #expect(edit.error.contains("at.png: \(colorNote)") && !edit.error.contains("mt.png: its"), "\(edit.error)")
    }

    @Test func `A picture beyond --max-pixels is refused, as is a mask`() throws {
        let editor = try editor()
        for arguments in [["box", "a.png", "1,1,5,5"], ["grow", "m.png", "3"]] {
            let refused = try editor.run(["mask"] + arguments + ["--max-pixels", "3071"])
            #expect(refused.code == 65)
            #expect(refused.error.contains("at most 3071 pixels are accepted"), "\(refused.error)")
            #expect(try editor.run(["mask"] + arguments + ["--max-pixels", "3072"]).code == 0)
        }
    }

    #if os(Linux)
        /// A pseudo-terminal that answers as some do shows the overlay as sixels; one that says it has none gets no picture.
        @Test(arguments: [true, false]) func `A terminal is asked for sixels`(hasSixels: Bool) throws {
            let editor = try editor()
            let main = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            defer { close(main) }
            // TIOCSPTLCK and TIOCGPTN of <asm-generic/ioctls.h>: unlocks the other end, and tells its number.
            var (unlocked, number): (CInt, CInt) = (0, 0)
            #expect(ioctl(main, 0x4004_5431, &unlocked) == 0 && ioctl(main, 0x8004_5430, &number) == 0)
            let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
            try #require(terminal >= 0)
            let process = Process()
            process.executableURL = Editor.program
            process.arguments = ["mask", "box", "a.png", "8,8,16,16", "--preview"]
            process.currentDirectoryURL = editor.folder
            process.environment = ["TERM": "xterm", "PATH": "/usr/bin:/bin"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
            try process.run()
            close(terminal)
            var seen: [UInt8] = []
            var hasAnswered = false
            while true {
                var request = pollfd(fd: main, events: Int16(POLLIN), revents: 0)
                try #require(poll(&request, 1, 60_000) > 0, "the program neither wrote nor ended")
                var piece = [UInt8](repeating: 0, count: 4096)
                let count = read(main, &piece, piece.count)
                // The other end was closed.
                if count <= 0 { break }
                seen += piece[..<count]
                if !hasAnswered, String(decoding: seen, as: UTF8.self).contains("\u{1B}[c") {
                    hasAnswered = true
                    let answer = Array("\u{1B}[?62;\(hasSixels ? "4;" : "")22c".utf8)
                    #expect(write(main, answer, answer.count) == answer.count)
                }
            }
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(hasAnswered)
            let text = String(decoding: seen, as: UTF8.self)
            #expect(text.contains("\u{1B}P0;1q\"1;1;64;48#0;2;") == hasSixels)
            // The answer was read, not shown.
            #expect(!text.contains("?62;"))
            #expect(editor.names.contains("a-mask-preview.png") == !hasSixels)
        }
    #endif
}
