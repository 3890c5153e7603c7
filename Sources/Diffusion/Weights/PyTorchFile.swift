internal import PlainText
public import Tensors

/// The tensors of a file that `torch.save` wrote (`.ckpt`, `.pth`, `.pt`, `.bin`): a zip archive, or the format before
/// PyTorch 1.6, of pickles and bare bytes one after the other (torch 2.13, `serialization.py`: `_save`, `_legacy_load`).
///
/// The file is mapped, and tensors are read in place; only one that is not laid out row by row is copied when it is asked
/// for. The pickle is read by `Unpickler`, which constructs nothing.
public struct PyTorchFile: WeightSource {
    public let file: String
    /// Numbers that stand beside the tensors, such as `global_step`, as text.
    public let numbers: [String: String]

    private struct Entry: Sendable {
        var elementType: String
        var shape: [Int]
        /// In elements.
        var strides: [Int]
        /// Where the first element is, in bytes from the start of the file.
        var start: Int

        var count: Int { shape.reduce(1, *) }
        var isContiguous: Bool {
            // Without elements the other sizes are anything, and their product may not be a number.
            guard count > 0 else { return true }
            var expected = 1
            for (size, stride) in zip(shape, strides).reversed() {
                if size != 1, stride != expected { return false }
                expected *= size
            }
            return true
        }
    }

    private let entries: [String: Entry]
    private let mapping: MappedFile

    /// Bytes an element.
    static let sizes = [
        "F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
        "F8_E4M3": 1, "F8_E5M2": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1, "F8_E8M0": 1, "U16": 2, "U32": 4, "U64": 8,
        "C64": 8, Unpickler.untyped: 1,
    ]

    /// Maps a file and reads its pickle.
    ///
    /// - Throws: `WeightError`, also for a pickle that asks for more than tensors (`forbiddenGlobal`).
    public init(path: String) throws(WeightError) {
        let mapping = try MappedFile(path: path)
        self.mapping = mapping
        file = path
        let bytes = mapping.bytes
        var places: [Int]
        let root: Unpickler.Value
        let reader: Unpickler
        if Self.isZip(bytes) {
            (root, reader, places) = try Self.readZip(bytes, file: path)
        } else {
            (root, reader, places) = try Self.readLegacy(bytes, file: path)
        }
        var entries: [String: Entry] = [:]
        var numbers: [String: String] = [:]
        var named: [(key: Unpickler.Value, value: Unpickler.Value)]
        switch root {
        case .dictionary(let top): named = reader.dictionaries[top]
        // cloneofsimo/lora keeps its tensors in a list: their names are their numbers.
        case .list(let top): named = reader.lists[top].enumerated().map { (.string("\($0.offset)"), $0.element) }
        default: throw .badPickle(file: path, offset: 0, reason: "it holds no dictionary of tensors")
        }
        for (key, value) in named {
            guard case .string(let name) = key else { continue }
            if case .integer(let number) = value { numbers[name] = String(number) }
        }
        // Training checkpoints keep the tensors one level down, under one of these; the last is textual inversion's.
        for wrapper in ["state_dict", "params_ema", "params", "string_to_param"] {
            let inner = named.last { if case .string(wrapper) = $0.key { true } else { false } }
            if case .dictionary(let index)? = inner?.value {
                named = reader.dictionaries[index]
                break
            }
        }
        for (key, value) in named {
            if case .longText = key, case .tensor = value {
                throw .badPickle(
                    file: path, offset: 0,
                    reason: "a tensor's name is longer than \(LookupName.maximumBytes) bytes")
            }
            guard case .string(let name) = key, case .tensor(let index) = value else { continue }
            let tensor = reader.tensors[index]
            let type = tensor.elementType
            entries[name] = Entry(
                elementType: type, shape: tensor.shape, strides: tensor.strides,
                start: places[tensor.storage] + tensor.offset * (Self.sizes[type] ?? 1))
        }
        guard !entries.isEmpty else {
            throw .badPickle(file: path, offset: 0, reason: "its dictionary holds no tensors")
        }
        self.entries = entries
        self.numbers = numbers
    }

    private static func isZip(_ bytes: UnsafeRawBufferPointer) -> Bool { FileKind(bytes) == .zip }

    /// Whether a file's bytes begin as those that `torch.save` writes.
    static func recognises(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let kind = FileKind(bytes)
        return kind == .zip || kind == .pickle
    }

    private static func readZip(
        _ bytes: UnsafeRawBufferPointer, file: String
    ) throws(WeightError) -> (Unpickler.Value, Unpickler, [Int]) {
        let directory = try ZipDirectory(bytes, file: file)
        guard let pickle = directory.entries.keys.filter({ $0.hasSuffix("/data.pkl") }).min(),
            let range = directory.entries[pickle]
        else {
            throw .otherFormat(
                file: file, clause: "it is a ZIP archive without data.pkl, so none that PyTorch wrote; unpack it first")
        }
        let root = pickle.dropLast("data.pkl".count)
        if let order = directory.entries[root + "byteorder"] {
            let text = String(decoding: bytes[order].prefix(20), as: UTF8.self)
            guard text == "little" else {
                throw .badHeader(file: file, reason: "its numbers are stored in \(text.prefix(20)) endian order")
            }
        }
        var reader = Unpickler(
            UnsafeRawBufferPointer(rebasing: bytes[..<range.upperBound]), offset: range.lowerBound, file: file)
        let value = try reader.load()
        var places: [Int] = []
        for storage in reader.storages {
            guard let place = directory.entries["\(root)data/\(storage.key)"] else {
                throw .badHeader(file: file, reason: "it has no entry for storage '\(storage.key.prefix(40))'")
            }
            let (size, overflow) = storage.count.multipliedReportingOverflow(by: sizes[storage.elementType] ?? 1)
            guard !overflow, size <= place.count else {
                throw .truncated(file: file, expected: size, actual: place.count)
            }
            places.append(place.lowerBound)
        }
        return (value, reader, places)
    }

