#if os(Linux)
    import Foundation
    import ImageFiles
    import Raster
    import Testing

    /// Every allocation of a library fails in turn, and with it all that follow, and all large ones of others: whoever
    /// notices it, the program says that memory is short. The allocator that does so is compiled here and loaded before
    /// the program.
    @Suite struct FailingMemoryTests {
        private static let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <unistd.h>

            void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
            void *__libc_memalign(size_t, size_t);

            static const char *library;
            static long first, count;
            static int is_ready, has_failed;

            static int fails(void *caller, size_t size) {
                if (!is_ready) {
                    library = getenv("FAIL_IN");
                    first = getenv("FAIL_AT") ? atol(getenv("FAIL_AT")) : 0;
                    is_ready = 1;
                }
                Dl_info info;
                int is_here = library && dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, library);
                long number = is_here ? __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) : 0;
                if (is_here && first && number >= first) has_failed = 1;
                // Then nobody gets much.
                if (!has_failed || !(is_here || size > 1 << 20)) return 0;
                errno = ENOMEM;
                return 1;
            }

            #define FAILS(size) fails(__builtin_return_address(0), size)
            void *malloc(size_t n) { return FAILS(n) ? NULL : __libc_malloc(n); }
            void *calloc(size_t n, size_t m) { return FAILS(n * m) ? NULL : __libc_calloc(n, m); }
            void *realloc(void *p, size_t n) { return FAILS(n) ? NULL : __libc_realloc(p, n); }
            void *memalign(size_t a, size_t n) { return FAILS(n) ? NULL : __libc_memalign(a, n); }
            void *aligned_alloc(size_t a, size_t n) { return FAILS(n) ? NULL : __libc_memalign(a, n); }
            int posix_memalign(void **p, size_t a, size_t n) {
                if (FAILS(n)) return ENOMEM;
                *p = __libc_memalign(a, n);
                return *p ? 0 : ENOMEM;
            }

            __attribute__((destructor)) static void tell(void) {
                if (library && !first) dprintf(2, "allocations: %ld\\n", count);
            }
            """

        /// Clang comes with Swift.
        private static let compiler = ["clang", "cc"].first { name in
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
            }
        }

        private static let formats = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "fixtures/formats").path()

        struct Work: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            /// A part of their files' names.
            var libraries: [String]
            var testDescription: String { arguments.joined(separator: " ") }

            /// The program's own allocations, those of the C targets.
            static let own = "/editor"

            static let all = [
                Work(arguments: ["info", "p.png"], libraries: ["libpng", "liblcms2", "libz.", own]),
                Work(arguments: ["info", "p.jpg"], libraries: ["libjpeg"]),
                Work(arguments: ["info", "p.webp"], libraries: ["libwebp", own]),
                Work(arguments: ["info", "p.tif"], libraries: ["libtiff", own]),
                Work(arguments: ["info", formats + "/palette.tif"], libraries: ["libtiff"]),
                Work(arguments: ["info", formats + "/cmyk-8bit.jpg"], libraries: ["libjpeg", own]),
                Work(arguments: ["info", formats + "/metadata.avif"], libraries: ["libheif", own]),
                Work(arguments: ["info", formats + "/rgba.avif"], libraries: ["libheif"]),
                Work(arguments: ["info", formats + "/metadata.jxl"], libraries: ["libjxl", own]),
                Work(
                    arguments: ["inpaint", "p.tif", "e.png", "-q", "-o", "o.png"], libraries: ["libpng", "libz.", own]),
                Work(arguments: ["inpaint", "p.png", "e.png", "-q", "-o", "o.jpg"], libraries: ["libjpeg", own]),
                Work(arguments: ["inpaint", "p.png", "e.png", "-q", "-o", "o.webp"], libraries: ["libwebp", own]),
                Work(
                    arguments: ["inpaint", "p.png", "e.png", "-q", "-o", "o.tif"], libraries: ["libtiff", "libz.", own]),
                Work(
                    arguments: ["erase", "p.jpg", "m.png", "-q", "--seed", "1", "-o", "o.jpg"],
                    libraries: ["libjpeg", own]),
            ]
        }

        @Test(
            .enabled(if: compiler != nil, "skipped: no C compiler"),
            .disabled(if: ProcessInfo.processInfo.environment["EDITOR_SANITIZER"] != nil, "it brings an allocator"),
            arguments: Work.all)
        func `Too little memory is said, whichever library notices it`(work: Work) throws {
            let editor = try Editor()
            try editor.writePictures()
            try writePictures(editor)
            try editor.write(Self.source, "fail.c")
            let built = try editor.shell("\(Self.compiler ?? "") -shared -fPIC -O1 -o fail.so fail.c -ldl")
            try #require(built.code == 0, "\(built.error)")
            let output = work.arguments.last.flatMap { $0.hasPrefix("o.") ? $0 : nil }
            let names = editor.names
            let whole = try editor.run(work.arguments)
            let wholeFile = try output.flatMap { try ImageFile.read(path: editor.path($0)) }
            #expect(whole.code == 0, "\(whole.error)")

            for library in work.libraries {
                editor.environment = ["LD_PRELOAD": editor.path("fail.so"), "FAIL_IN": library]
                let counted = try editor.run(work.arguments + (output == nil ? [] : ["--force"]))
                let count = try #require(
                    counted.errorLines.last.flatMap { Int($0.split(separator: " ").last ?? "") }, "\(counted.error)")
                // All of the first, then fewer and fewer.
                var place = 1
                while place <= count {
                    if let output { try? FileManager.default.removeItem(atPath: editor.path(output)) }
                    editor.environment["FAIL_AT"] = String(place)
                    let outcome = try editor.run(work.arguments)
                    let comment: Comment = "\(library) \(place) of \(count): \(outcome.error)"
                    if outcome.code == 0 {
                        // What can be done without: nothing else may differ.
                        #expect(outcome.output == whole.output, comment)
                        // zlib's effort does, where there is no memory to try it out.
                        let file = try output.flatMap { try ImageFile.read(path: editor.path($0)) }
                        #expect(file?.picture == wholeFile?.picture, comment)
                        #expect(file?.metadata == wholeFile?.metadata, comment)
                    } else {
                        #expect(outcome.code == 65, comment)
                        let last = outcome.errorLines.last ?? ""
                        #expect(last.hasPrefix("editor: there is not enough memory"), comment)
                        #expect(editor.names == names, comment)
                    }
                    place += max(1, place / 2)
                }
            }
        }

        /// Small ones with a profile, which zlib and lcms have to do with.
        private func writePictures(_ editor: Editor) throws {
            let wide = try ImageFile.read(path: Self.formats + "/metadata.webp")
            let picture = try ImageFile.read(path: editor.path("a.png")).picture
            for name in ["p.png", "p.jpg", "p.webp", "p.tif"] {
                try ImageFile.write(
                    picture, to: editor.path(name), format: try #require(ImageFormat(pathExtensionOf: name)),
                    metadata: wide.metadata)
            }
            try FileManager.default.copyItem(atPath: editor.path("empty.png"), toPath: editor.path("e.png"))
        }
    }
#endif
