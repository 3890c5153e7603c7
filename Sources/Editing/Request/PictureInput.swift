/// Where a picture, or a mask, comes from.
public enum PictureInput: Sendable, Equatable {
    case file(path: String)
    /// Bytes that came with the request; `name` is what messages call them, for example "standard input".
    case bytes([UInt8], name: String)

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
