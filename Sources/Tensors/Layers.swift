internal import CKernels
internal import Synchronization

/// The weights of one or several layers that share an input, as a product's right-hand side: a value, which says where
/// they lie. The packed forms are the store's.
struct ProductWeights: Sendable {
    /// Stacked along their first dimension (out channels).
    let parts: [WeightTensor]
    /// Elements of all parts.
    let count: Int
    /// Whether the packed weights are the file's alone, and so of use to another run.
    let isAsInFile: Bool
    /// Tells them from all others that were ever made here; copies have it too.
    let number: Int

    private static let made = Atomic<Int>(0)

    init(_ parts: [WeightTensor]) {
        precondition(!parts.isEmpty, "a product needs weights")
        self.parts = parts
        count = parts.reduce(0) { $0 + $1.count }
        isAsInFile = parts.allSatisfy { part in part.corrections.allSatisfy { $0.isOfFile } }
        number = Self.made.add(1, ordering: .relaxed).newValue
    }

    /// The tensors' names.
    var name: String { parts.map(\.name).joined(separator: "+") }
}

extension WeightTensor.ElementType {
    /// Traps for types that are converted first.
    var kernelType: ckernels_type {
        switch self {
        case .float32: CKERNELS_F32
        case .float16: CKERNELS_F16
        case .bfloat16: CKERNELS_BF16
        default: preconditionFailure("\(rawValue) is not a type of single elements")
        }
    }

    /// `nil` for a type that kernels read as it is.
    var blockFormat: ckernels_block_format? {
        switch self {
        case .float32, .float16, .bfloat16: nil
        case .q40: CKERNELS_Q4_0
        case .q41: CKERNELS_Q4_1
        case .q50: CKERNELS_Q5_0
        case .q51: CKERNELS_Q5_1
        case .q80: CKERNELS_Q8_0
        case .q2K: CKERNELS_Q2_K
        case .q3K: CKERNELS_Q3_K
        case .q4K: CKERNELS_Q4_K
        case .q5K: CKERNELS_Q5_K
        case .q6K: CKERNELS_Q6_K
        case .float8E4M3: CKERNELS_F8_E4M3
        case .float8E5M2: CKERNELS_F8_E5M2
        case .float64: CKERNELS_F64
        }
    }
}

/// What a layer's products are computed in.
public enum ProductArithmetic: Sendable {
    /// The tensors' element type, sums in f32.
    case likeTensors
    /// 8 bits, sums in 32: inputs are quantised by their rows (pixels, or what lies under the kernel) as they come,
    /// weights by their out channels when packed.
    case int8
}

/// A convolution with a square kernel. Weights `[out, in, kernel, kernel]`, bias `[out]`.
public struct Convolution: Sendable {
    public let inChannels: Int
    public let outChannels: Int
    public let kernel: Int
    public let stride: Int
    /// Rows and columns of zeros before and after the picture.
    public let padding: (begin: Int, end: Int)
    let arithmetic: ProductArithmetic
    let weights: ProductWeights
    let bias: [Float]

    /// Traps unless the weights have four dimensions and a square kernel; the loader checks that first.
    public init(
        weights: WeightTensor, bias: WeightTensor?, stride: Int = 1, padding: (begin: Int, end: Int),
        arithmetic: ProductArithmetic = .likeTensors
    ) {
        precondition(weights.shape.count == 4 && weights.shape[2] == weights.shape[3], "not a square convolution")
        outChannels = weights.shape[0]
        inChannels = weights.shape[1]
        kernel = weights.shape[2]
        self.stride = stride
        self.padding = padding
        self.arithmetic = arithmetic
        self.weights = ProductWeights([weights])
        self.bias = bias.map { $0.floats() } ?? [Float](repeating: 0, count: outChannels)
    }
}

/// y = x wᵀ + b. Weights `[out, in]` (a 1×1 convolution's `[out, in, 1, 1]` will do); several stacked layers that share
/// an input are one product.
public struct Linear: Sendable {
    public let inChannels: Int
    public let outChannels: Int
    let arithmetic: ProductArithmetic
    let weights: ProductWeights
    let bias: [Float]?

    /// Traps if the parts do not share their input size; the loader checks that first.
    public init(
        _ parts: [(weights: WeightTensor, bias: WeightTensor?)], arithmetic: ProductArithmetic = .likeTensors
    ) {
        inChannels = parts[0].weights.shape[1]
        precondition(
            parts.allSatisfy { $0.weights.shape[1] == parts[0].weights.shape[1] }, "stacked layers share an input")
        outChannels = parts.reduce(0) { $0 + $1.weights.shape[0] }
        self.arithmetic = arithmetic
        weights = ProductWeights(parts.map(\.weights))
        bias =
            parts.contains { $0.bias != nil }
            ? parts.flatMap { part in
                part.bias.map { $0.floats() } ?? [Float](repeating: 0, count: part.weights.shape[0])
            } : nil
    }

    public init(weights: WeightTensor, bias: WeightTensor?, arithmetic: ProductArithmetic = .likeTensors) {
        self.init([(weights, bias)], arithmetic: arithmetic)
    }
}

/// Normalisation with a learned scale and shift a channel.
public struct Normalization: Sendable {
    public let scale: [Float]
    public let shift: [Float]
    public let epsilon: Float

    public init(scale: WeightTensor, shift: WeightTensor, epsilon: Float) {
        self.scale = scale.floats()
        self.shift = shift.floats()
        self.epsilon = epsilon
    }
}
