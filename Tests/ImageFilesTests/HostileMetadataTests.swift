import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// What small files say about themselves to stop a program, or to make it take hours or gigabytes.
@Suite struct HostileMetadataTests {
    private static let picture = gradient(PixelSize(width: 24, height: 16))
    private static let settings = Infotext(
        prompt: "a lake",
        parameters: [.init(key: "Steps", value: "2"), .init(key: "Seed", value: "7"), .init(key: "Size", value: "8x8")])

    private static func png(_ chunks: [(String, [UInt8])]) throws -> [UInt8] {
        HandmadePNG.adding(chunks, to: try ImageFile.encode(picture, format: .png).bytes)
    }

    private static func text(_ keyword: String, _ text: String) -> (String, [UInt8]) {
        ("tEXt", Array(keyword.utf8) + [0] + Array(text.utf8))
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: Int) -> [UInt8] {
        little(tag, 2) + little(type, 2) + little(count, 4) + little(value, 4)
    }

    /// Every format can be written of what was read, with the record of an edit, and read again.
    private static func checkWritten(_ image: LoadedImage) throws {
        for format in ImageFormat.written {
            let encoded = try ImageFile.encode(
                image.picture, format: format, metadata: image.metadata, provenance: .edited(settings),
                jpegSource: image.jpegSource)
            let again = try ImageFile.read(bytes: encoded.bytes, name: "again.\(format.fileExtension)")
            #expect(again.picture.size == image.picture.size, "\(format)")
            #expect(again.provenance?.infotext == settings, "\(format)")
        }
    }

    // MARK: EXIF

    /// A block whose thumbnail, by its own words, is the block from its `start` on.
    private static func block(thumbnailFrom start: Int) -> [UInt8] {
        var block = Array("II*\0".utf8) + little(10, 4) + [0xFF, 0xD8] + little(0, 2) + little(16, 4)
        block += little(2, 2) + entry(0x0201, 4, 1, start) + entry(0x0202, 4, 1, 42 - start)
        return block
    }

