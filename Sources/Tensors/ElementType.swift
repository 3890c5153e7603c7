internal import CKernels

/// What a tensor's elements are, and with it the arithmetic of everything that touches it.
public enum ElementType: String, Sendable {
    case float32
    /// The upper half of a float32; sums are kept in float32.
    case bfloat16

    /// Bytes an element.
    public var size: Int { self == .float32 ? 4 : 2 }

    var kernelType: ckernels_type { self == .float32 ? CKERNELS_F32 : CKERNELS_BF16 }
}

/// What oneDNN refused, with the operation it was asked for.
public enum ComputeError: Error, CustomStringConvertible {
    /// `status` is oneDNN's `dnnl_status_t`.
    case product(String, status: Int32)
    case outOfMemory(bytes: Int)

    public var description: String {
        switch self {
        case .product(let what, let status): "the compute library refused \(what) (status \(status))"
        case .outOfMemory(let bytes):
            "there is not enough memory: \(max(1, bytes >> 20)) MiB more could not be had; a smaller picture or a smaller --max-memory helps"
        }
    }
}
