internal import PlainText

/// A configuration file of a model, read member by member with errors that name the file and the key.
///
/// Unknown keys are ignored, as files carry many that no reader needs. A key that is `null` counts as absent.
public struct JSONConfiguration: Sendable {
    /// What errors call it: the path, with the keys that lead to a part of it.
    public let file: String
    private let members: [String: JSONValue]
    private let nullKeys: Set<String>

    /// Reads a file that holds one object.
    ///
    /// - Throws: `ConfigurationError`, or `WeightError.unreadable` where the file cannot be opened.
    public init(path: String) throws {
        let mapping = try MappedFile(path: path, limit: MappedFile.maximumText)
        defer { withExtendedLifetime(mapping) {} }
        try self.init(parsing: mapping.bytes, file: path)
    }

    /// Reads an object in memory; `file` is what errors call it.
    ///
    /// - Throws: `ConfigurationError`.
    public init(parsing bytes: UnsafeRawBufferPointer, file: String) throws(ConfigurationError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw .notJSON(file: file, reason: error.reason(in: bytes))
        }
        guard case .object(let members) = document else {
            throw .notJSON(file: file, reason: "expected an object, found \(document.kind)")
        }
        self.init(members: members, file: file)
    }

    public init(members: [String: JSONValue], file: String) {
        self.members = members.filter { $0.value != .null }
        nullKeys = Set(members.filter { $0.value == .null }.keys)
        self.file = file
    }

    /// The keys with a value other than `null`, unordered.
    public var keys: [String] { Array(members.keys) }

    /// Whether there is a value (other than `null`) for the key.
    public func has(_ key: String) -> Bool { members[key] != nil }

    /// Whether the key is there with the value `null`, for the few that mean something by it.
    public func isNull(_ key: String) -> Bool { nullKeys.contains(key) }

    /// The value as it stands, or `nil`.
    public func value(_ key: String) -> JSONValue? { members[key] }

    /// A word that is compared or looked up; one longer than a name may be is refused.
    public func string(_ key: String) throws(ConfigurationError) -> String? {
        let text = try text(key)
        if let text { try check(text, of: key) }
        return text
    }

    /// A text of any length, for people.
    public func text(_ key: String) throws(ConfigurationError) -> String? {
        switch members[key] {
        case nil: nil
        case .string(let text): text
        case let other?: throw mistyped(key, expected: "a string", found: other)
        }
    }

    private func check(_ text: String, of key: String) throws(ConfigurationError) {
        guard !text.isTooLongForName else {
            throw .outOfRange(
                file: file, key: key, expected: "at most \(LookupName.maximumBytes) bytes long",
                found: "\(text.utf8.count)")
        }
    }

    public func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        switch members[key] {
        case nil: nil
        case .bool(let value): value
        case let other?: throw mistyped(key, expected: "a boolean", found: other)
        }
    }

    /// A whole number; one written with a fraction of zero (`2.0`) is accepted.
    public func integer(_ key: String) throws(ConfigurationError) -> Int? {
        guard let value = members[key] else { return nil }
        guard let integer = Self.integer(value) else {
            throw mistyped(key, expected: "a whole number", found: value)
        }
        return integer
    }

    /// A finite number.
    public func double(_ key: String) throws(ConfigurationError) -> Double? {
        guard let value = members[key] else { return nil }
        guard let number = Self.number(value) else { throw mistyped(key, expected: "a number", found: value) }
        return number
    }

    public func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        let texts = try list(key, of: "strings") { if case .string(let text) = $0 { text } else { nil } }
        for text in texts ?? [] { try check(text, of: key) }
        return texts
    }

    public func integers(_ key: String) throws(ConfigurationError) -> [Int]? {
        try list(key, of: "whole numbers", Self.integer)
    }

    public func doubles(_ key: String) throws(ConfigurationError) -> [Double]? {
        try list(key, of: "numbers", Self.number)
    }

    /// A whole number that stands for each of `count` blocks, or a list of them (as `layers_per_block` may be).
    public func integers(_ key: String, repeated count: Int) throws(ConfigurationError) -> [Int]? {
        guard let value = members[key] else { return nil }
        if let single = Self.integer(value) { return [Int](repeating: single, count: count) }
        let all = try integers(key)
        guard let all, all.count == count else {
            throw .outOfRange(file: file, key: key, expected: "\(count) numbers", found: "\(all?.count ?? 0)")
        }
        return all
    }

    public func object(_ key: String) throws(ConfigurationError) -> JSONConfiguration? {
        switch members[key] {
        case nil: nil
        case .object(let members): JSONConfiguration(members: members, file: "\(file), \(key)")
        case let other?: throw mistyped(key, expected: "an object", found: other)
        }
    }

    /// One of the raw values of an enumeration.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, as type: Choice.Type
    ) throws(ConfigurationError) -> Choice? where Choice.RawValue == String {
        guard let text = try string(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw .outOfRange(file: file, key: key, expected: "one of \(known)", found: "'\(text.prefix(60))'")
        }
        return choice
    }

    /// A whole number within bounds, so that sizes from a file cannot make the program allocate without limit.
    public func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let integer = try integer(key) else { return nil }
        guard range.contains(integer) else {
            throw .outOfRange(
                file: file, key: key, expected: "\(range.lowerBound)–\(range.upperBound)", found: "\(integer)")
        }
        return integer
    }

    /// The value, or an error that says the key is missing.
    public func required<Value>(_ key: String, _ value: Value?) throws(ConfigurationError) -> Value {
        guard let value else { throw .missing(file: file, key: key) }
        return value
    }

    private func list<Element>(
        _ key: String, of expected: String, _ element: (JSONValue) -> Element?
    ) throws(ConfigurationError) -> [Element]? {
        guard let value = members[key] else { return nil }
        guard case .array(let values) = value else {
            throw mistyped(key, expected: "a list of \(expected)", found: value)
        }
        var result: [Element] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let member = element(value) else {
                throw mistyped(key, expected: "a list of \(expected)", found: value)
            }
            result.append(member)
        }
        return result
    }

    private func mistyped(_ key: String, expected: String, found: JSONValue) -> ConfigurationError {
        .mistyped(file: file, key: key, expected: expected, found: found.kind)
    }

    private static func integer(_ value: JSONValue) -> Int? {
        switch value {
        case .integer(let integer): integer
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let integer): Double(integer)
        case .unsigned(let number): Double(number)
        case .number(let number) where number.isFinite: number
        default: nil
        }
    }
}

/// What can be wrong with a configuration file.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case notJSON(file: String, reason: String)
    case missing(file: String, key: String)
    case mistyped(file: String, key: String, expected: String, found: String)
    case outOfRange(file: String, key: String, expected: String, found: String)

    public var description: String {
        switch self {
        case .notJSON(let file, let reason): "\(file) is not a JSON object: \(reason)."
        case .missing(let file, let key): "\(file) lacks '\(key)'."
        case .mistyped(let file, let key, let expected, let found):
            "\(file): '\(key)' should be \(expected), it is \(found)."
        case .outOfRange(let file, let key, let expected, let found):
            "\(file): '\(key)' should be \(expected), it is \(found)."
        }
    }
}
