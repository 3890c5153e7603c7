internal import CKernels
public import PlainText

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
public enum ComputeError: Error, Worded {
    /// `status` is oneDNN's `dnnl_status_t`.
    case product(String, status: Int32)
    /// oneDNN cannot be loaded, with the loader's reason.
    case libraryMissing(String)
    /// Bytes that could not be had; 0 where the library does not say how many.
    case outOfMemory(bytes: Int)

    /// oneDNN's `dnnl_out_of_memory`.
    private static let outOfMemoryStatus: Int32 = 1

    static func refused(_ what: String, status: Int32) -> ComputeError {
        switch status {
        case outOfMemoryStatus: .outOfMemory(bytes: 0)
        case Int32(CKERNELS_NO_LIBRARY): .libraryMissing(unsafe String(cString: ckernels_library_error()))
        default: .product(what, status: status)
        }
    }

    public var sentence: Sentence {
        switch self {
        case .product(let what, let status): "the compute library refused \(what) (status \(status))"
        case .libraryMissing(let reason):
            "the library oneDNN cannot be loaded (\(reason)); the package libdnnl2 has it, or libdnnl3"
        case .outOfMemory(let bytes):
            "there is not enough memory"
                + (bytes > 0 ? ": \(max(1, bytes >> 20)) MiB more could not be had" : "")
                + "; " + MemoryAdvice.clause
        }
    }
}
