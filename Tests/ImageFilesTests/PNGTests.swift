import ImageFiles
import Raster
import Testing

@Suite struct PNGTests {
    @Test(arguments: Picture.Layout.allCases, [8, 16])
    func roundTripIsExact(layout: Picture.Layout, depth: Int) throws {
        let sizes = [(1, 1), (1, 40), (40, 1), (17, 3), (64, 33)].map { PixelSize(width: $0.0, height: $0.1) }
        for size in sizes {
            let picture = noise(size, layout, depth: depth)
            let encoded = try ImageFile.encode(picture, format: .png)
            let loaded = try ImageFile.read(bytes: encoded.bytes, name: "a.png")
            #expect(loaded.picture == picture)
            #expect(loaded.facts.bitDepth == depth)
            #expect(encoded.notes.isEmpty)
            #expect(loaded.notes.isEmpty)
        }
    }

    @Test func metadataComesBack() throws {
        var metadata = ImageMetadata()
        metadata.iccProfile = (0 ..< 3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        metadata.iccProfile?.replaceSubrange(16 ..< 20, with: Array("RGB ".utf8))
        metadata.density = PixelDensity(x: 11811, y: 11810, unit: .perMetre)
        metadata.colorChunks = [
            PNGChunk(type: "gAMA", data: [0, 0, 0xB1, 0x8F]), PNGChunk(type: "cICP", data: [9, 16, 0, 1]),
        ]
        metadata.text = [
            TextEntry(keyword: "Title", text: "Zürich"),
            TextEntry(keyword: "Author", text: "作者 🎨"),
            TextEntry(keyword: "Comment", text: "hi", language: "de", translatedKeyword: "Kommentar"),
        ]
        metadata.xmp = Array("<x:xmpmeta/>".utf8)
        metadata.photoshopResources = Array("8BIM".utf8) + (0 ..< 200).map { UInt8($0) }
        let picture = noise(PixelSize(width: 5, height: 4), .rgb, depth: 16)
        let encoded = try ImageFile.encode(picture, format: .png, metadata: metadata)
        let loaded = try ImageFile.read(bytes: encoded.bytes, name: "a.png")
        #expect(loaded.metadata == metadata)
        #expect(loaded.picture == picture)
        #expect(loaded.provenance == nil)
    }

    @Test func whatIsNotCarriedIsSaid() throws {
        var metadata = ImageMetadata()
        metadata.colorChunks = [
            PNGChunk(type: "acTL", data: [0, 0, 0, 2, 0, 0, 0, 0]), PNGChunk(type: "abCd", data: [1]),
            PNGChunk(type: "caBX", data: [1]),
        ]
        let picture = noise(PixelSize(width: 5, height: 4), .rgb, depth: 8)
        let bytes = try ImageFile.encode(picture, format: .png, metadata: metadata).bytes
        let notes = try ImageFile.read(bytes: bytes, name: "a.png").notes
        #expect(notes.count == 3)
        #expect(notes.contains { $0.contains("only its first picture") })
        #expect(notes.contains { $0.contains("abCd") })
        #expect(notes.contains { $0.contains("C2PA") })
    }

    @Test func cutFilesThrow() throws {
        let picture = noise(PixelSize(width: 40, height: 30), .rgba, depth: 8)
        let bytes = try ImageFile.encode(picture, format: .png).bytes
        // The pixels end with their last chunk's data: behind it come four bytes of its checksum and IEND.
        let end = bytes.count - 12 - 4
        for count in [Int](stride(from: 8, to: end, by: 23)) + [end - 1] {
            let error = #expect(throws: ImageFileError.self) {
                try ImageFile.read(bytes: Array(bytes[..<count]), name: "cut.png")
            }
            guard case .truncated? = error else {
                Issue.record("cut at \(count): \(String(describing: error))")
                continue
            }
        }
    }

