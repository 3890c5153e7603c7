internal import PlainText
internal import Tensors

/// The header of a safetensors file, every figure in it checked against the others and the file's size.
///
/// Format: an unsigned 64-bit little-endian length, that many bytes of JSON, then the tensors' bytes, which must be
/// covered by the tensors without overlap or gap (https://github.com/huggingface/safetensors, README of v0.5.3; its
/// reader, `safetensors/src/tensor.rs`, makes the same checks).
public struct SafetensorsHeader: Sendable {
    /// What the header says of one tensor.
    public struct Entry: Sendable, Equatable {
        /// The element type as the file writes it (`F32`, `I64` …).
        public var elementType: String
        /// Outermost dimension first; empty for a single number.
        public var shape: [Int]
        /// Bytes from the start of the file.
        public var range: Range<Int>
    }

    /// Every tensor, also those whose type the engine does not compute with.
    public let entries: [String: Entry]
    /// The `__metadata__` of the file.
    public let metadata: [String: String]

    /// The longest header that is read, in bytes; the reference's limit.
    public static let maximumLength = 100_000_000

    /// The most dimensions of a tensor, as many as PyTorch has.
    private static let maximumRank = 64

    /// Bits an element, for every type of the format.
    private static let bits: [String: Int] = [
        "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
        "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64,
    ]

    /// Reads and checks the header of a whole file.
    ///
    /// - Parameter file: the name that errors carry.
    public init(parsing bytes: UnsafeRawBufferPointer, file: String) throws(WeightError) {
        if let kind = FileKind(bytes), kind != .safetensors, kind != .empty {
            throw .otherFormat(file: file, clause: kind.clause)
        }
        guard bytes.count >= 8 else { throw .truncated(file: file, expected: 8, actual: bytes.count) }
        let announced = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard announced <= UInt64(Self.maximumLength) else {
            throw .badHeader(file: file, reason: "it announces \(announced.of("byte")) of header")
        }
        let dataStart = 8 + Int(announced)
        guard bytes.count >= dataStart else {
            throw .truncated(file: file, expected: dataStart, actual: bytes.count)
        }
        guard announced > 0, bytes[8] == UInt8(ascii: "{") else {
            throw .badHeader(file: file, reason: "expected a JSON object")
        }

        let document: JSONValue
        do {
            document = try JSONValue(
                parsing: UnsafeRawBufferPointer(rebasing: bytes[8 ..< dataStart]), maximumDepth: 4,
                repeatedKeys: .refused)
        } catch {
            throw .badHeader(file: file, reason: error.description)
        }
        guard case .object(let members) = document else {
            throw .badHeader(file: file, reason: "expected a JSON object")
        }
        var entries: [String: Entry] = [:]
        entries.reserveCapacity(members.count)
        var metadata: [String: String] = [:]
        for (name, member) in members {
            if name == "__metadata__" {
                metadata = try Self.metadata(member, file: file)
            } else {
                entries[name] = try Self.entry(member, name: name, dataStart: dataStart, file: file)
            }
        }
        try Self.checkCover(of: dataStart ..< bytes.count, by: entries, file: file)
        self.entries = entries
        self.metadata = metadata
    }

    private static func metadata(_ value: JSONValue, file: String) throws(WeightError) -> [String: String] {
        guard case .object(let members) = value else {
            throw .badHeader(file: file, reason: "__metadata__ is \(value.kind), expected an object")
        }
        var result: [String: String] = [:]
        for (key, member) in members {
            guard case .string(let text) = member else {
                throw .badHeader(file: file, reason: "__metadata__ holds \(member.kind), expected strings")
            }
            result[key] = text
        }
        return result
    }

    private static func entry(
        _ value: JSONValue, name: String, dataStart: Int, file: String
    ) throws(WeightError) -> Entry {
        func failure(_ reason: String) -> WeightError { .badTensor(file: file, tensor: name, reason: reason) }
        guard case .object(let members) = value else { throw failure("is \(value.kind), expected an object") }
        guard case .string(let elementType)? = members["dtype"] else { throw failure("has no dtype") }
        guard !elementType.isTooLongForName, let bits = bits[elementType] else {
            throw failure("has the unknown dtype '\(String(elementType.unicodeScalars.prefix(20)))'")
        }
        guard let shape = sizes(members["shape"]) else { throw failure("has a shape that is not a list of sizes") }
        guard let offsets = sizes(members["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1] else {
            throw failure("has data_offsets that are not a start and an end")
        }

        guard shape.count <= maximumRank else {
            throw failure("has \(shape.count) dimensions, expected at most \(maximumRank)")
        }
        guard let elements = WeightTensor.elementCount(shape) else {
            throw failure("has a shape too large to address, \(shape)")
        }
        let (totalBits, overflow) = elements.multipliedReportingOverflow(by: bits)
        guard !overflow, totalBits % 8 == 0 else { throw failure("has a shape too large to address, \(shape)") }
        let announced = offsets[1] - offsets[0]
        guard totalBits / 8 == announced else {
            throw failure("has \(announced.of("byte")) where \(elementType) \(shape) needs \(totalBits / 8)")
        }
        let (end, endOverflow) = offsets[1].addingReportingOverflow(dataStart)
        guard !endOverflow else { throw failure("has data_offsets beyond what can be addressed") }
        return Entry(elementType: elementType, shape: shape, range: dataStart + offsets[0] ..< end)
    }

    /// A list of integers that are not negative.
    private static func sizes(_ value: JSONValue?) -> [Int]? {
        guard case .array(let members)? = value else { return nil }
        var result: [Int] = []
        for member in members {
            guard case .integer(let size) = member, size >= 0 else { return nil }
            result.append(size)
        }
        return result
    }

    /// The tensors, in order of their offsets, must follow each other from the first byte of data to the last.
    private static func checkCover(
        of data: Range<Int>, by entries: [String: Entry], file: String
    ) throws(WeightError) {
        let ordered = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
                < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        var position = data.lowerBound
        var previous = ""
        for (name, entry) in ordered {
            guard entry.range.lowerBound >= position else {
                throw .overlappingTensors(file: file, first: previous, second: name)
            }
            guard entry.range.lowerBound == position else {
                throw .gapBeforeTensor(file: file, tensor: name, count: entry.range.lowerBound - position)
            }
            position = entry.range.upperBound
            previous = name
        }
        guard position <= data.upperBound else {
            throw .truncated(file: file, expected: position, actual: data.upperBound)
        }
        guard position == data.upperBound else {
            throw .trailingBytes(file: file, count: data.upperBound - position)
        }
    }
}
