#if os(Linux)
    import Foundation
    import ImageFiles
    import Masking
    import Raster
    import TestSupport
    import Testing

    /// Signals at moments in which no step ends, and memory that runs out at any of them.
    @Suite(.beside) struct StopTests {
        /// A work that takes far longer than a stop may, on the slowest machine.
        struct Work: Sendable, CustomTestStringConvertible {
            var name: String
            var arguments: [String]
            var testDescription: String { name }

            static let all = [
                // PatchMatch alone takes some ten seconds.
                Work(name: "a large hole", arguments: ["erase", "wide.png", "hole.png", "-o", "out.png"]),
                // Minutes of calls of the network before the first step ends.
                Work(
                    name: "many calls a step",
                    arguments: [
                        "inpaint", "a.png", "m.png", "a fox", "--steps", "500", "--coherence", "20", "-o", "out.png",
                    ]),
                Work(name: "a pipe that brings nothing", arguments: ["info", "-"]),
            ]
        }

        /// Files that tests read, by their names; made once.
        private typealias Files = Result<[String: [UInt8]], any Error>

        private static func encoded(_ samples: [UInt8], _ size: PixelSize, _ layout: Picture.Layout) throws -> [UInt8] {
            try ImageFile.encode(
                Picture(size: size, layout: layout, samples: .eight(samples)), format: .png, name: "made"
            ).bytes
        }

        private static let largeHole = Files {
            let size = PixelSize(width: 2400, height: 1800)
            var samples = RandomValues.bytes(size.area, seed: 3, bits: 4)
            for index in samples.indices { samples[index] += UInt8(index / 9 % 97 + index / size.width / 7 % 91) }
            let hole = Mask.rectangle(PixelRect(x: 600, y: 400, width: 1200, height: 1000), size: size)
            return [
                "wide.png": try encoded(samples, size, .gray),
                "hole.png": try encoded(hole.coverage.values.map { $0 > 0 ? 255 : 0 }, size, .gray),
            ]
        }

        /// Noise takes long to compress, so that a signal comes before a preview of it is there.
        private static let noise = Files {
            let size = PixelSize(width: 4000, height: 3000)
            let noise = RandomValues.bytes(size.area * 3, seed: 5, bits: 4, lowest: 90)
            return [
                "wide.png": try encoded(noise, size, .rgb),
                "wide-mask.png": try encoded(noise[..<size.area].map { $0 & 1 == 0 ? 0 : 255 }, size, .gray),
            ]
        }

        @Test(arguments: Work.all, [SIGINT, SIGTERM, SIGHUP])
        func `Any work ends soon after a signal, and leaves nothing`(_ work: Work, signal: Int32) throws {
            let editor = try Editor()
            try editor.writePictures()
            for (name, bytes) in try Self.largeHole.get() { try editor.write(bytes, name) }
            let before = editor.names
            let input = Pipe()
            let (process, output, error) = try editor.start(work.arguments, input: input)
            Thread.sleep(forTimeInterval: Double.random(in: 0.3 ... 2))
            let sent = ContinuousClock.now
            kill(process.processIdentifier, signal)
            let outcome = Editor.outcome(of: process, output, error)
            withExtendedLifetime(input) {}
            #expect(outcome.code == 130, "\(outcome.error)")
            // It would go on for ten seconds and more; a machine under load may be slow to end it.
            #expect(ContinuousClock.now - sent < .seconds(4))
            #expect(outcome.errorLines.last == "editor: interrupted; nothing was written")
            #expect(editor.names == before)
            #expect(try editor.hiddenNames.filter { $0.hasSuffix(".tmp") }.isEmpty)
        }

        /// Waits until a file is there, and not much longer than a loaded machine takes to make it.
        private func wait(for name: String, in editor: Editor) {
            let end = ContinuousClock.now + .seconds(40)
            while !FileManager.default.fileExists(atPath: editor.path(name)), ContinuousClock.now < end {
                Thread.sleep(forTimeInterval: 0.002)
            }
        }

        @Test(
            arguments: [
                ["mask", "wand", "wide.png", "50%,10%", "--tolerance", "40"],
                ["mask", "box", "wide.png", "9,9,900,900"],
                ["mask", "invert", "wide-mask.png", "--json"],
            ], [SIGINT, SIGTERM])
        func `A mask that is in place when a signal comes is counted, and its preview too`(
            verb: [String], signal: Int32
        ) throws {
            let editor = try Editor()
            for (name, bytes) in try Self.noise.get() { try editor.write(bytes, name) }
            let before = editor.names
            let (process, output, error) = try editor.start(verb + ["--preview", "-o", "out.png"])
            wait(for: "out.png", in: editor)
            kill(process.processIdentifier, signal)
            let outcome = Editor.outcome(of: process, output, error)
            #expect(outcome.code == 130, "\(outcome.error)")
            let made = editor.names.filter { !before.contains($0) }
            let says =
                made == ["out.png"]
                ? "interrupted; 1 mask was written" : "interrupted; 1 mask and 1 preview were written"
            #expect(outcome.errorLines.last?.contains(says) == true, "\(made): \(outcome.error)")
            #expect(made.first == "out-preview.png" || made == ["out.png"])
        }

        @Test(arguments: [[], ["--batch-size", "3"]])
        func `Of several pictures those that are made stay when a signal comes`(more: [String]) throws {
            let editor = try Editor()
            try editor.writePictures()
            try TinyModel.write(to: editor.folder.appending(path: "model"))
            let before = editor.names
            let (process, output, error) = try editor.start(
                ["variations", "a.png", "-n", "64", "--model", "model", "--steps", "60", "-o", "v.png", "--json"] + more
            )
            wait(for: "v.png", in: editor)
            kill(process.processIdentifier, SIGINT)
            let outcome = Editor.outcome(of: process, output, error)
            #expect(outcome.code == 130, "\(outcome.error)")
            let made = editor.names.filter { !before.contains($0) }
            #expect(made.contains("v.png") && made.count < 64 && !made.contains("v-sheet.png"), "\(made)")
            let pictures = made.count == 1 ? "1 picture was" : "\(made.count) pictures were"
            #expect(outcome.errorLines.last?.contains("interrupted; \(pictures) written") == true, "\(made)")
            #expect(outcome.errorLines.count { $0.contains("\"saved\"") } <= made.count)
            for name in made { #expect(throws: Never.self) { try ImageFile.read(path: editor.path(name)) } }
            // A next edit goes on from the first of them.
            let next = try editor.run(["remix", "a fox", "--model", "model", "--steps", "1", "-o", "next.png"])
            #expect(next.code == 0 && next.error.contains("'v.png'"), "\(next.error)")
        }

        @Test func `A live preview that is in place when a signal comes is counted once`() throws {
            let editor = try Editor()
            try editor.writePictures()
            try TinyModel.write(to: editor.folder.appending(path: "model"))
            let (process, output, error) = try editor.start([
                "variations", "a.png", "--model", "model", "--steps", "900", "--live-preview", "p.png",
                "--live-preview-interval", "1", "-q",
            ])
            wait(for: "p.png", in: editor)
            Thread.sleep(forTimeInterval: 0.1)
            kill(process.processIdentifier, SIGTERM)
            let outcome = Editor.outcome(of: process, output, error)
            #expect(outcome.code == 130, "\(outcome.error)")
            #expect(outcome.errorLines.last == "editor: interrupted; 1 preview was written", "\(outcome.error)")
        }

        @Test func `A picture that is cut off on standard output is said to be`() throws {
            let editor = try Editor()
            let size = PixelSize(width: 1200, height: 1200)
            let noise = RandomValues.bytes(size.area, seed: 5)
            try editor.write(Picture(size: size, layout: .gray, samples: .eight(noise)), "a.png")
            // A pipe that nobody reads is full after 64 KB.
            let outcome = try editor.shell(
                """
                mkfifo pipe; sleep 30 <pipe & reader=$!
                "$EDITOR_PROGRAM" mask luminance a.png --softness 0 -q -o - >pipe & sleep 2; kill -INT $!; wait $!
                echo "code $?"; kill $reader
                """)
            #expect(outcome.output.hasPrefix("code 130\n"), "\(outcome.error)")
            #expect(
                outcome.error.contains("interrupted; the picture on standard output is not whole"), "\(outcome.error)")
        }

        @Test func `A signal that nohup ignores is ignored`() throws {
            let editor = try Editor()
            try editor.writePictures()
            let outcome = try editor.shell(
                """
                nohup "$EDITOR_PROGRAM" inpaint a.png m.png "a fox" --steps 60 -o out.png -q </dev/null &
                sleep 0.3; kill -HUP $!; wait $!; echo "code $?"; ls out.png
                """)
            #expect(outcome.output.hasSuffix("code 0\nout.png\n"), "\(outcome.output) \(outcome.error)")
        }

        /// Limits on address space under which nothing used to be said.
        @Test(arguments: (0 ..< 11).map { 210_000 + 24_000 * $0 })
        func `Too little memory is said at every limit`(kilobytes: Int) throws {
            let editor = try Editor()
            try editor.writePictures()
            for (arguments, json) in [
                ("inpaint a.png m.png snow -o o.png -q", false), ("erase a.png m.png -o e.png --json", true),
                ("outpaint a.png --right 64 -o r.png -q", false), ("info a.png", false),
                // The least there is: nobody is told to ask for less.
                ("inpaint a.png m.png snow -o l.png -q --max-memory 256M", false),
            ] {
                let outcome = try editor.shell("ulimit -v \(kilobytes); exec \"$EDITOR_PROGRAM\" \(arguments)")
                guard outcome.code != 0 else { continue }
                #expect(outcome.code == 65, "\(arguments): \(outcome.error)")
                let last = String(outcome.errorLines.last ?? "")
                #expect(last.contains("there is not enough memory"), "\(outcome.error)")
                #expect(last.contains("a higher limit (ulimit -v) helps"), "\(outcome.error)")
                #expect(!last.contains("maxMemory"), "\(outcome.error)")
                #expect(!arguments.contains("256M") || !last.contains("--max-memory"), "\(outcome.error)")
                if json {
                    let object = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
                    #expect(object?["exitCode"] as? Int == 65)
                } else {
                    #expect(last.hasPrefix("editor: "))
                }
                #expect(try editor.hiddenNames.filter { $0.hasSuffix(".tmp") }.isEmpty)
            }
        }

        /// Memory for activations is asked for in large pieces, which must not take the room that the rest needs.
        @Test(arguments: [600_000, 900_000, 1_200_000, 1_350_000, 1_500_000, 2_000_000])
        func `Where a small edit fits it fits in more, too: too little memory is no matter of chance`(
            kilobytes: Int
        ) throws {
            let editor = try Editor()
            try editor.writePictures()
            let outcome = try editor.shell(
                "ulimit -v \(kilobytes); exec \"$EDITOR_PROGRAM\" erase a.png m.png -o o.png -q")
            #expect(outcome.code == 0, "\(outcome.error)")
        }

        @Test func `Too little memory for an inpaint at 300 MB of address space is said`() throws {
            let editor = try Editor()
            try editor.writePictures()
            let outcome = try editor.shell(
                "ulimit -v 300000; exec \"$EDITOR_PROGRAM\" inpaint a.png m.png snow -o o.png -q")
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(editor.names == ["a.jpg", "a.png", "empty.png", "m.png", "small.png"])
        }
    }
#endif
