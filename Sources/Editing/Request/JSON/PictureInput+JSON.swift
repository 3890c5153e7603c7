internal import PlainText

/// A file's path as a text or as `{"file": "photo.png"}`, or its bytes as `{"base64": "iVBORw0…", "name": "photo"}`.
extension PictureInput: Codable {
    private static let file = JSONKey(stringValue: "file")
    private static let base64 = JSONKey(stringValue: "base64")
    private static let name = JSONKey(stringValue: "name")
    static let keys = [file, base64, name].map(\.stringValue)

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .file(let path):
            var container = encoder.singleValueContainer()
            try container.encode(path)
        case .bytes(let bytes, let name):
            var container = encoder.container(keyedBy: JSONKey.self)
            try container.encode(Base64.text(of: bytes), forKey: Self.base64)
            try container.encode(name, forKey: Self.name)
        }
    }

    public init(from decoder: any Decoder) throws { try self.init(from: decoder, at: "\(.picture)") }

    /// - Parameter place: what errors call it.
    /// - Throws: `EditError.wrongForm` or `.unknownKey`.
    init(from decoder: any Decoder, at place: Sentence) throws {
        if let path = try? decoder.singleValueContainer().decode(String.self) {
            try self.init(path: path, at: place)
            return
        }
        guard let container = try? decoder.container(keyedBy: JSONKey.self) else {
            throw EditError.wrongForm(place, expected: Self.expected, found: "another value")
        }
        try container.checkKeys(Self.keys)
        if container.contains(Self.file), !container.contains(Self.base64), !container.contains(Self.name) {
            guard let path = try? container.decode(String.self, forKey: Self.file) else {
                throw EditError.wrongForm("\(place).file", expected: "a path", found: container.found(Self.file))
            }
            try self.init(path: path, at: "\(place).file")
            return
        }
        guard !container.contains(Self.file), container.contains(Self.base64) else {
            throw EditError.wrongForm(
                place, expected: Self.expected,
                found: container.allKeys.isEmpty ? "{}" : "both a file and bytes, or neither")
        }
        guard let text = try? container.decode(String.self, forKey: Self.base64), let bytes = Base64.bytes(of: text),
            !bytes.isEmpty
        else {
            throw EditError.wrongForm(
                "\(place).base64", expected: "a file's bytes in Base64", found: container.found(Self.base64))
        }
        var name = "picture"
        if container.asks(for: Self.name) {
            guard let given = try? container.decode(String.self, forKey: Self.name) else {
                throw EditError.wrongForm("\(place).name", expected: "a text", found: container.found(Self.name))
            }
            name = given
        }
        self = .bytes(bytes, name: name)
    }

    private init(path: String, at place: Sentence) throws(EditError) {
        guard !path.isEmpty else { throw .wrongForm(place, expected: Self.expected, found: "\"\"") }
        guard path != "-" else {
            throw .wrongForm(
                place, expected: "a path (standard input is \"/dev/stdin\", a file of that name \"./-\")",
                found: "\"-\"")
        }
        self = .file(path: path)
    }

    private static let expected: Sentence = "a path, or an object with \"file\" or with \"base64\""
}
