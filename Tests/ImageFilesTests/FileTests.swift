import PlainText
import Raster
import Testing

@testable import ImageFiles

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct FileTests {
    private let picture = noise(PixelSize(width: 9, height: 7), .rgb, depth: 8)

    private func error(reading path: String) -> ImageFileError? {
        #expect(throws: ImageFileError.self) { try ImageFile.read(path: path) }
    }

    @Test func badInputsAreNamed() throws {
        try withTemporaryFolder { folder in
            let missing = error(reading: folder + "/none.png")
            #expect(missing == .missing(file: folder + "/none.png"))
            #expect(missing?.category.exitCode == 66)
            #expect(error(reading: folder) == .isDirectory(file: folder))
            try ImageFile.write(bytes: Array("just text\n".utf8), to: folder + "/text.png")
            let text = error(reading: folder + "/text.png")
            #expect(text == .notAnImage(file: folder + "/text.png", found: "a text file"))
            #expect(text?.category.exitCode == 65)
            #expect("\(try #require(text))".contains("a PNG, JPEG, WebP"))
            #expect("\(try #require(text))".contains(" was expected, a text file was found"))
            try ImageFile.write(bytes: [], to: folder + "/empty.jpg")
            #expect(
                error(reading: folder + "/empty.jpg")
                    == .notAnImage(file: folder + "/empty.jpg", found: "an empty file"))
            #expect(error(reading: folder + "/empty.jpg/x") == .missing(file: folder + "/empty.jpg/x"))
        }
    }

    @Test(arguments: [
        ("GIF", "GIF89a\u{1}\0\u{1}\0"), ("Photoshop", "8BPS\0\u{1}"), ("PNM", "P6 3 3 255\n"),
    ])
    func otherFormatsAreRefusedByName(format: String, head: String) {
        let error = #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: Array(head.utf8), name: "x.png") }
        #expect(error == .unsupportedFormat(file: "x.png", format: format))
        #expect(error?.description.contains("\(format) file; this build reads PNG, JPEG, WebP") == true)
    }

    @Test func signatures() {
        #expect(ImageFormat.sniff([0xFF, 0x0A, 0, 0]) == .readable(.jxl))
        #expect(ImageFormat.sniff(Array("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic".utf8)) == .readable(.heic))
        #expect(ImageFormat.sniff(Array("\0\0\0\u{1C}ftypavif\0\0\0\0avifmif1miaf".utf8)) == .readable(.avif))
        #expect(ImageFormat.sniff(Array("\0\0\0\u{1C}ftypmif1\0\0\0\0avifmif1miaf".utf8)) == .readable(.avif))
        #expect(ImageFormat.sniff([0xFF, 0xD8, 0xFF, 0xE0]) == .readable(.jpeg))
        let bmp = Array("BM".utf8) + [UInt8](repeating: 0, count: 12) + [40, 0, 0, 0]
        #expect(ImageFormat.sniff(bmp) == .unsupported(name: "BMP"))
        #expect(ImageFormat(pathExtensionOf: "/a.b/c.JPG") == .jpeg)
        #expect(ImageFormat(pathExtensionOf: "/a.png/c") == nil)
    }

    @Test func writesAtomically() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/out.png"
            try ImageFile.write(picture, to: path, format: .png)
            #expect(listing(folder) == ["out.png"])
            #expect(try ImageFile.read(path: path).picture == picture)
            // Not replaced unless asked, and the permissions of the old file are kept when it is.
            #expect(throws: ImageFileError.exists(file: path)) {
                try ImageFile.write(picture, to: path, format: .png, replacing: false)
            }
            try ImageFile.write(picture, to: folder + "/new.png", format: .png, replacing: false)
            unsafe chmod(path, 0o640)
            let other = noise(picture.size, .gray, depth: 8)
            try ImageFile.write(other, to: path, format: .png)
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o640)
            #expect(listing(folder) == ["new.png", "out.png"])
            // A link stays a link.
            unsafe symlink(path, folder + "/link.png")
            try ImageFile.write(picture, to: folder + "/link.png", format: .png)
            #expect(unsafe lstat(folder + "/link.png", &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFLNK)
            #expect(try ImageFile.read(path: path).picture == picture)
            // The longest name that a folder takes.
            let long = folder + "/" + String(repeating: "n", count: 251) + ".png"
            try ImageFile.write(picture, to: long, format: .png)
            #expect(try ImageFile.read(path: long).picture == picture)
        }
    }

    @Test func failingWritesLeaveNothing() throws {
        try withTemporaryFolder { folder in
            let inside = folder + "/file"
            try ImageFile.write(bytes: [1], to: inside)
            func failure(_ path: String) -> ImageFileError? {
                #expect(throws: ImageFileError.self) { try ImageFile.write(picture, to: path, format: .png) }
            }
            #expect(
                failure(inside + "/x.png")
                    == .cannotCreate(file: inside + "/x.png", reason: "a part of its path is not a folder"))
            #expect(failure(folder + "/no/x.png")?.category.exitCode == 73)
            #expect(failure(folder)?.category.exitCode == 73)
            #expect(listing(folder) == ["file"])
            // A picture that the format cannot hold leaves an existing target as it was.
            let wide = Picture(
                size: PixelSize(width: 65501, height: 1), layout: .gray,
                samples: .eight([UInt8](repeating: 7, count: 65501)))
            #expect(throws: ImageFileError.self) { try ImageFile.write(wide, to: inside, format: .jpeg) }
            #expect(try contents(inside) == [1])
        }
    }

    #if os(Linux)
        @Test func fullAndReadOnlyDisks() throws {
            let full = #expect(throws: ImageFileError.self) {
                try ImageFile.write(picture, to: "/dev/full", format: .png)
            }
            #expect(full == .noSpace(file: "/dev/full"))
            #expect(full?.category.exitCode == 74)
            let readOnly = #expect(throws: ImageFileError.self) {
                try ImageFile.write(picture, to: "/proc/x.png", format: .png)
            }
            #expect(readOnly?.category == .cannotCreate)
        }

        /// On a real small disk, such as `mount -t tmpfs -o size=16k tmpfs FOLDER` makes.
        @Test(.enabled(if: unsafe getenv("EDITOR_SMALL_DISK") != nil, "skipped: EDITOR_SMALL_DISK names no folder"))
        func fillingADiskLeavesWhatWasThere() throws {
            let folder = try unsafe String(cString: #require(getenv("EDITOR_SMALL_DISK")))
            let path = folder + "/out.png"
            try ImageFile.write(picture, to: path, format: .png)
            let large = noise(PixelSize(width: 100, height: 100), .rgb, depth: 8)
            #expect(throws: ImageFileError.noSpace(file: path)) { try ImageFile.write(large, to: path, format: .png) }
            #expect(listing(folder) == ["out.png"])
            #expect(try ImageFile.read(path: path).picture == picture)
        }

        @Test func aFileThatChangesWhileItIsReadIsRefused() throws {
            try withTemporaryFolder { folder in
                let path = folder + "/a.bin"
                try ImageFile.write(bytes: [UInt8](repeating: 7, count: 1 << 20), to: path)
                func read(whileDoing change: () -> Void) throws(ImageFileError) -> [UInt8] {
                    let descriptor = unsafe open(path, O_RDWR)
                    defer { close(descriptor) }
                    return try FileBytes.read(
                        descriptor: descriptor, name: "a", limit: 1 << 22, afterFirstPiece: change)
                }
                #expect(try read {}.count == 1 << 20)
                let changed = ImageFileError.readFailed(file: "a", reason: "another program changed it meanwhile")
                #expect(throws: changed) { try read { _ = unsafe truncate(path, 1 << 19) } }
                #expect(throws: changed) {
                    try read {
                        usleep(20000)
                        let other = unsafe open(path, O_WRONLY)
                        _ = unsafe write(other, "x", 1)
                        close(other)
                    }
                }
                #expect(try read {}.count == 1 << 19)
            }
        }

        @Test func endlessInputIsRefused() throws {
            let limits = DecodeLimits(maximumBytes: 1 << 20)
            // What is no picture is told by its beginning.
            let zeros = ImageFileError.notAnImage(
                file: "/dev/zero", found: "data that begins with bytes 00 00 00 00")
            #expect(throws: zeros) { try ImageFile.read(path: "/dev/zero", limits: limits) }
            try withTemporaryFolder { folder in
                let start = try ImageFile.encode(picture, format: .png).bytes
                try ImageFile.write(bytes: start + [UInt8](repeating: 0, count: 1 << 21), to: folder + "/long.png")
                // A file, and a pipe whose end nobody knows.
                #expect(throws: ImageFileError.tooManyBytes(file: folder + "/long.png", limit: 1 << 20)) {
                    try ImageFile.read(path: folder + "/long.png", limits: limits)
                }
                let stream = try unsafe #require(popen("cat '\(folder)/long.png' /dev/zero", "r"))
                defer { unsafe pclose(stream) }
                #expect(throws: ImageFileError.tooManyBytes(file: "a pipe", limit: 1 << 20)) {
                    try ImageFile.read(descriptor: unsafe fileno(stream), name: "a pipe", limits: limits)
                }
                // A file of another kind is not too large, but no picture.
                try ImageFile.write(bytes: [UInt8](repeating: 65, count: 1 << 21), to: folder + "/long.txt")
                #expect(throws: ImageFileError.notAnImage(file: folder + "/long.txt", found: "a text file")) {
                    try ImageFile.read(path: folder + "/long.txt", limits: limits)
                }
            }
        }
    #endif
}
