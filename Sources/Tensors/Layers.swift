internal import CKernels

/// The weights of one or several layers that share an input, as a product's right-hand side: kept as they lie in their
/// file until the first product needs them, then packed once into the layout it asks for.
public final class ProductWeights {
    let parts: [WeightTensor]
    /// Elements of all parts.
    let count: Int
    /// Whether the packed weights are the file's alone, and so of use to another run.
    private let isAsInFile: Bool
    private var packed: [Packed] = []

    /// `parts` are stacked along their first dimension (out channels).
    public init(_ parts: [WeightTensor]) {
        precondition(!parts.isEmpty, "a product needs weights")
        self.parts = parts
        count = parts.reduce(0) { $0 + $1.count }
        isAsInFile = parts.allSatisfy { part in part.corrections.allSatisfy { $0.isOfFile } }
    }

    /// Weights in a layout, in memory of our own or in a file of packed weights.
    @safe final class Packed {
        let weights: OpaquePointer
        let bytes: UnsafeRawBufferPointer
        /// Whether `bytes` are a file's, whose pages may leave memory.
        let isMapped: Bool
        /// Whether they stay in memory between products all the same.
        let isResident: Bool
        private let owner: AnyObject

        /// `bytes` live as long as `owner`.
        init(
            _ product: Product, bytes: UnsafeRawBufferPointer, isMapped: Bool, isResident: Bool, owner: AnyObject,
            name: String
        ) throws {
            var weights: OpaquePointer?
            let status = unsafe ckernels_weights_create(product.pointer, bytes.baseAddress, &weights)
            guard status == 0, let weights = unsafe weights else {
                throw ComputeError.refused("the layout of \(name)", status: status)
            }
            unsafe self.weights = unsafe weights
            unsafe self.bytes = unsafe bytes
            self.isMapped = isMapped
            self.isResident = isResident || !isMapped
            self.owner = owner
        }

        deinit { unsafe ckernels_weights_destroy(weights) }
    }

    /// Forgets the packed weights, but for what a file of packed weights is still to be written from.
    /// - Returns: the bytes that were resident.
    func releasePacked() -> Int {
        defer { packed.removeAll() }
        return packed.reduce(0) { unsafe $0 + ($1.isResident ? $1.bytes.count : 0) }
    }

    /// The weights in the layout of `product`: packed already, found in the file of packed weights, or packed now.
    func packed(for product: Product, compute: Compute) throws -> Packed {
        for candidate in packed where unsafe ckernels_weights_fit(candidate.weights, product.pointer) {
            return candidate
        }
        let name = parts.map(\.name).joined(separator: "+")
        let size = unsafe ckernels_product_weights_size(product.pointer)
        let key = PackedWeightFile.Key(name: name, layout: product.weightsLayout)
        let file = isAsInFile ? compute.packedWeightFile : nil
        let isResident = compute.residentWeights + size <= compute.weightMemory
        if let file, let bytes = unsafe file.bytes(key, size: size) {
            let found = try unsafe Packed(
                product, bytes: bytes, isMapped: true, isResident: isResident, owner: file, name: name)
            return remember(found, compute)
        }
        let plain = try compute.pool.block(bytes: count * compute.type.size)
        var offset = 0
        for part in parts {
            unsafe convert(part, to: plain.pointer + offset * compute.type.size, type: compute.type)
            offset += part.count
        }
        let spill = isResident && !compute.isMemoryShort ? nil : compute.spill(size: size)
        let block = try spill == nil ? compute.weightPool.block(bytes: size) : nil
        let target = unsafe spill?.bytes.baseAddress ?? block!.pointer
        let status = unsafe ckernels_weights_pack(product.pointer, plain.pointer, target)
        guard status == 0 else { throw ComputeError.refused("the layout of \(name)", status: status) }
        let made = try unsafe Packed(
            product, bytes: UnsafeRawBufferPointer(start: target, count: size), isMapped: spill != nil,
            isResident: isResident, owner: spill ?? block!, name: name)
        file?.add(made, key)
        for part in parts { part.dropPages() }
        return remember(made, compute)
    }

    private func remember(_ weights: Packed, _ compute: Compute) -> Packed {
        packed.append(weights)
        if weights.isResident { unsafe compute.residentWeights += weights.bytes.count }
        return weights
    }
}

/// Writes a file's elements as `type`, in parallel.
private func convert(_ tensor: WeightTensor, to target: UnsafeMutableRawPointer, type: ElementType) {
    if !tensor.corrections.isEmpty {
        // Corrected in f32 and rounded once.
        let values = tensor.floats()
        unsafe values.withUnsafeBufferPointer { values in
            unsafe ckernels_kernels()!.pointee.convert(
                values.baseAddress!, CKERNELS_F32, target, type.kernelType, values.count)
        }
        return
    }
    let length = tensor.elementType.blockLength
    parallelRanges(tensor.count / length, minimum: (1 << 16) / length) { _, blocks in
        unsafe tensor.convert(
            blocks: blocks, to: target + blocks.lowerBound * length * type.size, type: type)
    }
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
public struct Convolution {
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
public struct Linear {
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
public struct Normalization {
    public let scale: [Float]
    public let shift: [Float]
    public let epsilon: Float

    public init(scale: WeightTensor, shift: WeightTensor, epsilon: Float) {
        self.scale = scale.floats()
        self.shift = shift.floats()
        self.epsilon = epsilon
    }
}
