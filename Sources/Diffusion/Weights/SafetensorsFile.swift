public import Tensors

/// The tensors of one safetensors file, in place.
///
/// The file is mapped, not read: pages come in as tensors are used, and nothing is copied or converted (except a tensor
/// that lies at an address its elements cannot be read from, which no known writer makes).
public struct SafetensorsFile: WeightSource {
    /// The path, or the name given to bytes in memory.
    public let file: String
    public let header: SafetensorsHeader

    private let storage: Storage

    /// Maps a file and checks its header.
    ///
    /// - Throws: `WeightError`.
    public init(path: String) throws(WeightError) {
        let mapping = try MappedFile(path: path)
        try self.init(storage: Storage(mapping.bytes, mapping: mapping), file: path)
    }

    /// Takes bytes that nothing writes to or releases while the program runs, as those compiled into it.
    ///
    /// - Parameter name: what errors call them.
    /// - Throws: `WeightError`.
    public init(staticBytes bytes: UnsafeRawBufferPointer, name: String) throws(WeightError) {
        try self.init(storage: Storage(bytes, mapping: nil), file: name)
    }

    private init(storage: Storage, file: String) throws(WeightError) {
        self.file = file
        self.storage = storage
        header = try SafetensorsHeader(parsing: storage.bytes, file: file)
    }

    public var files: [MappedFile] { storage.mapping.map { [$0] } ?? [] }

    public var names: [String] {
        header.entries.filter { WeightTensor.ElementType(rawValue: $0.value.elementType) != nil }.map(\.key)
    }

    public var unusableNames: [String] {
        header.entries.filter { WeightTensor.ElementType(rawValue: $0.value.elementType) == nil }.map(\.key)
    }

    public func unusableElementType(_ name: String) -> String? {
        guard let type = header.entries[name]?.elementType else { return nil }
        return WeightTensor.ElementType(rawValue: type) == nil ? type : nil
    }

    public func tensor(_ name: String) -> WeightTensor? {
        guard let entry = header.entries[name], let type = WeightTensor.ElementType(rawValue: entry.elementType) else {
            return nil
        }
        let slice = UnsafeRawBufferPointer(rebasing: storage.bytes[entry.range])
        let origin = storage.mapping.map { WeightOrigin.file($0, offset: entry.range.lowerBound) }
        let isAligned = slice.baseAddress.map { Int(bitPattern: $0) % type.size == 0 } ?? true
        if isAligned {
            return WeightTensor(
                name: name, shape: entry.shape, elementType: type, bytes: slice, owner: storage,
                isMapped: true, origin: origin ?? .program)
        }
        // Without a file, what is equal is not known of a copy.
        let copy = AlignedCopy(of: slice)
        return WeightTensor(
            name: name, shape: entry.shape, elementType: type, bytes: copy.bytes, owner: copy,
            origin: origin ?? .memory)
    }
}

/// A file's bytes and what keeps them where they are.
private final class Storage: @unchecked Sendable {
    // Sendable: the bytes are read-only, and live as long as `mapping` or, without it, as long as the program.

    let bytes: UnsafeRawBufferPointer
    let mapping: MappedFile?

    init(_ bytes: UnsafeRawBufferPointer, mapping: MappedFile?) {
        self.bytes = bytes
        self.mapping = mapping
    }
}

/// Bytes moved to an aligned address.
final class AlignedCopy: @unchecked Sendable {
    // Sendable: written in `init` only.

    let bytes: UnsafeRawBufferPointer

    init(of source: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }
}
