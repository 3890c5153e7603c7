internal import CKernels

/// Weights in one layout, in memory of the store's own, in a file of packed weights, or in one without a name.
@safe final class PackedWeights {
    let weights: OpaquePointer
    let bytes: UnsafeRawBufferPointer
    /// Whether `bytes` are a file's, whose pages may leave memory.
    let isMapped: Bool
    /// Whether they stay in memory between products; those that are not mapped cannot but stay.
    var isResident: Bool
    /// The `Compute`s that use them.
    var users: Set<Int> = []
    /// When they were used last, as the store counts.
    var lastUse = 0
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

    var size: Int { unsafe bytes.count }

    func fits(_ product: Product) -> Bool { unsafe ckernels_weights_fit(weights, product.pointer) }

    func dropPages() { if isMapped { unsafe Tensors.dropPages(bytes) } }
}
