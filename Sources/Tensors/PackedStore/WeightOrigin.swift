/// A file that says what it is: by what it tells, equal files have equal bytes.
public protocol IdentifiedFile: AnyObject, Sendable {
    /// What tells the file from any other, and from itself after a change, whatever it is called.
    var contentIdentity: String { get }
}

/// Where a tensor's bytes come from, as far as other tensors may come from the same.
public enum WeightOrigin: Sendable {
    /// The file's bytes from an offset on, in their order.
    case file(any IdentifiedFile, offset: Int)
    /// Constant data of the program, which stays where it is.
    case program
    /// Memory of the tensor's owner: nothing else is known to be equal.
    case memory

    /// The origin of bytes that begin that many further on.
    public func advanced(by count: Int) -> WeightOrigin {
        if case .file(let file, let offset) = self { .file(file, offset: offset + count) } else { self }
    }
}

/// What the elements of a tensor are, known without reading them: tensors of equal identity have equal elements.
public struct WeightIdentity: Hashable, Sendable {
    private enum Source: Hashable {
        case file(String, offset: Int)
        case program(address: UInt)
        /// An object that lives as long as whoever holds the identity has seen to it.
        case object(ObjectIdentifier, address: UInt)
    }

    private let source: Source
    private let byteCount: Int
    private let elementType: WeightTensor.ElementType
    private let shape: [Int]
    private let corrections: [CorrectionIdentity]

    init(_ tensor: WeightTensor) {
        let address = unsafe UInt(bitPattern: tensor.bytes.baseAddress)
        source =
            switch tensor.origin {
            case .file(let file, let offset): .file(file.contentIdentity, offset: offset)
            case .program: .program(address: address)
            case .memory: .object(ObjectIdentifier(tensor.owner), address: address)
            }
        byteCount = unsafe tensor.bytes.count
        elementType = tensor.elementType
        shape = tensor.shape
        corrections = tensor.corrections.map(\.identity)
    }

    /// Whether no tensor that is made later can have it.
    var isObject: Bool {
        if case .object = source { return true }
        return corrections.contains(where: \.isObject)
    }
}

/// What a correction does, known without doing it: corrections of equal identity change equal elements alike.
public struct CorrectionIdentity: Hashable, Sendable {
    private let object: ObjectIdentifier?
    private let kind: String
    private let tensors: [WeightIdentity]
    private let numbers: [Float]

    /// Of a correction that is equal to none but itself.
    init(_ object: any WeightCorrection) {
        self.object = ObjectIdentifier(object)
        (kind, tensors, numbers) = ("", [], [])
    }

    /// Of one that a way of computing and its operands make.
    /// - Parameter kind: names the way, and the roles of operands where these differ.
    public init(kind: String, tensors: [WeightTensor] = [], numbers: [Float] = []) {
        object = nil
        self.kind = kind
        self.tensors = tensors.map(\.identity)
        self.numbers = numbers
    }

    fileprivate var isObject: Bool { object != nil || tensors.contains(where: \.isObject) }
}

extension WeightTensor {
    /// Asks the origin's file, which may have to read some of it.
    public var identity: WeightIdentity { WeightIdentity(self) }
}
