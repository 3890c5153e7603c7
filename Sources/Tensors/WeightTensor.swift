internal import CKernels

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A tensor of a weight file, still as it lies there.
///
/// `bytes` points into a mapped file that `owner` keeps mapped: hold the value (or the owner) while using them.
@safe public struct WeightTensor: @unchecked Sendable {
    // Sendable: the mapping is read-only and lives as long as `owner`.

    public enum ElementType: String, Sendable {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"

        /// Bytes an element.
        public var size: Int { self == .float32 ? 4 : 2 }
    }

    public private(set) var name: String
    /// PyTorch's order, outermost first; a convolution is `[out, in, height, width]`, a linear layer `[out, in]`.
    public let shape: [Int]
    public let elementType: ElementType
    /// Little-endian elements, row-major; `shape.product · elementType.size` bytes, aligned to the element at least.
    public let bytes: UnsafeRawBufferPointer
    public let owner: AnyObject
    /// Whether `bytes` are unmodified pages of a file, which may be dropped from memory after use and come back by
    /// themselves.
    public let isMapped: Bool

    /// Traps unless `bytes` has the size that shape and type ask for.
    public init(
        name: String, shape: [Int], elementType: ElementType, bytes: UnsafeRawBufferPointer, owner: AnyObject,
        isMapped: Bool = false
    ) {
        precondition(
            bytes.count == shape.reduce(1, *) * elementType.size, "bytes do not fit the shape of \(name)")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        unsafe self.bytes = unsafe bytes
        self.owner = owner
        self.isMapped = isMapped
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// The same tensor under another name.
    public func renamed(_ name: String) -> WeightTensor {
        var result = self
        result.name = name
        return result
    }
}

extension WeightTensor {
    /// The elements as floats.
    public func floats() -> [Float] { floats(0 ..< count) }

    /// Some of the elements, in row-major order, as floats.
    public func floats(_ range: Range<Int>) -> [Float] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "elements outside \(name)")
        let kernels = unsafe ckernels_kernels()!
        return unsafe [Float](unsafeUninitializedCapacity: range.count) { buffer, initialized in
            if let base = unsafe bytes.baseAddress, let target = buffer.baseAddress {
                unsafe kernels.pointee.convert(
                    base + range.lowerBound * elementType.size, elementType.kernelType, target, CKERNELS_F32,
                    range.count)
            }
            initialized = range.count
        }
    }

    /// Lets the system drop the file's pages from memory: they have been copied elsewhere.
    func dropPages() {
        if isMapped { unsafe Tensors.dropPages(bytes) }
    }
}

/// Lets the system drop whole pages of a mapped file from memory; they come back by themselves.
func dropPages(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (Int(bitPattern: base) + page - 1) / page * page
    let end = (Int(bitPattern: base) + bytes.count) / page * page
    guard end > start, let first = unsafe UnsafeMutableRawPointer(bitPattern: start) else { return }
    _ = unsafe madvise(first, end - start, MADV_DONTNEED)
}
