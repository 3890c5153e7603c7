import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite final class PackedWeightFileTests {
    /// Of one test, gone with it.
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "editor-packed-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private var path: String { folder + "/model.packed" }

    /// A convolution and a linear layer through a compute that has the file; what they gave.
    private func run(_ file: PackedWeightFile?, weightMemory: Int = .max) throws -> [Float] {
        let compute = Compute(type: .float32, engine: Engine())
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
        return try compute.perform {
            let x = try compute.tensor(RandomValues.normal(5 * 5 * 4, seed: 9), shape: [1, 5, 5, 4])
            return compute.floats(try compute.linear(try compute.convolution(x, convolution), linear))
        }
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

    /// What a link leads to is somebody's.
    @Test func `A link is neither read nor touched`() throws {
        let elsewhere = folder + "/elsewhere"
        let file = PackedWeightFile(path: elsewhere, identity: "a")
        _ = try run(file)
        #expect(file.save())
        let past = Date(timeIntervalSince1970: 1000)
        try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: elsewhere)
        let linked = PackedWeightFile(path: path, identity: "a")
        let attributes = try FileManager.default.attributesOfItem(atPath: elsewhere)
        #expect(attributes[.modificationDate] as? Date == past)
        // Saving puts a file in the link's place.
        #expect(try run(linked) == run(nil))
        #expect(linked.hasNews && linked.save())
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular)
        #expect(
            try FileManager.default.attributesOfItem(atPath: elsewhere)[.modificationDate] as? Date == past)
    }

    /// The file not used for longest is known by its time.
    @Test func useIsSeen() throws {
        let file = PackedWeightFile(path: path, identity: "a")
        _ = try run(file)
        #expect(file.save())
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: path)
        #expect(try run(PackedWeightFile(path: path, identity: "a")) == run(nil))
        let used = try #require(FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
        #expect(used.timeIntervalSinceNow > -3600)
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
            let compute = Compute(type: .float32, engine: Engine())
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
            try compute.perform {
                let x = try compute.tensor([Float](repeating: 1, count: 64 * 1024), shape: [64, 1024])
                let layers = ["a", "b", "c"].map(layer)
                for layer in layers { _ = try compute.linear(x, layer) }
                let resident = try residentBytesOfSpills()
                #expect(isMemoryShort ? resident >= 4 << 20 && resident <= 7 << 20 : resident == 0)
                let store = compute.engine.resources.store
                #expect(store.residentBytes >= 4 << 20 && store.residentBytes <= 7 << 20)
                compute.releaseUnused()
                #expect(try residentBytesOfSpills() == 0)
                #expect(compute.floats(try compute.linear(x, layers[2])).allSatisfy { $0 == 0 })
            }
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
        // Every byte of the index, and some of all others; those that fill up a page are of no use to anyone.
        for index in Array(0 ..< 300) + Array(stride(from: 300, to: whole.count, by: 61)) {
            var damaged = whole
            damaged[index] ^= 1 << (index % 8)
            try damaged.write(to: URL(fileURLWithPath: path))
            #expect(try run(PackedWeightFile(path: path, identity: "a")) == expected, "byte \(index)")
        }
    }

    /// A damaged file is replaced by a whole one, an entry of it that is damaged with the others kept.
    @Test func damagedFilesAreRebuilt() throws {
        let first = PackedWeightFile(path: path, identity: "a")
        let expected = try run(first)
        #expect(first.save())
        let whole = try #require(FileManager.default.contents(atPath: path))
        var beginning = whole
        beginning[60] ^= 4
        var weights = whole
        weights[4096] ^= 4
        for damaged in [beginning, weights, whole.prefix(whole.count - 1), Data()] {
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            let second = PackedWeightFile(path: path, identity: "a")
            #expect(try run(second) == expected)
            #expect(second.hasNews && second.save())
            #expect(second.size == first.size)
            let third = PackedWeightFile(path: path, identity: "a")
            #expect(try run(third) == expected)
            #expect(!third.hasNews)
        }
    }

    /// Files whose sums are right and whose numbers are not: lengths and places near the largest there are.
    @Test func hostileNumbersAreRefused() throws {
        let first = PackedWeightFile(path: path, identity: "a")
        let expected = try run(first)
        #expect(first.save())
        let whole = try #require(FileManager.default.contents(atPath: path))
        func number(_ data: Data, _ place: Int) -> UInt64 {
            data[place ..< place + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let identityLength = try #require(Int(exactly: number(whole, 16)))
        let indexLength = try #require(Int(exactly: number(whole, 24)))
        let index = 40 + identityLength
        // Size of file, identity and index; then layout, place, size, sum and length of the name of the first entry.
        let places = [8, 16, 24] + (0 ..< 5).map { index + 8 * $0 }
        let numbers: [UInt64] = [
            0, 1, 4095, 4096, UInt64(whole.count) - 1, UInt64(whole.count), UInt64(whole.count) + 1, 1 << 31, 1 << 32,
            1 << 62, UInt64(Int.max) - 4096, UInt64(Int.max) - 40, UInt64(Int.max) - 1, UInt64(Int.max),
            UInt64(Int.max) + 1, .max - 4095, .max - 39, .max - 1, .max,
        ]
        for place in places {
            for value in numbers {
                var hostile = whole
                for byte in 0 ..< 8 { hostile[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte))) }
                let body = [UInt8](hostile[40 ..< 40 + identityLength + indexLength])
                let sum = body.withUnsafeBytes { Checksum.of($0) }
                for byte in 0 ..< 8 { hostile[32 + byte] = UInt8(truncatingIfNeeded: sum >> (8 * UInt64(byte))) }
                try hostile.write(to: URL(fileURLWithPath: path))
                #expect(
                    try run(PackedWeightFile(path: path, identity: "a")) == expected, "\(value) at byte \(place)")
            }
        }
    }

    /// Whoever writes at the same time, what has the name afterwards is one whole file.
    @Test func manyWritersLeaveAWholeFile() throws {
        let expected = try run(nil)
        var prepared: [PackedWeightFile] = []
        for _ in 0 ..< 8 {
            prepared.append(PackedWeightFile(path: path, identity: "a"))
            #expect(try run(prepared.last) == expected)
        }
        // Each is used by one thread only.
        nonisolated(unsafe) let files = prepared
        DispatchQueue.concurrentPerform(iterations: files.count) { _ = files[$0].save() }
        let found = PackedWeightFile(path: path, identity: "a")
        #expect(try run(found) == expected)
        #expect(!found.hasNews)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.packed"])
        // What a process left that was killed while it wrote does not stand in the way.
        try Data("left".utf8).write(to: URL(fileURLWithPath: path + ".partial"))
        let other = PackedWeightFile(path: path, identity: "b")
        #expect(try run(other) == expected)
        #expect(other.save())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.packed"])
    }

    @Test func theSumOfBytesKnowsEveryChange() {
        for count in [0, 1, 7, 31, 32, 33, 4096, 1 << 20, (1 << 20) + 5] {
            var bytes = (0 ..< count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            let sum = bytes.withUnsafeBytes { Checksum.of($0) }
            #expect((bytes + [0]).withUnsafeBytes { Checksum.of($0) } != sum)
            for place in Set([0, 8, 31, 32, count / 2, count - 1]) where bytes.indices.contains(place) {
                for bit in 0 ..< 8 {
                    bytes[place] ^= 1 << bit
                    #expect(bytes.withUnsafeBytes { Checksum.of($0) } != sum, "\(count): bit \(bit) of byte \(place)")
                    bytes[place] ^= 1 << bit
                }
            }
        }
        // Two changes of the highest bit of a word in one lane, which are two numbers that change their sign.
        for (first, second) in [(7, 7 + 32), (7, 7 + 160), (15, 15 + 32), (3 * 32 + 31, 4 * 32 + 31)] {
            var bytes = (0 ..< 320).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let sum = bytes.withUnsafeBytes { Checksum.of($0) }
            bytes[first] ^= 0x80
            bytes[second] ^= 0x80
            #expect(bytes.withUnsafeBytes { Checksum.of($0) } != sum, "bytes \(first) and \(second)")
        }
    }

    private final class Halving: WeightCorrection {
        let isOfFile: Bool
        init(isOfFile: Bool) { self.isOfFile = isOfFile }
        func apply(to values: inout [Float]) {
            for index in values.indices { values[index] /= 2 }
        }
    }

    /// Corrected weights are kept where the file itself corrects them, such as by scales; those of an adapter are not.
    @Test(arguments: [true, false]) func keepsWhatTheFileCorrects(isOfFile: Bool) throws {
        func run(_ file: PackedWeightFile?) throws -> [Float] {
            let compute = Compute(type: .float32, engine: Engine())
            compute.packedWeightFile = file
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 40 * 4, alignment: 64)
            bytes.copyBytes(from: RandomValues.normal(40, seed: 3).withUnsafeBytes { Array($0) })
            let weights = WeightTensor(
                name: "linear", shape: [5, 8], elementType: .float32, bytes: UnsafeRawBufferPointer(bytes),
                owner: BytesOwner(bytes))
            let linear = Linear(weights: weights.corrected(by: Halving(isOfFile: isOfFile)), bias: nil)
            return try compute.perform {
                let x = try compute.tensor(RandomValues.normal(3 * 8, seed: 9), shape: [3, 8])
                return compute.floats(try compute.linear(x, linear))
            }
        }
        let expected = try run(nil)
        let first = PackedWeightFile(path: path, identity: "a")
        #expect(try run(first) == expected)
        #expect(first.hasNews == isOfFile)
        guard isOfFile else { return }
        #expect(first.save())
        let second = PackedWeightFile(path: path, identity: "a")
        #expect(try run(second) == expected)
        #expect(!second.hasNews)
    }

    /// A link in the place of the unfinished file is not followed: what it leads to stays as it is.
    @Test func aLinkInTheWayIsNotWrittenThrough() throws {
        let file = PackedWeightFile(path: path, identity: "a")
        _ = try run(file)
        let other = folder + "/other"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: other))
        try FileManager.default.createSymbolicLink(atPath: path + ".partial", withDestinationPath: other)
        #expect(!file.save())
        #expect(FileManager.default.contents(atPath: other) == Data("mine".utf8))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aFileThatCannotBeWrittenIsDoneWithout() throws {
        let file = PackedWeightFile(path: "/dev/null/model.packed", identity: "a")
        #expect(try run(file) == run(nil))
        #expect(!file.save())
    }
}
