internal import Foundation
internal import Parallel
public import Raster

extension Mask {
    /// The rectangle around all of it, and a quarter of the rectangle's shorter side further, so that what is painted
    /// into it reaches the mask's own edges; empty for an empty mask.
    public var hull: Mask {
        guard let bounds else { return self }
        return .rectangle(bounds.insetBy(-(min(bounds.width, bounds.height) / 4 + 8)), size: size)
    }

    /// Whether it is made of strokes: no part of it is further from its edge than 0.15 times the root of its area. Of a
    /// disc that is 0.56, of four equal ones 0.28.
    public var isThin: Bool {
        guard let bounds else { return false }
        // With a rim, so that the picture's border is an edge, too.
        var shape = Plane(size: PixelSize(width: bounds.width + 2, height: bounds.height + 2))
        var area = 0
        for (index, value) in coverage.cropped(to: bounds).values.enumerated() where value > 0 {
            shape[index % bounds.width + 1, index / bounds.width + 1] = 1
            area += 1
        }
        return Mask(coverage: shape).shrunk(by: max(1, Int(0.15 * Double(area).squareRoot()))).bounds == nil
    }

    /// What `change`, which looks no further than `reach` pixels around each, makes of a mask that repeats along
    /// `wraps`.
    public func repeating(along wraps: WrappedAxes, reach: Int, _ change: (Mask) -> Mask) -> Mask {
        let margins = wraps.margins(reach)
        if margins.isZero { return change(self) }
        let changed = change(Mask(coverage: coverage.wrapPadded(by: margins)))
        return Mask(coverage: changed.coverage.wrapPadded(by: margins.negated), reading: reading)
    }

    /// The mask dilated by a disc of `radius` pixels (grey dilation: the largest coverage within reach). Exact in the
    /// Euclidean metric: a pixel is reached iff `dx² + dy² ≤ radius²`. Linear in the picture's size for a hard mask, and
    /// in size × radius for a grey one. Traps on a negative radius.
    public func grown(by radius: Int) -> Mask {
        precondition(radius >= 0, "a mask grows by 0 or more pixels")
        guard radius > 0, let bounds else { return self }
        let region = bounds.insetBy(-radius).intersection(PixelRect(size))
        let part = coverage.cropped(to: region)
        let isHard = part.values.allSatisfy { $0 == 0 || $0 == 1 }
        var result = coverage
        result.paste(
            isHard ? dilatedHard(part, radius: radius) : dilatedGrey(part, radius: radius), x: region.x, y: region.y)
        return Mask(coverage: result, reading: reading)
    }

    /// The mask eroded by a disc of `radius` pixels; what lies outside the picture counts as masked. Traps on a negative
    /// radius.
    public func shrunk(by radius: Int) -> Mask {
        let result = inverted.grown(by: radius).inverted
        return Mask(coverage: result.coverage, reading: reading)
    }

    /// White where the coverage is one of `values` of `maximum`, black elsewhere. Traps unless `maximum` is positive.
    public func thresholded(_ values: ClosedRange<Int>, maximum: Int) -> Mask {
        precondition(maximum > 0, "a mask has values above 0")
        var result = coverage
        for index in result.values.indices {
            let value = Int((result.values[index] * Float(maximum)).rounded())
            result.values[index] = values.contains(value) ? 1 : 0
        }
        return Mask(coverage: result, reading: reading)
    }

    /// The mask blurred by a Gaussian of `sigma` pixels, cut off at 3 σ (so coverage stays exactly 0 further away) and
    /// continued past the picture's border by its edge values. Traps on a negative sigma.
    public func feathered(sigma: Float) -> Mask {
        precondition(sigma >= 0, "a mask is feathered by 0 or more pixels")
        guard sigma > 0, let bounds else { return self }
        let radius = Int((3 * sigma).rounded(.up))
        let region = bounds.insetBy(-radius).intersection(PixelRect(size))
        var result = coverage
        result.paste(gaussianBlurred(coverage.cropped(to: region), sigma: sigma), x: region.x, y: region.y)
        return Mask(coverage: result, reading: reading)
    }

    /// The mask with a band of `width` pixels around it whose coverage falls linearly to 0 (`--blend`): what
    /// compositing uses when the user allows a transition outside the mask. Traps on a negative width.
    public func blended(outward width: Int) -> Mask {
        precondition(width >= 0, "a blend band is 0 or more pixels wide")
        guard width > 0 else { return self }
        var ramp = coverage
        for step in (1 ... width).untilCancelled {
            let level = 1 - Float(step) / Float(width + 1)
            let ring = grown(by: step).coverage
            for index in ramp.values.indices {
                ramp.values[index] = max(ramp.values[index], ring.values[index] * level)
            }
        }
        return Mask(coverage: ramp, reading: reading)
    }
}

