import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

/// What others wrote into a picture, and what stands beside it in its file, through the program.
@Suite struct KeptWordsTests {
    private static let words = "Own words of the photographer"
    private static let old =
        "old prompt, masterpiece\nNegative prompt: bad\nSteps: 30, Sampler: Euler a, Seed: 123, Model: dream"
    private static let quick = ["--model", "model", "--steps", "2", "--seed", "5"]

    private static func big(_ value: Int, _ count: Int) -> [UInt8] {
        (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
    }

    /// Big endian: a first directory that points to a second one, which holds the comment.
    private static func exif(comment: String) -> [UInt8] {
        let payload = Array("ASCII\0\0\0\(comment)".utf8)
        return Array("MM\0*".utf8) + big(8, 4) + big(1, 2) + big(0x8769, 2) + big(4, 2) + big(1, 4) + big(26, 4)
            + big(0, 4) + big(1, 2) + big(0x9286, 2) + big(7, 2) + big(payload.count, 4) + big(44, 4) + big(0, 4)
            + payload
    }

    private func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        var metadata = ImageMetadata()
        metadata.exif = Self.exif(comment: Self.words)
        let picture = try ImageFile.read(path: editor.path("a.png")).picture
        try ImageFile.write(picture, to: editor.path("words.jpg"), format: .jpeg, metadata: metadata)
        metadata = ImageMetadata()
        metadata.text = [TextEntry(keyword: "parameters", text: Self.old), TextEntry(keyword: "Title", text: "A hill")]
        try ImageFile.write(picture, to: editor.path("old.png"), format: .png, metadata: metadata)
        return editor
    }

    private func bytes(_ name: String, _ editor: Editor) throws -> String {
        String(decoding: try Data(contentsOf: editor.folder.appending(path: name)), as: Unicode.ASCII.self)
    }

    private static let verbs: [[String]] = [
        ["inpaint", "words.jpg", "m.png", "a fox"], ["erase", "words.jpg", "m.png"],
        ["outpaint", "words.jpg", "--right", "16"], ["remix", "words.jpg", "a fox"], ["variations", "words.jpg"],
        ["inpaint", "words.jpg", "empty.png", "a fox"],
    ]

