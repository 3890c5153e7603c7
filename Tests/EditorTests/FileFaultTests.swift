#if os(Linux)
    import Foundation
    import ImageFiles
    import Raster
    import TestSupport
    import Testing

    /// Faults around files, injected from outside while the program runs: what was there stays, or the whole result is.
    @Suite struct FileFaultTests {
        /// A picture whose file takes a while to write, and a mask that repaints nothing, so that no model is needed.
        private func writeLargePicture(_ editor: Editor, width: Int = 1200, height: Int = 900) throws {
            let size = PixelSize(width: width, height: height)
            // Noise: a file as large as its samples.
            let samples = RandomValues.bytes(size.area * 3, seed: 1)
            try ImageFile.write(
                Picture(size: size, layout: .rgb, samples: .eight(samples)), to: editor.path("a.png"), format: .png)
            try ImageFile.write(
                Picture(size: size, layout: .gray, samples: .eight([UInt8](repeating: 0, count: size.area))),
                to: editor.path("m.png"), format: .png)
        }

        private func bytes(_ editor: Editor, _ name: String) -> Data? {
            try? Data(contentsOf: editor.folder.appending(path: name))
        }

        private func leftovers(_ editor: Editor) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: editor.folder.path()).filter { $0.hasSuffix(".tmp") }
        }

        @Test func `Killed at any moment, the file is the old one or the new one`() throws {
            let editor = try Editor()
            try writeLargePicture(editor)
            let old = Data("what was there".utf8)
            let arguments = ["inpaint", "a.png", "m.png", "-o", "out.tif", "--force", "--quiet"]
            let start = ContinuousClock.now
            #expect(try editor.run(arguments).code == 0)
            let whole = ContinuousClock.now - start
            let new = try #require(bytes(editor, "out.tif"))
            var (olds, news, kills) = (0, 0, 0)
            let rounds = 60
            for round in 0 ..< rounds {
                try old.write(to: editor.folder.appending(path: "out.tif"))
                let (process, output, error) = try editor.start(arguments)
                // Evenly over a little more than a whole run.
                Thread.sleep(forTimeInterval: whole / .seconds(1) * 1.1 * Double(round) / Double(rounds))
                kill(process.processIdentifier, SIGKILL)
                if Editor.outcome(of: process, output, error).code != 0 { kills += 1 }
                let found = bytes(editor, "out.tif")
                if found == old { olds += 1 } else if found == new { news += 1 }
                #expect(found == old || found == new, "round \(round): \(found?.count ?? -1) bytes")
            }
            // A file gets its name when it is whole; only a kill in the moment before it is moved leaves it.
            #expect(try leftovers(editor).count <= 2)
            #expect(
                olds + news == rounds && olds > 0 && kills > rounds / 4, "\(olds) old, \(news) new, \(kills) killed")
        }

        @Test func `A limit on file sizes leaves what was there, and no rest`() throws {
            let editor = try Editor()
            try writeLargePicture(editor)
            try editor.write("old", "out.png")
            let outcome = try editor.shell(
                "ulimit -f 100; exec \"$EDITOR_PROGRAM\" inpaint a.png m.png -o out.tif --quiet")
            #expect(outcome.code == 74, "\(outcome.error)")
            #expect(outcome.error.contains("out.tif could not be written: it is larger than files may be here"))
            #expect(bytes(editor, "out.tif") == nil)
            let forced = try editor.shell(
                "ulimit -f 100; exec \"$EDITOR_PROGRAM\" inpaint a.png m.png -o out.png --force --quiet")
            #expect(forced.code == 74, "\(forced.error)")
            #expect(bytes(editor, "out.png") == Data("old".utf8))
            #expect(try leftovers(editor).isEmpty)
        }

        private static let canMount = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare")

        /// A real disk of 200 KiB, in a mount namespace of its own.
        @Test(.enabled(if: canMount, "skipped: only root can mount a small disk"))
        func `A full disk leaves what was there, and no rest`() throws {
            let editor = try Editor()
            try writeLargePicture(editor)
            let outcome = try editor.shell(
                """
                unshare -m sh -c 'mkdir disk && mount -t tmpfs -o size=200k none disk && echo old > disk/out.tif && \
                "$EDITOR_PROGRAM" inpaint a.png m.png -o disk/out.tif --force --quiet; echo "code $?"; ls -A disk; cat disk/out.tif'
                """)
            #expect(outcome.output == "code 74\nout.tif\nold\n", "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.contains("no space is left"))
        }

        @Test func `A folder that may not be written to is named before any work`() throws {
            let editor = try Editor()
            try writeLargePicture(editor, width: 64, height: 48)
            // Root may write anywhere: it becomes somebody else.
            let other = geteuid() == 0 ? "setpriv --reuid=65534 --clear-groups" : ""
            let outcome = try editor.shell(
                """
                chmod 755 . && mkdir closed && chmod 555 closed
                \(other) "$EDITOR_PROGRAM" inpaint a.png m.png -o closed/out.png --quiet; echo "code $?"; ls -A closed
                """)
            #expect(outcome.output == "code 73\n", "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.contains("closed/out.png' cannot be created: its folder may not be written to"))
        }

        @Test func `Too little memory is said in a sentence`() throws {
            let editor = try Editor()
            // 900 MB of samples in a small file.
            let size = PixelSize(width: 30000, height: 30000)
            try ImageFile.write(
                Picture(size: size, layout: .gray, samples: .eight([UInt8](repeating: 7, count: size.area))),
                to: editor.path("wide.png"), format: .png)
            let outcome = try editor.shell(
                "ulimit -v 800000; exec \"$EDITOR_PROGRAM\" variations wide.png --quiet --max-pixels 1000000000")
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(outcome.error.contains("there is not enough memory for wide.png, 30000×30000 pixels; a smaller"))
            // Of the address space that a model takes, too.
            try editor.write([UInt8](repeating: 0, count: 16), "large.safetensors")
            let file = try FileHandle(forWritingTo: editor.folder.appending(path: "large.safetensors"))
            try file.truncate(atOffset: 2 << 30)
            try file.close()
            let large = try editor.shell("ulimit -v 800000; exec \"$EDITOR_PROGRAM\" info large.safetensors")
            #expect(large.code == 65, "\(large.error)")
            #expect(large.error.contains("there is not enough memory for large.safetensors; a smaller model"))
            let refused = try editor.run(["variations", "wide.png", "--quiet"])
            #expect(refused.code == 65)
            #expect(
                refused.error.contains("at most 268435456 pixels are accepted (--max-pixels), it claims 30000×30000"))
        }
    }
#endif
