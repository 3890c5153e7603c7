extension Compute {
    /// `[batch, height, width, channels]` to that size by repeating the nearest pixel, as PyTorch's `nearest` does:
    /// row y takes source row ⌊y · height / newHeight⌋.
    public func resizeNearest(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        let (batch, oldHeight, oldWidth, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let y = try empty([batch, height, width, channels])
        let pixel = channels * type.size
        let columns = (0 ..< width).map { $0 * oldWidth / width }
        parallelRanges(batch * height, minimum: max(1, (1 << 15) / (width * channels))) { _, range in
            for row in range {
                let (entry, line) = (row / height, row % height)
                let from = unsafe x.pointer + (entry * oldHeight + line * oldHeight / height) * oldWidth * pixel
                let to = unsafe y.pointer + row * width * pixel
                for column in 0 ..< width {
                    unsafe (to + column * pixel).copyMemory(from: from + columns[column] * pixel, byteCount: pixel)
                }
            }
        }
        return y
    }

    /// Tensors of the same rows side by side: `[…, a]` and `[…, b]` to `[…, a + b]`.
    public func concatenate(_ parts: [Tensor]) throws -> Tensor {
        let rows = parts[0].rows
        precondition(parts.allSatisfy { $0.rows == rows }, "cannot concatenate \(parts.map(\.shape))")
        let channels = parts.reduce(0) { $0 + $1.channels }
        let y = try empty(Array(parts[0].shape.dropLast()) + [channels])
        let elementSize = type.size
        parallelRanges(rows, minimum: max(1, (1 << 15) / channels)) { _, range in
            for row in range {
                var to = unsafe y.pointer + row * channels * elementSize
                for part in parts {
                    let bytes = part.channels * elementSize
                    unsafe to.copyMemory(from: part.pointer + row * bytes, byteCount: bytes)
                    unsafe to += bytes
                }
            }
        }
        return y
    }

    /// `batch` copies of a tensor whose first dimension is 1; a tensor that has that batch already is returned as it is.
    public func repeated(_ x: Tensor, batch: Int) throws -> Tensor {
        guard x.shape[0] != batch else { return x }
        precondition(x.shape[0] == 1, "cannot repeat \(x.shape)")
        return try stack([Tensor](repeating: x, count: batch))
    }

    /// Tensors one after the other along the first dimension; the others must agree.
    public func stack(_ parts: [Tensor]) throws -> Tensor {
        precondition(parts.allSatisfy { $0.shape.dropFirst() == parts[0].shape.dropFirst() }, "cannot stack")
        let y = try empty([parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst())
        var to = unsafe y.pointer
        for part in parts {
            unsafe to.copyMemory(from: part.pointer, byteCount: part.count * type.size)
            unsafe to += part.count * type.size
        }
        return y
    }
}
