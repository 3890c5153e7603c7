import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// What an edit makes untrue does not stay, and what stands in odd places of a file is kept or named.
@Suite struct StalenessTests {
    private let picture = gradient(PixelSize(width: 24, height: 16))

    private func plain() throws -> [UInt8] { try ImageFile.encode(picture, format: .jpeg).bytes }

    private func read(_ segments: [(marker: UInt8, payload: [UInt8])]) throws -> LoadedImage {
        try ImageFile.read(bytes: Handmade.jpeg(plain(), adding: segments), name: "a.jpg")
    }

    private static func resource(_ identifier: Int, _ data: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [UInt8(identifier >> 8), UInt8(identifier & 255), 0, 0, 0, 0, 0, UInt8(data.count)]
        return Array("8BIM".utf8) + head + data + [UInt8](repeating: 0, count: data.count % 2)
    }

    private static let lens = resource(0x0404, [0x1C, 2, 80, 0, 4] + Array("Lens".utf8))

    @Test(arguments: ImageFormat.written) func oldThumbnailsGo(format: ImageFormat) throws {
        let views = """
            xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:d="http://ns.google.com/photos/1.0/depthmap/" \
            xmp:Label="Keep" d:Format="RangeInverse" d:Data="iVBOR-depth"
            """
        let thumbnails = "<xmp:Thumbnails><rdf:Alt><rdf:li>old-view</rdf:li></rdf:Alt></xmp:Thumbnails>"
        let resources =
            Self.resource(0x0409, Array("OLDBGR".utf8)) + Self.lens + Self.resource(0x040C, Array("OLDRGB!".utf8))
        let image = try read([
            Handmade.xmpSegment(Handmade.packet(views, thumbnails)),
            (0xED, Array("Photoshop 3.0\0".utf8) + resources),
        ])
        let file = try ImageFile.encode(image.picture, format: format, metadata: image.metadata)
        let said =
            "what shows the picture before the edit is left out: Photoshop's thumbnail, thumbnails in XMP, "
            + "a depth map or second picture in XMP"
        #expect(file.notes.contains(said), "\(file.notes)")
        let next = try ImageFile.read(bytes: file.bytes, name: "b").metadata
        let packet = try #require(next.xmp)
        for gone in ["Thumbnails", "old-view", "depth"] { #expect(!packet.contains(gone), "\(gone)") }
        #expect(packet.contains("xmp:Label=\"Keep\"") && packet.contains("A hill &amp; a lake"))
        if format != .webp { #expect(next.photoshopResources == Self.lens) }
    }

    @Test func thumbnailsAmongBrokenResources() throws {
        let whole = Self.lens + Self.resource(0x040C, Array("OLDRGB".utf8)) + Self.lens
        for count in 0 ... whole.count {
            var resources = PhotoshopResources(Array(whole[..<count]))
            let isChanged = resources.removeThumbnails()
            #expect(isChanged != (resources.bytes == Array(whole[..<count])))
            if count >= Self.lens.count + 12 { #expect(!resources.bytes.contains("OLD")) }
        }
        var only = PhotoshopResources(Self.resource(0x0409, [1, 2]))
        #expect(only.removeThumbnails() && only.bytes.isEmpty)
    }

    /// XMP says the size of the result and that it is upright; what it says of other pictures stays.
    @Test(arguments: ImageFormat.written) func sizesInXMPAreCorrected(format: ImageFormat) throws {
        let stated = """
            xmlns:t="http://ns.adobe.com/tiff/1.0/" xmlns:e="http://ns.adobe.com/exif/1.0/" \
            xmlns:m="http://ns.adobe.com/xap/1.0/mm/" t:Orientation="6" t:ImageWidth="240" t:ImageLength="160" \
            e:PixelXDimension="240"
            """
        let other = "<m:Pantry><rdf:Bag><rdf:li t:ImageWidth=\"99\"/></rdf:Bag></m:Pantry>"
        var metadata = ImageMetadata()
        metadata.xmp = Array(
            Handmade.packet(stated, "<e:PixelYDimension>160</e:PixelYDimension>\(other)").utf8)
        let file = try ImageFile.encode(picture, format: format, metadata: metadata)
        let packet = XMPPacket(try #require(try ImageFile.read(bytes: file.bytes, name: "b").metadata.xmp))
        let (tiff, exif) = ("http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/")
        #expect(packet.text(tiff, "ImageWidth") == "24" && packet.text(tiff, "ImageLength") == "16")
        #expect(packet.text(exif, "PixelXDimension") == "24" && packet.text(exif, "PixelYDimension") == "16")
        #expect(packet.text(tiff, "Orientation") == "1")
        #expect(packet.bytes.contains("t:ImageWidth=\"99\""))
    }

    @Test func sizesInTheFirstDirectoryAreCorrected() throws {
        func entry(_ tag: Int, _ value: Int) -> [UInt8] {
            HandmadeTIFF.little(tag, 2) + HandmadeTIFF.little(4, 2) + HandmadeTIFF.little(1, 4)
                + HandmadeTIFF.little(value, 4)
        }
        let bytes =
            Array("II*\0".utf8) + HandmadeTIFF.little(8, 4) + HandmadeTIFF.little(2, 2) + entry(0x0100, 240)
            + entry(0x0101, 160) + HandmadeTIFF.little(0, 4)
        var block = try #require(EXIFBlock(bytes))
        block.setPixelSize(width: 24, height: 16)
        let directory = try #require(TIFFDirectory(first: block.bytes))
        #expect(directory.entries.map(\.number) == [24, 16])
    }

    /// A PNG's record that a JPEG holds as a comment, and a WebP made from that in XMP.
    @Test func recordsAreFoundThroughFormats() throws {
        var image = try read([])
        image.metadata.text = [TextEntry(keyword: "parameters", text: Handmade.foreignRecord)]
        for format in [ImageFormat.jpeg, .webp, .tiff, .png] {
            var settings = Infotext(prompt: "a fox", negativePrompt: "")
            settings["Steps"] = "20"
            settings["Version"] = "editor 0.1.0"
            let file = try ImageFile.encode(
                image.picture, format: format, metadata: image.metadata, provenance: .edited(settings))
            image = try ImageFile.read(bytes: file.bytes, name: "b")
            #expect(image.metadata.earlierRecords == [Handmade.foreignRecord], "\(format)")
        }
    }

    /// Behind the first scan's header, before the end marker.
    @Test func commentsBehindTheFirstScanAreRead() throws {
        let file = try plain()
        let behind = Handmade.jpeg(
            [0xFF, 0xD8], adding: [(0xFE, Array("late words".utf8)), (0xE7, Array("odd".utf8))])
        let image = try ImageFile.read(
            bytes: Array(file.dropLast(2)) + Array(behind.dropFirst(2)) + [0xFF, 0xD9], name: "a.jpg")
        #expect(image.metadata.text == [TextEntry(keyword: "Comment", text: "late words")])
        #expect(image.losses == ["segments behind its first scan are not carried over: APP7 (odd)"])
    }

    @Test func otherThumbnailsOfAJPEGAreNamed() throws {
        let image = try read([(0xE0, Array("JFXX\0\u{10}".utf8) + [0xFF, 0xD8, 0xFF, 0xD9])])
        #expect(image.losses == ["its JFIF thumbnail is not carried over: it shows the picture before the edit"])
        #expect(
            try read([(0xE0, Array("AVI1".utf8))]).losses == [
                "segments that this build does not know are not carried over: APP0 (AVI1)"
            ])
    }

    @Test func tagsOfPrintingAreNamed() throws {
        let page = HandmadeTIFF.Page(
            width: 2, height: 1, channels: 3, photometric: 2, samples: [1, 2, 3, 4, 5, 6],
            fields: [.text(333, "Gold"), .text(337, "Press")])
        let image = try ImageFile.read(bytes: HandmadeTIFF.bytes([page]), name: "a.tif")
        #expect(image.losses == ["some tags of its directory are not carried over: names of inks, target printer"])
    }

    /// Words beside the thumbnail go with it; values of types that are not known do not come into a TIFF.
    @Test func oddEXIFIsNamed() throws {
        func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: [UInt8]) -> [UInt8] {
            HandmadeTIFF.little(tag, 2) + HandmadeTIFF.little(type, 2) + HandmadeTIFF.little(count, 4) + value
        }
        let (one, end) = (HandmadeTIFF.little(1, 2), HandmadeTIFF.little(0, 4))
        let first = Array("II*\0".utf8) + HandmadeTIFF.little(8, 4) + one
        var image = try read([])
        image.metadata.exif =
            first + entry(0x013B, 2, 4, Array("Ada\0".utf8)) + HandmadeTIFF.little(26, 4) + one
            + entry(0x010E, 2, 4, Array("Sun\0".utf8)) + end
        let said = "what EXIF says beside its thumbnail is left out with the thumbnail"
        let same = image.metadata.exif.map { Array($0.prefix(28)) + entry(0x013B, 2, 4, Array("Ada\0".utf8)) + end }
        for format in ImageFormat.written {
            #expect(
                try ImageFile.encode(image.picture, format: format, metadata: image.metadata).notes.contains(said))
            var other = image.metadata
            other.exif = same
            #expect(try ImageFile.encode(image.picture, format: format, metadata: other).notes.isEmpty)
        }
        image.metadata.exif = first + entry(0x9999, 13, 1, [1, 2, 3, 4]) + end
        #expect(
            try ImageFile.encode(image.picture, format: .tiff, metadata: image.metadata).notes.contains(
                "some values of the EXIF block cannot be read, lie outside it or overlap, and were left out"))
    }

