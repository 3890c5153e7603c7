internal import ImageFiles

/// Where a picture, or a mask, comes from.
public enum PictureInput: Sendable, Equatable {
    case file(path: String)
    /// Bytes that came with the request; `name` is what messages call them, for example "standard input".
    case bytes([UInt8], name: String)

    /// Bytes beyond which a file is refused, or what comes through a pipe: a large picture's file may be as large as
    /// its samples.
    public static func maximumBytes(maximumPixels: Int = EditSettings.defaultMaximumPixels) -> Int {
        max(1 << 31, maximumPixels.multipliedReportingOverflow(by: 9).partialValue)
    }

    /// Whether the first bytes of a file are those of a picture, of a format that is read or of another.
    public static func beginsAsPicture(_ bytes: [UInt8]) -> Bool { ImageFile.beginsAsPicture(bytes) }

    /// How messages name it.
    public var name: String {
        switch self {
        case .file(let path): path
        case .bytes(_, let name): name
        }
    }

    /// The path of a file, `nil` for bytes.
    public var path: String? {
        if case .file(let path) = self { path } else { nil }
    }
}
