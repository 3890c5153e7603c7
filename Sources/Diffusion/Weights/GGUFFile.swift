internal import PlainText
public import Tensors

/// The tensors of a GGUF file, in place: plain ones and those of quantised types, which become numbers as they are packed.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Sizes are listed
/// innermost first there; shapes here are PyTorch's. Where a tensor was written in other rows so that blocks fit
/// (ComfyUI-GGUF, `comfy.gguf.orig_shape.NAME`), its shape is the one it had.
public struct GGUFFile: WeightSource {
    public let file: String
    /// The file's texts and numbers, as text.
    public let metadata: [String: String]

    private struct Entry: Sendable {
        /// As ggml calls it.
        var typeName: String
        /// `nil` for one that the engine does not compute with.
        var elementType: WeightTensor.ElementType?
        var shape: [Int]
        /// Bytes from the start of the file; empty for a type of unknown size.
        var range: Range<Int>
    }

    private let entries: [String: Entry]
    private let mapping: MappedFile

    /// By ggml's numbers (`enum ggml_type`).
    private static let types: [UInt32: (name: String, elementType: WeightTensor.ElementType?)] = [
        0: ("F32", .float32), 1: ("F16", .float16), 2: ("Q4_0", .q40), 3: ("Q4_1", .q41), 6: ("Q5_0", .q50),
        7: ("Q5_1", .q51), 8: ("Q8_0", .q80), 9: ("Q8_1", nil), 10: ("Q2_K", .q2K), 11: ("Q3_K", .q3K),
        12: ("Q4_K", .q4K), 13: ("Q5_K", .q5K), 14: ("Q6_K", .q6K), 15: ("Q8_K", nil), 16: ("IQ2_XXS", nil),
        17: ("IQ2_XS", nil), 18: ("IQ3_XXS", nil), 19: ("IQ1_S", nil), 20: ("IQ4_NL", nil), 21: ("IQ3_S", nil),
        22: ("IQ2_S", nil), 23: ("IQ4_XS", nil), 24: ("I8", nil), 25: ("I16", nil), 26: ("I32", nil),
        27: ("I64", nil), 28: ("F64", .float64), 29: ("IQ1_M", nil), 30: ("BF16", .bfloat16), 34: ("TQ1_0", nil),
        35: ("TQ2_0", nil), 39: ("MXFP4", nil), 40: ("NVFP4", nil),
    ]

    /// Whether bytes begin as a GGUF file's do.
    static func recognises(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: "GGUF".utf8) }

    /// Maps a file and checks its header. Throws `WeightError`.
    public init(path: String) throws(WeightError) { try self.init(MappedFile(path: path)) }

    init(_ mapping: MappedFile) throws(WeightError) {
        self.mapping = mapping
        file = mapping.path
        var reader = GGUFReader(bytes: mapping.bytes, file: mapping.path)
        let header = try reader.header()
        metadata = header.metadata
        var entries: [String: Entry] = [:]
        entries.reserveCapacity(header.tensors.count)
        for tensor in header.tensors {
            func failure(_ reason: String) -> WeightError {
                .badTensor(file: mapping.path, tensor: tensor.name, reason: reason)
            }
            let type = Self.types[tensor.type] ?? ("type \(tensor.type)", nil)
            guard let elements = WeightTensor.elementCount(tensor.shape) else {
                throw failure("has a shape too large to address, \(tensor.shape)")
            }
            var size = 0
            if let elementType = type.elementType {
                // Rows are made of whole blocks.
                guard (tensor.shape.last ?? 1).isMultiple(of: elementType.blockLength),
                    let bytes = elementType.bytes(count: elements)
                else { throw failure("has a shape that \(type.name) cannot have, \(tensor.shape)") }
                size = bytes
            }
            guard tensor.offset.isMultiple(of: header.alignment) else {
                throw failure("starts at byte \(tensor.offset), which is no multiple of \(header.alignment)")
            }
            let (start, startOverflow) = tensor.offset.addingReportingOverflow(header.dataStart)
            let (end, endOverflow) = start.addingReportingOverflow(size)
            guard !startOverflow, !endOverflow else { throw failure("lies beyond what can be addressed") }
            guard end <= mapping.bytes.count else {
                throw .truncated(file: mapping.path, expected: end, actual: mapping.bytes.count)
            }
            var shape = tensor.shape
            if let original = header.originalShapes[tensor.name] {
                guard WeightTensor.elementCount(original) == elements else {
                    throw failure(
                        "has \(elements) elements, which the shape it is said to have had, \(original), has not")
                }
                shape = original
            }
            let entry = Entry(typeName: type.name, elementType: type.elementType, shape: shape, range: start ..< end)
            guard entries.updateValue(entry, forKey: tensor.name) == nil else { throw failure("is there twice") }
        }
        self.entries = entries
    }

    public var files: [MappedFile] { [mapping] }

    public var names: [String] { entries.filter { $0.value.elementType != nil }.map(\.key) }

    public var unusableNames: [String] { entries.filter { $0.value.elementType == nil }.map(\.key) }

    public func unusableElementType(_ name: String) -> String? {
        guard let entry = entries[name], entry.elementType == nil else { return nil }
        return entry.typeName
    }

    public func tensor(_ name: String) -> WeightTensor? {
        guard let entry = entries[name], let type = entry.elementType else { return nil }
        let slice = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
        let origin = WeightOrigin.file(mapping, offset: entry.range.lowerBound)
        let isAligned = slice.baseAddress.map { Int(bitPattern: $0) % type.size == 0 } ?? true
        if isAligned || type.blockLength > 1 {
            return WeightTensor(
                name: name, shape: entry.shape, elementType: type, bytes: slice, owner: mapping, isMapped: true,
                origin: origin)
        }
        let copy = AlignedCopy(of: slice)
        return WeightTensor(
            name: name, shape: entry.shape, elementType: type, bytes: copy.bytes, owner: copy, origin: origin)
    }
}

