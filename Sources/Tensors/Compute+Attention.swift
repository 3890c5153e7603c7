internal import CKernels
internal import Parallel
internal import Synchronization

/// Some columns of a tensor `[batch, tokens, channels]`: the queries, keys or values of all heads, side by side.
public struct AttentionOperand {
    let tensor: Tensor
    let offset: Int

    /// Columns from `offset` on.
    public init(_ tensor: Tensor, offset: Int = 0) {
        self.tensor = tensor
        self.offset = offset
    }
}

extension Compute {
    /// softmax(q kᵀ · scale) v for each head (Vaswani et al. 2017), as `[batch, queries, heads · headDimension]`.
    /// - Parameters:
    ///   - keys: of as many entries as the queries, or of fewer that divide them: query entry e of n times as many sees
    ///     key entry e / n. Values alike.
    ///   - causal: query i sees keys 0...i only.
    public func attention(
        queries q: AttentionOperand, keys k: AttentionOperand, values v: AttentionOperand, heads: Int,
        headDimension: Int, scale: Float, causal: Bool = false
    ) throws -> Tensor {
        let batch = q.tensor.shape[0]
        let queryCount = q.tensor.shape[1]
        let keyCount = k.tensor.shape[1]
        precondition(
            batch % k.tensor.shape[0] == 0 && v.tensor.shape[0] == k.tensor.shape[0], "attention over unequal batches")
        let queriesOfKeys = batch / k.tensor.shape[0]
        let y = try empty([batch, queryCount, heads * headDimension])
        operations += 4 * y.count * keyCount
        var shape = ckernels_attention_shape(
            queries: Int64(queryCount), keys: Int64(keyCount), head_dim: Int64(headDimension),
            q_stride: Int64(q.tensor.channels), k_stride: Int64(k.tensor.channels), v_stride: Int64(v.tensor.channels),
            y_stride: Int64(y.channels), scale: scale, causal: causal, type: type.kernelType)
        let scratchSize = unsafe ckernels_attention_scratch_size(&shape)

        // Every item packs its head's keys anew, so heads are split only when there are too few for the threads.
        let pairs = batch * heads
        let chunks = max(1, min(queryCount / 128, (2 * Self.threads + pairs - 1) / pairs))
        let scratch = try block(bytes: scratchSize * pairs * chunks)
        let elementSize = type.size
        let constant = shape
        func start(_ operand: AttentionOperand, _ entry: Int, _ head: Int) -> UnsafeMutableRawPointer {
            let row = entry * operand.tensor.shape[1] * operand.tensor.channels
            return unsafe operand.tensor.pointer + (row + operand.offset + head * headDimension) * elementSize
        }
        let clock = ContinuousClock()
        let began = clock.now
        let refused = Atomic<Int32>(0)
        parallel(pairs * chunks) { item in
            let (pair, chunk) = (item / chunks, item % chunks)
            let (entry, head) = (pair / heads, pair % heads)
            let first = queryCount * chunk / chunks
            let end = queryCount * (chunk + 1) / chunks
            var shape = constant
            let status = unsafe ckernels_attention(
                &shape, start(q, entry, head), start(k, entry / queriesOfKeys, head),
                start(v, entry / queriesOfKeys, head),
                start(AttentionOperand(y), entry, head), Int64(first), Int64(end - first),
                scratch.pointer + item * scratchSize)
            if status != 0 { refused.store(status, ordering: .relaxed) }
        }
        attentionSeconds += (clock.now - began) / .seconds(1)
        let status = refused.load(ordering: .relaxed)
        guard status == 0 else { throw ComputeError.refused("attention", status: status) }
        return y
    }
}
