internal import Tensors

/// Writes a GGUF file, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
struct GGUFWriter {
    let path: String

    /// What is written, by ggml's numbers (`enum ggml_type`).
    private static let types: [WeightTensor.ElementType: UInt32] = [
        .float32: 0, .float16: 1, .q80: 8, .bfloat16: 30,
    ]
    private static let alignment = 32

    /// What a tensor's elements can be in 8 bits: rows of linear layers in blocks; convolutions, whose rows are 3 long, and
    /// embeddings halves; single rows f32, as stable-diffusion.cpp wants them.
    static func eightBitType(name: String, shape: [Int]) -> WeightTensor.ElementType {
        if shape.count < 2 { return .float32 }
        let isLinear = shape.count == 2 && shape[1].isMultiple(of: WeightTensor.ElementType.q80.blockLength)
        return isLinear && !["embed", "label_emb"].contains { name.contains($0) } ? .q80 : .float16
    }

    /// - Parameters:
    ///   - tensors: of f32, f16, bf16 or Q8_0.
    ///   - architecture: `general.architecture`, in lower case.
    ///   - observe: told of bytes written; what it throws ends the writing.
    /// - Throws: `ModelError.notWritten` or `.outOfRange`, or what `observe` throws. The file then is a part.
    func write(
        _ tensors: [WeightFileWriter.Typed], architecture: String, metadata: [String: String],
        observe: (Int) throws -> Void
    ) throws {
        let tensors = tensors.sorted { $0.entry.name < $1.entry.name }
        var texts = metadata
        texts["general.architecture"] = architecture
        var head = Array("GGUF".utf8) + Self.bytes(UInt32(3))
        // Of the blocks' layout, which is the second.
        let version: (key: String, number: UInt32)? =
            tensors.contains { $0.type == .q80 } ? ("general.quantization_version", 2) : nil
        head += Self.bytes(UInt64(tensors.count)) + Self.bytes(UInt64(texts.count + (version == nil ? 0 : 1)))
        for (key, text) in texts.sorted(by: { $0.key < $1.key }) {
            head += Self.bytes(key) + Self.bytes(UInt32(8)) + Self.bytes(text)
        }
        if let version { head += Self.bytes(version.key) + Self.bytes(UInt32(4)) + Self.bytes(version.number) }
        var position = 0
        for (entry, type) in tensors {
            guard let number = Self.types[type], let size = type.bytes(count: entry.count) else {
                preconditionFailure("\(entry.name) \(entry.shape) cannot be \(type)")
            }
            head += Self.bytes(entry.name) + Self.bytes(UInt32(entry.shape.count))
            for size in entry.shape.reversed() { head += Self.bytes(UInt64(size)) }
            head += Self.bytes(number) + Self.bytes(UInt64(position))
            position = (position + size + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        head += [UInt8](repeating: 0, count: (Self.alignment - head.count % Self.alignment) % Self.alignment)
        try WeightFileWriter(path: path).write(head: head, tensors, alignment: Self.alignment, observe: observe)
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private static func bytes(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }
}
