import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite struct PackedStoreTests {
    private static let side = 1024

    private final class Bytes: @unchecked Sendable {
        let buffer: UnsafeMutableRawBufferPointer

        init(_ values: [Float]) {
            buffer = .allocate(byteCount: values.count * 4, alignment: 64)
            buffer.copyBytes(from: values.withUnsafeBytes { Array($0) })
        }

        deinit { buffer.deallocate() }
    }

    private final class File: IdentifiedFile {
        let contentIdentity: String
        init(_ identity: String) { contentIdentity = identity }
    }

    /// `[out, in]`, of a file or of memory; 4 MiB by default.
    private func tensor(
        _ value: Float, file: String? = nil, offset: Int = 0, shape: [Int] = [side, side], name: String = "w"
    ) -> WeightTensor {
        let bytes = Bytes([Float](repeating: value, count: shape.reduce(1, *)))
        return WeightTensor(
            name: name, shape: shape, elementType: .float32, bytes: UnsafeRawBufferPointer(bytes.buffer), owner: bytes,
            origin: file.map { .file(File($0), offset: offset) } ?? .memory)
    }

    /// What a layer makes of a row of ones: for elements of one value, that value times the inputs.
    private func result(_ tensor: WeightTensor, _ compute: Compute) throws -> Float {
        try compute.perform {
            let x = try compute.tensor([Float](repeating: 1, count: tensor.shape[1]), shape: [1, tensor.shape[1]])
            return compute.floats(try compute.linear(x, Linear(weights: tensor, bias: nil)))[0]
        }
    }

    private func packings(_ engine: Engine) throws -> Int { try engine.run { engine.resources.store.packings } }

    @Test func oneFileIsPackedOnceForTwoModels() throws {
        let engine = Engine()
        let (one, two) = (Compute(type: .float32, engine: engine), Compute(type: .float32, engine: engine))
        #expect(try result(tensor(1, file: "a"), one) == 1024)
        // Of the same identity, whatever it is called and wherever its bytes lie; what they are is not looked at.
        #expect(try result(tensor(3, file: "a", name: "other"), two) == 1024)
        #expect(try result(tensor(1, file: "a"), one) == 1024)
        try engine.run {
            let store = engine.resources.store
            #expect(store.packings == 1 && store.count == 1)
            #expect(store.count(user: one.number) == 1 && store.count(user: two.number) == 1)
        }
    }

    @Test func whatDiffersInAnythingIsNotShared() throws {
        let engine = Engine()
        let compute = Compute(type: .float32, engine: engine)
        #expect(try result(tensor(1, file: "a"), compute) == 1024)
        #expect(try result(tensor(2, file: "b"), compute) == 2048)
        #expect(try result(tensor(3, file: "a", offset: 4 << 20), compute) == 3072)
        #expect(try result(tensor(4, file: "a", shape: [2048, 512]), compute) == 2048)
        #expect(try result(tensor(5), compute) == 5120)
        #expect(try result(tensor(6), compute) == 6144)
        #expect(try packings(engine) == 6)
        if Compute.canMultiply(.bfloat16, on: engine) {
            // The same elements rounded to another type.
            #expect(try result(tensor(1, file: "a"), Compute(type: .bfloat16, engine: engine)) == 1024)
            #expect(try packings(engine) == 7)
        }
        // The parts of a stacked layer in another order.
        let (a, b) = (tensor(1, file: "c", shape: [64, 64]), tensor(2, file: "d", shape: [64, 64]))
        for (parts, expected) in [([a, b], Float(64)), ([b, a], 128)] {
            try compute.perform {
                let x = try compute.tensor([Float](repeating: 1, count: 64), shape: [1, 64])
                let layer = Linear(parts.map { ($0, nil) })
                #expect(compute.floats(try compute.linear(x, layer))[0] == expected)
            }
        }
    }

    /// An object's address is soon another's: what was packed of the first must be gone by then.
    @Test func memoryIsNeverTakenForAnother() throws {
        let engine = Engine()
        for value in 1 ... 200 {
            let compute = Compute(type: .float32, engine: engine)
            #expect(try result(tensor(Float(value), shape: [64, 64]), compute) == Float(64 * value))
        }
        try engine.run {
            let store = engine.resources.store
            #expect(store.packings == 200 && store.count == 0 && store.residentBytes == 0)
            #expect(store.memory.usedBytes == 0 && store.memory.kept == 0)
        }
    }

    private final class Adding: WeightCorrection {
        let amount: Float
        let isStated: Bool
        init(_ amount: Float, isStated: Bool = true) { (self.amount, self.isStated) = (amount, isStated) }
        var identity: CorrectionIdentity {
            isStated ? CorrectionIdentity(kind: "add", numbers: [amount]) : CorrectionIdentity(self)
        }
        func apply(to values: inout [Float]) { for index in values.indices { values[index] += amount } }
    }

    /// A model with an overlay packs what that changes, and has the rest in common.
    @Test func anOverlaySharesWhatItDoesNotChange() throws {
        let engine = Engine()
        func run(_ corrections: [Int: Adding]) throws -> (results: [Float], packings: Int) {
            let compute = Compute(type: .float32, engine: engine)
            let before = try packings(engine)
            let results = try (0 ..< 4).map { index in
                let plain = tensor(Float(index), file: "a", offset: index << 22)
                return try result(corrections[index].map { plain.corrected(by: $0) } ?? plain, compute)
            }
            return (results, try packings(engine) - before)
        }
        #expect(try run([:]) == ([0, 1024, 2048, 3072], 4))
        #expect(try run([1: Adding(2)]) == ([0, 3072, 2048, 3072], 1))
        #expect(try run([1: Adding(2)]) == ([0, 3072, 2048, 3072], 0), "the same again")
        #expect(try run([1: Adding(3)]) == ([0, 4096, 2048, 3072], 1))
        for _ in 0 ..< 2 {
            #expect(try run([1: Adding(2, isStated: false)]) == ([0, 3072, 2048, 3072], 1), "of unknown effect")
        }
        #expect(try run([:]) == ([0, 1024, 2048, 3072], 0))
    }

    /// What another model uses leaves before what the one that computes uses, and comes back when it is asked for.
    @Test func theBudgetIsKept() throws {
        let engine = Engine()
        let idle = Compute(type: .float32, engine: engine)
        for index in 0 ..< 3 { _ = try result(tensor(1, file: "idle", offset: index << 22), idle) }
        let limited = Compute(type: .float32, engine: engine)
        limited.weightMemory = 9 << 20
        for round in 0 ..< 2 {
            for index in 0 ..< 2 {
                #expect(try result(tensor(2, file: "limited", offset: index << 22), limited) == 2048)
                try engine.run { #expect(engine.resources.store.residentBytes <= 9 << 20, "\(round)") }
            }
        }
        #expect(try packings(engine) == 5)
        try engine.run {
            let store = engine.resources.store
            #expect(store.count(user: limited.number) == 2 && store.count(user: idle.number) == 0)
            #expect(store.memory.usedBytes + store.memory.kept <= 9 << 20)
        }
        for index in 0 ..< 3 { #expect(try result(tensor(1, file: "idle", offset: index << 22), idle) == 1024) }
        // A budget that shrinks is kept from the next request on.
        limited.weightMemory = 5 << 20
        try limited.perform { #expect(engine.resources.store.residentBytes <= 5 << 20) }
    }

    /// Of models that are closed some stays for those that are opened next, what was used last.
    @Test func whatNobodyUsesStaysUpToALimit() throws {
        let engine = Engine(unusedWeightMemory: 9 << 20)
        func run(_ indices: [Int]) throws -> Int {
            let compute = Compute(type: .float32, engine: engine)
            let before = try packings(engine)
            for index in indices { #expect(try result(tensor(1, file: "a", offset: index << 22), compute) == 1024) }
            return try packings(engine) - before
        }
        #expect(try run([0, 1, 2, 3]) == 4)
        try engine.run {
            let store = engine.resources.store
            #expect(store.count == 2 && store.residentBytes <= 9 << 20)
            #expect(store.memory.usedBytes + store.memory.kept <= 9 << 20)
        }
        #expect(try run([3, 2]) == 0)
        #expect(try run([1, 2]) == 1)
        #expect(try run([2, 1]) == 0)
    }

    /// What another model packed is written to the file of the one that found it, and no longer held for it afterwards.
    @Test func whatIsSharedIsKeptForBoth() throws {
        let folder = NSTemporaryDirectory() + "editor-store-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let engine = Engine(unusedWeightMemory: 0)
        for (name, value) in [("one", Float(1)), ("two", 9)] {
            let compute = Compute(type: .float32, engine: engine)
            let file = PackedWeightFile(path: "\(folder)/\(name)", identity: name)
            compute.packedWeightFile = file
            let keeper = Compute(type: .float32, engine: engine)
            #expect(try result(tensor(1, file: "a"), keeper) == 1024)
            #expect(try result(tensor(value, file: "a"), compute) == 1024)
            #expect(file.hasNews && file.save() && !file.hasNews)
            keeper.weightMemory = 0
            try keeper.perform { #expect(engine.resources.store.residentBytes == 0, "the file holds it no more") }
        }
        #expect(try packings(engine) == 2)
        let last = Compute(type: .float32, engine: engine)
        last.packedWeightFile = PackedWeightFile(path: folder + "/two", identity: "two")
        #expect(try result(tensor(7, file: "b"), last) == 1024, "found by its name in the model's file")
        #expect(try packings(engine) == 2)
    }
}
