public import PlainText
public import Raster

/// Why a picture could not be read or written. The description is one plain sentence that names the file, what was
/// expected and what was found.
public enum ImageFileError: Error, Sendable, Equatable, Worded {
    case missing(file: String)
    case unreadable(file: String, reason: String)
    case isDirectory(file: String)
    case notAnImage(file: String, found: String)
    /// A picture of a format that this build does not read.
    case unsupportedFormat(file: String, format: String)
    /// A picture of a format that is read where a library is installed, and it is not.
    case missingLibrary(file: String, format: ImageFormat, library: String)
    /// A picture that uses something which this build does not decode.
    case unsupportedFeature(file: String, format: ImageFormat, feature: String)
    case truncated(file: String, format: ImageFormat, size: PixelSize?, byteCount: Int)
    case corrupt(file: String, format: ImageFormat, detail: String)
    case tooManyPixels(file: String, size: PixelSize, limit: Int)
    case tooManyBytes(file: String, limit: Int)
    /// Memory ran out while a file was read or written; its size where that is known.
    case outOfMemory(file: String, size: PixelSize?)
    /// The target cannot be made: its folder is missing or may not be written to, or it is a folder itself.
    case cannotCreate(file: String, reason: String)
    /// The target exists and was not to be replaced.
    case exists(file: String)
    /// The format cannot hold the picture.
    case cannotEncode(file: String, format: ImageFormat, detail: String)
    case noSpace(file: String)
    case readFailed(file: String, reason: String)
    case writeFailed(file: String, reason: String)

    /// What kind of failure it is, as scripts see it.
    public enum Category: Int32, Sendable {
        /// `EX_DATAERR`
        case badData = 65
        /// `EX_NOINPUT`
        case noInput = 66
        /// `EX_CANTCREAT`
        case cannotCreate = 73
        /// `EX_IOERR`
        case inputOutput = 74

        /// The exit code of `sysexits.h`.
        public var exitCode: Int32 { rawValue }
    }

    public var category: Category {
        switch self {
        case .missing, .unreadable, .isDirectory: .noInput
        case .notAnImage, .unsupportedFormat, .missingLibrary, .unsupportedFeature, .truncated, .corrupt,
            .tooManyPixels,
            .tooManyBytes, .outOfMemory:
            .badData
        case .cannotCreate, .exists, .cannotEncode: .cannotCreate
        case .noSpace, .readFailed, .writeFailed: .inputOutput
        }
    }

    public var sentence: Sentence {
        switch self {
        case .missing(let file):
            "\(file) does not exist; a picture was expected there (\(ImageFormat.list))"
        case .unreadable(let file, let reason):
            "\(file) cannot be read: \(reason)"
        case .isDirectory(let file):
            "\(file) is a folder; a picture was expected (\(ImageFormat.list))"
        case .notAnImage(let file, let found):
            "\(file) is not a picture: a \(ImageFormat.list) was expected, \(found) was found"
        case .unsupportedFormat(let file, let format):
            "\(file) is \(format.first.map { "AEIOU".contains($0) } == true ? "an" : "a") \(format) file; "
                + "this build reads \(ImageFormat.list)"
        case .missingLibrary(let file, let format, let library):
            "\(file) is \(format == .avif ? "an" : "a") \(format.displayName) file, which is read "
                + "through \(library): this build has none, or the system has not the version that it was built with"
        case .unsupportedFeature(let file, let format, let feature):
            "\(file) is a \(format.displayName) of a kind that this build does not decode: \(feature)"
        case .truncated(let file, let format, let size?, let byteCount):
            "\(file) is cut short: a whole \(format.displayName) of \(size) was expected, "
                + "its \(byteCount.of("byte")) \(byteCount.verb("ends", "end")) before the picture does"
        case .truncated(let file, let format, nil, let byteCount):
            "\(file) is cut short: a whole \(format.displayName) was expected, "
                + "its \(byteCount.of("byte")) \(byteCount.verb("ends", "end")) within the header"
        case .corrupt(let file, let format, let detail):
            "\(file) is damaged: a valid \(format.displayName) was expected, but \(detail)"
        case .tooManyPixels(let file, let size, let limit):
            "\(file) is too large: at most \(limit) pixels are accepted (\(.maxPixels)), it claims \(size)"
        case .tooManyBytes(let file, let limit):
            "\(file) is too large: at most \(limit.of("byte")) are accepted, it holds more"
        case .outOfMemory(let file, let size):
            "there is not enough memory for \(file)\(size.map { ", \($0) pixels" } ?? ""); "
                + MemoryAdvice.clause(isLimitLowest: true)
        case .cannotCreate(let file, let reason):
            "\(file) cannot be created: \(reason)"
        case .exists(let file):
            "\(file) exists already and was not to be replaced"
        case .cannotEncode(let file, let format, let detail):
            "\(file) cannot be written as \(format.displayName): \(detail)"
        case .noSpace(let file):
            "\(file) cannot be written: no space is left on its disk"
        case .readFailed(let file, let reason):
            "\(file) could not be read to its end: \(reason)"
        case .writeFailed(let file, let reason):
            "\(file) could not be written: \(reason)"
        }
    }
}