    @Test(arguments: [8, 9, 10, 12, 14]) func thumbnailOverADirectoryStays(start: Int) throws {
        var bytes = Self.block(thumbnailFrom: start)
        bytes[start] = 0xFF
        bytes[start + 1] = 0xD8
        var exif = EXIFBlock(bytes)
        exif?.removeThumbnail()
        if let block = exif { #expect(EXIFBlock(block.bytes) != nil) }
        let image = try ImageFile.read(bytes: Self.png([("eXIf", Self.block(thumbnailFrom: start))]), name: "a.png")
        try Self.checkWritten(image)
    }

    @Test func thumbnailOverTheExifDirectoryStays() throws {
        var block = Array("II*\0".utf8) + Self.little(8, 4)
        block += Self.little(1, 2) + Self.entry(0x8769, 4, 1, 56) + Self.little(26, 4)
        block += Self.little(2, 2) + Self.entry(0x0201, 4, 1, 56) + Self.entry(0x0202, 4, 1, 18) + Self.little(0, 4)
        // 0xD8FF entries would not lie inside; one does, of the tag that the mark makes.
        block += Self.little(1, 2) + Self.entry(0xA002, 4, 1, 9) + Self.little(0, 4)
        #expect(block.count == 74)
        var exif = try #require(EXIFBlock(block))
        exif.removeThumbnail()
        exif.setPixelSize(width: 24, height: 16)
        let isSet = exif.setUserComment("a word")
        #expect(isSet)
        #expect(EXIFBlock(exif.bytes)?.userComment == "a word")
    }

    /// Half of the words' bytes are zeros as in the other byte order, or they begin with what says which it is.
    @Test(arguments: ["一", "一 丁 A", "\u{100}\u{FFFD}\u{FFFD}", "\u{FEFF}A", "\u{FFFE}A", "A 😀", ""])
    func commentsAreReadAsWritten(_ words: String) throws {
        for head in ["MM\0*\0\0\0\u{8}\0\0\0\0\0\0", "II*\0\u{8}\0\0\0\0\0\0\0\0\0"] {
            var exif = try #require(EXIFBlock(Array(head.utf8)))
            let isSet = exif.setUserComment(words)
            #expect(isSet)
            #expect((exif.userComment ?? "").utf16.elementsEqual(words.utf16))
        }
    }

    /// A thumbnail that by its own words lies over the place, over a value of the first directory, or beside both.
    @Test func thumbnailOverAValueStays() throws {
        var block = Array("II*\0".utf8) + Self.little(8, 4)
        block += Self.little(2, 2) + Self.entry(0x013B, 2, 8, 92) + Self.entry(0x8825, 4, 1, 38) + Self.little(56, 4)
        block += Self.little(1, 2) + Self.entry(0x0002, 5, 3, 100) + Self.little(0, 4)
        let words = Array("Ada Le\0\0".utf8)
        let place = (1 ... 6).flatMap { Self.little($0, 4) }
        for (start, length) in [(92, 8), (98, 10), (122, 8), (124, 8)] {
            var bytes =
                block + Self.little(2, 2) + Self.entry(0x0201, 4, 1, start) + Self.entry(0x0202, 4, 1, length)
                + Self.little(0, 4)
            bytes += [UInt8](repeating: 0, count: 6)
            bytes += words
            bytes += place
            bytes += [UInt8](repeating: 9, count: 12)
            #expect(bytes[92...].starts(with: words))
            // What is no JPEG is not erased anyway.
            bytes[start] = 0xFF
            bytes[start + 1] = 0xD8
            let stated = bytes
            var exif = try #require(EXIFBlock(bytes))
            exif.removeThumbnail()
            let isErased = start == 124
            #expect(Array(exif.bytes[92 ..< 124]) == Array(stated[92 ..< 124]), "\(start)")
            #expect(exif.bytes[34 ..< 38].allSatisfy { $0 == 0 })
            let isGone = exif.bytes[124 ..< 132].allSatisfy { $0 == 0 }
            #expect(isGone == isErased, "\(start)")
        }
    }

    @Test func directoryWithoutRoomIsLeftAsItIs() throws {
        // 65535 entries, which is as many as a directory can count.
        let count = 65535
        var block = Array("II*\0".utf8) + Self.little(8, 4) + Self.little(count, 2)
        for _ in 0 ..< count { block += Self.entry(0x0132, 3, 1, 0) }
        block += Self.little(0, 4)
        var exif = try #require(EXIFBlock(block))
        let isSet = exif.setUserComment("no room")
        #expect(!isSet)
        #expect(exif.bytes == block)
        var metadata = ImageMetadata()
        metadata.exif = block
        let encoded = try ImageFile.encode(
            Self.picture, format: .webp, metadata: metadata, provenance: .edited(Self.settings))
        #expect(encoded.notes.contains { $0.contains("no room for the record of this edit") }, "\(encoded.notes)")
        #expect(try ImageFile.read(bytes: encoded.bytes, name: "a").provenance == .edited(Self.settings))
        // A TIFF has each tag once.
        #expect(try ImageFile.encode(Self.picture, format: .tiff, metadata: metadata).bytes.count < 100_000)
    }

    @Test func commentOverTheHeaderIsNotCutOff() throws {
        // The Exif directory ends the block, right behind a comment that begins with the header.
        var block = Array("II*\0".utf8) + Self.little(8, 4)
        block += Self.little(1, 2) + Self.entry(0x8769, 4, 1, 26) + Self.little(0, 4)
        block += Self.little(1, 2) + Self.entry(0x9286, 7, 26, 0) + Self.little(0, 4)
        var exif = try #require(EXIFBlock(block))
        let isSet = exif.setUserComment("a word")
        #expect(isSet)
        #expect(EXIFBlock(exif.bytes)?.userComment == "a word")
    }

    // MARK: Densities

    @Test(arguments: [UInt32.max, UInt32.max - 49, 6_553_600, 0])
    func anyDensityCanBeWritten(density: UInt32) throws {
        let data = HandmadePNG.big(density) + HandmadePNG.big(density)
        for unit: UInt8 in [0, 1] {
            try Self.checkWritten(
                ImageFile.read(bytes: Self.png([("pHYs", data + [unit])]), name: "a.png"))
        }
        for unit in [PixelDensity.Unit.perInch, .perCentimetre, .aspect] {
            var metadata = ImageMetadata()
            metadata.density = PixelDensity(x: density, y: 1, unit: unit)
            for format in ImageFormat.written {
                let encoded = try ImageFile.encode(Self.picture, format: format, metadata: metadata)
                #expect(try ImageFile.read(bytes: encoded.bytes, name: "again").picture.size == Self.picture.size)
            }
        }
    }

    // MARK: Texts

    @Test(arguments: [
        "9223372036854775807", "4611686018427387905", "-1", "-9223372036854775808", "4", "99999999999999999999",
    ])
    func rawProfileWithAnyLengthIsRead(length: String) throws {
        let text = Self.text("Raw profile type iptc", "\niptc\n\(length)\n3842494d\n")
        let image = try ImageFile.read(bytes: Self.png([text]), name: "a.png")
        #expect((image.metadata.photoshopResources == Array("8BIM".utf8)) == (length == "4"))
        #expect(image.metadata.text.count == (length == "4" ? 0 : 1))
        try Self.checkWritten(image)
    }

    /// Each took minutes at a tenth of the length, where every place was the start of another look.
    @Test(arguments: [
        String(repeating: "-", count: 400_000) + ":", String(repeating: "/ ", count: 200_000) + "a:",
        String(repeating: "\n", count: 400_000) + "a\nSteps: 1, Seed: 2, Size: 8x8",
        String(repeating: "ab: \"", count: 80_000), String(repeating: "ab:\\\"", count: 80_000),
        String(repeating: " ", count: 400_000) + "\n" + String(repeating: "\u{3000}", count: 400_000) + "x",
        String(repeating: "Negative prompt:\n", count: 20_000),
    ])
    func longInfotextIsReadInOnePass(text: String) throws {
        _ = Infotext(parsing: text)
        let chunk: (String, [UInt8]) = ("iTXt", Array("parameters\0\0\0\0\0".utf8) + Array(text.utf8))
        #expect(try ImageFile.read(bytes: Self.png([chunk]), name: "a.png").picture.size == Self.picture.size)
    }

    @Test func infotextIsReadAsBefore() {
        let dashes = Infotext(parsing: "a cat\n-- - /Steps: 20, -/ 9: 1, a-/b c: 2, x: 3, Seed: 5")
        // A key has two characters or more and begins with a letter or a digit.
        #expect(dashes.parameters.map(\.key) == ["Steps", "a-/b c", "Seed"])
        #expect(dashes.prompt == "a cat")
        #expect(Infotext(parsing: "\r\n\n a\r\n\r\n b \n\n").prompt == "a\n\nb")
        #expect(Infotext(parsing: "a\n\nSteps: 1, Seed: 2, Size: 3").prompt == "a\n")
        #expect(
            Infotext(parsing: "Steps: 1, Seed: 2, Size: 3")
                == Infotext(
                    prompt: "",
                    parameters: [
                        .init(key: "Steps", value: "1"), .init(key: "Seed", value: "2"), .init(key: "Size", value: "3"),
                    ]))
        #expect(Infotext(parsing: "a\nNegative prompt: b\nc").negativePrompt == "b\nc")
        #expect(Infotext(parsing: "").prompt.isEmpty)
    }

