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
    /// Every name in the source, unordered.
    var names: [String] { get }
    /// `nil` where the source has no tensor of that name.
    func tensor(_ name: String) -> WeightTensor?
}
