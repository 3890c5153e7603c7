internal import PlainText

/// A reader of Python pickles that constructs nothing but tensors' descriptions.
///
/// A pickle is a program for a stack machine whose `GLOBAL` and `REDUCE` call any function of any module. This one knows
/// the opcodes that build numbers, texts, lists, tuples and dictionaries, and a closed list of globals that PyTorch writes
/// around tensors; anything else is refused, and a global by its name. Nothing is ever called
/// (docs/decisions/pickle-reader.md). Opcodes: CPython 3.13, `Lib/pickle.py`.
///
/// Containers lie in one arena and refer to each other by index, so that deep nesting takes no stack and cycles do no harm.
struct Unpickler {
    enum Value: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case string(String)
        case global(Global)
        case storage(Int)
        case tensor(Int)
        case list(Int)
        case tuple(Int)
        case dictionary(Int)
        /// A text of more bytes than a name may have: nothing here is called so.
        case longText
        /// Something whose value does not matter here.
        case opaque
    }

    /// What a pickle may name.
    enum Global: Sendable, Equatable {
        case dictionary
        case rebuildTensor
        /// The same over bytes, with the element type beside them.
        case rebuildTypedTensor
        case rebuildParameter
        /// An element type, as safetensors writes it.
        case elementType(String)
        /// The element type, as safetensors writes it.
        case storage(String)
        /// A marker in training checkpoints: may be called, built and compared, and stays opaque.
        case ignored
    }

    /// A run of elements that tensors share.
    struct Storage: Sendable {
        var key: String
        var elementType: String
        /// Elements.
        var count: Int
    }

    /// One tensor, in elements of its storage.
    struct TensorDescription: Sendable {
        var storage: Int
        var elementType: String
        var offset: Int
        var shape: [Int]
        var strides: [Int]
    }

    private(set) var storages: [Storage] = []
    private(set) var tensors: [TensorDescription] = []
    private(set) var lists: [[Value]] = []
    private(set) var tuples: [[Value]] = []
    private(set) var dictionaries: [[(key: Value, value: Value)]] = []
    /// Bytes read so far, from the start of `bytes`.
    private(set) var offset: Int

    private let bytes: UnsafeRawBufferPointer
    private let file: String
    private var stack: [Value] = []
    private var marks: [Int] = []
    private var memo: [Int: Value] = [:]
    private var storageOfKey: [String: Int] = [:]

    /// The largest pickle that is read: those of real checkpoints take a few hundred kilobytes.
    static let maximumSize = 64 << 20
    /// The most values that a pickle may put on the stack in all.
    static let maximumValues = 4_000_000
    /// The longest text.
    static let maximumString = 1 << 20
    private var values = 0

    private static let storageTypes = [
        "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64",
        "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
        "BoolStorage": "BOOL", "ComplexFloatStorage": "C64", "Float8_e4m3fnStorage": "F8_E4M3",
        "Float8_e5m2Storage": "F8_E5M2", "UntypedStorage": untyped, "storage.UntypedStorage": untyped,
    ]
    /// What a storage of bytes has for element type.
    static let untyped = "bytes"

    /// By PyTorch's names.
    private static let elementTypes = [
        "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "float8_e4m3fn": "F8_E4M3",
        "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
        "float8_e8m0fnu": "F8_E8M0", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32",
        "int32": "I32", "uint64": "U64", "int64": "I64", "bool": "BOOL", "complex64": "C64",
    ]

    /// What training frameworks leave in checkpoints beside tensors.
    private static let ignored: Set<String> = [
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", "pytorch_lightning.callbacks.ModelCheckpoint",
        "pytorch_lightning.callbacks.early_stopping.EarlyStopping", "torch.Size",
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
        "numpy.dtypes.Float64DType", "_codecs.encode",
    ]

    /// - Parameters:
    ///   - offset: where the pickle starts.
    ///   - file: the name that errors carry.
    init(_ bytes: UnsafeRawBufferPointer, offset: Int = 0, file: String) {
        self.bytes = bytes
        self.offset = offset
        self.file = file
    }

    /// Runs one pickle to its end and returns what it leaves. Containers and tensors stay in the arena.
    mutating func load() throws(WeightError) -> Value {
        stack = []
        marks = []
        memo = [:]
        let start = offset
        while true {
            guard offset - start <= Self.maximumSize else {
                throw failure("it is larger than \(Self.maximumSize.of("byte"))")
            }
            let opcode = try byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            try run(opcode)
        }
    }

    private func failure(_ reason: String) -> WeightError { .badPickle(file: file, offset: offset, reason: reason) }

    // Bytes

    private mutating func take(_ count: Int) throws(WeightError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - offset else {
            throw .truncated(
                file: file, expected: offset.addingReportingOverflow(max(count, 1)).partialValue, actual: bytes.count)
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset ..< offset + count])
    }

    private mutating func byte() throws(WeightError) -> UInt8 { try take(1)[0] }

    /// A little-endian whole number of up to 8 bytes, without sign.
    private mutating func unsigned(_ count: Int) throws(WeightError) -> Int {
        var result: UInt64 = 0
        for (index, byte) in try take(count).enumerated() { result |= UInt64(byte) << UInt64(8 * index) }
        guard let value = Int(exactly: result) else { throw failure("a number is too large") }
        return value
    }

    private mutating func text(_ count: Int) throws(WeightError) -> Value {
        guard count <= Self.maximumString else { throw failure("a text of \(count.of("byte")) is too long") }
        let bytes = try take(count)
        return count <= LookupName.maximumBytes ? .string(String(decoding: bytes, as: UTF8.self)) : .longText
    }

    private mutating func line() throws(WeightError) -> String {
        let limit = min(bytes.count, offset + 256)
        guard let end = bytes[offset ..< limit].firstIndex(of: UInt8(ascii: "\n")) else {
            throw failure("a name has no end")
        }
        defer { offset = end + 1 }
        return String(decoding: bytes[offset ..< end], as: UTF8.self)
    }

    // Stack

    private mutating func push(_ value: Value) throws(WeightError) {
        values += 1
        guard values <= Self.maximumValues else { throw failure("it has more than \(Self.maximumValues.of("value"))") }
        stack.append(value)
    }

    private mutating func pop() throws(WeightError) -> Value {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { throw failure("its stack is empty") }
        return value
    }

    private mutating func popToMark() throws(WeightError) -> [Value] {
        guard let mark = marks.popLast() else { throw failure("it has no mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func pushTuple(_ count: Int) throws(WeightError) {
        var members: [Value] = []
        for _ in 0 ..< count { members.insert(try pop(), at: 0) }
        try pushTuple(members)
    }

    private mutating func pushTuple(_ members: [Value]) throws(WeightError) {
        tuples.append(members)
        try push(.tuple(tuples.count - 1))
    }

    private mutating func remember(_ index: Int) throws(WeightError) {
        guard let top = stack.last else { throw failure("its stack is empty") }
        memo[index] = top
    }

    private mutating func recall(_ index: Int) throws(WeightError) {
        guard let value = memo[index] else { throw failure("it recalls what it never remembered") }
        try push(value)
    }

    // Opcodes

    private mutating func run(_ opcode: UInt8) throws(WeightError) {
        switch opcode {
        case 0x80:  // PROTO
            let version = try byte()
            guard version <= 5 else { throw failure("protocol \(version) is not known") }
        case 0x95: _ = try unsigned(8)  // FRAME
        case UInt8(ascii: "("):
            guard marks.count < Self.maximumValues else { throw failure("it has too many marks") }
            marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"):
            let top = try pop()
            try push(top)
            try push(top)
        case UInt8(ascii: "N"): try push(.none)
        case 0x88: try push(.bool(true))
        case 0x89: try push(.bool(false))
        case UInt8(ascii: "J"): try push(.integer(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
        case UInt8(ascii: "K"): try push(.integer(try unsigned(1)))
        case UInt8(ascii: "M"): try push(.integer(try unsigned(2)))
        case 0x8A:  // LONG1
            let count = try unsigned(1)
            let digits = try take(count)
            if count > 8 {
                try push(.opaque)
            } else {
                var value: UInt64 = digits.last.map { $0 >= 0x80 } == true ? .max << UInt64(8 * count % 64) : 0
                if count == 8 || count == 0 { value = 0 }
                for (index, digit) in digits.enumerated() { value |= UInt64(digit) << UInt64(8 * index) }
                try push(.integer(Int(bitPattern: UInt(value))))
            }
        case UInt8(ascii: "G"):
            _ = try take(8)
            try push(.opaque)
        case UInt8(ascii: "X"): try push(try text(try unsigned(4)))
        case 0x8C, UInt8(ascii: "U"): try push(try text(try unsigned(1)))
        case 0x8D: try push(try text(try unsigned(8)))
        case UInt8(ascii: "T"): try push(try text(try unsigned(4)))
        case UInt8(ascii: "B"), UInt8(ascii: "C"):
            _ = try take(try unsigned(opcode == UInt8(ascii: "B") ? 4 : 1))
            try push(.opaque)
        default: try runContainer(opcode)
        }
    }

    private mutating func runContainer(_ opcode: UInt8) throws(WeightError) {
        switch opcode {
        case UInt8(ascii: "]"):
            lists.append([])
            try push(.list(lists.count - 1))
        case UInt8(ascii: "}"): try pushDictionary()
        case UInt8(ascii: ")"): try pushTuple([])
        case 0x85, 0x86, 0x87: try pushTuple(Int(opcode) - 0x84)
        case UInt8(ascii: "t"): try pushTuple(try popToMark())
        case UInt8(ascii: "a"): try append([try pop()])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "s"):
            let value = try pop()
            try set([try pop(), value])
        case UInt8(ascii: "u"): try set(try popToMark())
        case UInt8(ascii: "q"): try remember(try unsigned(1))
        case UInt8(ascii: "r"): try remember(try unsigned(4))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(try unsigned(1))
        case UInt8(ascii: "j"): try recall(try unsigned(4))
        case UInt8(ascii: "c"):
            let module = try line()
            try push(.global(try global("\(module).\(try line())")))
        case 0x93:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw failure("a global has no name")
            }
            try push(.global(try global("\(module).\(name)")))
        case UInt8(ascii: "R"), 0x81:
            let arguments = try pop()
            try push(try build(try pop(), arguments))
        case UInt8(ascii: "b"): _ = try pop()  // What an object is given after it was made: nothing here needs it.
        case UInt8(ascii: "Q"): try push(try storage(try pop()))
        default: throw failure("opcode \(opcode) is none that a tensor needs")
        }
    }

    private mutating func pushDictionary() throws(WeightError) {
        dictionaries.append([])
        try push(.dictionary(dictionaries.count - 1))
    }

    private mutating func append(_ members: [Value]) throws(WeightError) {
        switch stack.last {
        case .list(let index)?: lists[index] += members
        case .opaque?: break
        default: throw failure("it appends to what is no list")
        }
    }

    private mutating func set(_ members: [Value]) throws(WeightError) {
        guard members.count % 2 == 0 else { throw failure("a key has no value") }
        switch stack.last {
        case .dictionary(let index)?:
            for pair in stride(from: 0, to: members.count, by: 2) {
                dictionaries[index].append((members[pair], members[pair + 1]))
            }
        case .opaque?: break
        default: throw failure("it sets a key of what is no dictionary")
        }
    }

    // Globals

    private func global(_ name: String) throws(WeightError) -> Global {
        switch name {
        case "collections.OrderedDict": return .dictionary
        case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor": return .rebuildTensor
        case "torch._utils._rebuild_tensor_v3": return .rebuildTypedTensor
        case "torch._utils._rebuild_parameter": return .rebuildParameter
        default: break
        }
        if name.hasPrefix("torch.") {
            let own = String(name.dropFirst("torch.".count))
            if let type = Self.storageTypes[own] { return .storage(type) }
            if let type = Self.elementTypes[own] { return .elementType(type) }
        }
        if Self.ignored.contains(name) { return .ignored }
        throw .forbiddenGlobal(file: file, name: name)
    }

    private mutating func build(_ callee: Value, _ arguments: Value) throws(WeightError) -> Value {
        guard case .global(let global) = callee, case .tuple(let index) = arguments else {
            if case .opaque = callee { return .opaque }
            throw failure("it calls what cannot be called")
        }
        let arguments = tuples[index]
        switch global {
        case .dictionary:
            guard arguments.isEmpty else { return try dictionary(arguments) }
            dictionaries.append([])
            return .dictionary(dictionaries.count - 1)
        case .ignored, .elementType: return .opaque
        case .storage: throw failure("it makes a storage that is not in the file")
        case .rebuildParameter:
            guard case .tensor? = arguments.first, let tensor = arguments.first else {
                throw failure("a parameter has no tensor")
            }
            return tensor
        case .rebuildTensor, .rebuildTypedTensor:
            guard arguments.count >= 4, case .storage(let storage) = arguments[0],
                case .integer(let offset) = arguments[1], case .tuple(let shape) = arguments[2],
                case .tuple(let strides) = arguments[3]
            else { throw failure("a tensor has no storage, offset, shape and strides") }
            var type = storages[storage].elementType
            if global == .rebuildTypedTensor {
                guard arguments.count >= 7, case .global(.elementType(let stated)) = arguments[6],
                    type == Self.untyped || type == stated
                else { throw failure("a tensor has no element type, or not that of its storage") }
                type = stated
            }
            tensors.append(
                try tensor(storage, type: type, offset: offset, shape: tuples[shape], strides: tuples[strides]))
            return .tensor(tensors.count - 1)
        }
    }

    /// `OrderedDict([(key, value), …])`, as Python 2 wrote it.
    private mutating func dictionary(_ arguments: [Value]) throws(WeightError) -> Value {
        guard arguments.count == 1, case .list(let list) = arguments[0] else {
            throw failure("a dictionary is made of what is no list")
        }
        // One list can be named any number of times, and is copied each time.
        values += lists[list].count
        guard values <= Self.maximumValues else { throw failure("it has more than \(Self.maximumValues.of("value"))") }
        var pairs: [(key: Value, value: Value)] = []
        for item in lists[list] {
            let pair: [Value] =
                switch item {
                case .list(let index): lists[index]
                case .tuple(let index): tuples[index]
                default: []
                }
            guard pair.count == 2 else { throw failure("a key has no value") }
            pairs.append((pair[0], pair[1]))
        }
        dictionaries.append(pairs)
        return .dictionary(dictionaries.count - 1)
    }

    private func tensor(
        _ storage: Int, type: String, offset: Int, shape: [Value], strides: [Value]
    ) throws(WeightError) -> TensorDescription {
        guard shape.count == strides.count, shape.count <= 16, offset >= 0 else {
            throw failure("a tensor's shape and strides do not fit each other")
        }
        func sizes(_ values: [Value]) throws(WeightError) -> [Int] {
            var result: [Int] = []
            for value in values {
                guard case .integer(let size) = value, size >= 0 else { throw failure("a tensor has a size below 0") }
                result.append(size)
            }
            return result
        }
        let shape = try sizes(shape)
        // Along one element nothing is stepped over, whatever the file says of the step.
        let strides = zip(shape, try sizes(strides)).map { size, stride in size > 1 ? stride : 0 }
        var count = 1
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            let (reach, reachOverflow) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (end, endOverflow) = last.addingReportingOverflow(reach)
            guard !overflow, !reachOverflow, !endOverflow else { throw failure("a tensor is too large to address") }
            (count, last) = (product, end)
        }
        // No element lies beyond the storage, and none is repeated: a file cannot announce more than it holds.
        let size = storages[storage].elementType == Self.untyped ? PyTorchFile.sizes[type] ?? 1 : 1
        let limit = storages[storage].count / size
        guard count == 0 || last < limit, count <= limit else {
            throw failure("a tensor of shape \(shape) reaches beyond its storage of \(limit) elements")
        }
        return TensorDescription(
            storage: storage, elementType: type, offset: count == 0 ? 0 : offset, shape: shape, strides: strides)
    }

    /// `('storage', type, key, device, count)`, in the legacy format with a view behind.
    private mutating func storage(_ identifier: Value) throws(WeightError) -> Value {
        guard case .tuple(let index) = identifier, tuples[index].count >= 5, case .string("storage") = tuples[index][0],
            case .global(.storage(let type)) = tuples[index][1], case .string(let key) = tuples[index][2],
            case .integer(let count) = tuples[index][4], count >= 0
        else { throw failure("a storage has no type, key and size") }
        if tuples[index].count > 5 {
            guard case .none = tuples[index][5] else { throw failure("it has a view of a storage, which is not read") }
        }
        if let known = storageOfKey[key] {
            guard storages[known].elementType == type, storages[known].count == count else {
                throw failure("storage '\(key.prefix(40))' is there twice")
            }
            return .storage(known)
        }
        storages.append(Storage(key: key, elementType: type, count: count))
        storageOfKey[key] = storages.count - 1
        return .storage(storages.count - 1)
    }
}
