internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writes a safetensors file, tensor by tensor, without holding more than a piece of one.
struct SafetensorsWriter {
    /// A tensor to be: the elements of `pieces`, one after the other.
    struct Entry {
        var name: String
        var shape: [Int]
        var pieces: [WeightTensor]
    }

    /// What is written, and where a tensor's elements do not fit in it.
    static let types: [WeightTensor.ElementType] = [.float32, .float16, .bfloat16]

    let path: String

    /// - Parameters:
    ///   - type: `nil` to keep each tensor's own; GGUF's blocks become f16.
    ///   - observe: told of bytes written; what it throws ends the writing.
    /// - Throws: `ModelError.notWritten` or `.outOfRange`, or what `observe` throws. The file then is a part.
    func write(
        _ entries: [Entry], metadata: [String: String], as type: WeightTensor.ElementType?,
        observe: (Int) throws -> Void
    ) throws {
        // Larger elements first, so that each lies where it can be read in place.
        let typed = entries.map { entry -> (entry: Entry, type: WeightTensor.ElementType) in
            let own = entry.pieces.first?.elementType ?? .float32
            return (entry, type ?? (Self.types.contains(own) ? own : .float16))
        }.sorted { ($1.type.size, $0.entry.name) < ($0.type.size, $1.entry.name) }
        var members: [String: JSONValue] = [:]
        var position = 0
        for (entry, type) in typed {
            let end = position + entry.shape.reduce(1, *) * type.size
            members[entry.name] = .object([
                "dtype": .string(type.rawValue), "shape": .array(entry.shape.map { .integer($0) }),
                "data_offsets": .array([.integer(position), .integer(end)]),
            ])
            position = end
        }
        members["__metadata__"] = .object(metadata.mapValues { .string($0) })
        var header = Array(JSONValue.object(members).line.utf8)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)

        guard let file = fopen(path, "wb") else { throw failure() }
        defer { fclose(file) }
        func put(_ bytes: UnsafeRawBufferPointer) throws {
            guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else { throw failure() }
            try observe(bytes.count)
        }
        try withUnsafeBytes(of: UInt64(header.count).littleEndian, put)
        try header.withUnsafeBytes(put)
        for (entry, type) in typed {
            for piece in entry.pieces {
                if piece.elementType == type {
                    try put(piece.bytes)
                    continue
                }
                for start in stride(from: 0, to: piece.count, by: 1 << 20) {
                    let values = piece.floats(start ..< min(piece.count, start + 1 << 20))
                    try converted(values, to: type, tensor: entry.name).withUnsafeBytes(put)
                }
            }
        }
        guard fflush(file) == 0, fsync(fileno(file)) == 0 else { throw failure() }
    }

    private func failure() -> ModelError { .notWritten(path: path, reason: String(cString: strerror(errno))) }

    private func converted(
        _ values: [Float], to type: WeightTensor.ElementType, tensor: String
    ) throws -> [UInt8] {
        switch type {
        case .float32: return values.withUnsafeBytes { Array($0) }
        case .bfloat16: return Self.bytes(values.map(Self.bfloat16))
        default:
            let halves = values.map(Self.half)
            if let place = halves.indices.first(where: { halves[$0] & 0x7FFF == 0x7C00 && values[$0].isFinite }) {
                throw ModelError.outOfRange(path: path, tensor: tensor, value: values[place])
            }
            return Self.bytes(halves)
        }
    }

    private static func bytes(_ numbers: [UInt16]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

    /// The nearest bfloat16, to even where two are; a NaN stays one.
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(bits >> 16) | 0x40 }
        return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }

    /// The nearest IEEE half, to even where two are; infinite above 65519.
    static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(bits >> 16 & 0x8000)
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
        if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
        if magnitude < 0x3880_0000 {
            // Below the smallest normal half: as multiples of 2⁻²⁴, which the addition rounds.
            let sum = Float(bitPattern: magnitude) + 0.5
            return sign | UInt16(truncatingIfNeeded: sum.bitPattern &- Float(0.5).bitPattern)
        }
        let rounded = magnitude + 0xFFF + (magnitude >> 13 & 1)
        return sign | UInt16(truncatingIfNeeded: (rounded - 0x3800_0000) >> 13)
    }
}
