public import PlainText

/// The name of a member of an object in JSON.
public struct JSONKey: CodingKey, Hashable {
    public let stringValue: String
    public var intValue: Int? { nil }

    public init(stringValue: String) { self.stringValue = stringValue }
    public init?(intValue: Int) { nil }
    public init(_ key: SettingKey) { stringValue = key.rawValue }
}

extension KeyedDecodingContainer<JSONKey> {
    func contains(_ key: SettingKey) -> Bool { contains(JSONKey(key)) }

    /// Whether there is more than `null`.
    func asks(for key: JSONKey) -> Bool { contains(key) && (try? decodeNil(forKey: key)) == false }

    /// What stands there, as an error shows it.
    func found(_ key: JSONKey) -> String {
        if let text = try? decode(String.self, forKey: key) { return "\"\(String(text.prefix(60)).printable)\"" }
        if let flag = try? decode(Bool.self, forKey: key) { return "\(flag)" }
        if let number = try? decode(Double.self, forKey: key) { return SettingRange.text(of: number) }
        if (try? nestedUnkeyedContainer(forKey: key)) != nil { return "a list" }
        return (try? nestedContainer(keyedBy: JSONKey.self, forKey: key)) != nil ? "an object" : "null"
    }

    /// The text at a place; `nil` where nothing is. Throws `EditError.wrongForm`.
    func text(_ key: SettingKey) throws -> String? {
        let place = JSONKey(key)
        guard asks(for: place) else { return nil }
        guard let text = try? decode(String.self, forKey: place) else {
            throw EditError.wrongForm("\(key)", expected: "a text", found: found(place))
        }
        return text
    }

    /// Throws `EditError.unknownKey` for the first member, by its name, that is none of these.
    func checkKeys(_ known: [String]) throws(EditError) {
        let unknown = allKeys.map(\.stringValue).filter { !known.contains($0) }.min()
        guard let unknown else { return }
        let start = known.filter { !unknown.isEmpty && $0.lowercased().hasPrefix(unknown.lowercased()) }.min()
        throw .unknownKey(unknown, near: unknown.nearest(in: known) ?? start)
    }
}
