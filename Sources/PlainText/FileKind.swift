/// What a file is by its first bytes, in the words of messages about a file of which something else was expected.
public enum FileKind: String, Sendable, CaseIterable {
    // Pictures.
    case png = "a PNG picture"
    case jpeg = "a JPEG picture"
    case webp = "a WebP picture"
    case tiff = "a TIFF picture"
    case avif = "an AVIF picture"
    case heic = "a HEIC picture"
    case jpegXL = "a JPEG XL picture"
    case gif = "a GIF picture"
    case bmp = "a BMP picture"
    case jpeg2000 = "a JPEG 2000 picture"
    case photoshop = "a Photoshop picture"
    case openEXR = "an OpenEXR picture"
    case pnm = "a PNM picture"
    // Weights.
    case safetensors = "a safetensors file"
    case gguf = "a GGUF file"
    case pickle = "a Python pickle"
    case hdf5 = "an HDF5 file"
    case numpy = "a NumPy file"
    // Archives.
    case zip = "a ZIP archive"
    case gzip = "a gzip archive"
    case bzip2 = "a bzip2 archive"
    case xz = "an xz archive"
    case zstandard = "a Zstandard archive"
    case sevenZip = "a 7-Zip archive"
    case rar = "a RAR archive"
    case tar = "a tar archive"
    // Others.
    case media = "a video or other media file"
    case pdf = "a PDF file"
    case lfsPointer = "a Git LFS pointer"
    case webPage = "a web page"
    case xml = "an SVG or other XML file"
    case json = "a JSON file"
    case text = "a text file"
    case empty = "an empty file"

    /// The words for a sentence.
    public var name: String { rawValue }

    /// A clause about "it", with what else such a file means where it lies in the place of another.
    public var clause: String {
        switch self {
        case .lfsPointer: "it is \(name), which stands in for a file that was not downloaded"
        case .webPage: "it is \(name), as a failed download leaves"
        case .gzip, .bzip2, .xz, .zstandard, .sevenZip, .rar, .tar: "it is \(name), which must be unpacked first"
        default: "it is \(name)"
        }
    }

    /// Bytes that are looked at.
    private static let headLength = 512

    /// Nil where the bytes are those of no kind that is known.
    public init?(_ bytes: some Collection<UInt8>) {
        let head = Array(bytes.prefix(Self.headLength))
        guard let kind = Self.binary(head) ?? Self.words(head) else { return nil }
        self = kind
    }

    private static let signatures: [(kind: FileKind, offset: Int, bytes: [UInt8])] = [
        (.png, 0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), (.jpeg, 0, [0xFF, 0xD8, 0xFF]),
        (.tiff, 0, Array("II*\0".utf8)), (.tiff, 0, Array("MM\0*".utf8)), (.tiff, 0, Array("II+\0".utf8)),
        (.tiff, 0, Array("MM\0+".utf8)), (.gif, 0, Array("GIF87a".utf8)), (.gif, 0, Array("GIF89a".utf8)),
        (.jpegXL, 0, [0xFF, 0x0A]),
        (.jpegXL, 0, [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]),
        (.jpeg2000, 0, [0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A]),
        (.jpeg2000, 0, [0xFF, 0x4F, 0xFF, 0x51]), (.photoshop, 0, Array("8BPS".utf8)),
        (.openEXR, 0, [0x76, 0x2F, 0x31, 0x01]), (.pdf, 0, Array("%PDF".utf8)), (.gguf, 0, Array("GGUF".utf8)),
        (.hdf5, 0, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]), (.numpy, 0, [0x93] + Array("NUMPY".utf8)),
        (.zip, 0, [0x50, 0x4B, 3, 4]), (.zip, 0, [0x50, 0x4B, 5, 6]), (.gzip, 0, [0x1F, 0x8B]),
        (.bzip2, 0, Array("BZh".utf8)), (.xz, 0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        (.zstandard, 0, [0x28, 0xB5, 0x2F, 0xFD]), (.sevenZip, 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        (.rar, 0, Array("Rar!\u{1A}\u{7}".utf8)), (.tar, 257, Array("ustar".utf8)),
    ]

    /// A kind that is told by bytes in their places.
    private static func binary(_ head: [UInt8]) -> FileKind? {
        func starts(_ signature: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + signature.count && head[offset...].starts(with: signature)
        }
        if head.isEmpty { return .empty }
        // First: the length that such a file begins with may by chance be another kind's first bytes.
        if head.count > 8, head[8] == UInt8(ascii: "{"), head[4 ..< 8].allSatisfy({ $0 == 0 }) { return .safetensors }
        for signature in signatures where starts(signature.bytes, at: signature.offset) { return signature.kind }
        if starts(Array("RIFF".utf8)), starts(Array("WEBP".utf8), at: 8) { return .webp }
        if starts(Array("ftyp".utf8), at: 4) { return ofBrands(head) }
        if starts(Array("BM".utf8)), head.count >= 18, [12, 16, 40, 52, 56, 64, 108, 124].contains(head[14]) {
            return .bmp
        }
        if starts(Array("P".utf8)), head.count > 2, (0x31 ... 0x37).contains(head[1]),
            [0x0A, 0x0D, 0x20].contains(head[2])
        {
            return .pnm
        }
        if head[0] == 0x80, head.count >= 2, (2 ... 5).contains(head[1]) { return .pickle }
        return nil
    }

    /// ISO base media: the major brand and the compatible brands, four letters each.
    private static func ofBrands(_ head: [UInt8]) -> FileKind {
        let brands = stride(from: 8, to: min(head.count - 3, 64), by: 4).map {
            String(decoding: head[$0 ..< $0 + 4], as: UTF8.self)
        }
        if brands.contains("avif") || brands.contains("avis") { return .avif }
        let pictures: Set = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
        return brands.contains(where: pictures.contains) ? .heic : .media
    }

    /// A kind of text.
    private static func words(_ head: [UInt8]) -> FileKind? {
        let isText = head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0C, 0x0D].contains($0) }
        // The last character may be cut.
        let isUnicode = (0 ..< 4).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
        guard isText, isUnicode else { return nil }
        let text = String(decoding: head, as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }.utf8
        func says(_ words: String) -> Bool { text.prefix(words.utf8.count).map(lowercased).elementsEqual(words.utf8) }
        if says("version https://git-lfs") { return .lfsPointer }
        if says("<!doctype html") || says("<html") || says("<head") { return .webPage }
        if says("<svg") || says("<?xml") { return .xml }
        let next = text.dropFirst().first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if says("{"), next == nil || next == UInt8(ascii: "\"") || next == UInt8(ascii: "}") { return .json }
        if says("["), next.map({ "[{\"]-0123456789tfn".utf8.contains($0) }) ?? true { return .json }
        return .text
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A") ... UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
