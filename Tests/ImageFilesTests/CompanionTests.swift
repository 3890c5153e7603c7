import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// Videos, gain maps and further pictures beside a picture, which are not carried over: neither are the claims that
/// they are there, and a note names them. XMP that fills several segments is carried over.
@Suite struct CompanionTests {
    private let picture = gradient(PixelSize(width: 24, height: 16))

    private func jpeg(_ packet: String?, segments: [(marker: UInt8, payload: [UInt8])] = [], behind: [UInt8]) throws
        -> LoadedImage
    {
        let plain = try ImageFile.encode(picture, format: .jpeg).bytes
        let all = (packet.map { [Handmade.xmpSegment($0)] } ?? []) + segments
        return try ImageFile.read(bytes: Handmade.jpeg(plain, adding: all) + behind, name: "a.jpg")
    }

    private static let video: [UInt8] = [0, 0, 0, 0x18] + Array("ftypisom".utf8) + [UInt8](repeating: 7, count: 500)
    private static let motion = """
        xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" \
        GCamera:MotionPhotoPresentationTimestampUs="-1" GCamera:PortraitVersion="2"
        """
    private static let directory = """
        <C:Directory xmlns:C="http://ns.google.com/photos/1.0/container/" \
        xmlns:I="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item \
        I:Mime="image/jpeg" I:Semantic="Primary"/></rdf:li><rdf:li rdf:parseType="Resource"><C:Item I:Mime="video/mp4" \
        I:Semantic="MotionPhoto" I:Length="512"/></rdf:li></rdf:Seq></C:Directory>
        """

    /// As a JPEG that keeps its blocks, as one encoded anew, and in other formats.
    private func files(of image: LoadedImage) throws -> [[UInt8]] {
        var files = try ImageFormat.written.map {
            try ImageFile.encode(image.picture, format: $0, metadata: image.metadata).bytes
        }
        files.append(
            try ImageFile.encode(
                image.picture, format: .jpeg, metadata: image.metadata, jpegSource: image.jpegSource
            ).bytes)
        return files
    }

