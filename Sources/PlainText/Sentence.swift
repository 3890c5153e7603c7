/// A sentence that may name settings. It is a value: which words stand for a setting is decided where it is shown.
///
/// Written as a string with settings in it: `"\(.fitMask) scales the mask"`, and `"\(.detail, "model") shows no fill"`
/// for a setting with its value.
public struct Sentence: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case setting(SettingKey)
        case choice(SettingKey, String)
        case command(String, [CommandWord])
    }

    private(set) var pieces: [Piece] = []

    /// Plain words.
    public init(_ text: some StringProtocol) { append(.text(String(text))) }

    /// The settings that it names, in their order.
    public var settings: [SettingKey] {
        pieces.flatMap { piece in
            switch piece {
            case .text: [] as [SettingKey]
            case .setting(let key), .choice(let key, _): [key]
            case .command(_, let words): words.compactMap(\.key)
            }
        }
    }

    /// The words for whoever knows the settings by these names.
    public func worded(by naming: some SettingNaming) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .setting(let key): naming.name(of: key)
            case .choice(let key, let value): naming.choice(of: key, value)
            case .command(let verb, let words): naming.command(verb, words)
            }
        }.joined()
    }

    public static func + (one: Sentence, other: Sentence) -> Sentence {
        var sum = one
        sum += other
        return sum
    }

    public static func += (one: inout Sentence, other: Sentence) {
        for piece in other.pieces { one.append(piece) }
    }

    private mutating func append(_ piece: Piece) {
        // So that equal words are equal sentences.
        if case .text(let text) = piece {
            if text.isEmpty { return }
            if case .text(let last)? = pieces.last {
                pieces[pieces.count - 1] = .text(last + text)
                return
            }
        }
        pieces.append(piece)
    }
}

/// A word of a command that a sentence proposes (`Sentence`): plain, or a setting with its value.
public enum CommandWord: Sendable, Hashable {
    case plain(String)
    case choice(SettingKey, String)

    var key: SettingKey? {
        if case .choice(let key, _) = self { key } else { nil }
    }
}

extension Sentence: ExpressibleByStringInterpolation {
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sentence = Sentence("")

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: String) { sentence.append(.text(literal)) }

        /// A setting by itself.
        public mutating func appendInterpolation(_ key: SettingKey) { sentence.append(.setting(key)) }

        /// A setting with its value.
        public mutating func appendInterpolation(_ key: SettingKey, _ value: String) {
            sentence.append(.choice(key, value))
        }

        /// A command of the program, such as "mask threshold".
        public mutating func appendInterpolation(command: String, _ words: [CommandWord]) {
            sentence.append(.command(command, words))
        }

        public mutating func appendInterpolation(_ other: Sentence) { sentence += other }

        /// Any other value, as it describes itself; what is `Worded` keeps the settings that it names.
        public mutating func appendInterpolation(_ value: some Any) {
            if let value = value as? any Worded {
                sentence += value.sentence
            } else {
                sentence.append(.text(String(describing: value)))
            }
        }
    }

    public init(stringLiteral: String) { self.init(stringLiteral) }
    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sentence }
}

/// As JSON names settings.
extension Sentence: CustomStringConvertible {
    public var description: String { worded(by: .keys) }
}

/// What describes itself by a sentence in which settings may be named: most errors.
public protocol Worded: CustomStringConvertible {
    var sentence: Sentence { get }
}

extension Worded {
    /// With settings named as JSON names them; see `described(by:)`.
    public var description: String { sentence.description }

    /// The settings that are to be looked at.
    public var settings: [SettingKey] { sentence.settings }

    public func described(by naming: some SettingNaming) -> String { sentence.worded(by: naming) }
}

/// How a front end names settings: its options, fields or keys.
public protocol SettingNaming: Sendable {
    func name(of key: SettingKey) -> String
    /// The setting with that value.
    func choice(of key: SettingKey, _ value: String) -> String
    /// A command of the program, quoted.
    func command(_ verb: String, _ words: [CommandWord]) -> String
}

/// Settings by the keys that they have in JSON.
public struct SettingKeys: SettingNaming {
    public init() {}

    public func name(of key: SettingKey) -> String { key.rawValue }

    public func choice(of key: SettingKey, _ value: String) -> String { "\(key.rawValue) \"\(value)\"" }

    public func command(_ verb: String, _ words: [CommandWord]) -> String {
        let values = words.map { word in
            switch word {
            case .plain(let text): text
            case .choice(let key, let value): "\(key.rawValue) \(value)"
            }
        }
        return "'\(([verb] + values).joined(separator: " "))'"
    }
}

extension SettingNaming where Self == SettingKeys {
    public static var keys: SettingKeys { SettingKeys() }
}

/// What an error says to whoever knows settings by these names.
public func sentence(of error: any Error, namedBy naming: some SettingNaming) -> String {
    (error as? any Worded)?.described(by: naming) ?? "\(error)"
}
