internal import CImageIO
public import Raster

/// A file format that this build reads; what is made of a picture in one that is not written is a PNG.
public enum ImageFormat: String, Sendable, CaseIterable {
    case png
    case jpeg
    case webp
    case tiff
    /// Read where libheif is installed.
    case avif
    /// The same.
    case heic
    /// Read where libjxl is installed.
    case jxl

    /// Those that are written too.
    public static let written: [ImageFormat] = [.png, .jpeg, .webp, .tiff]

    public var isWritten: Bool { Self.written.contains(self) }

    /// Whether files of this format can be read here and now: some need a library that is loaded when it is needed.
    public var isReadable: Bool {
        switch self {
        case .png, .jpeg, .webp, .tiff: true
        case .avif, .heic: cimageio_heif_is_available()
        case .jxl: cimageio_jxl_is_available()
        }
    }

    /// What is read here, for sentences: "PNG, JPEG, WebP or TIFF".
    static var list: String {
        let names = allCases.filter(\.isReadable).map(\.displayName)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }

    /// Whether JPEGs of 12 bits a sample are read here and now: that needs libjpeg-turbo 3.
    public static var readsDeepJPEG: Bool { cimageio_jpeg_reads_12_bits() }

    /// The name that people know: "PNG", "JPEG".
    public var displayName: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        case .webp: "WebP"
        case .tiff: "TIFF"
        case .avif: "AVIF"
        case .heic: "HEIC"
        case .jxl: "JPEG XL"
        }
    }

    /// The usual extension, without a dot.
    public var fileExtension: String {
        switch self {
        case .png: "png"
        case .jpeg: "jpg"
        case .webp: "webp"
        case .tiff: "tif"
        case .avif, .heic, .jxl: rawValue
        }
    }

    /// The most pixels that a side of a file of this format can have: libjpeg's `JPEG_MAX_DIMENSION`, libwebp's
    /// `WEBP_MAX_DIMENSION`; PNG and TIFF count in 31 and 32 bits.
    public var longestSide: Int {
        switch self {
        case .jpeg: 65500
        case .webp: 16383
        case .png, .tiff, .avif, .heic, .jxl: Int(Int32.max)
        }
    }

    /// Whether a file of this format can hold a picture of that size.
    public func holds(_ size: PixelSize) -> Bool { max(size.width, size.height) <= longestSide }

    /// The format that a path's extension asks for when *writing*; nil for any other. Reading never looks at names.
    public init?(pathExtensionOf path: String) {
        let name = path.split(separator: "/", omittingEmptySubsequences: true).last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[name.index(after: dot)...].lowercased() {
        case "png": self = .png
        case "jpg", "jpeg", "jpe", "jfif": self = .jpeg
        case "webp": self = .webp
        case "tif", "tiff": self = .tiff
        default: return nil
        }
    }

    /// What the first bytes of a file say that it is.
    public enum Signature: Sendable, Equatable {
        case readable(ImageFormat)
        /// A picture format that this build does not read, by name.
        case unsupported(name: String)
        /// Not a picture; `description` says what was found ("text", "nothing", "a PDF file", "bytes 00 01 02 03").
        case notAnImage(description: String)
    }

    /// Decides from the first bytes alone what a file is.
    public static func sniff(_ bytes: some Collection<UInt8>) -> Signature {
        let head = Array(bytes.prefix(64))
        func starts(_ signature: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + signature.count && head[offset...].starts(with: signature)
        }
        func says(_ text: String, at offset: Int = 0) -> Bool { starts(Array(text.utf8), at: offset) }

        if starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .readable(.png) }
        if starts([0xFF, 0xD8, 0xFF]) { return .readable(.jpeg) }
        if head.isEmpty { return .notAnImage(description: "an empty file") }
        if says("RIFF"), says("WEBP", at: 8) { return .readable(.webp) }
        if says("II*\0") || says("MM\0*") || says("II+\0") || says("MM\0+") { return .readable(.tiff) }
        if says("GIF87a") || says("GIF89a") { return .unsupported(name: "GIF") }
        if says("ftyp", at: 4) {
            // ISO base media: the major brand and the compatible brands, four letters each.
            let brands = stride(from: 8, to: min(head.count - 3, 64), by: 4).map {
                String(decoding: head[$0 ..< $0 + 4], as: UTF8.self)
            }
            if brands.contains("avif") || brands.contains("avis") { return .readable(.avif) }
            if brands.contains(where: { ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"].contains($0) })
            {
                return .readable(.heic)
            }
            return .notAnImage(description: "a video or other media file")
        }
        if starts([0xFF, 0x0A]) || starts([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) {
            return .readable(.jxl)
        }
        if starts([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) || starts([0xFF, 0x4F, 0xFF, 0x51]) {
            return .unsupported(name: "JPEG 2000")
        }
        if says("BM"), head.count >= 18, [12, 16, 40, 52, 56, 64, 108, 124].contains(head[14]) {
            return .unsupported(name: "BMP")
        }
        if says("8BPS") { return .unsupported(name: "Photoshop") }
        if starts([0x76, 0x2F, 0x31, 0x01]) { return .unsupported(name: "OpenEXR") }
        if says("P"), head.count > 2, (0x31 ... 0x37).contains(head[1]), [0x0A, 0x0D, 0x20].contains(head[2]) {
            return .unsupported(name: "PNM")
        }
        if says("%PDF") { return .notAnImage(description: "a PDF file") }
        if says("PK\u{3}\u{4}") { return .notAnImage(description: "a ZIP archive") }
        if says("<svg") || says("<?xml") { return .notAnImage(description: "SVG or other XML text") }
        if head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0C, 0x0D].contains($0) }) {
            return .notAnImage(description: "text")
        }
        let hex = head.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        return .notAnImage(description: "data that begins with bytes " + hex.joined(separator: " "))
    }
}