    @Test func motionPhotos() throws {
        let image = try jpeg(Handmade.packet(Self.motion, Self.directory), behind: Self.video)
        #expect(image.jpegSource != nil)
        #expect(
            image.losses == [
                "its motion video is not carried over: it shows the picture before the edit (512 bytes behind its end-of-image marker)"
            ])
        #expect(image.notes == image.losses)
        for file in try files(of: image) {
            for gone in ["MotionPhoto", "container", "ftypisom", "video/mp4"] {
                #expect(!file.contains(gone), "\(gone)")
            }
            for kept in ["GCamera:PortraitVersion=\"2\"", "A hill &amp; a lake"] {
                #expect(file.contains(kept), "\(kept)")
            }
        }
        // The older kind, and one without a word in XMP.
        let old = try jpeg(
            Handmade.packet(
                "xmlns:GCamera=\"http://ns.google.com/photos/1.0/camera/\"",
                "<GCamera:MicroVideo>1</GCamera:MicroVideo><GCamera:MicroVideoOffset>512</GCamera:MicroVideoOffset>"),
            behind: Self.video)
        #expect(try files(of: old).allSatisfy { !$0.contains("GCamera:MicroVideo") && $0.contains("A hill &amp;") })
        #expect(try jpeg(nil, behind: Self.video).losses.contains { $0.contains("its motion video is not") })
    }

    @Test func gainMaps() throws {
        let claims = Handmade.packet("xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"")
        let second = try ImageFile.encode(gradient(PixelSize(width: 8, height: 8)), format: .jpeg).bytes
        let list: (marker: UInt8, payload: [UInt8]) = (0xE2, Array("MPF\0II*\0".utf8) + [8, 0, 0, 0, 0, 0])
        let standard: (marker: UInt8, payload: [UInt8]) = (
            0xE2, Array("urn:iso:std:iso:ts:21496:-1\0".utf8) + [0, 0, 0, 0]
        )
        for (packet, segments) in [
            (claims, [list]), (claims, []), (nil, [standard, list]), (nil, [standard]),
        ] as [(String?, [(marker: UInt8, payload: [UInt8])])] {
            let image = try jpeg(packet, segments: segments, behind: second)
            #expect(image.losses.count == 1 && image.losses[0].hasPrefix("its gain map (HDR) is not carried over"))
            #expect(image.losses[0].contains("\(second.count) bytes behind"))
            for file in try files(of: image) {
                for gone in ["hdrgm", "hdr-gain-map", "MPF\0", "21496"] { #expect(!file.contains(gone), "\(gone)") }
                #expect(packet == nil || file.contains("A hill &amp; a lake"))
            }
        }
        // Previews.
        let previews = try jpeg(nil, segments: [list], behind: second)
        #expect(previews.losses.count == 1 && previews.losses[0].hasPrefix("its further pictures"))
        // A claim without what it claims, in a JPEG and in a PNG.
        let hollow = try jpeg(claims, behind: [])
        #expect(
            hollow.losses == [
                "its XMP speaks of a gain map that it does not hold; those properties are not carried over"
            ])
        var metadata = ImageMetadata()
        metadata.xmp = Array(claims.utf8)
        let png = try ImageFile.read(
            bytes: ImageFile.encode(picture, format: .png, metadata: metadata).bytes, name: "a")
        #expect(png.losses == hollow.losses)
        #expect(png.metadata.xmp.map { !$0.contains("hdrgm") } == true)
    }

    /// What else a file holds, which a program that replaces it is to warn of.
    @Test func companionsAreNamed() throws {
        let small = PixelSize(width: 8, height: 6)
        let page = HandmadeTIFF.Page(
            width: 8, height: 6, channels: 3, photometric: 2, samples: [UInt8](repeating: 9, count: 144))
        let pages = try ImageFile.read(bytes: HandmadeTIFF.bytes([page, page]), name: "a.tif")
        #expect(pages.companions == ["it has several pages; only the first is used"])
        #expect(try ImageFile.read(bytes: HandmadeTIFF.bytes([page]), name: "a.tif").companions.isEmpty)
        let animated = try ImageFile.read(path: "\(FormatTests.folder)/animated.webp")
        #expect(animated.companions == ["it is animated; only its first picture is used"])
        let png = try ImageFile.encode(gradient(small), format: .png).bytes
        let frames = try ImageFile.read(
            bytes: HandmadePNG.adding([("acTL", [0, 0, 0, 2, 0, 0, 0, 0])], to: png), name: "a.png")
        #expect(frames.companions == ["it is animated; only its first picture is used"])
        #expect(try ImageFile.read(bytes: png + [1, 2, 3], name: "a.png").companions.count == 1)
        #expect(try jpeg(nil, behind: Self.video).companions.count == 1)
        #expect(try jpeg(nil, behind: []).companions.isEmpty)
        for image in [pages, animated, frames] { #expect(image.companions.allSatisfy { image.notes.contains($0) }) }
    }

    @Test func bytesBehindTheEndAreNamed() throws {
        let rest = Array("PK\u{3}\u{4} an archive".utf8)
        #expect(
            try jpeg(nil, behind: rest).losses == [
                "\(rest.count) bytes behind its end-of-image marker are not carried over"
            ])
        // Padding is nothing.
        #expect(try jpeg(nil, behind: [UInt8](repeating: 0, count: 64)).losses.isEmpty)
        let png = try ImageFile.encode(picture, format: .png).bytes
        let behindPNG = try ImageFile.read(bytes: png + rest, name: "a.png")
        #expect(behindPNG.losses == ["\(rest.count) bytes behind its end chunk are not carried over"])
        #expect(behindPNG.picture == picture)
        let one = try ImageFile.read(bytes: png + [7], name: "a.png")
        #expect(one.losses == ["1 byte behind its end chunk is not carried over"])
        #expect(try jpeg(nil, behind: [7]).losses == ["1 byte behind its end-of-image marker is not carried over"])
        let webp = try ImageFile.encode(picture, format: .webp).bytes
        let behindWebP = try ImageFile.read(bytes: webp + rest, name: "a.webp")
        #expect(behindWebP.losses == ["\(rest.count) bytes behind its end are not carried over"])
        #expect(
            try ImageFile.read(bytes: webp + [7], name: "a.webp").losses == [
                "1 byte behind its end is not carried over"
            ])
        // A chunk of no known kind inside the container.
        var odd = webp + Array("abCd".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
        let size = odd.count - 8
        for index in 0 ..< 4 { odd[4 + index] = UInt8(size >> (8 * index) & 255) }
        #expect(
            try ImageFile.read(bytes: odd, name: "b.webp").losses.contains { $0.hasSuffix("not carried over: abCd") })
        // Progressive scans and restart markers are not the end.
        var coding = try #require(try jpeg(nil, behind: []).metadata.jpegCoding)
        coding.isProgressive = true
        var metadata = ImageMetadata()
        metadata.jpegCoding = coding
        let scans = try ImageFile.encode(
            noise(PixelSize(width: 99, height: 80), .rgb, depth: 8), format: .jpeg, metadata: metadata)
        #expect(try ImageFile.read(bytes: scans.bytes, name: "p.jpg").losses.isEmpty)
        #expect(try ImageFile.read(bytes: scans.bytes + rest, name: "p.jpg").losses.count == 1)
    }

    @Test func segmentsAndHintsAreNamed() throws {
        let image = try jpeg(nil, segments: [(0xEC, Array("Ducky\0\0".utf8)), (0xE5, [1, 2])], behind: [])
        #expect(
            image.losses == ["segments that this build does not know are not carried over: APP5, APP12 (Ducky)"]
                || image.losses == ["segments that this build does not know are not carried over: APP12 (Ducky), APP5"])
        let chunks = [
            ("tIME", [7, 234, 1, 2, 3, 4, 5]), ("sCAL", Array("\u{1}1\02".utf8)), ("bKGD", [0, 1, 0, 2, 0, 3]),
        ]
        let plain = try ImageFile.encode(picture, format: .png).bytes
        let png = try ImageFile.read(
            bytes: HandmadePNG.adding(chunks, to: plain), name: "a.png")
        #expect(
            png.losses == [
                "its time of last change (tIME) is not carried over",
                "hints on how to show it are not carried over: bKGD",
            ])
        let again = try ImageFile.encode(png.picture, format: .png, metadata: png.metadata)
        #expect(again.notes.isEmpty && !again.bytes.contains("tIME") && again.bytes.contains("sCAL"))
        let other = try ImageFile.encode(png.picture, format: .webp, metadata: png.metadata)
        #expect(other.notes == ["chunks of a PNG have no place in a WebP and were left out: sCAL"])
    }

    /// Texts that are not well formed, and blocks of which a file has one.
    @Test func whatCannotBeTakenIsNamed() throws {
        let long = String(repeating: "K", count: 80)
        let chunks: [(String, [UInt8])] = [
            ("tEXt", Array("\(long)\0words".utf8)), ("zTXt", Array("method\0\u{1}words".utf8)),
            ("iTXt", Array("short\0\0\0en".utf8)), ("iTXt", Array("shorter\0".utf8)), ("zTXt", Array(long.utf8)),
            ("iTXt", [0]), ("tEXt", Array("Title\0A hill".utf8)), ("iCCP", Array("x\0\0broken".utf8)),
            ("eXIf", Handmade.exif(comment: Handmade.ownComment)),
            ("eXIf", Handmade.exif(comment: Handmade.ownComment)),
            ("eXIf", Handmade.exif(comment: Array("ASCII\0\0\0Others".utf8))),
            ("iTXt", Array("XML:com.adobe.xmp\0\0\0\0\0\(Handmade.packet(""))".utf8)),
            ("iTXt", Array("XML:com.adobe.xmp\0\0\0\0\0\(Handmade.packet("", "<a/>"))".utf8)),
        ]
        let plain = try ImageFile.encode(picture, format: .png).bytes
        let png = try ImageFile.read(bytes: HandmadePNG.adding(chunks, to: plain), name: "a.png")
        #expect(
            png.losses == [
                "its colour profile cannot be read and was left out",
                "texts that cannot be read were left out: tEXt, “method”, “short”, “shorter”, zTXt, iTXt",
                "only the first of several is carried over: EXIF, XMP",
            ])
        #expect(png.metadata.text.map(\.keyword) == ["Title"])
        #expect(png.metadata.comment == Handmade.ownWords)

        func exif(_ words: String) -> (marker: UInt8, payload: [UInt8]) {
            (0xE1, Array("Exif\0\0".utf8) + Handmade.exif(comment: Array("ASCII\0\0\0\(words)".utf8)))
        }
        let repeated = try jpeg(
            Handmade.packet(""),
            segments: [exif("One"), exif("One"), Handmade.xmpSegment(Handmade.packet("")), exif("Other")], behind: [])
        #expect(repeated.losses == ["only the first of several is carried over: EXIF"])
        #expect(repeated.metadata.comment == "One")
        let packets = try jpeg(
            Handmade.packet(""), segments: [Handmade.xmpSegment(Handmade.packet("", "<a/>"))], behind: [])
        #expect(packets.losses == ["only the first of several is carried over: XMP"])
    }

    /// A profile or an EXIF block that is lost is a loss.
    @Test func lostBlocksAreLosses() throws {
        let piece: (marker: UInt8, payload: [UInt8]) = (0xE2, Array("ICC_PROFILE\0".utf8) + [1, 2, 3, 4])
        let broken: (marker: UInt8, payload: [UInt8]) = (0xE1, Array("Exif\0\0no TIFF header".utf8))
        let image = try jpeg(nil, segments: [piece, broken], behind: [])
        #expect(
            image.losses == [
                "its colour profile is incomplete and was left out",
                "its EXIF block cannot be read and was left out",
            ])
        #expect(image.losses.allSatisfy { image.notes.contains($0) })
    }

    // MARK: XMP in several segments

    @Test func digests() {
        // RFC 1321, A.5.
        #expect(MD5.hexadecimal([]) == "D41D8CD98F00B204E9800998ECF8427E")
        #expect(MD5.hexadecimal(Array("abc".utf8)) == "900150983CD24FB0D6963F7D28E17F72")
        #expect(
            MD5.hexadecimal(
                Array("12345678901234567890123456789012345678901234567890123456789012345678901234567890".utf8))
                == "57EDF4A22BE3C955AC49DA2E2107B67A")
        for count in 50 ..< 70 { #expect(MD5.hexadecimal([UInt8](repeating: 0, count: count)).count == 32) }
        #expect(MD5.hexadecimal([UInt8](repeating: 97, count: 64)) == "014842D480B571495A4A0363793F7367")
    }

    private static let depth = String(repeating: "QUJD", count: 30_000)

    /// A packet that claims an extension, and its pieces.
    private func extended(isWhole: Bool = true) -> (packet: String, segments: [(marker: UInt8, payload: [UInt8])]) {
        let rest = Array(
            ("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"\(XMPElements.rdf)\" "
                + "xmlns:N=\"urn:notes/\"><rdf:Description rdf:about=\"\" N:Data=\"\(Self.depth)\"/></rdf:RDF></x:xmpmeta>")
                .utf8)
        let digest = MD5.hexadecimal(rest)
        func big(_ value: Int) -> [UInt8] { (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        var segments: [(marker: UInt8, payload: [UInt8])] = []
        // Out of order, as the specification allows.
        for start in stride(from: 0, to: rest.count, by: 50_000).reversed() {
            let piece = rest[start ..< min(rest.count, start + 50_000)]
            segments.append((0xE1, ExtendedXMP.header + Array(digest.utf8) + big(rest.count) + big(start) + piece))
        }
        if !isWhole { segments.removeLast() }
        return (
            Handmade.packet("xmlns:xmpNote=\"http://ns.adobe.com/xmp/note/\" xmpNote:HasExtendedXMP=\"\(digest)\""),
            segments
        )
    }

    @Test(arguments: ImageFormat.written) func extendedXMPComesBack(format: ImageFormat) throws {
        let (packet, segments) = extended()
        let image = try jpeg(packet, segments: segments, behind: [])
        #expect(image.losses.isEmpty, "\(image.losses)")
        let file = try ImageFile.encode(
            image.picture, format: format, metadata: image.metadata,
            provenance: .edited(Infotext(prompt: "x", parameters: [.init(key: "Version", value: "editor 1")])))
        #expect(file.notes.isEmpty, "\(file.notes)")
        // One packet, or a claim that is true.
        #expect(file.bytes.contains("HasExtendedXMP") == (format == .jpeg))
        let next = try ImageFile.read(bytes: file.bytes, name: "b")
        #expect(next.losses.isEmpty)
        #expect(next.provenance?.digitalSourceType == .compositeWithTrainedAlgorithmicMedia)
        let result = XMPPacket(try #require(next.metadata.xmp))
        #expect(result.text("urn:notes/", "Data") == Self.depth)
        #expect(result.bytes.contains("A hill &amp; a lake") && !result.bytes.contains("HasExtendedXMP"))
        // Again and again: no larger.
        let third = try ImageFile.encode(next.picture, format: format, metadata: next.metadata).bytes
        let fourth = try ImageFile.read(bytes: third, name: "c")
        #expect(XMPPacket(try #require(fourth.metadata.xmp)).text("urn:notes/", "Data") == Self.depth)
        #expect(abs(third.count - file.bytes.count) < 200)
    }

    @Test func piecesThatLackAreNotClaimed() throws {
        let (packet, segments) = extended(isWhole: false)
        let image = try jpeg(packet, segments: segments, behind: [])
        #expect(image.losses == ["its extended XMP is incomplete or belongs to another packet, and was left out"])
        for file in try files(of: image) {
            #expect(!file.contains("HasExtendedXMP") && file.contains("A hill &amp; a lake"))
        }
        let alone = try jpeg(nil, segments: extended().segments, behind: [])
        #expect(alone.losses == ["its extended XMP belongs to no packet and was left out"])
    }

    /// A few kilobytes that would become hundreds of megabytes, each element with all the namespaces around it.
    @Test func namespacesAreNotCopiedWithoutEnd() throws {
        let declared = (0 ..< 2000).map { " xmlns:a\($0)=\"u\"" }.joined()
        let rest = Array(
            ("<rdf:RDF xmlns:rdf=\"\(XMPElements.rdf)\"\(declared)>" + String(repeating: "<a/>", count: 10_000)
                + "</rdf:RDF>").utf8)
        let digest = MD5.hexadecimal(rest)
        func big(_ value: Int) -> [UInt8] { (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        var segments: [(marker: UInt8, payload: [UInt8])] = []
        for start in stride(from: 0, to: rest.count, by: 50_000) {
            let piece = rest[start ..< min(rest.count, start + 50_000)]
            segments.append((0xE1, ExtendedXMP.header + Array(digest.utf8) + big(rest.count) + big(start) + piece))
        }
        let packet = Handmade.packet(
            "xmlns:xmpNote=\"http://ns.adobe.com/xmp/note/\" xmpNote:HasExtendedXMP=\"\(digest)\"")
        let image = try jpeg(packet, segments: segments, behind: [])
        #expect(image.losses == ["its extended XMP is incomplete or belongs to another packet, and was left out"])
        #expect(try #require(image.metadata.xmp).count < packet.utf8.count)
        // What could not be read again is not written either.
        let wide = "<rdf:RDF xmlns:rdf=\"\(XMPElements.rdf)\"\(declared)>"
        let large = wide + String(repeating: "<rdf:Description/>", count: 5000) + "</rdf:RDF>"
        #expect(ExtendedXMP.split(Array(large.utf8), limit: 65_000) == nil)
    }

    /// A record longer than EXIF's segment, and other packets that no segment holds.
    @Test func longPacketsAreSplit() throws {
        let long = Infotext(
            prompt: String(repeating: "🎨", count: 25_000),
            parameters: [("Steps", "1"), ("Seed", "2"), ("Version", "editor 1")].map { .init(key: $0.0, value: $0.1) })
        let file = try ImageFile.encode(picture, format: .jpeg, provenance: .edited(long))
        #expect(
            file.notes == [
                "EXIF has no room for the record of this edit; how this edit was made stands in XMP (editor:Parameters)"
            ])
        #expect(try ImageFile.read(bytes: file.bytes, name: "a").provenance == .edited(long))
        var packet = XMPPacket(Array(Handmade.packet("").utf8))
        packet.setParameters(Self.depth)
        for limit in [1500, 3000, 65_000] {
            let split = try #require(ExtendedXMP.split(packet.bytes, limit: limit))
            #expect(split.packet.count <= limit && split.segments.allSatisfy { $0.count <= 65_533 })
            let joined = ExtendedXMP.joined(split.packet, split.segments.map { $0[...] })
            #expect(joined.isWhole && XMPPacket(joined.packet).parameters == Self.depth)
            for (index, segment) in split.segments.enumerated() {
                for place in [35, 67, 71, segment.count - 1] {
                    var wrong = split.segments
                    wrong[index][place] ^= 1
                    _ = ExtendedXMP.joined(split.packet, wrong.map { $0[...] })
                }
            }
        }
        #expect(ExtendedXMP.split(packet.bytes, limit: 100) == nil)
    }
}