/// Reads the head of a GGUF file from its first byte on, every announced size held against what is left.
private struct GGUFReader {
    struct Header {
        var metadata: [String: String] = [:]
        var originalShapes: [String: [Int]] = [:]
        var tensors: [Tensor] = []
        var alignment = 32
        var dataStart = 0
    }

    struct Tensor {
        var name: String
        /// Outermost first.
        var shape: [Int]
        var type: UInt32
        /// Bytes from the start of the data.
        var offset: Int
    }

    /// A value of the metadata.
    enum Value {
        case text(String)
        case number(Int)
        /// A fraction or a truth value.
        case other(String)
        case numbers([Int])
        /// An array of other things, which nothing here asks for.
        case skipped
    }

    let bytes: UnsafeRawBufferPointer
    let file: String
    var offset = 0

    static let originalShapePrefix = "comfy.gguf.orig_shape."
    /// More than any model has; a file with holes could announce billions.
    static let maximumTensors = 1_000_000
    /// Bytes of all texts that are kept.
    static let maximumText = 1 << 26
    private var textBytes = 0

    init(bytes: UnsafeRawBufferPointer, file: String) {
        self.bytes = bytes
        self.file = file
    }

    func failure(_ reason: String) -> WeightError { .badHeader(file: file, reason: "\(reason) (at byte \(offset))") }

    mutating func header() throws(WeightError) -> Header {
        offset = 4
        let version = try integer(UInt32.self)
        guard version == 2 || version == 3 else {
            let isSwapped = version.byteSwapped == 2 || version.byteSwapped == 3
            throw failure(
                isSwapped ? "its numbers are big-endian" : "it is GGUF version \(version), expected 2 or 3")
        }
        let tensorCount = try count(atLeast: 24, atMost: Self.maximumTensors, of: "tensors")
        let valueCount = try count(atLeast: 13, atMost: Self.maximumTensors, of: "values")
        var header = Header()
        for _ in 0 ..< valueCount {
            let key = try string(maximum: LookupName.maximumBytes, as: "key")
            let type = try integer(UInt32.self)
            switch try value(type, depth: 0) {
            case .text(let text), .other(let text): header.metadata[key] = text
            case .number(let number):
                header.metadata[key] = String(number)
                if key == "general.alignment" {
                    guard number >= 8, number <= 1 << 20, number.isMultiple(of: 8) else {
                        throw failure("its alignment is \(number), expected a multiple of 8")
                    }
                    header.alignment = number
                }
            case .numbers(let numbers):
                if key.hasPrefix(Self.originalShapePrefix) {
                    header.originalShapes[String(key.dropFirst(Self.originalShapePrefix.count))] = numbers
                }
            case .skipped: break
            }
        }
        header.tensors.reserveCapacity(tensorCount)
        for _ in 0 ..< tensorCount {
            let name = try string(maximum: LookupName.maximumBytes, as: "tensor's name")
            let dimensions = try integer(UInt32.self)
            guard dimensions <= 8 else {
                throw failure("a tensor has \(dimensions.of("dimension")), expected at most 8")
            }
            var shape: [Int] = []
            for _ in 0 ..< dimensions {
                guard let size = Int(exactly: try integer(UInt64.self)) else {
                    throw failure("a tensor has a size that cannot be addressed")
                }
                shape.insert(size, at: 0)
            }
            let type = try integer(UInt32.self)
            guard let place = Int(exactly: try integer(UInt64.self)) else {
                throw failure("a tensor lies beyond what can be addressed")
            }
            header.tensors.append(Tensor(name: name, shape: shape, type: type, offset: place))
        }
        header.dataStart = (offset + header.alignment - 1) / header.alignment * header.alignment
        return header
    }

