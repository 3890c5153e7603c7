import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite struct PackedWeightFileTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "editor-packed-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private var path: String { folder + "/model.packed" }

    /// A convolution and a linear layer through a compute that has the file; what they gave.
    private func run(_ file: PackedWeightFile?) throws -> [Float] {
        let compute = Compute(type: .float32)
        compute.packedWeightFile = file
        func weights(_ name: String, _ shape: [Int]) -> WeightTensor {
            let values = RandomValues.normal(shape.reduce(1, *), seed: UInt64(name.utf8.count))
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count * 4, alignment: 64)
            bytes.copyBytes(from: values.withUnsafeBytes { Array($0) })
            let owner = BytesOwner(bytes)
            return WeightTensor(
                name: name, shape: shape, elementType: .float32, bytes: UnsafeRawBufferPointer(bytes), owner: owner)
        }
        let convolution = Convolution(weights: weights("conv", [8, 4, 3, 3]), bias: nil, padding: (1, 1))
        let linear = Linear(weights: weights("linear", [5, 8]), bias: nil)
        let x = try compute.tensor(RandomValues.normal(5 * 5 * 4, seed: 9), shape: [1, 5, 5, 4])
        return compute.floats(try compute.linear(try compute.convolution(x, convolution), linear))
    }

    private final class BytesOwner {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }
        deinit { bytes.deallocate() }
    }

    @Test func keepsWhatWasPacked() throws {
        let expected = try run(nil)
        let first = PackedWeightFile(path: path, identity: "a")
        #expect(try run(first) == expected)
        #expect(first.hasNews && first.save())
        let second = PackedWeightFile(path: path, identity: "a")
        #expect(try run(second) == expected)
        #expect(!second.hasNews)
        #expect(second.size == first.size)
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    }

    @Test func ignoresAnotherIdentity() throws {
        let first = PackedWeightFile(path: path, identity: "a")
        let expected = try run(first)
        #expect(first.save())
        let other = PackedWeightFile(path: path, identity: "b")
        #expect(try run(other) == expected)
        #expect(other.hasNews)
    }

    /// A file cut short anywhere, or with any byte before the weights changed, is not used for more than it can give.
    @Test func damagedFilesDoNoHarm() throws {
        let first = PackedWeightFile(path: path, identity: "a")
        let expected = try run(first)
        #expect(first.save())
        let whole = try #require(FileManager.default.contents(atPath: path))
        for length in stride(from: 0, to: whole.count, by: 97) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(try run(PackedWeightFile(path: path, identity: "a")) == expected, "cut to \(length)")
        }
        for index in 0 ..< 150 {
            var damaged = whole
            damaged[index] ^= 0xff
            try damaged.write(to: URL(fileURLWithPath: path))
            // Where an offset still lies inside the file, the weights are others; nothing may be read outside it.
            _ = try run(PackedWeightFile(path: path, identity: "a"))
        }
    }

    @Test func aFileThatCannotBeWrittenIsDoneWithout() throws {
        let file = PackedWeightFile(path: "/dev/null/model.packed", identity: "a")
        #expect(try run(file) == run(nil))
        #expect(!file.save())
    }
}
