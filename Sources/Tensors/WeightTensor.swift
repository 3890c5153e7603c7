internal import CKernels

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What is done to a tensor's elements whenever they are read, such as an adapter's share in them.
public protocol WeightCorrection: AnyObject, Sendable {
    /// Whether it comes from the files that the tensor's source names alone, so that the corrected tensor, packed, is of
    /// use to another run. False unless stated.
    var isOfFile: Bool { get }
    /// What it does, for packed weights to be found by. That of no other unless stated.
    var identity: CorrectionIdentity { get }
    /// Changes all elements of the tensor, row-major.
    func apply(to values: inout [Float])
}

extension WeightCorrection {
    public var isOfFile: Bool { false }
    public var identity: CorrectionIdentity { CorrectionIdentity(self) }
}

/// A tensor of a weight file, still as it lies there.
///
/// `bytes` points into a mapped file that `owner` keeps mapped: hold the value (or the owner) while using them.
@safe public struct WeightTensor: @unchecked Sendable {
    // Sendable: the mapping is read-only and lives as long as `owner`.

    public enum ElementType: String, Sendable {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"
        // Read as f32: two 8-bit floats (the OCP's, called e4m3fn and e5m2 in PyTorch), and doubles, which are rounded.
        case float8E4M3 = "F8_E4M3"
        case float8E5M2 = "F8_E5M2"
        case float64 = "F64"
        // GGUF's quantised types, blocks of elements that share scales.
        case q40 = "Q4_0"
        case q41 = "Q4_1"
        case q50 = "Q5_0"
        case q51 = "Q5_1"
        case q80 = "Q8_0"
        case q2K = "Q2_K"
        case q3K = "Q3_K"
        case q4K = "Q4_K"
        case q5K = "Q5_K"
        case q6K = "Q6_K"

        /// Bytes of a block, which is an element for plain types.
        public var size: Int {
            switch self {
            case .float32: 4
            case .float16, .bfloat16: 2
            default: blockFormat.map { ckernels_block_size($0) } ?? 0
            }
        }

        /// Elements of a block.
        public var blockLength: Int { blockFormat.map { ckernels_block_length($0) } ?? 1 }

        /// Bytes of that many elements; `nil` where they are no whole blocks, or too many to address.
        public func bytes(count: Int) -> Int? {
            guard count.isMultiple(of: blockLength) else { return nil }
            let (size, overflow) = (count / blockLength).multipliedReportingOverflow(by: size)
            return overflow ? nil : size
        }
    }

    public private(set) var name: String
    /// PyTorch's order, outermost first; a convolution is `[out, in, height, width]`, a linear layer `[out, in]`.
    public let shape: [Int]
    public let elementType: ElementType
    /// Little-endian elements, row-major: `elementType.bytes(count:)` of them, aligned to the element at least (blocks lie
    /// anywhere).
    public let bytes: UnsafeRawBufferPointer
    public let owner: AnyObject
    /// Whether `bytes` are unmodified pages of a file, which may be dropped from memory after use and come back by
    /// themselves.
    public let isMapped: Bool
    /// Where `bytes` come from.
    public let origin: WeightOrigin
    /// `bytes` are the elements without them, all else that reads them applies them, in this order.
    public private(set) var corrections: [any WeightCorrection] = []

    /// Traps unless `bytes` has the size that shape and type ask for.
    public init(
        name: String, shape: [Int], elementType: ElementType, bytes: UnsafeRawBufferPointer, owner: AnyObject,
        isMapped: Bool = false, origin: WeightOrigin = .memory
    ) {
        precondition(
            bytes.count == elementType.bytes(count: shape.reduce(1, *)), "bytes do not fit the shape of \(name)")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        unsafe self.bytes = unsafe bytes
        self.owner = owner
        self.isMapped = isMapped
        self.origin = origin
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// The elements of a shape from a file; `nil` where a size is below 0, or the product of any of them could not be
    /// addressed, which a 0 beside them would hide.
    public static func elementCount(_ shape: [Int]) -> Int? {
        var product = 1
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            guard size >= 0, !overflow else { return nil }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }

    /// The same tensor with that correction after its own.
    public func corrected(by correction: any WeightCorrection) -> WeightTensor {
        var result = self
        result.corrections.append(correction)
        return result
    }

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
        guard !corrections.isEmpty else { return storedFloats(range) }
        var all = storedFloats(0 ..< count)
        for correction in corrections { correction.apply(to: &all) }
        return range == 0 ..< count ? all : Array(all[range])
    }

    /// All elements as floats, in row-major order, that many at a time (the last time what is left). Corrections are
    /// applied once, to the whole.
    /// - Parameter size: a multiple of a block's length.
    public func forEachPiece(of size: Int, _ body: ([Float]) throws -> Void) rethrows {
        let whole = corrections.isEmpty ? nil : floats()
        for start in stride(from: 0, to: count, by: size) {
            let range = start ..< min(count, start + size)
            try body(whole.map { Array($0[range]) } ?? floats(range))
        }
    }

    /// Whether all elements are finite numbers.
    public var isFinite: Bool {
        var result = true
        // Blocks of each type divide the size.
        forEachPiece(of: 1 << 20) { piece in result = result && piece.allSatisfy(\.isFinite) }
        return result
    }

    /// The elements without the corrections.
    private func storedFloats(_ range: Range<Int>) -> [Float] {
        guard !range.isEmpty else { return [] }
        let length = elementType.blockLength
        let blocks = range.lowerBound / length ..< (range.upperBound + length - 1) / length
        let values = unsafe [Float](unsafeUninitializedCapacity: blocks.count * length) { buffer, initialized in
            if let target = buffer.baseAddress, !blocks.isEmpty {
                unsafe convert(blocks: blocks, to: UnsafeMutableRawPointer(target), type: .float32)
            }
            initialized = blocks.count * length
        }
        let first = blocks.lowerBound * length
        guard first != range.lowerBound || values.count != range.count else { return values }
        return Array(values[range.lowerBound - first ..< range.upperBound - first])
    }

    /// Writes the elements of some blocks as `type`; a block is an element for plain types.
    func convert(blocks: Range<Int>, to target: UnsafeMutableRawPointer, type: Tensors.ElementType) {
        let kernels = unsafe ckernels_kernels()!
        let source = unsafe bytes.baseAddress! + blocks.lowerBound * elementType.size
        guard let format = elementType.blockFormat else {
            unsafe kernels.pointee.convert(
                source, elementType.kernelType, target, type.kernelType, blocks.count)
            return
        }
        guard type != .float32 else {
            unsafe ckernels_dequantize(
                format, source, target.assumingMemoryBound(to: Float.self), blocks.count)
            return
        }
        // By way of f32, some at a time.
        let (length, size) = (elementType.blockLength, elementType.size)
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 4096) { values in
            let some = 4096 / length
            for start in stride(from: 0, to: blocks.count, by: some) {
                let count = min(some, blocks.count - start)
                unsafe ckernels_dequantize(format, source + start * size, values.baseAddress!, count)
                unsafe kernels.pointee.convert(
                    values.baseAddress!, CKERNELS_F32, target + start * length * type.size, type.kernelType,
                    count * length)
            }
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
