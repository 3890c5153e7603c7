internal import Diffusion
public import PlainText

/// A JSON object whose members keep their order, written on one line.
public struct JSONObject: Sendable {
    public indirect enum Value: Sendable {
        case text(String)
        /// Worded when it is written.
        case sentence(Sentence)
        case integer(Int)
        /// An unsigned integer, such as a seed, in all its digits.
        case unsigned(UInt64)
        /// Written with at most three decimals; not finite is `null`.
        case number(Double)
        case flag(Bool)
        case list([Value])
        case object(JSONObject)
        case null
    }

    public var members: [(name: String, value: Value)]

    public init(_ members: [(String, Value)]) {
        self.members = members.map { (name: $0.0, value: $0.1) }
    }

    /// The object as text without a line break. Bytes of file names that are no UTF-8 are shown as `\xE9`.
    public var line: String { line(namedBy: .keys) }

    /// The same.
    ///
    /// - Parameter naming: how sentences name settings.
    public func line(namedBy naming: some SettingNaming) -> String {
        Self.text(of: .object(self)) {
            switch $0 {
            case .text(let text): text.withBytesShown
            case .sentence(let sentence): sentence.worded(by: naming).withBytesShown
            default: nil
            }
        }
    }

    /// The same for a file of the program's own, from which names are read again.
    var storedLine: String {
        Self.text(of: .object(self)) {
            switch $0 {
            case .text(let text): text
            case .sentence(let sentence): "\(sentence)"
            default: nil
            }
        }
    }

    /// - Parameter words: the text of what is one; `nil` for other values.
    private static func text(of value: Value, words: (Value) -> String?) -> String {
        switch value {
        case .text, .sentence: words(value).map(JSONValue.quoted) ?? "null"
        case .integer(let number): "\(number)"
        case .unsigned(let number): "\(number)"
        case .number(let number): number.isFinite ? "\((number * 1000).rounded() / 1000)" : "null"
        case .flag(let flag): flag ? "true" : "false"
        case .list(let values): "[" + values.map { text(of: $0, words: words) }.joined(separator: ",") + "]"
        case .object(let object):
            "{"
                + object.members.map { JSONValue.quoted($0.name) + ":" + text(of: $0.value, words: words) }
                .joined(separator: ",") + "}"
        case .null: "null"
        }
    }
}
