internal import Diffusion
internal import PlainText

/// Writes `Encodable` values as JSON, members in the order in which they are encoded.
///
/// Foundation's encoder is not used: it keeps no order, and it writes a `Float` with the digits of a `Double`.
enum JSONWriting {
    /// The value as text of several lines, without one at the end. Throws `EncodingError` for a number that is not
    /// finite.
    static func text(of value: some Encodable) throws -> String {
        let node = JSONNode()
        try node.set(value, path: [])
        return node.text(indentation: "")
    }
}

/// A value of a document that is being made.
private final class JSONNode {
    enum Content {
        case scalar(String)
        case list([JSONNode])
        case object([(name: String, node: JSONNode)])
    }

    var content = Content.scalar("null")

    func set(_ value: some Encodable, path: [any CodingKey]) throws {
        switch value {
        case let text as String: content = .scalar(JSONValue.quoted(text).withBytesEscaped)
        case let flag as Bool: content = .scalar("\(flag)")
        case let number as any BinaryInteger: content = .scalar("\(number)")
        case let number as Float: content = .scalar(try Self.digits(number, path))
        case let number as Double: content = .scalar(try Self.digits(number, path))
        default: try value.encode(to: JSONNodeEncoder(node: self, codingPath: path))
        }
    }

    /// The shortest that read back the same; whole numbers without a point.
    private static func digits(_ number: some BinaryFloatingPoint, _ path: [any CodingKey]) throws -> String {
        guard number.isFinite else {
            throw EncodingError.invalidValue(
                number, .init(codingPath: path, debugDescription: "JSON has finite numbers only"))
        }
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    func member(_ name: String) -> JSONNode {
        let node = JSONNode()
        if case .object(let members) = content {
            content = .object(members + [(name, node)])
        } else {
            content = .object([(name, node)])
        }
        return node
    }

    func element() -> JSONNode {
        let node = JSONNode()
        if case .list(var elements) = content {
            // Not held twice, or each element would copy all before it.
            content = .scalar("null")
            elements.append(node)
            content = .list(elements)
        } else {
            content = .list([node])
        }
        return node
    }

    var count: Int {
        if case .list(let elements) = content { elements.count } else { 0 }
    }

    private var isScalar: Bool {
        if case .scalar = content { true } else { false }
    }

    func text(indentation: String) -> String {
        let inner = indentation + "  "
        switch content {
        case .scalar(let text): return text
        case .list(let elements):
            if elements.allSatisfy(\.isScalar) {
                return "[" + elements.map { $0.text(indentation: "") }.joined(separator: ", ") + "]"
            }
            let lines = elements.map { inner + $0.text(indentation: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map {
                "\(inner)\(JSONValue.quoted($0.name)): \($0.node.text(indentation: inner))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
        }
    }
}

private struct JSONNodeEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.content {} else { node.content = .object([]) }
        return KeyedEncodingContainer(Keyed(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .list = node.content {} else { node.content = .list([]) }
        return Unkeyed(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(node: node, codingPath: codingPath) }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: JSONNode
        let codingPath: [any CodingKey]

        private func encoder(_ key: any CodingKey) -> JSONNodeEncoder {
            JSONNodeEncoder(node: node.member(key.stringValue), codingPath: codingPath + [key])
        }

        func encodeNil(forKey key: Key) { _ = node.member(key.stringValue) }

        func encode(_ value: some Encodable, forKey key: Key) throws {
            try node.member(key.stringValue).set(value, path: codingPath + [key])
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> { encoder(key).container(keyedBy: type) }

        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }
        func superEncoder() -> any Encoder { encoder(JSONKey(stringValue: "super")) }
        func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }
    }

    private struct Unkeyed: UnkeyedEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]
        var count: Int { node.count }

        private func encoder() -> JSONNodeEncoder { JSONNodeEncoder(node: node.element(), codingPath: codingPath) }

        func encodeNil() { _ = node.element() }
        func encode(_ value: some Encodable) throws { try node.element().set(value, path: codingPath) }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            encoder().container(keyedBy: type)
        }

        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }
        func superEncoder() -> any Encoder { encoder() }
    }

    private struct Single: SingleValueEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]

        func encodeNil() { node.content = .scalar("null") }
        func encode(_ value: some Encodable) throws { try node.set(value, path: codingPath) }
    }
}
