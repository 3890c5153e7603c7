/// A tensor of a weight file, still as it lies there.
///
/// `bytes` points into a mapped file that `owner` keeps mapped: hold the value (or the owner) while using them.
public struct WeightTensor: @unchecked Sendable {
    // Sendable: the mapping is read-only and lives as long as `owner`.

    public enum ElementType: String, Sendable {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"

        /// Bytes an element.
        public var size: Int { self == .float32 ? 4 : 2 }
    }

    public let name: String
    /// PyTorch's order, outermost first; a convolution is `[out, in, height, width]`, a linear layer `[out, in]`.
    public let shape: [Int]
    public let elementType: ElementType
    /// Little-endian elements, row-major; `shape.product · elementType.size` bytes, aligned to the element at least.
    public let bytes: UnsafeRawBufferPointer
    public let owner: AnyObject

    public init(name: String, shape: [Int], elementType: ElementType, bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        precondition(bytes.count == shape.reduce(1, *) * elementType.size, "bytes do not fit the shape of \(name)")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.bytes = bytes
        self.owner = owner
    }
}

/// The tensors of one network, by name.
public protocol WeightSource: Sendable {
    /// What errors about the source call it, usually a path.
    var file: String { get }
    /// The name of every tensor that `tensor(_:)` returns, unordered.
    var names: [String] { get }
    /// `nil` where the source has no tensor of that name, or has it in a type the engine does not compute with.
    func tensor(_ name: String) -> WeightTensor?
    /// The type, as the file writes it, of a tensor that is there but in a type the engine does not compute with; else
    /// `nil`.
    func unusableElementType(_ name: String) -> String?
}

extension WeightSource {
    public func unusableElementType(_ name: String) -> String? { nil }

    /// The tensor of that name and shape.
    ///
    /// - Throws: `WeightError.missingTensors`, `.unsupportedElementType` or `.wrongShape`.
    public func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor {
        guard let tensor = tensor(name) else {
            if let found = unusableElementType(name) {
                throw .unsupportedElementType(file: file, tensor: name, found: found)
            }
            throw .missingTensors(file: file, count: 1, first: [name])
        }
        guard tensor.shape == shape else {
            throw .wrongShape(file: file, tensor: name, expected: shape, found: tensor.shape)
        }
        return tensor
    }

    /// Checks that every tensor that a network needs is there with its shape, so that a run fails before it starts and
    /// the error tells how many are missing.
    ///
    /// - Throws: `WeightError.missingTensors`, `.unsupportedElementType` or `.wrongShape`.
    public func require(_ shapes: [String: [Int]]) throws(WeightError) {
        let known = Set(names)
        let missing = shapes.keys.filter { !known.contains($0) }.sorted()
        for name in missing {
            if let found = unusableElementType(name) {
                throw .unsupportedElementType(file: file, tensor: name, found: found)
            }
        }
        guard missing.isEmpty else {
            throw .missingTensors(file: file, count: missing.count, first: Array(missing.prefix(3)))
        }
        for name in shapes.keys.sorted() {
            if let shape = shapes[name] { _ = try tensor(name, shape: shape) }
        }
    }
}