    /// Each repeats a property so that every occurrence looks at all that follows, unless told where to stop.
    @Test(arguments: [
        "<tiff:Orientation/>", "<tiff:Orientation>", "<tiff:Orientation ", "<tiff:Orientation rdf:resourc/>",
        "<Iptc4xmpExt:DigitalSourceType/>", "tiff:Orientation", "<rdf:RDF>", "</rdf:RDF>", "<?xpacket end=",
    ])
    func repeatedPropertiesAreReadInOnePass(property: String) throws {
        let packet =
            Array("<x:xmpmeta><rdf:RDF>".utf8) + Array(String(repeating: property, count: 60_000).utf8)
            + Array(">\"</rdf:RDF></x:xmpmeta>".utf8)
        let chunk: (String, [UInt8]) = ("iTXt", Array("XML:com.adobe.xmp\0\0\0\0\0".utf8) + packet)
        try Self.checkWritten(ImageFile.read(bytes: Self.png([chunk]), name: "a.png"))
    }

    @Test func propertiesAreFoundAsBefore() {
        func type(_ packet: String) -> DigitalSourceType? {
            XMPPacket(Array("<rdf:RDF>\(packet)</rdf:RDF>".utf8)).digitalSourceType
        }
        let name = "Iptc4xmpExt:DigitalSourceType"
        #expect(type("<\(name)> a </\(name)>") == .other(uri: "a"))
        #expect(type("<d \(name) = 'a'/>") == .other(uri: "a"))
        #expect(type("<\(name) rdf:resource=\"a\"/>") == .other(uri: "a"))
        #expect(type("<\(name)/><x rdf:resource=\"b\"/><\(name)>a</\(name)>") == .other(uri: "a"))
    }

