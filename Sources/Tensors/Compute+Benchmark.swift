internal import CKernels

extension Compute {
    /// A plain product of two 2048×2048 matrices in this element type, as fast as the library does it: what other
    /// figures of this machine are held against.
    /// - Returns: the seconds of each run after a first that is not counted, and the multiplications and additions of one.
    public func timePlainProduct(repeats: Int) throws -> (seconds: [Double], operations: Int) {
        let side = 2048
        let product = try Product(
            .linear(
                rows: side, inChannels: side, outChannels: side, type: type, bias: false, accumulate: false,
                quantized: false, activation: .none))
        let x = try tensor((0 ..< side * side).map { Float($0 % 17 - 8) / 8 }, shape: [side, side])
        let y = try empty([side, side])
        let packed = try block(bytes: unsafe ckernels_product_weights_size(product.pointer))
        var weights: OpaquePointer?
        var status = unsafe ckernels_weights_pack(product.pointer, x.pointer, packed.pointer)
        if status == 0 {
            status = unsafe ckernels_weights_create(product.pointer, packed.pointer, &weights)
        }
        guard status == 0 else { throw ComputeError.refused("\(product.shape)", status: status) }
        defer { unsafe ckernels_weights_destroy(weights) }
        let scratch = try block(bytes: product.scratchSize)
        let clock = ContinuousClock()
        let seconds = try (0 ... repeats).map { _ in
            let start = clock.now
            let status = unsafe ckernels_product_execute(
                product.pointer, x.pointer, weights, nil, y.pointer, scratch.pointer)
            guard status == 0 else { throw ComputeError.refused("\(product.shape)", status: status) }
            return (clock.now - start) / .seconds(1)
        }
        return (Array(seconds.dropFirst()), 2 * side * side * side)
    }
}
