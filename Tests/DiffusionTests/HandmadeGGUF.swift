import Foundation

/// A GGUF file, version 3, put together by hand.
struct HandmadeGGUF {
    /// How tensors are stored: all alike, or as stable-diffusion.cpp does it, rows of whole blocks in 8 bits, other weights
    /// in f16 and single rows in f32.
    enum Storage: String, CaseIterable {
        case f32, f16, q80
    }

    var values: [(key: String, type: UInt32, bytes: Data)] = []
    private(set) var tensors: [(name: String, shape: [Int], type: UInt32, data: Data)] = []

    static func bytes(_ number: some FixedWidthInteger) -> Data {
        withUnsafeBytes(of: number.littleEndian) { Data($0) }
    }

    static func bytes(_ text: String) -> Data { bytes(UInt64(text.utf8.count)) + Data(text.utf8) }

    mutating func add(_ key: String, _ text: String) { values.append((key, 8, Self.bytes(text))) }

    mutating func add(_ name: String, shape: [Int], type: UInt32, data: Data) {
        tensors.append((name, shape, type, data))
    }

    /// Adds a tensor in a storage; what a reader makes of it is returned.
    mutating func add(_ name: String, shape: [Int], values: [Float], as storage: Storage) -> [Float] {
        if storage == .f32 || storage == .q80 && shape.count < 2 {
            add(name, shape: shape, type: 0, data: values.withUnsafeBytes { Data($0) })
            return values
        }
        guard storage == .q80, let row = shape.last, row.isMultiple(of: 32) else {
            let halves = values.map { Float16($0) }
            add(name, shape: shape, type: 1, data: halves.withUnsafeBytes { Data($0) })
            return halves.map { Float($0) }
        }
        var data = Data()
        var result: [Float] = []
        for start in stride(from: 0, to: values.count, by: 32) {
            let block = values[start ..< start + 32]
            // What is no number stays none.
            let isFinite = block.allSatisfy(\.isFinite)
            let scale = isFinite ? Float16((block.map(abs).max() ?? 0) / 127) : .nan
            let codes = block.map { scale > 0 ? Int8(clamping: Int(($0 / Float(scale)).rounded())) : 1 }
            data += withUnsafeBytes(of: scale) { Data($0) } + codes.withUnsafeBytes { Data($0) }
            result += codes.map { Float($0) * Float(scale) }
        }
        add(name, shape: shape, type: 8, data: data)
        return result
    }

    /// - Parameters:
    ///   - counts: of tensors and values, where the header is to lie.
    ///   - shift: added to every tensor's place.
    func bytes(version: UInt32 = 3, counts: (UInt64, UInt64)? = nil, shift: UInt64 = 0) -> Data {
        var header =
            Data("GGUF".utf8) + Self.bytes(version) + Self.bytes(counts?.0 ?? UInt64(tensors.count))
            + Self.bytes(counts?.1 ?? UInt64(values.count))
        for value in values { header += Self.bytes(value.key) + Self.bytes(value.type) + value.bytes }
        var data = Data()
        for tensor in tensors {
            header += Self.bytes(tensor.name) + Self.bytes(UInt32(tensor.shape.count))
            for size in tensor.shape.reversed() { header += Self.bytes(UInt64(bitPattern: Int64(size))) }
            header += Self.bytes(tensor.type) + Self.bytes(UInt64(data.count) &+ shift)
            data += tensor.data + Data(count: (32 - tensor.data.count % 32) % 32)
        }
        return header + Data(count: (32 - header.count % 32) % 32) + data
    }

    func write(_ path: String) throws { try bytes().write(to: URL(fileURLWithPath: path)) }
}