    private static func international(_ keyword: String, _ text: String) -> (String, [UInt8]) {
        ("iTXt", Array("\(keyword)\0\0\0\0\0".utf8) + Array(text.utf8))
    }

    /// Runs of combining marks and of regional indicators, which take the square of their length where texts are made
    /// normal to be compared, in every place where a text is looked at.
    @Test(.timeLimit(.minutes(1)), arguments: ["\u{301}\u{323}", "\u{1F1E6}"])
    func longClustersAreReadInOnePass(unit: String) throws {
        let words = String(repeating: unit, count: 40_000)
        let parameters = "a\na\(words): 1, Steps: 2, Seed: 7, Size: 8x8, Version: editor \(words)"
        let rdf = "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\""
        func packet(_ content: String) -> (String, [UInt8]) {
            Self.international("XML:com.adobe.xmp", "<x><rdf:RDF \(rdf)>\(content)</rdf:RDF></x>")
        }
        let chunks: [(String, [UInt8])] = [
            Self.international("Title", words), Self.international("parameters", parameters),
            packet("<rdf:Description a:\(words)=\"1\"/>"), packet("<\(words):a/>"),
            packet("<rdf:Description xmlns:a=\"\(words)\" a:b=\"1\"/>"),
        ]
        for chunk in chunks {
            let image = try ImageFile.read(bytes: Self.png([chunk]), name: "a.png")
            #expect(image.metadata.earlierRecords.isEmpty)
            #expect(image.metadata.comment == nil)
            #expect((image.provenance?.infotext == nil) == (chunk.1 != chunks[1].1))
        }
        #expect(TextEntry(keyword: "a", text: words + "a") == TextEntry(keyword: "a", text: words + "a"))
        #expect(TextEntry(keyword: "a", text: words + "a") != TextEntry(keyword: "a", text: words + "b"))
        var metadata = ImageMetadata()
        metadata.text = [TextEntry(keyword: "Comment", text: String(words.unicodeScalars.prefix(10_000)))]
        metadata.exif = EXIFBlock(userComment: String(parameters.unicodeScalars.prefix(10_000))).bytes
        let jpeg = try ImageFile.encode(Self.picture, format: .jpeg, metadata: metadata).bytes
        let image = try ImageFile.read(bytes: jpeg, name: "a.jpg")
        #expect(image.metadata.earlierRecords.isEmpty)
        #expect(image.metadata.text.count == 1)
    }

    @Test func longNamesOfXMPAreNotUnderstood() {
        func isUnderstood(_ content: String) -> Bool { XMPElements(Array("<a>\(content)</a>".utf8)) != nil }
        let name = String(repeating: "b", count: 1000)
        #expect(isUnderstood("<\(name) \(name)=\"\(name)\" c=\"\(name)\(name)\"/>"))
        #expect(isUnderstood("<b xmlns:c=\"\(name)\"/>"))
        #expect(!isUnderstood("<\(name)b/>"))
        #expect(!isUnderstood("<b \(name)b=\"1\"/>"))
        #expect(!isUnderstood("<b xmlns:c=\"\(name)b\"/>"))
        // Such a packet stays as it is.
        let kept = "<\(name)b/>"
        var packet = XMPPacket(Array("<a>\(kept)</a>".utf8))
        let isSet = packet.setParameters("Steps: 1")
        #expect(!isSet)
        #expect(String(decoding: packet.bytes, as: UTF8.self) == "<a>\(kept)</a>")
    }

