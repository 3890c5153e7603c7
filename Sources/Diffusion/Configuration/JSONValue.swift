internal import PlainText

/// A JSON document as a value.
///
/// Model files are hostile input, so this reads strictly (RFC 8259) within limits, and can refuse an object that has the
/// same key twice, which Foundation's decoder silently accepts.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number written without fraction or exponent that fits.
    case integer(Int)
    /// A whole number beyond those that fits, such as a seed.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// What an object with a repeated key means.
    public enum RepeatedKeys: Sendable {
        case refused
        /// As Python's `json` reads it.
        case lastWins
    }

    /// Why a text is not JSON, and where.
    public struct SyntaxError: Error, Equatable, Sendable, CustomStringConvertible {
        public var reason: String
        /// Bytes from the start.
        public var offset: Int
        public var description: String { "\(reason) at byte \(offset)" }

        /// Why a file of those bytes is not JSON: what it is instead, where its first bytes say that.
        func reason(in file: UnsafeRawBufferPointer) -> String {
            switch FileKind(file) {
            case .json?, .text?, nil: description
            case let kind?: kind.clause
            }
        }
    }

    /// Reads a whole UTF-8 document.
    ///
    /// - Parameter maximumDepth: how deep arrays and objects may nest.
    /// - Throws: `SyntaxError`, also for more than `maximumValues`, for a key longer than a name may be
    ///   (`LookupName.maximumBytes`), for text after the document (white space excepted) and
    ///   invalid UTF-8. As Python does, `NaN` and `±Infinity` are read as numbers.
    public init(
        parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 32, repeatedKeys: RepeatedKeys = .lastWins
    ) throws(SyntaxError) {
        var parser = JSONParser(bytes: bytes, maximumDepth: maximumDepth, repeatedKeys: repeatedKeys)
        self = try parser.document()
    }

    /// Reads a whole document; see `init(parsing:maximumDepth:repeatedKeys:)`.
    public init(parsing text: String, maximumDepth: Int = 32, repeatedKeys: RepeatedKeys = .lastWins) throws {
        self = try Array(text.utf8).withUnsafeBytes {
            try JSONValue(parsing: $0, maximumDepth: maximumDepth, repeatedKeys: repeatedKeys)
        }
    }

    /// The most values in a document: each takes many times what `0,` takes in a file.
    public static let maximumValues = 4_000_000

    /// The kind of value, in the words of the JSON specification.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .unsigned, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A recursive-descent reader of RFC 8259.
private struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    let maximumDepth: Int
    let repeatedKeys: JSONValue.RepeatedKeys
    var offset = 0
    private var values = 0

    init(bytes: UnsafeRawBufferPointer, maximumDepth: Int, repeatedKeys: JSONValue.RepeatedKeys) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        self.repeatedKeys = repeatedKeys
    }

    mutating func document() throws(JSONValue.SyntaxError) -> JSONValue {
        let result = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw failure("text after the end of the document") }
        return result
    }

    func failure(_ reason: String) -> JSONValue.SyntaxError { .init(reason: reason, offset: offset) }

    var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    mutating func take(_ byte: Character) -> Bool {
        guard current == byte.asciiValue else { return false }
        offset += 1
        return true
    }

    mutating func take(word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - offset >= count else { return false }
        for index in 0 ..< count where bytes[offset + index] != word.utf8Start[index] { return false }
        offset += count
        return true
    }

    mutating func value(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
        guard depth <= maximumDepth else { throw failure("nesting deeper than \(maximumDepth)") }
        values += 1
        guard values <= JSONValue.maximumValues else { throw failure("more than \(JSONValue.maximumValues) values") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t") where take(word: "true"): return .bool(true)
        case UInt8(ascii: "f") where take(word: "false"): return .bool(false)
        case UInt8(ascii: "n") where take(word: "null"): return .null
        case UInt8(ascii: "N") where take(word: "NaN"): return .number(.nan)
        case UInt8(ascii: "I") where take(word: "Infinity"): return .number(.infinity)
        case UInt8(ascii: "-") where take(word: "-Infinity"): return .number(-.infinity)
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0") ... UInt8(ascii: "9")): return try number()
        case nil: throw failure("unexpected end")
        default: throw failure("unexpected character")
        }
    }

    mutating func object(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
        offset += 1
        var result: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return .object(result) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("expected a key") }
            let keyOffset = offset
            let key = try string()
            guard !key.isTooLongForName else {
                throw .init(
                    reason: "a key has \(key.utf8.count) bytes, expected at most \(LookupName.maximumBytes)",
                    offset: keyOffset)
            }
            skipSpace()
            guard take(":") else { throw failure("expected ':'") }
            let isRepeated = result.updateValue(try value(depth: depth + 1), forKey: key) != nil
            if isRepeated, repeatedKeys == .refused {
                throw .init(reason: "the key '\(key.prefix(120))' is there twice", offset: keyOffset)
            }
            skipSpace()
            if take(",") { continue }
            if take("}") { return .object(result) }
            throw failure("expected ',' or '}'")
        }
    }

    mutating func array(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
        offset += 1
        var result: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(result) }
        while true {
            result.append(try value(depth: depth + 1))
            skipSpace()
            if take(",") { continue }
            if take("]") { return .array(result) }
            throw failure("expected ',' or ']'")
        }
    }

    mutating func string() throws(JSONValue.SyntaxError) -> String {
        offset += 1
        let start = offset
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
        if current == UInt8(ascii: "\"") {
            let text = try decoded(bytes[start ..< offset], at: start)
            offset += 1
            return text
        }
        var units = Array(bytes[start ..< offset])
        while true {
            guard let byte = current else { throw failure("unexpected end of a string") }
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                guard let text = String(validating: units, as: UTF8.self) else {
                    throw .init(reason: "invalid UTF-8", offset: start)
                }
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                units.append(contentsOf: String(Character(try escape())).utf8)
            case 0 ..< 0x20:
                throw failure("control character in a string")
            default:
                units.append(byte)
                offset += 1
            }
        }
    }

    func decoded(_ slice: Slice<UnsafeRawBufferPointer>, at start: Int) throws(JSONValue.SyntaxError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .init(reason: "invalid UTF-8", offset: start)
        }
        return text
    }

    /// What follows a backslash. A lone surrogate becomes U+FFFD, as Swift strings cannot hold it.
    mutating func escape() throws(JSONValue.SyntaxError) -> Unicode.Scalar {
        guard let byte = current else { throw failure("unexpected end of a string") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimalUnit()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            if unit < 0xDC00 {
                let mark = offset
                if take("\\"), take("u"), case let low = try hexadecimalUnit(), (0xDC00 ... 0xDFFF).contains(low) {
                    return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)) ?? "\u{FFFD}"
                }
                offset = mark
            }
            return "\u{FFFD}"
        default: throw failure("unknown escape in a string")
        }
    }

    mutating func hexadecimalUnit() throws(JSONValue.SyntaxError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw failure("unexpected end of a string") }
        var unit: UInt32 = 0
        for _ in 0 ..< 4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    mutating func number() throws(JSONValue.SyntaxError) -> JSONValue {
        let start = offset
        var isInteger = true
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") {
            isInteger = false
            try digits()
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = try decoded(bytes[start ..< offset], at: start)
        if isInteger, let integer = Int(text) { return .integer(integer) }
        if isInteger, let integer = UInt64(text) { return .unsigned(integer) }
        guard let number = Double(text) else { throw .init(reason: "not a number", offset: start) }
        return .number(number)
    }

    mutating func digits() throws(JSONValue.SyntaxError) {
        let start = offset
        while let byte = current, (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw failure("expected a digit") }
    }
}