    /// Magic number, protocol version and system facts, then the tensors' pickle, the storages' keys, and each storage: its
    /// element count in 8 bytes and its bytes.
    private static func readLegacy(
        _ bytes: UnsafeRawBufferPointer, file: String
    ) throws(WeightError) -> (Unpickler.Value, Unpickler, [Int]) {
        // LONG1 of 0x1950a86a20f9469cfc6c.
        let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        guard bytes.count > 14, bytes[2 ..< 14].elementsEqual(magic) else {
            // A plain pickle: what it asks for says more than that it is not PyTorch's.
            var reader = Unpickler(bytes, file: file)
            _ = try reader.load()
            throw .otherFormat(file: file, clause: "it is a Python pickle, and none that PyTorch wrote")
        }
        var reader = Unpickler(bytes, file: file)
        for _ in 0 ..< 3 { _ = try reader.load() }
        let value = try reader.load()
        let keys = try reader.load()
        guard case .list(let index) = keys else {
            throw .badPickle(file: file, offset: reader.offset, reason: "it has no list of storages")
        }
        var places = [Int](repeating: -1, count: reader.storages.count)
        let storageOfKey = Dictionary(
            reader.storages.enumerated().map { ($0.element.key, $0.offset) }, uniquingKeysWith: { first, _ in first })
        var offset = reader.offset
        for key in reader.lists[index] {
            guard case .string(let key) = key, let storage = storageOfKey[key] else {
                throw .badPickle(file: file, offset: offset, reason: "it lists a storage that no tensor has")
            }
            let (size, overflow) = reader.storages[storage].count.multipliedReportingOverflow(
                by: sizes[reader.storages[storage].elementType] ?? 1)
            guard !overflow, size <= bytes.count - offset - 8 else {
                throw .truncated(
                    file: file, expected: offset.addingReportingOverflow(size).partialValue, actual: bytes.count)
            }
            let announced = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard UInt64(littleEndian: announced) == UInt64(reader.storages[storage].count) else {
                throw .badHeader(file: file, reason: "storage '\(key.prefix(40))' has another size than announced")
            }
            places[storage] = offset + 8
            offset += 8 + size
        }
        guard !places.contains(-1) else { throw .badHeader(file: file, reason: "it lacks a storage") }
        return (value, reader, places)
    }

    public var files: [MappedFile] { [mapping] }

    public var names: [String] {
        entries.filter { WeightTensor.ElementType(rawValue: $0.value.elementType) != nil }.map(\.key)
    }

    public var unusableNames: [String] {
        entries.filter { WeightTensor.ElementType(rawValue: $0.value.elementType) == nil }.map(\.key)
    }

    public func unusableElementType(_ name: String) -> String? {
        guard let type = entries[name]?.elementType else { return nil }
        return WeightTensor.ElementType(rawValue: type) == nil ? type : nil
    }

    public func tensor(_ name: String) -> WeightTensor? {
        guard let entry = entries[name], let type = WeightTensor.ElementType(rawValue: entry.elementType) else {
            return nil
        }
        let size = entry.count * type.size
        if entry.isContiguous {
            let slice = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.start ..< entry.start + size])
            if slice.baseAddress.map({ Int(bitPattern: $0) % type.size == 0 }) ?? true {
                return WeightTensor(
                    name: name, shape: entry.shape, elementType: type, bytes: slice, owner: mapping, isMapped: true,
                    origin: .file(mapping, offset: entry.start))
            }
        }
        let copy = Rows(mapping.bytes, start: entry.start, shape: entry.shape, strides: entry.strides, type: type)
        return WeightTensor(name: name, shape: entry.shape, elementType: type, bytes: copy.bytes, owner: copy)
    }

    /// Elements put in order of their rows.
    private final class Rows: @unchecked Sendable {
        // Sendable: written in `init` only.
        let bytes: UnsafeRawBufferPointer

        init(
            _ source: UnsafeRawBufferPointer, start: Int, shape: [Int], strides: [Int], type: WeightTensor.ElementType
        ) {
            let count = shape.reduce(1, *)
            let size = type.size
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count * size, 1), alignment: 64)
            var index = [Int](repeating: 0, count: shape.count)
            var place = start
            for element in 0 ..< count {
                for byte in 0 ..< size { copy[element * size + byte] = source[place + byte] }
                for axis in shape.indices.reversed() {
                    index[axis] += 1
                    place += strides[axis] * size
                    if index[axis] < shape[axis] { break }
                    place -= index[axis] * strides[axis] * size
                    index[axis] = 0
                }
            }
            bytes = UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer(rebasing: copy[..<(count * size)]))
        }

        deinit { bytes.deallocate() }
    }
}
