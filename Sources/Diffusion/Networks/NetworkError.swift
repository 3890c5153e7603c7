/// Why a network's configuration cannot be built, though it reads well.
public enum NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A setting that is known and that this engine does not do.
    case unsupported(file: String, key: String, value: String)
    /// Numbers that do not fit each other.
    case impossible(file: String, reason: String)

    public var description: String {
        switch self {
        case .unsupported(let file, let key, let value): "\(file) asks for \(key) \(value), which is not supported."
        case .impossible(let file, let reason): "\(file) makes no sense: \(reason)."
        }
    }
}