    private func check(_ count: Int) throws(WeightError) {
        guard count <= bytes.count - offset else {
            throw .truncated(
                file: file, expected: offset.addingReportingOverflow(count).partialValue, actual: bytes.count)
        }
    }

    private mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(WeightError) -> Number {
        try check(MemoryLayout<Number>.size)
        defer { offset += MemoryLayout<Number>.size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// How many things follow, each of which takes some bytes.
    private mutating func count(
        atLeast size: Int, atMost limit: Int = .max, of what: String
    ) throws(WeightError) -> Int {
        let announced = try integer(UInt64.self)
        guard announced <= UInt64((bytes.count - offset) / size) else {
            throw failure("it announces \(announced) \(what), more than fit in it")
        }
        guard announced <= UInt64(limit) else {
            throw failure("it announces \(announced) \(what), expected at most \(limit)")
        }
        return Int(announced)
    }

    private mutating func string(maximum: Int, as what: String = "text") throws(WeightError) -> String {
        let announced = try integer(UInt64.self)
        guard announced <= UInt64(maximum) else {
            throw failure("it announces a \(what) of \(announced.of("byte")), expected at most \(maximum)")
        }
        let length = Int(announced)
        try check(length)
        textBytes += length
        guard textBytes <= Self.maximumText else {
            throw failure("its texts are longer than \(Self.maximumText) bytes together")
        }
        defer { offset += length }
        guard let text = String(validating: bytes[offset ..< offset + length], as: UTF8.self) else {
            throw failure("it holds a text that is not UTF-8")
        }
        return text
    }

    private mutating func value(_ type: UInt32, depth: Int) throws(WeightError) -> Value {
        switch type {
        case 0: return .number(Int(try integer(UInt8.self)))
        case 1: return .number(Int(try integer(Int8.self)))
        case 2: return .number(Int(try integer(UInt16.self)))
        case 3: return .number(Int(try integer(Int16.self)))
        case 4: return .number(Int(try integer(UInt32.self)))
        case 5: return .number(Int(try integer(Int32.self)))
        case 6: return .other("\(Float(bitPattern: try integer(UInt32.self)))")
        case 7: return .other(try integer(UInt8.self) != 0 ? "true" : "false")
        case 8: return .text(try string(maximum: 1 << 26))
        case 9:
            guard depth < 4 else { throw failure("it nests arrays deeper than 4") }
            let inner = try integer(UInt32.self)
            let count = try count(atLeast: 1, of: "elements")
            var numbers: [Int] = []
            for _ in 0 ..< count {
                if case .number(let number) = try value(inner, depth: depth + 1), numbers.count < 8 {
                    numbers.append(number)
                }
            }
            return numbers.count == count ? .numbers(numbers) : .skipped
        case 10:
            let number = try integer(UInt64.self)
            return Int(exactly: number).map { .number($0) } ?? .other("\(number)")
        case 11: return .number(Int(try integer(Int64.self)))
        case 12: return .other("\(Double(bitPattern: try integer(UInt64.self)))")
        default: throw failure("it holds a value of the unknown type \(type)")
        }
    }
}
