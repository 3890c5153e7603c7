internal import PlainText
internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writes the tensors of a weight file one after the other, without holding more than a piece of one.
struct WeightFileWriter {
    /// A tensor to be: the elements of `pieces`, one after the other.
    struct Entry {
        var name: String
        var shape: [Int]
        var pieces: [WeightTensor]

        var count: Int { shape.reduce(1, *) }
    }

    /// A tensor and what its elements are to be.
    typealias Typed = (entry: Entry, type: WeightTensor.ElementType)

    let path: String

    /// - Parameters:
    ///   - head: what comes before the tensors.
    ///   - alignment: tensors begin at multiples of that many bytes, counted from the end of the head, and so does what
    ///     would follow the last one.
    ///   - observe: told of bytes written; what it throws ends the writing.
    /// - Throws: `ModelError.notWritten` or `.outOfRange`, or what `observe` throws. The file then is a part.
    func write(head: [UInt8], _ tensors: [Typed], alignment: Int = 1, observe: (Int) throws -> Void) throws {
        guard let file = fopen(path.nativePath, "wb") else { throw failure() }
        defer { fclose(file) }
        var position = 0
        func put(_ bytes: UnsafeRawBufferPointer) throws {
            guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else { throw failure() }
            position += bytes.count
            try observe(bytes.count)
        }
        try head.withUnsafeBytes(put)
        position = 0
        for (entry, type) in tensors {
            for piece in entry.pieces {
                if piece.elementType == type, piece.corrections.isEmpty {
                    try put(piece.bytes)
                    continue
                }
                try piece.forEachPiece(of: 1 << 20) { values in
                    try encoded(values, as: type, tensor: entry.name).withUnsafeBytes(put)
                }
            }
            let gap = (alignment - position % alignment) % alignment
            try [UInt8](repeating: 0, count: gap).withUnsafeBytes(put)
        }
        guard fflush(file) == 0, fsync(fileno(file)) == 0 else { throw failure() }
    }

    private func failure() -> ModelError { .notWritten(path: path, reason: String(cString: strerror(errno))) }

    private func encoded(_ values: [Float], as type: WeightTensor.ElementType, tensor: String) throws -> [UInt8] {
        switch type {
        case .float32: return values.withUnsafeBytes { Array($0) }
        case .bfloat16: return Self.bytes(values.map(Self.bfloat16))
        case .q80:
            var result: [UInt8] = []
            result.reserveCapacity(values.count / 32 * 34)
            for start in stride(from: 0, to: values.count, by: 32) {
                let block = values[start ..< start + 32]
                guard let encoded = Self.q80(block) else {
                    throw ModelError.outOfRange(
                        path: path, tensor: tensor, value: block.max { abs($0) < abs($1) } ?? 0)
                }
                result += encoded
            }
            return result
        default:
            let halves = values.map(Self.half)
            if let place = halves.indices.first(where: { halves[$0] & 0x7FFF == 0x7C00 && values[$0].isFinite }) {
                throw ModelError.outOfRange(path: path, tensor: tensor, value: values[place])
            }
            return Self.bytes(halves)
        }
    }

    private static func bytes(_ numbers: [UInt16]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

    /// A block of GGUF's Q8_0: a 127th of the largest magnitude as a half, and each element as a multiple of it, halfway
    /// cases away from zero (ggml's `quantize_row_q8_0_ref`). What is not a number makes the whole block so; `nil` where
    /// the half would be infinite.
    static func q80(_ block: ArraySlice<Float>) -> [UInt8]? {
        guard block.allSatisfy(\.isFinite) else { return [0x00, 0x7E] + [UInt8](repeating: 1, count: block.count) }
        let step = (block.lazy.map(abs).max() ?? 0) / 127
        let scale = half(step)
        guard scale != 0x7C00 else { return nil }
        let inverse = scale > 0 ? 1 / step : 0
        return [UInt8(truncatingIfNeeded: scale), UInt8(scale >> 8)]
            + block.map { UInt8(bitPattern: Int8(($0 * inverse).rounded())) }
    }

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
