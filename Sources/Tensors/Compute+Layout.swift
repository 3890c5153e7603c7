internal import Parallel

extension Compute {
    /// `[batch, height, width, channels]` to that size by repeating the nearest pixel, as PyTorch's `nearest` does:
    /// row y takes source row ⌊y · height / newHeight⌋.
    public func resizeNearest(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        let (batch, oldHeight, oldWidth, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let (rows, columns) = resizedPixels(from: (oldHeight, oldWidth), to: (height, width))
        let (height, width) = (rows.count, columns.count)
        let y = try empty([batch, height, width, channels])
        let pixel = channels * type.size
        parallelRanges(batch * height, minimum: max(1, (1 << 15) / (width * channels))) { _, range in
            for row in range {
                let (entry, line) = (row / height, row % height)
                let from = unsafe x.pointer + (entry * oldHeight + rows[line]) * oldWidth * pixel
                let to = unsafe y.pointer + row * width * pixel
                for column in 0 ..< width {
                    unsafe (to + column * pixel).copyMemory(from: from + columns[column] * pixel, byteCount: pixel)
                }
            }
        }
        return y
    }

    /// Which row and column of the old map each of the new one takes: of their windows, where only those are computed.
    private func resizedPixels(
        from old: (height: Int, width: Int), to new: (height: Int, width: Int)
    ) -> (rows: [Int], columns: [Int]) {
        switch mapScope {
        case .recording(let known):
            let (from, to) = (known.place, known.place(height: new.height, width: new.width))
            known.entries.append(.resized(from: from, to: to))
            known.place = to
        case .following(let known, let next):
            guard case .resized(let from, let to) = nextKnown(known, next) else { preconditionFailure("not a resize") }
            known.place = to
            return (
                to.window.rows.map { $0 * from.height / to.height - from.window.rows.lowerBound },
                to.window.columns.map { $0 * from.width / to.width - from.window.columns.lowerBound }
            )
        case .whole: break
        }
        return (
            (0 ..< new.height).map { $0 * old.height / new.height },
            (0 ..< new.width).map { $0 * old.width / new.width }
        )
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

    /// A tensor after itself until its first dimension is `batch`; one that has that batch already is returned as it is.
    public func repeated(_ x: Tensor, batch: Int) throws -> Tensor {
        guard x.shape[0] != batch else { return x }
        precondition(batch % x.shape[0] == 0, "cannot repeat \(x.shape)")
        return try stack([Tensor](repeating: x, count: batch / x.shape[0]))
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
