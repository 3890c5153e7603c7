internal import CKernels
internal import CParallel
internal import Parallel
internal import Synchronization

/// Runs operations on tensors of one element type for one model: what it may take of memory and threads, and how its
/// feature maps are treated. What models share is the engine's.
///
/// Operations trap unless they run within `perform`, or another `Engine.run` of its engine; each uses all threads itself.
public final class Compute {
    public let type: ElementType
    public let engine: Engine
    /// `nil` for as many as all else uses.
    private let threads: Int?
    /// Names it among others, also after it is gone.
    let number: Int
    private static let made = Atomic<Int>(0)
    /// Where the packed forms of the layers are that ran here, by their weights' numbers.
    private(set) var slots: [Int: PackedStore.Slot] = [:]
    /// Where packed weights are looked for, and which remembers what is packed; `nil` keeps none between runs.
    public var packedWeightFile: PackedWeightFile?
    /// Bytes of activations above which unused memory is given back before more is asked for. What is in use at once can
    /// exceed it.
    public var activationMemory = Int.max
    /// Bytes of packed weights that may stay in memory between products. Those beyond leave it after each product and come
    /// back from their file, or from one without a name in `spillFolder`.
    public var weightMemory = Int.max
    /// Whether as little memory as can be should be taken: that of activations goes back to the system between the networks'
    /// turns, and all packed weights can leave memory.
    public var isMemoryShort = false
    /// A folder on disk for packed weights that are not in `packedWeightFile`, where `weightMemory` is limited.
    public var spillFolder: String?
    /// Whether packed weights may stay in memory between products, as far as `weightMemory` goes.
    private var keepsWeights = true
    /// How feature maps are treated (`KnownActivations`).
    var mapScope = MapScope.whole
    /// Multiplications and additions of all products so far, attention's included, as their definitions count them.
    public internal(set) var operations = 0
    /// Seconds spent inside attention so far.
    public internal(set) var attentionSeconds = 0.0

    /// - Parameter threads: how many `perform` uses; `nil` for as many as all else, at first one for each processor that
    ///   the process may use.
    public init(type: ElementType, threads: Int? = nil, engine: Engine = .shared) {
        self.type = type
        self.threads = threads
        self.engine = engine
        number = Self.made.add(1, ordering: .relaxed).newValue
    }

    deinit {
        // What it holds of packed weights first, so that the store finds itself their only owner.
        packedWeightFile = nil
        slots = [:]
        engine.post { [number] resources in
            resources.store.release(user: number)
            resources.users.remove(number)
            if resources.users.isEmpty { resources.activations.drain() }
        }
    }

    /// Runs `body` on the engine's thread (`Engine.run`), with this model's threads and within its limits.
    /// - Throws: what `body` throws, or `ComputeError.outOfMemory`.
    public func perform<Result>(_ body: () throws -> Result) throws -> Result {
        let isFirst = !engine.isCurrent
        return try engine.run(threads: threads) {
            guard isFirst else { return try body() }
            engine.resources.users.insert(number)
            engine.resources.store.keep(to: terms)
            defer { if pool.kept > Self.keptBetweenTurns { pool.drain() } }
            return try body()
        }
    }

    /// Whether products in 8 bits run natively on this CPU.
    public static var hasNativeInt8: Bool { ckernels_has_vnni() }
    /// Whether products in bfloat16 run natively on this CPU.
    public static var hasNativeBFloat16: Bool { ckernels_has_native_bf16() }
    /// Whether products of that element type can be computed here at all: oneDNN has none in bf16 without AVX-512.
    public static func canMultiply(_ type: ElementType, on engine: Engine = .shared) -> Bool {
        let shape = Product.Shape.linear(
            rows: 16, inChannels: 16, outChannels: 16, type: type, bias: false, accumulate: false, quantized: false,
            activation: .none)
        do { try engine.run { _ = try Product(shape) } } catch ComputeError.outOfMemory {
            // That says nothing of the processor; whatever is computed will say it again.
            return true
        } catch { return false }
        return true
    }
    /// The instruction set that our own kernels use here, such as `avx512-bf16`.
    public static var instructionSet: String { unsafe String(cString: ckernels_isa_name(ckernels_current_isa())) }
    /// Version of the oneDNN library in use.
    public static var libraryVersion: String {
        var numbers = [Int32](repeating: 0, count: 3)
        unsafe ckernels_onednn_version(&numbers)
        return numbers.map(String.init).joined(separator: ".")
    }
    /// How many threads operations use.
    public static var threads: Int { Int(parallel_threads()) }

