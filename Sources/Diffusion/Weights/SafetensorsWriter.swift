internal import Tensors

/// Writes a safetensors file.
struct SafetensorsWriter {
    let path: String

    /// What a tensor's elements become where nothing is said of them: f16 for GGUF's blocks, which this format has not.
    static func kept(_ type: WeightTensor.ElementType) -> WeightTensor.ElementType {
        type.blockLength == 1 ? type : .float16
    }

    /// - Parameters:
    ///   - type: `nil` to keep each tensor's own; GGUF's blocks become f16.
    ///   - observe: told of bytes written; what it throws ends the writing.
    /// - Throws: `ModelError.notWritten` or `.outOfRange`, or what `observe` throws. The file then is a part.
    func write(
        _ entries: [WeightFileWriter.Entry], metadata: [String: String], as type: WeightTensor.ElementType?,
        observe: (Int) throws -> Void
    ) throws {
        // Larger elements first, so that each lies where it can be read in place.
        let typed = entries.map { entry -> WeightFileWriter.Typed in
            let own = entry.pieces.first?.elementType ?? .float32
            return (entry, type ?? Self.kept(own))
        }.sorted { ($1.type.size, $0.entry.name) < ($0.type.size, $1.entry.name) }
        var members: [String: JSONValue] = [:]
        var position = 0
        for (entry, type) in typed {
            let end = position + entry.count * type.size
            members[entry.name] = .object([
                "dtype": .string(type.rawValue), "shape": .array(entry.shape.map { .integer($0) }),
                "data_offsets": .array([.integer(position), .integer(end)]),
            ])
            position = end
        }
        members["__metadata__"] = .object(metadata.mapValues { .string($0) })
        var header = Array(JSONValue.object(members).line.utf8)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try WeightFileWriter(path: path).write(head: length + header, typed, observe: observe)
    }
}
