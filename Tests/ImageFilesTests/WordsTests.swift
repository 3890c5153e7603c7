import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// What others wrote into a file comes out again, and the record of an edit stands beside it.
@Suite struct WordsTests {
    private let picture = gradient(PixelSize(width: 24, height: 16))

    private func settings(_ seed: Int) -> Infotext {
        var text = Infotext(prompt: "a red <door> & a lake 🏞️", negativePrompt: "blurry")
        for (key, value) in [("Steps", "20"), ("Seed", "\(seed)"), ("Size", "24x16"), ("Version", "editor 0.1.0")] {
            text[key] = value
        }
        return text
    }

    private func loaded(exif comment: [UInt8] = Handmade.ownComment) throws -> LoadedImage {
        let plain = try ImageFile.encode(picture, format: .jpeg).bytes
        let payload = Array("Exif\0\0".utf8) + Handmade.exif(comment: comment)
        return try ImageFile.read(bytes: Handmade.jpeg(plain, adding: [(0xE1, payload)]), name: "a.jpg")
    }

    private func again(
        _ image: LoadedImage, _ format: ImageFormat, seed: Int?
    ) throws -> (image: LoadedImage, notes: [String], bytes: [UInt8]) {
        let file = try ImageFile.encode(
            image.picture, format: format, metadata: image.metadata, provenance: seed.map { .edited(settings($0)) },
            jpegSource: image.jpegSource)
        return (try ImageFile.read(bytes: file.bytes, name: "b"), file.notes, file.bytes)
    }

