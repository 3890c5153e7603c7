import Diffusion
import Tensors
import Testing

/// Files under fixtures/, found from this source file.
enum Fixtures {
    static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/fixtures"
    }()

    static func json(_ path: String) throws -> JSONValue {
        let file = try MappedFile(path: "\(root)/\(path)")
        defer { withExtendedLifetime(file) {} }
        return try JSONValue(parsing: file.bytes)
    }

    static func safetensors(_ path: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: "\(root)/\(path)")
    }
}

extension WeightSource {
    /// The elements of a float32 tensor.
    func floats(_ name: String) throws -> [Float] {
        let tensor = try #require(self.tensor(name), "no tensor \(name)")
        try #require(tensor.elementType == .float32)
        return withExtendedLifetime(tensor.owner) { Array(tensor.bytes.bindMemory(to: Float.self)) }
    }
}

extension JSONValue {
    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
    var list: [JSONValue]? { if case .array(let members) = self { members } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
    var double: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }
}
