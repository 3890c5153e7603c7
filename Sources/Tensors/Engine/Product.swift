internal import CKernels

/// A convolution or matrix product of one shape, prepared by oneDNN or our own kernels.
@safe final class Product {
    enum Shape: Hashable {
        case convolution(
            batch: Int, height: Int, width: Int, inChannels: Int, outChannels: Int, kernel: Int, stride: Int,
            padBegin: Int, padEnd: Int, type: ElementType, accumulate: Bool, quantized: Bool)
        case linear(
            rows: Int, inChannels: Int, outChannels: Int, type: ElementType, bias: Bool, accumulate: Bool,
            quantized: Bool, activation: Activation)
    }

    let shape: Shape
    let pointer: OpaquePointer
    let scratchSize: Int
    /// About how many bytes of memory it takes: oneDNN's code and descriptions, without scratch and weights, which the
    /// caller brings. What 400 each of oneDNN's took (docs/decisions/engine.md); our own kernels need no preparation.
    let estimatedBytes: Int

    init(_ shape: Shape) throws {
        var pointer: OpaquePointer?
        let status: Int32
        switch shape {
        case .convolution(
            let batch, let height, let width, let inChannels, let outChannels, let kernel, let stride, let padBegin,
            let padEnd, let type, let accumulate, let quantized):
            var request = ckernels_convolution_shape(
                batch: Int64(batch), height: Int64(height), width: Int64(width), in_channels: Int64(inChannels),
                out_channels: Int64(outChannels), kernel: Int64(kernel), stride: Int64(stride),
                pad_begin: Int64(padBegin), pad_end: Int64(padEnd), type: type.kernelType, bias: true,
                accumulate: accumulate, quantized: quantized)
            status = unsafe ckernels_convolution_create(&request, &pointer)
        case .linear(
            let rows, let inChannels, let outChannels, let type, let bias, let accumulate, let quantized,
            let activation):
            var request = ckernels_linear_shape(
                rows: Int64(rows), in_channels: Int64(inChannels), out_channels: Int64(outChannels),
                type: type.kernelType, bias: bias, accumulate: accumulate, quantized: quantized,
                activation: activation.kernelActivation)
            status = unsafe ckernels_linear_create(&request, &pointer)
        }
        guard status == 0, let pointer = unsafe pointer else { throw ComputeError.refused("\(shape)", status: status) }
        self.shape = shape
        unsafe self.pointer = unsafe pointer
        scratchSize = unsafe ckernels_product_scratch_size(pointer)
        let implementation = unsafe String(cString: ckernels_product_implementation(pointer))
        let isOwn = implementation.hasPrefix("winograd") || implementation.hasPrefix("direct:")
        if isOwn {
            estimatedBytes = 1 << 10
        } else if case .convolution = shape {
            estimatedBytes = 120_000
        } else {
            estimatedBytes = 90_000
        }
    }

    /// What runs it, such as `jit:avx512_core_bf16` or `winograd:avx512_bf16`.
    var implementation: String { unsafe String(cString: ckernels_product_implementation(pointer)) }

    /// Which layout its packed weights have (`ckernels_product_weights_layout`).
    var weightsLayout: UInt64 { unsafe ckernels_product_weights_layout(pointer) }

    deinit { unsafe ckernels_product_destroy(pointer) }
}