    /// Words in a charset of EXIF's own, in Unicode, in one that is not read, and a type that names none.
    @Test(
        arguments: ImageFormat.written,
        [
            Handmade.ownComment, Array("UNICODE\0".utf8) + Array("Own words".utf8).flatMap { [$0, 0] },
            Array("JIS\0\0\0\0\0".utf8) + [0x24, 0x22, 0x24, 0x24], [0, 0, 0, 0, 0, 0, 0, 0, 0xE9, 0xE8],
            Array("No charset at all".utf8),
        ])
    func aCommentOfOnesOwnStays(format: ImageFormat, comment: [UInt8]) throws {
        for isTaken in [true, false] {
            var image = try loaded(exif: comment)
            // A chain of edits, and one that turns the record off.
            for seed in 1 ... 4 {
                let next = try again(image, format, seed: isTaken ? seed : nil)
                #expect(next.image.provenance?.infotext == (isTaken ? settings(seed) : nil))
                #expect(
                    next.bytes.range(of: String(decoding: comment.dropFirst(8), as: Unicode.ASCII.self)) != nil
                        || next.bytes.containsBytes(comment))
                if isTaken {
                    // A PNG's text is nobody else's place.
                    let isSaid = next.notes.contains { $0.contains("stands in XMP (editor:Parameters)") }
                    #expect(isSaid == (format != .png), "\(next.notes)")
                }
                image = next.image
            }
            #expect(image.metadata.exif.map { $0.containsBytes(comment) } == true)
            #expect(image.metadata.comment == (try loaded(exif: comment).metadata.comment))
        }
    }

    @Test(arguments: ImageFormat.written) func blanksOfACameraMakeRoom(format: ImageFormat) throws {
        for blank in [Array("ASCII\0\0\0        ".utf8), [UInt8](repeating: 0, count: 40)] {
            let next = try again(loaded(exif: blank), format, seed: 7)
            #expect(next.notes.isEmpty, "\(next.notes)")
            #expect(next.image.provenance?.infotext == settings(7))
            if format != .png { #expect(next.image.metadata.exifComment == settings(7).rendered) }
        }
    }

    /// A record that another program left in the comment is someone's, too.
    @Test(arguments: ImageFormat.written) func anEarlierRecordInTheCommentStays(format: ImageFormat) throws {
        let old = Array("UNICODE\0".utf8) + Handmade.foreignRecord.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        var image = try loaded(exif: old)
        #expect(image.provenance?.infotext?["Seed"] == "123" && image.metadata.earlierRecords.isEmpty)
        for seed in 1 ... 3 {
            image = try again(image, format, seed: seed).image
            #expect(image.provenance?.infotext == settings(seed))
            #expect(image.metadata.earlierRecords == [Handmade.foreignRecord])
        }
        let plain = try again(loaded(exif: old), format, seed: nil).image
        #expect(plain.provenance?.infotext?["Seed"] == "123" && plain.metadata.exifComment == Handmade.foreignRecord)
    }

    /// A record that another program left in the comment, and one of this program's in a PNG's text: the latest stays
    /// the latest in whatever is written from it.
    @Test(arguments: ImageFormat.written) func theLatestRecordStaysTheLatest(format: ImageFormat) throws {
        let old = Array("UNICODE\0".utf8) + Handmade.foreignRecord.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        let edited = try again(loaded(exif: old), .png, seed: 1).image
        #expect(edited.provenance?.infotext == settings(1))
        let next = try again(edited, format, seed: nil)
        #expect(next.image.provenance?.infotext == settings(1))
        #expect(next.image.metadata.earlierRecords == [Handmade.foreignRecord])
        #expect(!next.notes.contains { $0.contains("earlier “parameters”") }, "\(next.notes)")
        // An edit of that knows it for its own.
        let last = try again(next.image, format, seed: 2).image
        #expect(last.provenance?.infotext == settings(2) && last.metadata.earlierRecords == [Handmade.foreignRecord])
    }

    @Test func aCommentInJISIsCounted() throws {
        let image = try loaded(exif: Array("JIS\0\0\0\0\0".utf8) + [0x24, 0x22, 0x24, 0x24])
        #expect(image.metadata.comment == nil)
        let found = try #require(image.metadata.unreadComment)
        #expect(found == (code: "JIS", bytes: 4))
        #expect(try loaded().metadata.unreadComment == nil)
        #expect(try loaded(exif: Array("JIS\0\0\0\0\0    ".utf8)).metadata.unreadComment == nil)
    }

    /// PNG text: in a PNG both stand under the key that programs read, the newest last; elsewhere the earlier one is
    /// found, too.
    @Test(arguments: ImageFormat.written) func earlierParametersStay(format: ImageFormat) throws {
        let plain = try ImageFile.encode(picture, format: .png).bytes
        let chunk = ("tEXt", Array("parameters\0\(Handmade.foreignRecord)".utf8))
        let source = try ImageFile.read(bytes: HandmadePNG.adding([chunk, chunk], to: plain), name: "a.png")
        var image = source
        var size = 0
        for seed in 1 ... 4 {
            let next = try again(image, format, seed: seed)
            #expect(next.image.provenance?.infotext == settings(seed))
            #expect(next.bytes.contains("old prompt, masterpiece"))
            #expect(next.image.metadata.earlierRecords == [Handmade.foreignRecord])
            if format == .png {
                let texts = next.image.metadata.text.filter { $0.keyword == "parameters" }.map(\.text)
                #expect(texts == [Handmade.foreignRecord, Handmade.foreignRecord, settings(seed).rendered])
            }
            // An edit's own record makes way for the next one.
            if seed > 2 { #expect(next.bytes.count == size) }
            size = next.bytes.count
            image = next.image
        }
        let without = try again(source, format, seed: nil).image
        #expect(without.provenance?.infotext?.rendered == Infotext(parsing: Handmade.foreignRecord).rendered)
        #expect(without.provenance?.digitalSourceType == nil)
    }

    /// Every carrier in every format, with and without a record.
    @Test(arguments: ImageFormat.written, [true, false])
    func otherWordsComeBack(format: ImageFormat, isRecorded: Bool) throws {
        var image = try loaded()
        image.metadata.xmp = Array(
            Handmade.packet("xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:Label=\"Keep\"").utf8)
        image.metadata.text = [
            TextEntry(keyword: "Title", text: "The <hill>"), TextEntry(keyword: "Comment", text: "a comment — 猫"),
        ]
        func dataset(_ number: UInt8, _ text: String) -> [UInt8] {
            [0x1C, 2, number, 0, UInt8(text.utf8.count)] + Array(text.utf8)
        }
        let record = dataset(120, "Caption") + dataset(25, "hills") + dataset(25, "lakes") + dataset(80, "Ada Lens")
        image.metadata.photoshopResources =
            Array("8BIM".utf8) + [4, 4, 0, 0, 0, 0, 0, UInt8(record.count)] + record
        let next = try again(image, format, seed: isRecorded ? 1 : nil)
        let exif = try #require(next.image.metadata.exif)
        for words in ["A hill at noon", "Ada Lens", "(c) Ada Lens", Handmade.ownWords] {
            #expect(exif.contains(words), "\(words)")
        }
        #expect(exif.containsBytes(Array("own note".utf8).flatMap { [$0, 0] }))
        let packet = XMPPacket(try #require(next.image.metadata.xmp))
        #expect(packet.bytes.contains("A hill &amp; a lake") && packet.bytes.contains("xmp:Label=\"Keep\""))
        switch format {
        case .webp, .tiff:
            // In a WebP also the caption that differs from XMP's.
            let others = format == .webp ? ["IPTC description: Caption"] : []
            #expect(
                packet.items(XMPPacket.Own.namespace, XMPPacket.Own.texts)
                    == ["Title: The <hill>", "Comment: a comment — 猫"] + others)
            let isSaid = next.notes.contains { $0.contains("those that differ from its own in editor:Texts") }
            #expect(isSaid == (format == .webp))
            #expect(next.notes.contains { $0.contains("“Title”, “Comment”") })
        case .jpeg:
            #expect(next.image.metadata.text.map(\.text) == ["Title: The <hill>", "a comment — 猫"])
        default: #expect(next.image.metadata.text.prefix(2) == image.metadata.text[...])
        }
        if format == .webp {
            #expect(packet.items("http://purl.org/dc/elements/1.1/", "subject") == ["hills", "lakes"])
            #expect(packet.items("http://purl.org/dc/elements/1.1/", "creator") == ["Ada Lens"])
            // What XMP says already counts.
            #expect(packet.items("http://purl.org/dc/elements/1.1/", "description") == ["A hill & a lake"])
        } else {
            #expect(next.image.metadata.photoshopResources == image.metadata.photoshopResources)
        }
    }

    /// Longer than a segment of a JPEG, by a letter and by much; with a record and without.
    @Test(arguments: [65_533 - 12, 65_534 - 12, 90_000], [true, false])
    func longTextsGoIntoTheXMPOfAJPEG(count: Int, isRecorded: Bool) throws {
        // EXIF writes two bytes a letter.
        let tail = "\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 8x8"
        let text = String(repeating: "m", count: count - tail.utf8.count) + tail
        var metadata = ImageMetadata()
        metadata.text = [TextEntry(keyword: "parameters", text: text), TextEntry(keyword: "Title", text: "A hill")]
        let file = try ImageFile.encode(
            picture, format: .jpeg, metadata: metadata, provenance: isRecorded ? .edited(settings(1)) : nil)
        let isLong = count > 65_533 - 12
        let note =
            isLong
            ? "texts are longer than a JPEG segment holds (64 KiB); its XMP holds them: “parameters”"
            : "the \(isRecorded ? "earlier " : "")“parameters” text stands in a comment of the JPEG"
        #expect(file.notes == [note])
        let next = try ImageFile.read(bytes: file.bytes, name: "a")
        #expect(next.losses.isEmpty, "\(next.losses)")
        #expect(next.metadata.earlierRecords == [text])
        #expect(next.metadata.text.map(\.text).contains("Title: A hill"))
        #expect(next.provenance?.infotext == (isRecorded ? settings(1) : nil))
        // Edited again it stays, in every format.
        for format in ImageFormat.written {
            let later = try again(next, format, seed: 2).image
            #expect(later.metadata.earlierRecords == [text], "\(format)")
            #expect(later.provenance?.infotext == settings(2), "\(format)")
        }
    }

    /// Where the packet cannot be added to, that is the reason.
    @Test func longTextsWithoutXMPAreLeftOut() throws {
        var metadata = ImageMetadata()
        metadata.text = [TextEntry(keyword: "Story", text: String(repeating: "m", count: 70_000))]
        metadata.xmp = Array("<x:xmpmeta>someone's words, cut sho".utf8)
        let left = "and its XMP cannot be added to; they were left out: “Story”"
        for (format, reason) in [
            (ImageFormat.jpeg, "texts are longer than a JPEG segment holds (64 KiB)"),
            (.webp, "texts have no place of their own in a WebP"),
            (.tiff, "texts have no place of their own in a TIFF"),
        ] {
            let file = try ImageFile.encode(picture, format: format, metadata: metadata)
            #expect(file.notes == ["\(reason), \(left)"])
            let next = try ImageFile.read(bytes: file.bytes, name: "a")
            #expect(next.metadata.xmp == metadata.xmp && next.metadata.text.isEmpty)
        }
    }

    /// A packet that no segment holds and that cannot be split is left out for what it is.
    @Test(arguments: [
        (String(repeating: "<a/>", count: 60_000), "it has more than 50,000 elements"),
        ("<a \((0 ..< 110_000).map { "b\($0)=\"\"" }.joined(separator: " "))/>", "it has more than 100,000 attributes"),
        (
            String(repeating: "<a>", count: 300) + String(repeating: "m", count: 70_000),
            "its elements are nested more than 200 deep"
        ),
        ("<\(String(repeating: "a", count: 70_000))/>", "it has a name of more than 1000 bytes"),
        ("<a>\(String(repeating: "m", count: 70_000))</b>", "it is not well formed"),
    ])
    func whyAPacketIsLeftOutOfAJPEG(content: String, reason: String) throws {
        var metadata = ImageMetadata()
        metadata.xmp = Array(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"\(XMPElements.rdf)\">\(content)</rdf:RDF></x:xmpmeta>"
                .utf8)
        let file = try ImageFile.encode(picture, format: .jpeg, metadata: metadata)
        #expect(
            file.notes == [
                "the XMP packet is longer than a JPEG segment holds (64 KiB) and cannot be split, as \(reason); it was "
                    + "left out"
            ])
        #expect(try ImageFile.read(bytes: file.bytes, name: "a").metadata.xmp == nil)
        for format in [ImageFormat.png, .webp, .tiff] {
            let file = try ImageFile.encode(picture, format: format, metadata: metadata)
            #expect(file.notes.isEmpty)
            #expect(try ImageFile.read(bytes: file.bytes, name: "a").metadata.xmp == metadata.xmp)
        }
    }

    @Test func aPacketThatCannotBeUnderstoodIsNotReplaced() throws {
        var metadata = ImageMetadata()
        metadata.xmp = Array("<x:xmpmeta>someone's words, cut sho".utf8)
        for format in ImageFormat.written {
            let file = try ImageFile.encode(
                picture, format: format, metadata: metadata, provenance: .edited(settings(1)))
            let next = try ImageFile.read(bytes: file.bytes, name: "a")
            #expect(next.metadata.xmp == metadata.xmp)
            #expect(file.notes.contains { $0.contains("XMP packet cannot be understood and stays") })
            #expect(next.provenance?.infotext == settings(1))
        }
    }

    /// A packet may call a namespace by any prefix; and the usual one may stand for another.
    @Test func theKindOfSourceIsFoundByItsNamespace() throws {
        let space = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
        let camera = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
        let forms = [
            ("e:DigitalSourceType=\"\(camera)\"", ""), ("", "<e:DigitalSourceType>\(camera)</e:DigitalSourceType>"),
            ("", "<e:DigitalSourceType rdf:resource='\(camera)'/>"), ("", "<e:DigitalSourceType/>"),
            ("e:DigitalSourceType=\"\(camera)\"", "<e:DigitalSourceType>\(camera)</e:DigitalSourceType>"),
            ("xmlns:Iptc4xmpExt=\"urn:other\" Iptc4xmpExt:DigitalSourceType=\"theirs\"", ""),
        ]
        for (attributes, content) in forms {
            var packet = XMPPacket(Array(Handmade.packet("xmlns:e=\"\(space)\" \(attributes)", content).utf8))
            let isStated = attributes.contains(camera) || content.contains(camera)
            let expected: DigitalSourceType? = isStated ? .digitalCapture : nil
            #expect(packet.digitalSourceType == expected)
            for type in [DigitalSourceType.compositeWithTrainedAlgorithmicMedia, .trainedAlgorithmicMedia] {
                packet.digitalSourceType = type
                #expect(packet.digitalSourceType == type)
                #expect(packet.text(space, "DigitalSourceType") == type.uri || content.contains("rdf:resource"))
            }
            #expect(!packet.bytes.contains(camera) && packet.bytes.contains("A hill &amp; a lake"))
            #expect(packet.bytes.contains("theirs") == attributes.contains("theirs"))
            #expect(packet.valueRanges(space, "DigitalSourceType")?.isEmpty == false)
        }
        // Other prefixes for RDF and TIFF, too.
        let text =
            "<r:RDF xmlns:r=\"\(XMPElements.rdf)\"><r:Description r:about='' t:Orientation='6' "
            + "xmlns:t='http://ns.adobe.com/tiff/1.0/'/></r:RDF>"
        var turned = XMPPacket(Array(text.utf8))
        turned.setOrientation(3)
        #expect(turned.bytes.contains("t:Orientation='3'") && turned.isWellFormed)
        turned.digitalSourceType = .trainedAlgorithmicMedia
        #expect(turned.digitalSourceType == .trainedAlgorithmicMedia)
    }

    @Test func aPacketInUTF16IsRead() throws {
        let text = Handmade.packet("xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" tiff:Orientation=\"6\"")
        for isBig in [true, false] {
            let packet = text.utf16.flatMap { unit -> [UInt8] in
                isBig ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
            }
            let plain = try ImageFile.encode(picture, format: .jpeg).bytes
            let segment = Array("http://ns.adobe.com/xap/1.0/\0".utf8) + packet
            let image = try ImageFile.read(bytes: Handmade.jpeg(plain, adding: [(0xE1, segment)]), name: "a")
            let next = try again(image, .png, seed: 1).image
            #expect(next.provenance == .edited(settings(1)))
            #expect(next.metadata.xmp.map { $0.contains("A hill &amp; a lake") } == true)
        }
    }

    /// What an edit adds does not grow with each edit, and reads back whatever it holds.
    @Test func theRecordInXMP() throws {
        var packet = XMPPacket(Array(Handmade.packet("").utf8))
        let before = packet.bytes
        for text in ["<a> & \"b\" 'c'\nd\te\u{1}f]]>", "猫", "plain"] {
            packet.setParameters(text)
            #expect(packet.parameters == text.filter { $0 != "\u{1}" })
        }
        packet.setParameters(nil)
        #expect(packet.bytes == before)
        var empty = XMPPacket(Array("<rdf:RDF xmlns:rdf='\(XMPElements.rdf)'/>".utf8))
        #expect(empty.setParameters("a") && empty.parameters == "a")
        // Someone else's prefix for this namespace, and an attribute in place of an element.
        let other = Handmade.packet("xmlns:e=\"\(XMPPacket.Own.namespace)\" e:Parameters=\"a&#10;b\"")
        #expect(XMPPacket(Array(other.utf8)).parameters == "a\nb")
        #expect(
            XMPPacket(Array(Handmade.packet("xmlns:editor=\"urn:other\" editor:Parameters=\"a\"").utf8)).parameters
                == nil)
    }

    @Test func brokenPacketsAreLeftAsTheyAre() throws {
        let whole = Array(
            Handmade.packet(
                "xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"", "<!-- x --><![CDATA[<]]>"
            ).utf8)
        for count in 0 ..< whole.count {
            var packet = XMPPacket(Array(whole[..<count]))
            _ = packet.removeCompanionClaims()
            _ = packet.setParameters("x")
        }
        for index in whole.indices {
            for value: UInt8 in [0, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), 0xFF] {
                var bytes = whole
                bytes[index] = value
                var packet = XMPPacket(bytes)
                _ = packet.removeCompanionClaims()
                if packet.setParameters("x") { #expect(packet.parameters == "x") }
            }
        }
        // Deeper and more than any packet is.
        #expect(XMPElements(Array(String(repeating: "<a>", count: 100_000).utf8)) == nil)
        #expect(XMPElements(Array(String(repeating: "<a/>", count: 100_000).utf8)) == nil)
    }

    /// XMP writes dates in another way, and has no property for some datasets.
    @Test(
        arguments: [
            ("20240131", "2024-01-31"), ("20240100", "2024-01"), ("20240000", "2024"), ("00000000", nil),
            ("20240031", nil), ("20241301", nil), ("January", nil),
        ] as [(String, String?)])
    func datesOfARecordAreWrittenAsXMPDoes(date: String, expected: String?) throws {
        func dataset(_ number: UInt8, _ text: String) -> [UInt8] {
            [0x1C, 2, number, 0, UInt8(text.utf8.count)] + Array(text.utf8)
        }
        let record =
            dataset(0, "\0\u{4}") + dataset(90, "Town") + dataset(118, "Ada") + dataset(55, date)
            + dataset(92, "Old town")
        var image = try ImageFile.read(bytes: ImageFile.encode(picture, format: .png).bytes, name: "a.png")
        image.metadata.photoshopResources =
            Array("8BIM".utf8) + [4, 4, 0, 0, 0, 0, 0, UInt8(record.count)] + record
        let next = try again(image, .webp, seed: nil)
        let packet = XMPPacket(try #require(next.image.metadata.xmp))
        #expect(packet.text("http://ns.adobe.com/photoshop/1.0/", "DateCreated") == expected)
        #expect(packet.text("http://ns.adobe.com/photoshop/1.0/", "City") == "Town")
        let left = expected == nil ? "55, 92, 118" : "92, 118"
        #expect(
            next.notes == [
                "the IPTC record has no place in a WebP; its XMP holds the record's texts; not carried over: "
                    + "datasets \(left)"
            ])
    }

    @Test func datasetsOfARecordAreReadWhole() throws {
        #expect(IPTCRecord(resources: []) == nil)
        // A resource with a name before it, and a record in UTF-8.
        let record: [UInt8] = [0x1C, 1, 90, 0, 3, 0x1B, 0x25, 0x47, 0x1C, 2, 5, 0, 4] + Array("Zoë".utf8)
        let resources =
            Array("8BIM".utf8) + [4, 0x25, 3, 0x41, 0x42, 0x43, 0, 0, 0, 1, 9, 0] + Array("8BIM".utf8)
            + [4, 4, 0, 0, 0, 0, 0, UInt8(record.count)] + record
        #expect(IPTCRecord(resources: resources)?.datasets.map(\.text) == ["Zoë"])
        for count in 0 ..< resources.count { _ = IPTCRecord(resources: Array(resources[..<count])) }
        for index in resources.indices {
            var wrong = resources
            wrong[index] = 0xFF
            _ = IPTCRecord(resources: wrong)
        }
    }
}

extension [UInt8] {
    func containsBytes(_ other: [UInt8]) -> Bool {
        guard count >= other.count else { return false }
        return (0 ... count - other.count).contains { self[$0 ..< $0 + other.count].elementsEqual(other) }
    }
}
