internal import Synchronization
internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Stands in for a source that lacks tensors, so that a network can be put together once more to learn what all is
/// missing: what is not there is noted, and zeros that nobody computes with take its place.
final class MissingTensors: WeightSource {
    private let base: any WeightSource
    private let found = Mutex<(names: [String], size: Int)>(([], 0))

    /// Bytes of address space, of which next to none are touched.
    private static let maximumSize = 8 << 30

    init(_ base: any WeightSource) { self.base = base }

    var file: String { base.file }
    var files: [MappedFile] { base.files }
    var names: [String] { base.names }
    func tensor(_ name: String) -> WeightTensor? { base.tensor(name) }
    var unusableNames: [String] { base.unusableNames }
    func unusableElementType(_ name: String) -> String? { base.unusableElementType(name) }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }

    func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor {
        do {
            return try base.tensor(name, shape: shape)
        } catch {
            guard case .missingTensors = error, let zeros = reserve(shape) else { throw error }
            found.withLock { $0.names.append(base.nameInFile(name)) }
            return WeightTensor(name: name, shape: shape, elementType: .float16, bytes: zeros.bytes, owner: zeros)
        }
    }

    /// Zeros for a tensor; `nil` where a configuration asks for more than any model has.
    private func reserve(_ shape: [Int]) -> Zeros? {
        var size = 2
        for count in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: count)
            guard !overflow, product <= Self.maximumSize else { return nil }
            size = product
        }
        let isTooMuch = found.withLock { found in
            found.size += size
            return found.size > Self.maximumSize
        }
        return isTooMuch ? nil : Zeros(count: size)
    }

    /// What was asked for in vain; `nil` where that is nothing.
    var error: WeightError? {
        var seen: Set<String> = []
        let missing = found.withLock { $0.names }.filter { seen.insert($0).inserted }
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
            do { _ = try make(collector) } catch let other as WeightError {
                // What else is wrong is told once nothing is missing.
                guard collector.error != nil else { throw other }
            }
            throw collector.error ?? error
        }
    }

    private final class Zeros: @unchecked Sendable {
        // Sendable: never written to.
        let bytes: UnsafeRawBufferPointer

        init?(count: Int) {
            guard let memory = calloc(max(count, 1), 1) else { return nil }
            bytes = UnsafeRawBufferPointer(start: memory, count: count)
        }

        deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
    }
}
