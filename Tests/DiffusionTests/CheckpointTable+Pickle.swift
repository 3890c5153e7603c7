import Foundation
import Testing

extension CheckpointTable {
    /// A file as `torch.save` writes it, of f32 tensors under `state_dict`.
    static func writePickle(_ path: String, _ tensors: [(name: String, shape: [Int], values: [Float])]) throws {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func text(_ value: String) -> [UInt8] { [UInt8(ascii: "X")] + little(value.utf8.count, 4) + Array(value.utf8) }
        func number(_ value: Int) -> [UInt8] {
            Int32(exactly: value) != nil ? [UInt8(ascii: "J")] + little(value, 4) : [0x8A, 8] + little(value, 8)
        }
        func tuple(_ values: [Int]) -> [UInt8] { Array("(".utf8) + values.flatMap(number) + Array("t".utf8) }

        var program: [UInt8] = [0x80, 2] + Array("}".utf8) + text("state_dict") + Array("}(".utf8)
        for (index, tensor) in tensors.enumerated() {
            var strides = [Int](repeating: 1, count: tensor.shape.count)
            for axis in tensor.shape.indices.dropLast().reversed() {
                let (stride, overflow) = strides[axis + 1].multipliedReportingOverflow(by: tensor.shape[axis + 1])
                strides[axis] = overflow ? 1 : stride
            }
            program += text(tensor.name) + Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
            program += Array("ctorch\nFloatStorage\n".utf8) + text("\(index)") + text("cpu")
            program += number(tensor.values.count) + Array("tQ".utf8) + number(0) + tuple(tensor.shape) + tuple(strides)
            program += [0x89] + Array("ccollections\nOrderedDict\n)RtR".utf8)
        }
        program += Array("us.".utf8)

        var entries: [(String, Data)] = [("model/data.pkl", Data(program))]
        for (index, tensor) in tensors.enumerated() {
            entries.append(("model/data/\(index)", tensor.values.withUnsafeBytes { Data($0) }))
        }
        try writeZip(path, entries)
    }

    /// A zip archive of files that are stored as they are; or whose bytes are said to be others, deflated, of `size` each.
    static func writeZip(_ path: String, _ entries: [(String, Data)], deflatedFrom size: Int? = nil) throws {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var file = Data()
        var directory = Data()
        for (name, bytes) in entries {
            let method = little(size == nil ? 0 : 8, 2)
            let sizes =
                little(0, 4) + little(bytes.count, 4) + little(size ?? bytes.count, 4) + little(name.utf8.count, 2)
            // Data begin at a multiple of 64, as PyTorch has it.
            let padding = (64 - (file.count + 30 + name.utf8.count) % 64) % 64
            directory += little(0x0201_4B50, 4) + little(0, 6) + method + little(0, 4) + sizes
            directory += little(0, 12) + little(file.count, 4) + Array(name.utf8)
            file += little(0x0403_4B50, 4) + little(0, 4) + method + little(0, 4) + sizes + little(padding, 2)
            file += Array(name.utf8) + [UInt8](repeating: 0, count: padding)
            file += bytes
        }
        let end = little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
        var all = file
        all.append(directory)
        all.append(contentsOf: end + little(directory.count, 4) + little(file.count, 4) + little(0, 2))
        try all.write(to: URL(fileURLWithPath: path))
    }
}
