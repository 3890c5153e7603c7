internal import Synchronization
internal import Tensors

/// Stands in for a source that lacks tensors, so that a network can be put together once more to learn what all is
/// missing: what is not there is noted, and zeros that nobody computes with take its place.
final class MissingTensors: WeightSource {
    private let base: any WeightSource
    private let found = Mutex<[String]>([])

    init(_ base: any WeightSource) { self.base = base }

    var file: String { base.file }
    var names: [String] { base.names }
    func tensor(_ name: String) -> WeightTensor? { base.tensor(name) }
    func unusableElementType(_ name: String) -> String? { base.unusableElementType(name) }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }

    func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor {
        do {
            return try base.tensor(name, shape: shape)
        } catch .missingTensors {
            found.withLock { $0.append(base.nameInFile(name)) }
            let zeros = Zeros(count: shape.reduce(1, *) * 2)
            return WeightTensor(name: name, shape: shape, elementType: .float16, bytes: zeros.bytes, owner: zeros)
        }
    }

    /// What was asked for in vain; `nil` where that is nothing.
    var error: WeightError? {
        var seen: Set<String> = []
        let missing = found.withLock { $0 }.filter { seen.insert($0).inserted }
        return missing.isEmpty
            ? nil : .missingTensors(file: file, count: missing.count, first: Array(missing.prefix(3)))
    }

    /// Makes a network of a source; where tensors are missing, the error counts them all.
    static func counted<Network>(
        in weights: any WeightSource, _ make: (any WeightSource) throws -> Network
    ) throws -> Network {
        do {
            return try make(weights)
        } catch let error as WeightError {
            guard case .missingTensors = error else { throw error }
            let collector = MissingTensors(weights)
            _ = try make(collector)
            throw collector.error ?? error
        }
    }

    private final class Zeros: @unchecked Sendable {
        // Sendable: never written to.
        let bytes: UnsafeRawBufferPointer

        init(count: Int) {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            bytes = UnsafeRawBufferPointer(memory)
        }

        deinit { bytes.deallocate() }
    }
}