    @Test func aKeyOfSettingsIsShort() {
        let rest = ": 1, Steps: 2, Seed: 7, Size: 8x8"
        let key = String(repeating: "k", count: 100)
        #expect(Infotext(parsing: key + rest).parameters.map(\.key) == [key, "Steps", "Seed", "Size"])
        #expect(Infotext(parsing: "k" + key + rest).parameters.map(\.key) == ["Steps", "Seed", "Size"])
    }

    @Test func textsAreBoundedTogether() throws {
        let each = 258 * 40 + 1
        let chunks = (0 ..< 6).map { ("zTXt", HandmadePNG.deflatedText("k\($0)", count: each)) }
        let limits = DecodeLimits(maximumMetadataBytes: 20_000, maximumMetadataSum: 25_000)
        let image = try ImageFile.read(bytes: Self.png(chunks), name: "a.png", limits: limits)
        #expect(image.metadata.text.map(\.keyword) == ["k0", "k1"])
        #expect(image.metadata.text.map(\.text.utf8.count) == [each, each])
        #expect(
            image.notes == [
                "its texts and profiles are longer than 25000 bytes together; left out: “k2”, “k3”, “k4”, “k5”"
            ])
        try Self.checkWritten(image)
        // One that is too long alone is told apart.
        let long = try ImageFile.read(
            bytes: Self.png([("zTXt", HandmadePNG.deflatedText("long", count: 258 * 100 + 1)), chunks[0]]),
            name: "a.png",
            limits: DecodeLimits(maximumMetadataBytes: 20_000, maximumMetadataSum: 40_000))
        #expect(long.metadata.text.map(\.keyword) == ["k0"])
        #expect(long.notes == ["texts that cannot be read were left out: “long”"])
    }

    @Test func plainTextsAndCommentsAreBoundedTogether() throws {
        let limits = DecodeLimits(maximumMetadataSum: 10_000)
        let words = String(repeating: "a", count: 4000)
        let chunks = (0 ..< 4).map { Self.text("k\($0)", words) }
        let image = try ImageFile.read(bytes: Self.png(chunks), name: "a.png", limits: limits)
        #expect(image.metadata.text.map(\.keyword) == ["k0", "k1"])
        #expect(image.notes.contains { $0.hasSuffix("left out: “k2”, “k3”") }, "\(image.notes)")

        var metadata = ImageMetadata()
        metadata.text = (0 ..< 4).map { _ in TextEntry(keyword: "Comment", text: words) }
        let jpeg = try ImageFile.encode(Self.picture, format: .jpeg, metadata: metadata).bytes
        let read = try ImageFile.read(bytes: jpeg, name: "a.jpg", limits: limits)
        #expect(read.metadata.text.count == 2)
        #expect(read.notes.contains { $0.hasSuffix("left out: “Comment”") }, "\(read.notes)")
    }

    /// Thousands of chunks make one sentence each kind, and take no longer for each other.
    @Test func notesStayShort() throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        func name(_ index: Int) -> String {
            String(
                decoding: [letters[index % 26], letters[index / 26 % 26], 0x51, letters[index / 676 % 26]],
                as: UTF8.self)
        }
        var chunks: [(String, [UInt8])] = (0 ..< 17_000).map { (name($0), []) }
        chunks += (0 ..< 50).map { ("zTXt", Array("broken \($0)\0\0nothing".utf8)) }
        chunks += (0 ..< 50).map { _ in ("acTL", [0, 0, 0, 1, 0, 0, 0, 1]) }
        chunks += (0 ..< 50).map { ("gAMA", HandmadePNG.big(UInt32(45_000 + $0))) }
        chunks += (0 ..< 50).map { _ in ("iCCP", Array("x\0\0broken".utf8)) }
        let image = try ImageFile.read(bytes: Self.png(chunks), name: "a.png")
        #expect(image.notes.count == 4, "\(image.notes)")
        #expect(image.notes.allSatisfy { $0.utf8.count < 400 })
        #expect(image.notes.contains { $0.contains("aaQa, baQa") && $0.hasSuffix(" and 16988 more") }, "\(image.notes)")
        #expect(image.notes.contains { $0.hasSuffix("“broken 11” and 38 more") }, "\(image.notes)")
        #expect(image.metadata.colorChunks.map(\.data) == [HandmadePNG.big(45_049)])
    }

    @Test func manyJPEGSegmentsAreReadInOnePass() throws {
        var jpeg = try ImageFile.encode(Self.picture, format: .jpeg).bytes
        let part = Array("Photoshop 3.0\0".utf8) + [7]
        let segment = [0xFF, 0xED, 0, UInt8(part.count + 2)] + part
        let others: [UInt8] = [0xFF, 0xE2, 0, 6] + Array("MPF\0".utf8)
        jpeg.insert(contentsOf: (0 ..< 60_000).flatMap { _ in segment + others }, at: 2)
        let image = try ImageFile.read(bytes: jpeg, name: "a.jpg")
        #expect(image.metadata.photoshopResources?.count == 60_000)
        #expect(image.notes.count < 5)
        try Self.checkWritten(image)
    }

    // MARK: TIFF

    /// A TIFF with `count` more entries in its directory, each of which is as good as the whole file.
    private static func overlapping(count: Int, tag: (Int) -> Int) throws -> [UInt8] {
        var file = try ImageFile.encode(picture, format: .tiff).bytes
        let offset = (0 ..< 4).reduce(0) { $0 | Int(file[4 + $1]) << (8 * $1) }
        let old = Int(file[offset]) | Int(file[offset + 1]) << 8
        let entries = Array(file[offset + 2 ..< offset + 2 + old * 12])
        file += [UInt8](repeating: 7, count: 100_000)
        let place = file.count
        file += little(old + count, 2) + entries
        for index in 0 ..< count { file += entry(tag(index), 7, place - 8, 8) }
        file += little(0, 4)
        file.replaceSubrange(4 ..< 8, with: little(place, 4))
        return file
    }

    @Test func directoryWhoseValuesOverlapIsRefused() throws {
        let file = try Self.overlapping(count: 1200) { 40_000 + $0 }
        #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: file, name: "a.tif") }
        do {
            _ = try ImageFile.read(bytes: file, name: "a.tif")
        } catch {
            #expect("\(error)".contains("the values of its directory lie on each other"), "\(error)")
        }
        let directory = try #require(TIFFDirectory(first: file))
        #expect(directory.entries.reduce(0) { $0 + $1.data.count } <= file.count)
    }

    /// A few values that share bytes are read: some writers store equal ones once.
    @Test func fewValuesMayShareBytes() throws {
        let file = try Self.overlapping(count: 3) { 40_000 + $0 }
        let image = try ImageFile.read(bytes: file, name: "a.tif")
        #expect(image.picture == Self.picture)
        #expect(image.notes.contains { $0.contains("overlaps, and was left out") }, "\(image.notes)")
    }

    /// In an EXIF block, whichever file it comes in.
    @Test func exifDirectoryWhoseValuesOverlapStaysSmall() throws {
        var block = Array("II*\0".utf8) + Self.little(8, 4) + Self.little(2000, 2)
        for _ in 0 ..< 2000 { block += Self.entry(270, 2, 50_000, 24_100) }
        block += Self.little(0, 4)
        block += [UInt8](repeating: 0x41, count: 74_100 - block.count)
        var metadata = ImageMetadata()
        metadata.exif = block
        let bytes = try ImageFile.encode(Self.picture, format: .tiff, metadata: metadata).bytes
        #expect(bytes.count < 200_000)
        #expect(try ImageFile.read(bytes: bytes, name: "a.tif").picture == Self.picture)
    }
}
