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
    private func run(_ file: PackedWeightFile?, weightMemory: Int = .max) throws -> [Float] {
        let compute = Compute(type: .float32)
        compute.packedWeightFile = file
        compute.weightMemory = weightMemory
        compute.spillFolder = folder
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

    /// Weights that leave memory after each product, from the kept file or from one without a name, give what others give.
    @Test func weightsThatDoNotStayInMemory() throws {
        let expected = try run(nil)
        #expect(try run(nil, weightMemory: 0) == expected)
        let first = PackedWeightFile(path: path, identity: "a")
        #expect(try run(first, weightMemory: 0) == expected)
        #expect(first.save())
        #expect(try run(PackedWeightFile(path: path, identity: "a"), weightMemory: 0) == expected)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.packed"])
    }

    #if os(Linux)
        /// Those beyond the limit; where memory is short all of them.
        @Test(arguments: [false, true]) func spilledWeightsLeaveMemory(isMemoryShort: Bool) throws {
            let compute = Compute(type: .float32)
            compute.weightMemory = 7 << 20
            compute.isMemoryShort = isMemoryShort
            compute.spillFolder = folder
            func layer(_ name: String) -> Linear {  // 4 MB, somewhat more when packed
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
                bytes.initializeMemory(as: UInt8.self, repeating: 0)
                return Linear(
                    weights: WeightTensor(
                        name: name, shape: [1024, 1024], elementType: .float32, bytes: UnsafeRawBufferPointer(bytes),
                        owner: BytesOwner(bytes)), bias: nil)
            }
            let x = try compute.tensor([Float](repeating: 1, count: 64 * 1024), shape: [64, 1024])
            let layers = ["a", "b", "c"].map(layer)
            for layer in layers { _ = try compute.linear(x, layer) }
            let resident = try residentBytesOfSpills()
            #expect(isMemoryShort ? resident >= 4 << 20 && resident <= 7 << 20 : resident == 0)
            #expect(compute.residentWeights >= 4 << 20 && compute.residentWeights <= 7 << 20)
            compute.releaseUnused()
            #expect(try residentBytesOfSpills() == 0)
            #expect(compute.floats(try compute.linear(x, layers[2])).allSatisfy { $0 == 0 })
        }

        /// What of this test's files without names is in this process's memory.
        private func residentBytesOfSpills() throws -> Int {
            let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
            let text = try #require(try file.readToEnd())
            let maps = String(decoding: text, as: UTF8.self).split(separator: "\n")
            try #require(maps.contains { $0.contains(folder) })
            var isSpill = false
            var bytes = 0
            for line in maps {
                if line.contains(folder) { isSpill = true }
                guard isSpill, line.hasPrefix("Rss:") else { continue }
                isSpill = false
                bytes += (Int(line.split(separator: " ")[1]) ?? 0) << 10
            }
            return bytes
        }
    #endif

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