    @Test(arguments: [8, 16]) func whatIsCutBehindThePixelsCostsNone(depth: Int) throws {
        let picture = noise(PixelSize(width: 40, height: 30), .rgba, depth: depth)
        let bytes = try ImageFile.encode(picture, format: .png).bytes
        for missing in 1 ... 12 {
            let loaded = try ImageFile.read(bytes: Array(bytes.dropLast(missing)), name: "cut.png")
            #expect(loaded.picture == picture)
            #expect(loaded.notes == ["it is cut short behind its last pixels, which are all there"], "\(missing)")
        }
        // Of a checksum that is wrong nothing is forgiven.
        var wrong = Array(bytes.dropLast(12))
        wrong[wrong.count - 1] ^= 1
        #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: wrong, name: "wrong.png") }
    }

    @Test func hostileSizesAreRefused() throws {
        // A valid header of 2³⁰ × 2³⁰ pixels, then of 16384 × 16384 with no data to fill it.
        func header(_ width: UInt32, _ height: UInt32) -> [UInt8] {
            func big(_ value: UInt32) -> [UInt8] { (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
            func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
                big(UInt32(data.count)) + Array(type.utf8) + data + big(crc(Array(type.utf8) + data))
            }
            return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
                + chunk("IHDR", big(width) + big(height) + [8, 6, 0, 0, 0])
                + chunk("IDAT", [0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]) + chunk("IEND", [])
        }
        let huge = #expect(throws: ImageFileError.self) {
            try ImageFile.read(bytes: header(1 << 30, 1 << 30), name: "bomb.png")
        }
        #expect(
            huge == .tooManyPixels(file: "bomb.png", size: PixelSize(width: 1 << 30, height: 1 << 30), limit: 1 << 28))
        let hollow = #expect(throws: ImageFileError.self) {
            try ImageFile.read(bytes: header(1 << 14, 1 << 14), name: "hollow.png")
        }
        guard case .corrupt? = hollow else {
            Issue.record("\(String(describing: hollow))")
            return
        }
        var limits = DecodeLimits()
        limits.maximumPixels = 99
        let small = try ImageFile.encode(noise(PixelSize(width: 10, height: 10), .gray, depth: 8), format: .png).bytes
        #expect(throws: ImageFileError.tooManyPixels(file: "s", size: PixelSize(width: 10, height: 10), limit: 99)) {
            try ImageFile.read(bytes: small, name: "s", limits: limits)
        }
    }

    /// CRC-32 as PNG appendix D has it, bit by bit.
    private func crc(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0 ..< 8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
        }
        return ~value
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func suiteDecodes() throws {
        var byName: [String: LoadedImage] = [:]
        var refused = 0
        for path in try Corpora.files("png/pngsuite", suffix: ".png") {
            if name(path).hasPrefix("x") {
                #expect(throws: ImageFileError.self, "\(path)") { try ImageFile.read(path: path) }
                refused += 1
            } else {
                let loaded = try ImageFile.read(path: path)
                byName[name(path)] = loaded
                // What was read is written and read again unchanged.
                let again = try ImageFile.encode(loaded.picture, format: .png, metadata: loaded.metadata)
                var reloaded = try ImageFile.read(bytes: again.bytes, name: "again")
                // The size and thumbnail in an EXIF block are set anew; EXIFTests look at that.
                #expect((reloaded.metadata.exif == nil) == (loaded.metadata.exif == nil), "\(path)")
                reloaded.metadata.exif = loaded.metadata.exif
                #expect(reloaded.picture == loaded.picture, "\(path)")
                #expect(reloaded.metadata == loaded.metadata, "\(path)")
            }
        }
        #expect(refused == 14)
        #expect(byName.count == 161)
        // The interlaced and the plain version of a picture (bas*, s??i/s??n), and the splits into IDATs (oi*), are equal.
        for (name, loaded) in byName where name.hasPrefix("basi") {
            let plain = try #require(byName["basn" + name.dropFirst(4)])
            #expect(loaded.picture == plain.picture, "\(name)")
            #expect(loaded.facts.isInterlaced && !plain.facts.isInterlaced)
        }
        for (name, loaded) in byName where name.hasPrefix("s") && name.dropFirst(3).hasPrefix("i") {
            let plain = try #require(byName[name.prefix(3) + "n" + name.dropFirst(4)])
            #expect(loaded.picture == plain.picture, "\(name)")
        }
        for kind in ["n0g16", "n2c16"] {
            for part in ["oi2", "oi4", "oi9"] {
                #expect(byName["\(part)\(kind).png"]?.picture == byName["oi1\(kind).png"]?.picture)
            }
        }
        for level in ["z03", "z06", "z09"] {
            #expect(byName["\(level)n2c08.png"]?.picture == byName["z00n2c08.png"]?.picture)
        }
        // Layouts: palettes are RGB, tRNS is alpha, 16 bits stay.
        #expect(byName["basn3p01.png"]?.picture.layout == .rgb)
        #expect(byName["tbbn3p08.png"]?.picture.layout == .rgba)
        #expect(byName["tbwn0g16.png"]?.picture.layout == .grayAlpha)
        #expect(byName["tbwn0g16.png"]?.picture.depth == 16)
        #expect(byName["basn0g01.png"]?.picture.layout == .gray)
        #expect(byName["basn0g02.png"]?.facts.bitDepth == 2)
        #expect(byName["basn6a16.png"]?.picture.layout == .rgba)
        // Text and EXIF.
        #expect(byName["ctzn0g04.png"]?.metadata.text.first?.keyword == "Title")
        #expect(byName["ctjn0g04.png"]?.metadata.text.first?.language == "ja")
        #expect(byName["exif2c08.png"]?.metadata.exif != nil)
        #expect(byName["cdun2c08.png"]?.metadata.density == PixelDensity(x: 1000, y: 1000, unit: .perMetre))
    }

    /// Low-depth grey is spread over 0…255 as the specification asks (13.12): 1-bit white is 255.
    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func lowDepthsUseTheFullRange() throws {
        let root = try #require(Corpora.root)
        for (file, levels) in [("basn0g01", 2), ("basn0g02", 4), ("basn0g04", 16)] {
            let picture = try ImageFile.read(path: "\(root)/png/pngsuite/\(file).png").picture
            let values = Set(picture.bytes)
            #expect(values.isSubset(of: (0 ..< levels).map { UInt8($0 * 255 / (levels - 1)) }))
            #expect(values.count >= levels - 1)
        }
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func libpngOwnFiles() throws {
        for path in try Corpora.files("png/libpng-contrib/testpngs", suffix: ".png") {
            #expect(throws: Never.self, "\(path)") { try ImageFile.read(path: path) }
        }
        for folder in ["badpal", "crashers"] {
            for path in try Corpora.files("png/libpng-contrib/testpngs/\(folder)", suffix: ".png") {
                // Any answer but a crash.
                _ = try? ImageFile.read(path: path)
            }
        }
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func profilesAreKeptByteForByte() throws {
        for path in try Corpora.files("icc/compact/profiles", suffix: ".icc") {
            var metadata = ImageMetadata()
            metadata.iccProfile = try contents(path)
            let isGray = name(path).hasPrefix("sGrey")
            let isInk = name(path).hasPrefix("CGATS")
            let picture = gradient(PixelSize(width: 8, height: 8), isGray ? .gray : .rgb)
            // A WebP is never grey.
            for format in ImageFormat.written where !isGray || format != .webp {
                let encoded = try ImageFile.encode(picture, format: format, metadata: metadata)
                let loaded = try ImageFile.read(bytes: encoded.bytes, name: "a")
                #expect(loaded.metadata.iccProfile == (isInk ? nil : metadata.iccProfile), "\(path)")
                #expect(encoded.notes.isEmpty != isInk)
            }
        }
    }
}
