internal import PlainText

/// What can be wrong with a model's files. Every description is one plain sentence that names the file.
public enum WeightError: Error, Equatable, Sendable {
    /// There is no file of that path, or it cannot be opened; `reason` is the system's.
    case unreadable(file: String, reason: String)
    /// None of the names under which the weights of one part may lie exists in the folder.
    case noWeights(folder: String, lookedFor: [String])
    /// The file is shorter than what it announces, in bytes.
    case truncated(file: String, expected: Int, actual: Int)
    /// The file has bytes after its last tensor.
    case trailingBytes(file: String, count: Int)
    /// The bytes are those of another kind of file, as a clause about it says.
    case otherFormat(file: String, clause: String)
    /// An archive whose entries cannot be read in place.
    case compressed(file: String, entry: String)
    /// The file could not be mapped for a lack of memory.
    case outOfMemory(file: String)
    /// The header (or index) is not what the format prescribes.
    case badHeader(file: String, reason: String)
    /// What the header says of one tensor cannot be.
    case badTensor(file: String, tensor: String, reason: String)
    /// The pickle is damaged, or does what no pickle of tensors does; `offset` in bytes.
    case badPickle(file: String, offset: Int, reason: String)
    /// The pickle asks for a class or function that tensors do not need.
    case forbiddenGlobal(file: String, name: String)
    /// Two tensors claim the same bytes.
    case overlappingTensors(file: String, first: String, second: String)
    /// No tensor claims `count` bytes before `tensor`.
    case gapBeforeTensor(file: String, tensor: String, count: Int)
    /// Tensors that the network needs and the file lacks: how many, and the first of them by name.
    case missingTensors(file: String, count: Int, first: [String])
    /// The tensor has another shape than the network's configuration asks for.
    case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
    /// The tensor is there, in a type that the engine does not compute with.
    case unsupportedElementType(file: String, tensor: String, found: String)
}

extension WeightError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file) cannot be read: \(reason)."
        case .noWeights(let folder, let names):
            "\(folder) holds no weights: expected \(names.joined(separator: " or "))."
        case .truncated(let file, let expected, let actual):
            "\(file) is truncated: expected \(expected.of("byte")), found \(actual)."
        case .trailingBytes(let file, let count):
            "\(file) has \(count.of("byte")) after its last tensor."
        case .otherFormat(let file, let clause):
            "\(file) holds no weights: \(clause)."
        case .compressed(let file, let entry):
            "\(file) cannot be read: its entry \(quoted(entry)) is compressed, and PyTorch stores entries as they are; "
                + "unpack it and pack it without compression."
        case .outOfMemory(let file):
            "there is not enough memory for \(file); a smaller model or a higher limit (ulimit -v) helps."
        case .badHeader(let file, let reason):
            "\(file) has a damaged header: \(reason)."
        case .badTensor(let file, let tensor, let reason):
            "\(file) has a damaged header: tensor \(quoted(tensor)) \(reason)."
        case .badPickle(let file, let offset, let reason):
            "\(file) holds a pickle that cannot be read: at byte \(offset), \(reason)."
        case .forbiddenGlobal(let file, let name):
            "\(file) holds a pickle that asks for \(quoted(name)), which tensors do not need, so it is not trusted."
        case .overlappingTensors(let file, let first, let second):
            "\(file) has a damaged header: tensors \(quoted(first)) and \(quoted(second)) overlap."
        case .gapBeforeTensor(let file, let tensor, let count):
            "\(file) has a damaged header: \(count.of("byte")) before tensor \(quoted(tensor)) \(count.verb("belongs", "belong")) to no tensor."
        case .missingTensors(let file, let count, let first):
            count == 1
                ? "\(file) lacks the tensor \(first.map(quoted).joined())."
                : "\(file) lacks \(count.of("tensor")) that the model needs, first \(first.map(quoted).joined(separator: ", "))."
        case .wrongShape(let file, let tensor, let expected, let found):
            "\(file) does not fit the model's configuration: tensor \(quoted(tensor)) should be \(expected), it is \(found)."
        case .unsupportedElementType(let file, let tensor, let found):
            "\(file) holds tensor \(quoted(tensor)) as \(found): expected F32, F16, BF16, F64, F8_E4M3, F8_E5M2 or one of GGUF's Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K."
        }
    }

    /// A name from a file, safe to print: control characters replaced, long ones cut.
    private func quoted(_ name: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in name.unicodeScalars.prefix(120) {
            let isControl = scalar.value < 0x20 || (0x7F ... 0x9F).contains(scalar.value)
            scalars.append(isControl ? "\u{FFFD}" : scalar)
        }
        return "'\(String(scalars))\(name.unicodeScalars.count > 120 ? "…" : "")'"
    }
}
