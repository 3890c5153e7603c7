import PlainText
import Testing

@Suite struct FileKindTests {
    private static func bytes(_ text: String, _ count: Int = 0) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: count)
    }

    static let kinds: [(kind: FileKind?, bytes: [UInt8])] = [
        (.png, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]), (.jpeg, [0xFF, 0xD8, 0xFF, 0xE0]),
        (.webp, bytes("RIFF\u{1}\0\0\0WEBPVP8 ")), (.tiff, bytes("II*\0\u{8}\0\0\0")), (.gif, bytes("GIF89a", 7)),
        (.avif, bytes("\0\0\0\u{1C}ftypmif1\0\0\0\0avifmif1miaf")),
        (.heic, bytes("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic")),
        (.media, bytes("\0\0\0\u{18}ftypmp42\0\0\0\0mp42isom")), (.pdf, bytes("%PDF-1.7\n")),
        (.zip, bytes("PK\u{3}\u{4}", 26)), (.zip, bytes("PK\u{5}\u{6}", 18)), (.gzip, [0x1F, 0x8B, 8, 0, 0]),
        (.tar, [UInt8](repeating: 97, count: 257) + bytes("ustar", 250)), (.pickle, [0x80, 2, 0x7D, 0x71]),
        (.gguf, bytes("GGUF\u{3}\0\0\0")), (.safetensors, [0x4E, 0x47, 0, 0, 0, 0, 0, 0] + bytes("{\"a\":{}}")),
        // A length that reads as the first bytes of a TIFF, a JPEG XL, a gzip archive, a pickle.
        (.safetensors, bytes("II*\0", 4) + bytes("{\"a\"")),
        (.safetensors, [0xFF, 0x0A, 0, 0, 0, 0, 0, 0] + bytes("{")),
        (.safetensors, [0x1F, 0x8B, 0, 0, 0, 0, 0, 0] + bytes("{")),
        (.safetensors, [0x80, 2, 0, 0, 0, 0, 0, 0] + bytes("{")),
        (.lfsPointer, bytes("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")),
        (.webPage, bytes("\n  <!doctype HTML><html lang=\"en\">")), (.webPage, bytes("<HTML><head>")),
        (.xml, bytes("<?xml version=\"1.0\"?><svg/>")), (.xml, bytes("<svg xmlns=\"\">")),
        (.json, bytes("{\n  \"_class_name\": \"UNet\"")), (.json, bytes("{}")), (.json, bytes("[1, 2]")),
        (.text, bytes("{not JSON}")), (.text, bytes("[section]\nkey = 1")), (.text, bytes("just text\n")),
        (.text, Array(String(repeating: "é", count: 400).utf8)), (.empty, []), (nil, [0, 1, 2, 3]),
        (nil, [UInt8](repeating: 0, count: 600)), (nil, [UInt8](repeating: 0xFF, count: 8) + bytes("{}")),
    ]

    @Test(arguments: kinds) func `A kind is told by the first bytes`(kind: FileKind?, bytes: [UInt8]) {
        #expect(FileKind(bytes) == kind)
    }

    @Test(arguments: kinds) func `Cut anywhere it is some kind or none`(kind: FileKind?, bytes: [UInt8]) {
        for count in bytes.indices { _ = FileKind(bytes[..<count]) }
    }

    @Test func `A kind is said with its article`() {
        for kind in FileKind.allCases { #expect(kind.name.hasPrefix("a ") || kind.name.hasPrefix("an ")) }
        #expect(FileKind.gzip.clause == "it is a gzip archive, which must be unpacked first")
    }
}