    var kernels: UnsafePointer<ckernels_table> { unsafe ckernels_kernels() }

    /// Where activations live.
    private var pool: MemoryPool { engine.resources.activations }

    /// Memory for activations or for a moment.
    func block(bytes: Int) throws -> Block { try pool.block(bytes: bytes, limit: activationMemory) }

    /// A tensor with undefined content. Every operation begins with one, and so throws where the work is cancelled.
    func empty(_ shape: [Int]) throws -> Tensor {
        try Cancellation.check()
        return Tensor(shape: shape, type: type, block: try block(bytes: shape.reduce(1, *) * type.size))
    }

    func product(_ shape: Product.Shape) throws -> Product { try engine.resources.primitives.product(shape) }

    // MARK: Memory

    /// Activations' memory that one network's turn leaves to the next.
    private static let keptBetweenTurns = 512 << 20

    /// Gives the pages of weights in files back to the system, and the memory of activations that nothing uses, where that is
    /// more than the next turn may want: before another network's turn. The pages come back as they are used.
    public func releaseUnused() {
        if isMemoryShort || pool.kept > Self.keptBetweenTurns { pool.drain() }
        engine.resources.store.dropMappedPages(user: number)
    }

    /// Runs a network that has few turns: where memory is limited, its weights take no room between products.
    public func withoutResidentWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = keepsWeights
        keepsWeights = false
        defer { keepsWeights = before }
        return try body()
    }

    /// Gives the memory of these layers' packed weights back, as far as no other model uses them. They are packed, or
    /// mapped, anew when next needed.
    public func releaseWeights(of layers: [Linear]) {
        engine.resources.store.release(layers.compactMap { slots[$0.weights.number] }, user: number)
    }

    private var terms: PackedStore.Terms {
        PackedStore.Terms(
            user: number, budget: weightMemory, mayStay: keepsWeights || weightMemory == .max,
            isMemoryShort: isMemoryShort, file: packedWeightFile, spillFolder: weightMemory < .max ? spillFolder : nil)
    }

    private func packed(_ weights: ProductWeights, for product: Product) throws -> PackedWeights {
        let store = engine.resources.store
        let slot = slots[weights.number] ?? store.slot(of: weights, type: type, user: number)
        slots[weights.number] = slot
        return try store.weights(weights, in: slot, for: product, type: type, terms: terms, scratch: block)
    }

    // MARK: In and out

    /// A tensor of those values.
    public func tensor(_ values: [Float], shape: [Int]) throws -> Tensor {
        precondition(values.count == shape.reduce(1, *), "value count does not fit \(shape)")
        let result = try empty(shape)
        unsafe values.withUnsafeBufferPointer { buffer in
            unsafe kernels.pointee.convert(
                buffer.baseAddress!, CKERNELS_F32, result.pointer, type.kernelType, values.count)
        }
        return result
    }

    /// The values of a tensor.
    public func floats(_ tensor: Tensor) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: tensor.count) { buffer, initialized in
            unsafe kernels.pointee.convert(
                tensor.pointer, tensor.type.kernelType, buffer.baseAddress!, CKERNELS_F32, tensor.count)
            initialized = tensor.count
        }
    }

    // MARK: Products

    /// The convolution of `[batch, height, width, in]`; to `[batch, height', width', out]`.
    /// - Parameters:
    ///   - channelShift: added to the bias, `out` values: a timestep's embedding.
    ///   - residual: added to the result; consumed when nobody else holds it.
    public func convolution(
        _ x: Tensor, _ layer: Convolution, channelShift: [Float]? = nil, adding residual: consuming Tensor? = nil
    ) throws -> Tensor {
        precondition(
            x.shape.count == 4 && x.channels == layer.inChannels, "\(x.shape) into \(layer.inChannels) channels")
        let accumulate = residual != nil
        let (x, known) = try convolutionInput(x, layer)
        let product = try product(
            .convolution(
                batch: x.shape[0], height: x.shape[1], width: x.shape[2], inChannels: layer.inChannels,
                outChannels: layer.outChannels, kernel: layer.kernel, stride: layer.stride,
                padBegin: layer.padding.begin, padEnd: layer.padding.end, type: type, accumulate: accumulate,
                quantized: layer.arithmetic == .int8))
        let extent = layer.padding.begin + layer.padding.end - layer.kernel
        let shape = [
            x.shape[0], (x.shape[1] + extent) / layer.stride + 1, (x.shape[2] + extent) / layer.stride + 1,
            layer.outChannels,
        ]
        let y = try accumulate ? writable(&residual) : empty(shape)
        precondition(y.shape == shape, "residual \(y.shape) does not fit \(shape)")
        var bias = layer.bias
        if let channelShift {
            precondition(channelShift.count == bias.count, "channel shift does not fit")
            for index in bias.indices { bias[index] += channelShift[index] }
        }
        try run(product, x, layer.weights, bias, y)
        operations += 2 * y.count * layer.inChannels * layer.kernel * layer.kernel
        try finishConvolution(x, y, layer, entry: known)
        return y
    }

    /// `[…, in]` to `[…, out]`; `residual` as for convolutions. A layer in 8 bits takes no activation.
    public func linear(
        _ x: Tensor, _ layer: Linear, activation: Activation = .none, adding residual: consuming Tensor? = nil
    ) throws -> Tensor {
        precondition(x.channels == layer.inChannels, "\(x.shape) into \(layer.inChannels) channels")
        let accumulate = residual != nil
        let product = try product(
            .linear(
                rows: x.rows, inChannels: layer.inChannels, outChannels: layer.outChannels, type: type,
                bias: layer.bias != nil, accumulate: accumulate, quantized: layer.arithmetic == .int8,
                activation: activation))
        let shape = Array(x.shape.dropLast()) + [layer.outChannels]
        let y = try accumulate ? writable(&residual) : empty(shape)
        precondition(y.count == shape.reduce(1, *), "residual \(y.shape) does not fit \(shape)")
        try run(product, x, layer.weights, layer.bias, y)
        operations += 2 * y.count * layer.inChannels
        return y.reshaped(shape)
    }

    private func run(_ product: Product, _ x: Tensor, _ weights: ProductWeights, _ bias: [Float]?, _ y: Tensor) throws {
        let packed = try packed(weights, for: product)
        defer { if !packed.isResident { packed.dropPages() } }
        let scratch = try block(bytes: product.scratchSize)
        let status = unsafe (bias ?? []).withUnsafeBufferPointer { bias in
            unsafe ckernels_product_execute(
                product.pointer, x.pointer, packed.weights, bias.baseAddress, y.pointer, scratch.pointer)
        }
        guard status == 0 else { throw ComputeError.refused("\(product.shape)", status: status) }
    }

    /// The tensor, for an operation that adds to it: itself where nothing else holds it, else a copy.
    private func writable(_ tensor: inout Tensor?) throws -> Tensor {
        // In place: a second reference here would be one that shares it.
        if tensor!.isUnshared() { return tensor! }
        let x = tensor!
        let y = try empty(x.shape)
        let size = type.size
        parallelRanges(x.count, minimum: 1 << 18) { _, range in
            unsafe (y.pointer + range.lowerBound * size).copyMemory(
                from: x.pointer + range.lowerBound * size, byteCount: range.count * size)
        }
        return y
    }
}

/// Applied to each element.
public enum Activation: Hashable, Sendable {
    case none
    /// x · sigmoid(x)
    case silu
    /// x · sigmoid(1.702 x)
    case quickGELU
    /// x · Φ(x)
    case gelu
    /// max(x, 0)
    case relu

    var kernelActivation: ckernels_activation {
        switch self {
        case .none: CKERNELS_NONE
        case .silu: CKERNELS_SILU
        case .quickGELU: CKERNELS_QUICK_GELU
        case .gelu: CKERNELS_GELU
        case .relu: CKERNELS_RELU
        }
    }
}