    @Test(arguments: verbs) func `A photographer's comment stays, whatever is made of the picture`(verb: [String])
        throws
    {
        let editor = try editor()
        for ending in ["jpg", "png", "webp", "tif"] {
            for isRecorded in [true, false] {
                let made = try editor.run(
                    verb + ["-o", "b.\(ending)", "--force"] + Self.quick + (isRecorded ? [] : ["--no-metadata"]))
                #expect(made.code == 0, "\(made.error)")
                #expect(try bytes("b.\(ending)", editor).contains(Self.words), "\(verb) \(ending)")
                let isUnchanged = verb.contains("empty.png")
                let info = try editor.run(["info", "b.\(ending)"])
                #expect(info.output.contains("comment:"), "\(info.output)")
                #expect(info.output.contains(Self.words), "\(info.output)")
                #expect(info.output.contains("Version: editor") == (isRecorded && !isUnchanged), "\(info.output)")
                // Where the record then stands is said.
                #expect(
                    made.error.contains("the EXIF comment stays; how this edit was made stands in XMP")
                        == (isRecorded && !isUnchanged && ending != "png"), "\(made.error)")
            }
        }
    }

    @Test func `Edits of edits keep the first words and one record of this program`() throws {
        let editor = try editor()
        var name = "words.jpg"
        for (number, ending) in ["jpg", "png", "webp", "tif", "jpg", "png"].enumerated() {
            let next = "\(number).\(ending)"
            let made = try editor.run(["inpaint", name, "m.png", "fox \(number)", "-o", next] + Self.quick)
            #expect(made.code == 0, "\(made.error)")
            let text = try bytes(next, editor)
            #expect(text.contains(Self.words))
            let provenance = try #require(try ImageFile.read(path: editor.path(next)).provenance)
            #expect(provenance.infotext?.prompt == "fox \(number)")
            #expect(!text.contains("fox \(number - 1)"))
            name = next
        }
    }

    @Test func `Earlier parameters stay, and stay alone without metadata`() throws {
        let editor = try editor()
        for ending in ["png", "jpg", "webp", "tif"] {
            let made = try editor.run(["inpaint", "old.png", "m.png", "a fox", "-o", "b.\(ending)"] + Self.quick)
            #expect(made.code == 0, "\(made.error)")
            let text = try bytes("b.\(ending)", editor)
            #expect(text.contains("old prompt, masterpiece") && text.contains("A hill"), "\(ending)")
            let provenance = try #require(try ImageFile.read(path: editor.path("b.\(ending)")).provenance)
            #expect(provenance.infotext?.prompt == "a fox")

            let bare = try editor.run(
                ["inpaint", "old.png", "m.png", "a fox", "--no-metadata", "-o", "bare.\(ending)"] + Self.quick)
            #expect(bare.code == 0, "\(bare.error)")
            let left = try #require(try ImageFile.read(path: editor.path("bare.\(ending)")).provenance)
            #expect(left.infotext?.prompt == "old prompt, masterpiece" && left.digitalSourceType == nil)
        }
        let info = try editor.run(["info", "b.png"])
        #expect(info.output.contains("made with:") && info.output.contains("made before:"), "\(info.output)")
        #expect(
            try editor.run(["inpaint", "old.png", "m.png", "x", "-o", "c.png"] + Self.quick).error
                .contains("the earlier “parameters” text stays"))
    }

    // MARK: What is left out

    private static let motion = """
        <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description \
        rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" \
        xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta>
        """

    @Test func `A motion photo's video is named, and no longer claimed`() throws {
        let editor = try editor()
        let file = Array(try Data(contentsOf: editor.folder.appending(path: "a.jpg")))
        let packet = Array("http://ns.adobe.com/xap/1.0/\0\(Self.motion)".utf8)
        let video = Self.big(24, 4) + Array("ftypmp42".utf8) + [UInt8](repeating: 1, count: 300)
        try editor.write(
            file[..<2] + [0xFF, 0xE1] + Self.big(packet.count + 2, 2) + packet + file[2...] + video, "v.jpg")
        for (verb, output) in [
            (["inpaint", "v.jpg", "m.png", "a fox"], "b.jpg"), (["outpaint", "v.jpg", "--right", "16"], "c.jpg"),
            (["remix", "v.jpg", "a fox"], "d.png"), (["inpaint", "v.jpg", "empty.png", "a fox"], "e.png"),
        ] {
            let made = try editor.run(verb + ["-o", output] + Self.quick)
            #expect(made.code == 0 && made.error.contains("its motion video is not carried over"), "\(made.error)")
            let text = try bytes(output, editor)
            #expect(!text.contains("MotionPhoto") && !text.contains("ftyp") && text.contains("dc:format"))
        }
        // The file itself is whole, and nothing else is said.
        let same = try editor.run(["inpaint", "v.jpg", "empty.png", "a fox", "-o", "same.jpg"] + Self.quick)
        #expect(same.code == 0 && !same.error.contains("carried over"), "\(same.error)")
        #expect(try bytes("same.jpg", editor) == bytes("v.jpg", editor))
        #expect(try editor.run(["info", "v.jpg"]).output.contains("its motion video is not carried over"))
    }

    /// 64 × 48 pixels of two colours in stripes, one bit each, put together by hand.
    private static func indexed() -> [UInt8] {
        let row: [UInt8] = [0] + (0 ..< 8).map { $0 % 2 == 0 ? 0 : 255 }
        let rows = [[UInt8]](repeating: row, count: 48).flatMap { $0 }
        // A stored block of deflate (RFC 1950, RFC 1951, 3.2.4).
        var (a, b) = (1, 0)
        for byte in rows {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        let length = [UInt8(rows.count & 255), UInt8(rows.count >> 8)]
        let stream = [0x78, 0x01, 0x01] + length + length.map { ~$0 } + rows + big(b << 16 | a, 4)
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + HandmadePNG.chunk("IHDR", big(64, 4) + big(48, 4) + [1, 3, 0, 0, 0])
            + HandmadePNG.chunk("PLTE", [200, 30, 40, 20, 60, 220]) + HandmadePNG.chunk("IDAT", stream)
            + HandmadePNG.chunk("IEND", [])
    }

    @Test func `An indexed picture stays indexed where its colours allow`() throws {
        let editor = try editor()
        try editor.write(Self.indexed(), "i.png")
        let source = try ImageFile.read(path: editor.path("i.png"))
        #expect(source.facts.colorType == .palette && source.facts.bitDepth == 1)
        // A small hole takes few colours, the whole picture more than 256.
        let few = try editor.run(["inpaint", "i.png", "--box", "20,10,6,6", "a fox", "-o", "few.png"] + Self.quick)
        #expect(few.code == 0 && !few.error.contains("256 colours"), "\(few.error)")
        let after = try ImageFile.read(path: editor.path("few.png"))
        #expect(after.facts.colorType == .palette && after.picture != source.picture)
        let corner = PixelRect(x: 0, y: 0, width: 20, height: 48)
        #expect(after.picture.cropped(to: corner) == source.picture.cropped(to: corner))
        let many = try editor.run(["remix", "i.png", "a fox", "-o", "many.png"] + Self.quick)
        #expect(many.code == 0 && many.error.contains("more than 256 colours and is written as RGB"), "\(many.error)")
        #expect(try ImageFile.read(path: editor.path("many.png")).facts.colorType == .rgb)
        let same = try editor.run(["inpaint", "i.png", "empty.png", "a fox", "-o", "same.png"] + Self.quick)
        #expect(same.code == 0)
        #expect(try bytes("same.png", editor) == bytes("i.png", editor))
    }
}
