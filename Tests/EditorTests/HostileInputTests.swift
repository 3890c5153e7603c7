import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

/// Small files that once stopped the program, or made it run without end, through whole commands: told, edited, written
/// in every format.
@Suite struct HostileInputTests {
    /// What each kind holds besides its pixels.
    private static let kinds: [(name: String, chunks: [(String, [UInt8])])] = [
        ("thumbnail", [("eXIf", exif)]),
        ("length", [("tEXt", Array("Raw profile type iptc\0\niptc\n9223372036854775807\n3842494d\n".utf8))]),
        ("density", [("pHYs", HandmadePNG.big(.max) + HandmadePNG.big(.max) + [1])]),
        ("dashes", [("tEXt", Array("parameters\0\(String(repeating: "-", count: 400_000)):".utf8))]),
        (
            "properties",
            [
                (
                    "iTXt",
                    Array(
                        "XML:com.adobe.xmp\0\0\0\0\0<rdf:RDF>\(String(repeating: "<tiff:Orientation/>", count: 40_000))</rdf:RDF>"
                            .utf8)
                )
            ]
        ),
        ("texts", (0 ..< 4).map { ("zTXt", HandmadePNG.deflatedText("k\($0)", count: 258 * 60_000 + 1)) }),
    ]

    /// A thumbnail that is, by the block's own words, the whole block.
    private static var exif: [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func entry(_ tag: Int, _ value: Int) -> [UInt8] {
            number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4)
        }
        return Array("II*\0".utf8) + number(10, 4) + [0xFF, 0xD8] + number(0, 2) + number(16, 4) + number(2, 2)
            + entry(0x0201, 8) + entry(0x0202, 34)
    }

    private func editor(_ kind: String) throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        let chunks = try #require(Self.kinds.first { $0.name == kind }).chunks
        let plain = try Data(contentsOf: URL(fileURLWithPath: editor.path("a.png")))
        try editor.write(HandmadePNG.adding(chunks, to: Array(plain)), "h.png")
        let mask = try Data(contentsOf: URL(fileURLWithPath: editor.path("m.png")))
        try editor.write(HandmadePNG.adding(chunks, to: Array(mask)), "hm.png")
        return editor
    }

    @Test(arguments: kinds.map(\.name)) func `A picture is told, edited and written in every format`(kind: String)
        throws
    {
        let editor = try editor(kind)
        let quick = ["--model", "model", "--steps", "1", "--seed", "5"]
        #expect(try editor.run(["info", "h.png"]).code == 0)
        #expect(try editor.run(["mask", "invert", "hm.png", "-o", "i.png"]).code == 0)
        for ending in ["png", "jpg", "webp", "tif"] {
            let outcome = try editor.run(["inpaint", "h.png", "hm.png", "a fox", "-o", "r.\(ending)"] + quick)
            #expect(outcome.code == 0, "\(ending): \(outcome.error)")
            #expect(outcome.error.utf8.count < 10_000)
            let result = try ImageFile.read(path: editor.path("r.\(ending)"))
            #expect(result.provenance?.infotext?["Seed"] == "5", "\(ending)")
            // Once more from that format.
            let again = try editor.run(["inpaint", "r.\(ending)", "m.png", "-o", "s.jpg", "--force"] + quick)
            #expect(again.code == 0, "\(ending): \(again.error)")
        }
    }

    @Test func `What is left out of many long texts is said`() throws {
        let outcome = try editor("texts").run(["info", "h.png"])
        #expect(outcome.output.contains("its texts and profiles are longer than 32 MiB together; left out: “k2”, “k3”"))
    }

    /// Nobody waits for gigabytes of what is no picture.
    @Test func `An endless input is refused by its beginning`() throws {
        let editor = try Editor()
        try editor.writePictures()
        for arguments in [["info", "-"], ["mask", "invert", "-"], ["inpaint", "a.png", "-", "x"]] {
            let zeros = try #require(FileHandle(forReadingAtPath: "/dev/zero"))
            let (process, output, error) = try editor.start(arguments, input: zeros)
            let outcome = Editor.outcome(of: process, output, error)
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(outcome.error.contains("standard input is not a picture"), "\(outcome.error)")
        }
        for arguments in [["info", "/dev/zero"], ["mask", "invert", "/dev/zero", "-o", "x.png"]] {
            let outcome = try editor.run(arguments)
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(outcome.error.contains("/dev/zero is not a picture"), "\(outcome.error)")
        }
    }
}
