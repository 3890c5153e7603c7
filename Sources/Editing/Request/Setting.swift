public import PlainText

/// One setting of an edit: all that its validation, JSON, the record in pictures and a front end's help need of it.
public struct Setting<Value: Sendable & Equatable>: Sendable {
    public let key: SettingKey
    /// One or more sentences with the range and the default.
    public let help: Sentence
    /// What the record in a picture calls it (`Infotext`); `nil` where it is not written.
    public let infotextKey: String?
    let form: SettingForm<Value>
    private let place: Place

    /// Where it lies. What may be left to the mode and the model is `nil` there.
    enum Place: Sendable {
        case always(any WritableKeyPath<EditSettings, Value> & Sendable)
        case asked(any WritableKeyPath<EditSettings, Value?> & Sendable)
    }

    init(_ key: SettingKey, _ place: Place, _ form: SettingForm<Value>, infotext: String? = nil, help: Sentence) {
        self.key = key
        self.place = place
        self.form = form
        infotextKey = infotext
        self.help = help
    }

    /// What it is where nobody says anything; `nil` where mode and model choose.
    public var defaultValue: Value? { value(in: EditSettings()) }

    /// What was asked for; `nil` for nothing.
    public func value(in settings: EditSettings) -> Value? {
        switch place {
        case .always(let path): settings[keyPath: path]
        case .asked(let path): settings[keyPath: path]
        }
    }

    public func set(_ value: Value, in settings: inout EditSettings) {
        switch place {
        case .always(let path): settings[keyPath: path] = value
        case .asked(let path): settings[keyPath: path] = value
        }
    }

    /// What it accepts, in words: "from 1 to 1000 steps".
    public var allowed: String { form.allowed }

    /// Throws `EditError.outOfRange` for a value that it does not accept; `nil`, which asks for nothing, passes.
    public func check(_ value: Value?) throws(EditError) {
        guard let value, !form.accepts(value) else { return }
        throw .outOfRange(key, allowed: form.allowed, found: form.text(value))
    }
}

/// A setting whatever the type of its value (`Settings.all`).
public protocol AnySetting: Sendable {
    var key: SettingKey { get }
    var help: Sentence { get }
    var infotextKey: String? { get }
    var allowed: String { get }

    /// Throws `EditError.outOfRange`.
    func validate(_ settings: EditSettings) throws(EditError)

    /// Writes what differs from the default.
    func encode(_ settings: EditSettings, to container: inout KeyedEncodingContainer<JSONKey>) throws

    /// Reads what is there. Throws `EditError.wrongForm` or `.outOfRange`.
    func decode(_ container: KeyedDecodingContainer<JSONKey>, to settings: inout EditSettings) throws
}

extension Setting: AnySetting {
    public func validate(_ settings: EditSettings) throws(EditError) { try check(value(in: settings)) }

    public func encode(_ settings: EditSettings, to container: inout KeyedEncodingContainer<JSONKey>) throws {
        guard let value = value(in: settings), value != defaultValue else { return }
        try form.encode(value, &container, JSONKey(key))
    }

    public func decode(_ container: KeyedDecodingContainer<JSONKey>, to settings: inout EditSettings) throws {
        let place = JSONKey(key)
        guard container.asks(for: place) else { return }
        guard let value = form.decode(container, place) else {
            throw EditError.wrongForm("\(key)", expected: Sentence(form.expected), found: container.found(place))
        }
        try check(value)
        set(value, in: &settings)
    }
}

/// What values a setting accepts, and how JSON has them.
struct SettingForm<Value: Sendable>: Sendable {
    /// "from 1 to 1000 steps", "'mask' or 'whole'"
    let allowed: String
    /// With the form of the value: "a whole number from 1 to 1000 steps".
    let expected: String
    let accepts: @Sendable (Value) -> Bool
    let text: @Sendable (Value) -> String
    let encode: @Sendable (Value, inout KeyedEncodingContainer<JSONKey>, JSONKey) throws -> Void
    /// `nil` for what has another form.
    let decode: @Sendable (KeyedDecodingContainer<JSONKey>, JSONKey) -> Value?
    /// The ends of a range.
    var bounds: (least: Value, most: Value, unit: String)?
}

extension SettingForm where Value: Comparable & Codable {
    /// A number in a range. A value that is no number is outside of it.
    static func number(_ unit: String, _ range: ClosedRange<Value>) -> SettingForm {
        let values = SettingRange(unit, range)
        return SettingForm(
            allowed: "from \(values.allowed)",
            expected: "a \(Value.self is any BinaryInteger.Type ? "whole " : "")number from \(values.allowed)",
            accepts: values.contains, text: { SettingRange.text(of: $0) },
            encode: { try $1.encode($0, forKey: $2) }, decode: { try? $0.decode(Value.self, forKey: $1) },
            bounds: (range.lowerBound, range.upperBound, unit))
    }
}

extension Setting where Value: Comparable {
    /// What a setting of numbers accepts.
    public var range: SettingRange<Value> {
        guard let bounds = form.bounds else { preconditionFailure("\(key) has no range") }
        return SettingRange(bounds.unit, bounds.least ... bounds.most)
    }
}

extension SettingForm where Value: CaseIterable & RawRepresentable<String> {
    /// One of some words.
    static var word: SettingForm {
        .words(Value.allCases.map { ($0.rawValue, $0) }, text: \.rawValue)
    }
}

extension SettingForm {
    /// - Parameter text: the word of a value.
    static func words(_ words: [(String, Value)], text: @escaping @Sendable (Value) -> String) -> SettingForm {
        let names = words.map { "\"\($0.0)\"" }
        let allowed = names.dropLast().joined(separator: ", ") + (names.count > 1 ? " or " : "") + (names.last ?? "")
        return SettingForm(
            allowed: allowed, expected: allowed, accepts: { _ in true }, text: text,
            encode: { try $1.encode(text($0), forKey: $2) },
            decode: { container, key in
                let word = try? container.decode(String.self, forKey: key)
                return words.first { $0.0 == word }?.1
            })
    }
}

extension SettingForm<Bool> {
    static let flag = SettingForm(
        allowed: "true or false", expected: "true or false", accepts: { _ in true }, text: { "\($0)" },
        encode: { try $1.encode($0, forKey: $2) }, decode: { try? $0.decode(Bool.self, forKey: $1) })
}
