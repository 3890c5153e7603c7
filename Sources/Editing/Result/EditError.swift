public import Raster

/// What can be wrong with an edit, apart from its files (`ImageFiles`) and its model (`Diffusion`).
public enum EditError: Failing, Equatable {
    case outOfRange(setting: String, allowed: String, found: String)
    case promptTooLong(bytes: Int, limit: Int)
    case missingInput(mode: EditMode, what: String)
    /// No earlier result is known for the folder, or it is `gone`.
    case nothingToContinue(folder: String, gone: String?)
    case outputIsInput(path: String)
    case outputExists(path: String)
    case outputFolderMissing(path: String)
    case outputFormatUnknown(path: String)
    case outputNotWritable(path: String, reason: String)
    case tooManyPicturesForStandardOutput(count: Int)
    /// The denoiser returned something that it must not.
    case wrongPicture(expected: PixelSize, found: PixelSize)
    case notFinite(stage: String)
}

extension EditError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outOfRange(let setting, let allowed, let found):
            "\(setting) must be \(allowed), found \(found)"
        case .promptTooLong(let bytes, let limit):
            "the prompt is \(bytes) bytes long, expected at most \(limit)"
        case .missingInput(let mode, let what):
            "\(mode.rawValue) needs \(what)"
        case .nothingToContinue(let folder, nil):
            "no picture was named, none is piped in, and no earlier result is known in '\(folder)'"
        case .nothingToContinue(_, let gone?):
            "no picture was named, none is piped in, and the last result '\(gone)' is gone"
        case .outputIsInput(let path):
            "'\(path)' is the input itself, which is never overwritten; choose another output name"
        case .outputExists(let path):
            "'\(path)' exists already; choose another output name, or overwrite it with --force"
        case .outputFolderMissing(let path):
            "'\(path)' cannot be created: its folder does not exist"
        case .outputFormatUnknown(let path):
            "'\(path)' has no ending that says what to write, expected .png, .jpg or .jpeg"
        case .outputNotWritable(let path, let reason):
            "'\(path)' cannot be created: \(reason)"
        case .tooManyPicturesForStandardOutput(let count):
            "standard output takes one picture, found a count of \(count)"
        case .wrongPicture(let expected, let found):
            "the denoiser returned a picture of \(found), expected \(expected)"
        case .notFinite(let stage):
            "a value that is not a number came out of \(stage)"
        }
    }

    public var kind: FailureKind {
        switch self {
        case .outOfRange, .promptTooLong, .missingInput, .outputFormatUnknown, .outputIsInput, .tooManyPicturesForStandardOutput:
            .usage
        case .nothingToContinue: .noInput
        case .outputExists, .outputFolderMissing, .outputNotWritable: .cannotCreate
        case .wrongPicture: .internalFault
        case .notFinite: .modelUnusable
        }
    }
}