    /// Quotes in the packet's subject, and a comment that looks like its end, of packets that are well formed or not.
    @Test(arguments: ["", "<dc:open>"]) func theKindOfSourceKeepsThePacketWellFormed(broken: String) throws {
        let about = """
            <rdf:RDF xmlns:rdf='\(XMPElements.rdf)'><rdf:Description rdf:about='a"b'/>\(broken)</rdf:RDF>
            """
        var packet = XMPPacket(Array(about.utf8))
        packet.digitalSourceType = .trainedAlgorithmicMedia
        #expect(packet.digitalSourceType == .trainedAlgorithmicMedia)
        #expect(!packet.bytes.contains("\"a\"b\"") && packet.bytes.range(of: "'a\"b' xmlns") != nil)
        #expect((XMPElements(packet.bytes) != nil) == broken.isEmpty)

        let commented = Array("<rdf:RDF xmlns:rdf='\(XMPElements.rdf)'>\(broken)</rdf:RDF><!-- </rdf:RDF> -->".utf8)
        packet = XMPPacket(commented)
        #expect(packet.isWellFormed == broken.isEmpty)
        packet.digitalSourceType = .trainedAlgorithmicMedia
        #expect((packet.bytes == commented) == !broken.isEmpty)
        #expect(packet.bytes.contains("<!-- </rdf:RDF> -->"))
    }

    @Test func claimsOfAPacketThatIsTooLargeAreNamed() throws {
        let many = String(repeating: "<dc:x/>", count: 50_001)
        var metadata = ImageMetadata()
        metadata.xmp = Array(
            Handmade.packet(
                "xmlns:GCamera=\"http://ns.google.com/photos/1.0/camera/\" GCamera:MotionPhoto=\"1\"", many
            ).utf8)
        let file = try ImageFile.encode(picture, format: .png, metadata: metadata)
        #expect(
            try ImageFile.read(bytes: file.bytes, name: "a.png").losses == [
                "its XMP cannot be understood and stays as it was; it may speak of a gain map or motion video that is "
                    + "not carried over"
            ])
    }
}
