/// An array of activations: shape, element type, and memory of the engine's pool. Row-major; pictures are
/// `[batch, height, width, channels]`, sequences `[batch, tokens, channels]`.
///
/// A tensor is written once, by the operation that makes it, and only read afterwards; an operation that is handed the
/// last reference to one may make its result of it.
public struct Tensor {
    public let shape: [Int]
    public let type: ElementType
    private(set) var block: Block

    init(shape: [Int], type: ElementType, block: Block) {
        self.shape = shape
        self.type = type
        self.block = block
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
    /// The last dimension.
    public var channels: Int { shape[shape.count - 1] }
    /// Everything but the last dimension.
    public var rows: Int { count / channels }

    var pointer: UnsafeMutableRawPointer { unsafe block.pointer }

    /// Whether nothing else holds the elements.
    mutating func isUnshared() -> Bool { isKnownUniquelyReferenced(&block) }

    /// The same elements under another shape. Traps if the counts differ.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "cannot view \(self.shape) as \(shape)")
        return Tensor(shape: shape, type: type, block: block)
    }
}
