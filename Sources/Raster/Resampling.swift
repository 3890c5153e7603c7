internal import Parallel

/// How values are interpolated when a picture changes size. Every filter is widened by the reduction factor, so that a
/// smaller picture is an average of the larger one rather than a selection from it.
public enum ResamplingFilter: Sendable, CaseIterable {
    /// Mean over each new pixel's footprint; nearest neighbour when enlarging by whole factors.
    case area
    /// Triangle of radius 1.
    case bilinear
    /// Lanczos windowed sinc of radius 3; overshoots at edges.
    case lanczos

    var radius: Float {
        switch self {
        case .area: 0.5
        case .bilinear: 1
        case .lanczos: 3
        }
    }

    func weight(_ x: Float) -> Float {
        let distance = abs(x)
        guard distance < radius else { return 0 }
        switch self {
        case .area: return 1
        case .bilinear: return 1 - distance
        case .lanczos:
            if distance < 1e-4 { return 1 }
            let angle = Float.pi * distance
            return 3 * sine(angle) * sine(angle / 3) / (angle * angle)
        }
    }

    /// Sine on 0…3π by its Taylor series after folding to −π/2…π/2, good to 1e-6; `Raster` imports no C library.
    private func sine(_ angle: Float) -> Float {
        let turns = (angle / .pi).rounded()
        let folded = Double(angle) - Double(turns) * .pi
        let square = folded * folded
        let series =
            folded * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))))
        return Float(Int(turns).isMultiple(of: 2) ? series : -series)
    }
}

extension Plane {
    /// This plane at another size; pixel centres are aligned (`align_corners=False`), edges are renormalised.
    public func resized(to newSize: PixelSize, filter: ResamplingFilter) -> Plane {
        Plane(size: newSize, values: resampled(values, of: size, channels: 1, to: newSize, filter: filter))
    }
}

extension RGBImage {
    /// This image at another size; pixel centres are aligned (`align_corners=False`), edges are renormalised.
    public func resized(to newSize: PixelSize, filter: ResamplingFilter) -> RGBImage {
        RGBImage(size: newSize, values: resampled(values, of: size, channels: 3, to: newSize, filter: filter))
    }
}

/// For each new position, the first old position that contributes and the contributions, which sum to 1.
private func contributions(from oldCount: Int, to newCount: Int, filter: ResamplingFilter) -> [(
    start: Int, weights: [Float]
)] {
    let scale = Float(oldCount) / Float(newCount)
    let widening = max(1, scale)
    let radius = filter.radius * widening
    return (0 ..< newCount).map { index in
        let center = (Float(index) + 0.5) * scale
        if filter == .area {
            // Exact overlap of the footprint with each old pixel.
            let low = Float(index) * scale
            let high = Float(index + 1) * scale
            if scale < 1 {
                return (min(oldCount - 1, Int(center)), [1])
            }
            let start = min(oldCount - 1, Int(low))
            let end = max(start + 1, min(oldCount, Int(high.rounded(.up))))
            let overlaps = (start ..< end).map { max(0, min(high, Float($0 + 1)) - max(low, Float($0))) }
            let total = overlaps.reduce(0, +)
            return (start, overlaps.map { $0 / total })
        }
        let start = max(0, Int((center - radius).rounded(.down)))
        let end = min(oldCount, Int((center + radius).rounded(.up)))
        let raw = (start ..< end).map { filter.weight((Float($0) + 0.5 - center) / widening) }
        let total = raw.reduce(0, +)
        return (start, raw.map { $0 / total })
    }
}

private func resampled(
    _ values: [Float], of size: PixelSize, channels: Int, to newSize: PixelSize, filter: ResamplingFilter
) -> [Float] {
    precondition(newSize.width > 0 && newSize.height > 0, "a picture has at least one pixel")
    if newSize == size { return values }
    let columns = contributions(from: size.width, to: newSize.width, filter: filter)
    let rows = contributions(from: size.height, to: newSize.height, filter: filter)
    let rowCount = newSize.width * channels
    let oldRowCount = size.width * channels
    var result = [Float](repeating: 0, count: newSize.area * channels)
    // Vertical first into one row, then horizontal: one row of scratch, whatever the picture's size.
    var scratch = [Float](repeating: 0, count: oldRowCount)
    for y in (0 ..< newSize.height).untilCancelled {
        for index in 0 ..< oldRowCount { scratch[index] = 0 }
        for (offset, weight) in rows[y].weights.enumerated() where weight != 0 {
            let base = (rows[y].start + offset) * oldRowCount
            for index in 0 ..< oldRowCount { scratch[index] += weight * values[base + index] }
        }
        for x in 0 ..< newSize.width {
            let column = columns[x]
            for channel in 0 ..< channels {
                var sum: Float = 0
                for offset in 0 ..< column.weights.count {
                    sum += column.weights[offset] * scratch[(column.start + offset) * channels + channel]
                }
                result[y * rowCount + x * channels + channel] = sum
            }
        }
    }
    return result
}