/// Hard dilation in two linear passes: each pixel's distance to the mask along its column, then each pixel marks the
/// stretch of its row that a disc still reaches at that distance (intervals summed as differences).
private func dilatedHard(_ plane: Plane, radius: Int) -> Plane {
    let width = plane.width
    let height = plane.height
    let far = Int32(radius + 1)
    var vertical = [Int32](repeating: far, count: width * height)
    for y in (0 ..< height).untilCancelled {
        for x in 0 ..< width {
            let index = y * width + x
            vertical[index] = plane.values[index] > 0 ? 0 : y > 0 ? min(far, vertical[index - width] + 1) : far
        }
    }
    for y in stride(from: height - 2, through: 0, by: -1).untilCancelled {
        for index in y * width ..< (y + 1) * width {
            vertical[index] = min(vertical[index], vertical[index + width] + 1)
        }
    }
    let reach = (0 ... radius).map { Int(Double(radius * radius - $0 * $0).squareRoot()) }
    var result = plane
    var difference = [Int32](repeating: 0, count: width + 1)
    for y in (0 ..< height).untilCancelled {
        for x in 0 ... width { difference[x] = 0 }
        for x in 0 ..< width where vertical[y * width + x] < far {
            let extent = reach[Int(vertical[y * width + x])]
            difference[max(0, x - extent)] += 1
            difference[min(width, x + extent + 1)] -= 1
        }
        var open: Int32 = 0
        for x in 0 ..< width {
            open += difference[x]
            result.values[y * width + x] = open > 0 ? 1 : 0
        }
    }
    return result
}

/// Grey dilation: the disc is a stack of horizontal runs, each a running maximum (van Herk 1992) of one row.
private func dilatedGrey(_ plane: Plane, radius: Int) -> Plane {
    let width = plane.width
    let height = plane.height
    var result = plane
    for dy in (0 ... radius).untilCancelled {
        let extent = Int(Double(radius * radius - dy * dy).squareRoot())
        for y in (0 ..< height).untilCancelled where y - dy >= 0 || y + dy < height {
            let maxima = runningMaximum(plane.values[y * width ..< (y + 1) * width], extent: extent)
            for target in dy == 0 ? [y] : [y - dy, y + dy] where target >= 0 && target < height {
                for x in 0 ..< width {
                    result.values[target * width + x] = max(result.values[target * width + x], maxima[x])
                }
            }
        }
    }
    return result
}

/// The maximum over `x − extent … x + extent` of each position, in three comparisons a sample (van Herk 1992).
private func runningMaximum(_ row: ArraySlice<Float>, extent: Int) -> [Float] {
    let count = row.count
    let window = 2 * extent + 1
    let padded = [Float](repeating: 0, count: extent) + row + [Float](repeating: 0, count: extent + window)
    var forward = padded
    var backward = padded
    for index in 1 ..< padded.count where index % window != 0 {
        forward[index] = max(forward[index], forward[index - 1])
    }
    for index in stride(from: padded.count - 2, through: 0, by: -1) where (index + 1) % window != 0 {
        backward[index] = max(backward[index], backward[index + 1])
    }
    return (0 ..< count).map { max(backward[$0], forward[$0 + window - 1]) }
}

/// Separable Gaussian blur, kernel cut at 3 σ and normalised, edges continued.
func gaussianBlurred(_ plane: Plane, sigma: Float) -> Plane {
    let radius = Int((3 * sigma).rounded(.up))
    guard radius > 0 else { return plane }
    var kernel = (-radius ... radius).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
    let total = kernel.reduce(0, +)
    for index in kernel.indices { kernel[index] /= total }
    let width = plane.width
    let height = plane.height
    var vertical = [Float](repeating: 0, count: width * height)
    for y in (0 ..< height).untilCancelled {
        for offset in -radius ... radius {
            let source = min(height - 1, max(0, y + offset)) * width
            let weight = kernel[offset + radius]
            for x in 0 ..< width { vertical[y * width + x] += weight * plane.values[source + x] }
        }
    }
    var result = plane
    var row = [Float](repeating: 0, count: width + 2 * radius)
    for y in (0 ..< height).untilCancelled {
        for x in 0 ..< row.count { row[x] = vertical[y * width + min(width - 1, max(0, x - radius))] }
        for x in 0 ..< width {
            var sum: Float = 0
            for tap in 0 ..< kernel.count { sum += kernel[tap] * row[x + tap] }
            result.values[y * width + x] = sum
        }
    }
    return result
}
