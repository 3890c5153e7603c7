internal import CKernels
internal import Parallel

extension Compute {
    /// GroupNorm (Wu and He 2018) over `[batch, height, width, channels]`, then SiLU if asked.
    /// - Parameter channelShifts: what is added to the channels before, `[n][channels]`: the first for the first
    ///   `batch / n` entries, and so on; empty for nothing. Costs nothing, as a shift only moves the sums.
    public func groupNorm(
        _ x: Tensor, _ norm: Normalization, groups: Int, silu: Bool, adding channelShifts: [[Float]] = []
    ) throws -> Tensor {
        let batch = x.shape[0]
        let channels = x.channels
        let pixels = x.rows / batch
        precondition(channels == norm.scale.count && channels % groups == 0, "GroupNorm does not fit \(x.shape)")
        precondition(
            channelShifts.allSatisfy { $0.count == channels }
                && (channelShifts.isEmpty || batch % channelShifts.count == 0),
            "channel shifts do not fit \(x.shape)")
        let y = try empty(x.shape)
        let kernels = unsafe kernels
        let minimum = Self.pixelsOfAPart(channels: channels)
        let elementSize = type.size
        let kernelType = type.kernelType
        let statistics = try statistics(of: x)
        for entry in 0 ..< batch {
            let from = unsafe x.pointer + entry * pixels * channels * elementSize
            let to = unsafe y.pointer + entry * pixels * channels * elementSize
            let (scale, shift) = Self.groupScale(
                statistics.sums[entry], pixels: statistics.pixels, channels: channels, groups: groups, norm: norm,
                channelShift: channelShifts.isEmpty ? nil : channelShifts[entry * channelShifts.count / batch])
            unsafe scale.withUnsafeBufferPointer { scale in
                unsafe shift.withUnsafeBufferPointer { shift in
                    let scale = scale.baseAddress!
                    let shift = shift.baseAddress!
                    parallelRanges(pixels, minimum: minimum) { _, range in
                        let offset = range.lowerBound * channels * elementSize
                        unsafe kernels.pointee.scale_shift(
                            from + offset, to + offset, kernelType, range.count, channels, scale, shift, silu)
                    }
                }
            }
        }
        return y
    }

    private static func pixelsOfAPart(channels: Int) -> Int { max(16, 16384 / channels) }

    /// Σx and Σx² of the channels of one entry of a batch: `[parts][2][channels]`.
    func channelSums(of x: Tensor, entry: Int) -> [Double] {
        let channels = x.channels
        let pixels = x.rows / x.shape[0]
        let minimum = Self.pixelsOfAPart(channels: channels)
        let kernels = unsafe kernels
        let elementSize = type.size
        let kernelType = type.kernelType
        let from = unsafe x.pointer + entry * pixels * channels * elementSize
        var sums = [Double](repeating: 0, count: partCount(pixels, minimum: minimum) * 2 * channels)
        unsafe sums.withUnsafeMutableBufferPointer { sums in
            let sums = sums.baseAddress!
            parallelRanges(pixels, minimum: minimum) { part, range in
                unsafe kernels.pointee.channel_sums(
                    from + range.lowerBound * channels * elementSize, kernelType, range.count, channels,
                    sums + part * 2 * channels, sums + part * 2 * channels + channels)
            }
        }
        return sums
    }

    /// GroupNorm as one multiplication and one addition a channel. `sums`: `[parts][Σx, Σx²][channels]`.
    private static func groupScale(
        _ sums: [Double], pixels: Int, channels: Int, groups: Int, norm: Normalization, channelShift: [Float]?
    ) -> (scale: [Float], shift: [Float]) {
        let parts = sums.count / (2 * channels)
        var scale = [Float](repeating: 0, count: channels)
        var shift = scale
        let width = channels / groups
        for group in 0 ..< groups {
            let members = group * width ..< (group + 1) * width
            var sum = 0.0
            var squares = 0.0
            for part in 0 ..< parts {
                for channel in members {
                    sum += sums[part * 2 * channels + channel]
                    squares += sums[part * 2 * channels + channels + channel]
                }
            }
            // Σ(x + s) = Σx + ns, Σ(x + s)² = Σx² + 2sΣx + ns².
            if let channelShift {
                for channel in members {
                    let added = Double(channelShift[channel])
                    let before = (0 ..< parts).reduce(0.0) { $0 + sums[$1 * 2 * channels + channel] }
                    sum += Double(pixels) * added
                    squares += added * (2 * before + Double(pixels) * added)
                }
            }
            let count = Double(pixels * width)
            let mean = sum / count
            let variance = max(0, squares / count - mean * mean)
            let inverse = 1 / (variance + Double(norm.epsilon)).squareRoot()
            for channel in members {
                let factor = Double(norm.scale[channel]) * inverse
                scale[channel] = Float(factor)
                let centre = mean - Double(channelShift?[channel] ?? 0)
                shift[channel] = Float(Double(norm.shift[channel]) - centre * factor)
            }
        }
        return (scale, shift)
    }

    /// LayerNorm over the last dimension.
    public func layerNorm(_ x: Tensor, _ norm: Normalization) throws -> Tensor {
        let channels = x.channels
        precondition(channels == norm.scale.count, "LayerNorm does not fit \(x.shape)")
        let y = try empty(x.shape)
        let kernels = unsafe kernels
        let elementSize = type.size
        let kernelType = type.kernelType
        unsafe norm.scale.withUnsafeBufferPointer { scale in
            unsafe norm.shift.withUnsafeBufferPointer { shift in
                let scale = scale.baseAddress!
                let shift = shift.baseAddress!
                parallelRanges(x.rows, minimum: max(1, 16384 / channels)) { _, range in
                    let offset = range.lowerBound * channels * elementSize
                    unsafe kernels.pointee.layer_norm(
                        x.pointer + offset, y.pointer + offset, kernelType, range.count, channels, scale, shift,
                        norm.epsilon)
                }
            }
        }
        return y
    }

    /// x[…, ..<n] · gelu(x[…, n...]) for a last dimension of 2n (Shazeer 2020).
    public func geglu(_ x: Tensor) throws -> Tensor {
        let channels = x.channels / 2
        let y = try empty(Array(x.shape.dropLast()) + [channels])
        let kernels = unsafe kernels
        let elementSize = type.size
        let kernelType = type.kernelType
        parallelRanges(x.rows, minimum: max(1, 8192 / channels)) { _, range in
            unsafe kernels.pointee.geglu(
                x.pointer + range.lowerBound * 2 * channels * elementSize,
                y.pointer + range.lowerBound * channels * elementSize, kernelType, range.count, channels)
        }
        return y
    }

    /// The activation of every element.
    public func activate(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        let y = try empty(x.shape)
        let kernels = unsafe kernels
        let elementSize = type.size
        let kernelType = type.kernelType
        let kernelActivation = activation.kernelActivation
        parallelRanges(x.count, minimum: 1 << 14) { _, range in
            let offset = range.lowerBound * elementSize
            unsafe kernels.pointee.activate(
                x.pointer + offset, y.pointer + offset, kernelType, range.count, kernelActivation)
        }
        return y
    }
}
