internal import CImageIO
internal import PlainText
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
        /// Not a picture; `description` says what was found ("a text file", "a PDF file", "data that begins
        /// with bytes 00 01 02 03").
        case notAnImage(description: String)
    }

    /// Decides from the first bytes alone what a file is.
    public static func sniff(_ bytes: some Collection<UInt8>) -> Signature {
        switch FileKind(bytes) {
        case .png?: return .readable(.png)
        case .jpeg?: return .readable(.jpeg)
        case .webp?: return .readable(.webp)
        case .tiff?: return .readable(.tiff)
        case .avif?: return .readable(.avif)
        case .heic?: return .readable(.heic)
        case .jpegXL?: return .readable(.jxl)
        case .gif?: return .unsupported(name: "GIF")
        case .bmp?: return .unsupported(name: "BMP")
        case .jpeg2000?: return .unsupported(name: "JPEG 2000")
        case .photoshop?: return .unsupported(name: "Photoshop")
        case .openEXR?: return .unsupported(name: "OpenEXR")
        case .pnm?: return .unsupported(name: "PNM")
        case let kind?: return .notAnImage(description: kind.name)
        case nil:
            let hex = bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
            return .notAnImage(description: "data that begins with bytes " + hex.joined(separator: " "))
        }
    }
}
