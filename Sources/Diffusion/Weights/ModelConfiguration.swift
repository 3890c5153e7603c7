/// The settings of one part of a model, as its JSON file states them: typed reading with the file and key in every error.
/// Keys that are not asked for are ignored, and `null` counts as absent, as in the reference.
public struct ModelConfiguration: Sendable {
    /// The path, for errors.
    public let file: String
    private let members: [String: JSONValue]

    /// Reads a file. Throws `ConfigurationError`.
    public init(path: String) throws {
        let mapped: MappedFile
        do { mapped = try MappedFile(path: path) } catch { throw ConfigurationError.unreadable(error.description) }
        try self.init(json: mapped.bytes, file: path)
    }

    /// Parses JSON bytes. Throws `ConfigurationError`.
    public init(json: UnsafeRawBufferPointer, file: String) throws(ConfigurationError) {
        self.file = file
        let value: JSONValue
        do { value = try JSONValue(parsing: json) } catch {
            throw .malformed(file: file, reason: error.description)
        }
        guard case .object(let members) = value else {
            throw .malformed(file: file, reason: "expected an object, found \(value.kind)")
        }
        self.members = members
    }

    /// The value as it stands, `nil` where it is absent or null.
    public subscript(_ key: String) -> JSONValue? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    /// Whether the key is there with the value null.
    public func isNull(_ key: String) -> Bool { members[key] == .null }

    public func int(_ key: String) throws(ConfigurationError) -> Int? {
        switch self[key] {
        case nil: return nil
        case .integer(let value): return value
        case .number(let value) where value == value.rounded() && abs(value) < 1e15: return Int(value)
        case .some(let other): throw .wrongKind(file: file, key: key, expected: "a whole number", found: other.kind)
        }
    }

    public func int(_ key: String, default fallback: Int) throws(ConfigurationError) -> Int {
        try int(key) ?? fallback
    }

    public func double(_ key: String) throws(ConfigurationError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .integer(let value): return Double(value)
        case .number(let value): return value
        case .some(let other): throw .wrongKind(file: file, key: key, expected: "a number", found: other.kind)
        }
    }

    public func double(_ key: String, default fallback: Double) throws(ConfigurationError) -> Double {
        try double(key) ?? fallback
    }

    public func bool(_ key: String, default fallback: Bool) throws(ConfigurationError) -> Bool {
        switch self[key] {
        case nil: return fallback
        case .bool(let value): return value
        case .some(let other): throw .wrongKind(file: file, key: key, expected: "true or false", found: other.kind)
        }
    }

    public func string(_ key: String) throws(ConfigurationError) -> String? {
        switch self[key] {
        case nil: return nil
        case .string(let value): return value
        case .some(let other): throw .wrongKind(file: file, key: key, expected: "a string", found: other.kind)
        }
    }

    public func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let value = self[key] else { return nil }
        if case .array(let items) = value {
            let strings = items.compactMap { if case .string(let text) = $0 { text } else { nil } }
            if strings.count == items.count { return strings }
        }
        throw .wrongKind(file: file, key: key, expected: "a list of strings", found: value.kind)
    }

    /// A list of whole numbers; a single number stands for `count` of them.
    public func ints(_ key: String, count: Int? = nil) throws(ConfigurationError) -> [Int]? {
        guard let value = self[key] else { return nil }
        if case .array(let items) = value {
            let numbers = items.compactMap { if case .integer(let number) = $0 { number } else { nil } }
            guard numbers.count == items.count else {
                throw .wrongKind(file: file, key: key, expected: "a list of whole numbers", found: "another list")
            }
            if let count, numbers.count != count {
                throw .impossible(file: file, reason: "\(key) lists \(numbers.count) values, expected \(count)")
            }
            return numbers
        }
        guard let count, let number = try int(key) else {
            throw .wrongKind(file: file, key: key, expected: "a list of whole numbers", found: value.kind)
        }
        return [Int](repeating: number, count: count)
    }

    /// An object inside this one; errors name its keys as `key.inner`.
    public func object(_ key: String) -> ModelConfiguration? {
        guard case .object(let members)? = self[key] else { return nil }
        return ModelConfiguration(file: file, members: members)
    }

    private init(file: String, members: [String: JSONValue]) {
        self.file = file
        self.members = members
    }
}

/// What is wrong with a model's configuration.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(String)
    case malformed(file: String, reason: String)
    case wrongKind(file: String, key: String, expected: String, found: String)
    case impossible(file: String, reason: String)
    /// A setting that is known and that this engine does not do.
    case unsupported(file: String, key: String, value: String)

    public var description: String {
        switch self {
        case .unreadable(let sentence): sentence
        case .malformed(let file, let reason): "\(file) is not valid JSON: \(reason)."
        case .wrongKind(let file, let key, let expected, let found):
            "\(file): \(key) should be \(expected), it is \(found)."
        case .impossible(let file, let reason): "\(file) makes no sense: \(reason)."
        case .unsupported(let file, let key, let value): "\(file) asks for \(key) \(value), which is not supported."
        }
    }
}
