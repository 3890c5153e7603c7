internal import Tensors

/// Writes a safetensors file.
struct SafetensorsWriter {
    let path: String

    /// - Parameter observe: told of bytes written; what it throws ends the writing.
    /// - Throws: `ModelError.notWritten` or `.outOfRange`, or what `observe` throws. The file then is a part.
    func write(
        _ tensors: [WeightFileWriter.Typed], metadata: [String: String], observe: (Int) throws -> Void
    ) throws {
        // Larger elements first, so that each lies where it can be read in place.
        let tensors = tensors.sorted { ($1.type.size, $0.entry.name) < ($0.type.size, $1.entry.name) }
        var members: [String: JSONValue] = [:]
        var position = 0
        for (entry, type) in tensors {
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
        try WeightFileWriter(path: path).write(head: length + header, tensors, observe: observe)
    }
}
