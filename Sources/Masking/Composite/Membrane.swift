internal import Parallel
package import Raster

/// The smoothest continuation of values from the rim of a region into it: the Laplace equation with the values given on
/// the known pixels (Dirichlet) and nothing flowing through the picture's border (Neumann), unless the picture repeats:
/// then it flows to the opposite one. Pérez, Gangnet and Blake 2003, "Poisson Image Editing", eq. 2 without a guidance
/// field.
///
/// Solved by multigrid: the problem is halved until it is tiny (full multigrid start), then V-cycles remove what
/// residual is left. Constants are reproduced to rounding, whatever the region's shape.
package struct Membrane {
    /// What each pixel of the region is.
    package enum Role: UInt8, BitwiseCopyable {
        /// Its value is given.
        case fixed
        /// Its value is sought.
        case free
        /// Takes no part: neither given nor sought; nothing flows through it.
        case outside
    }

    let size: PixelSize
    let roles: [Role]

    /// V-cycles after the full multigrid start. Two leave less than 1/1000 of the boundary's range on photos.
    var cycles = 2

    /// 1 / ℓ², in 1 / pixel²: a value is drawn to 0 over the range ℓ (the screened equation `Δf = f / ℓ²`). 0 for none.
    let screening: Float
    /// The axes along which the first column (row) is the neighbour of the last.
    let wraps: WrappedAxes

    package init(size: PixelSize, roles: [Role], screening: Float = 0, wraps: WrappedAxes = []) {
        precondition(roles.count == size.area, "role count does not fit \(size)")
        self.size = size
        self.roles = roles
        self.screening = screening
        self.wraps = wraps
    }

    /// The solution of `Σ (neighbour − value) − screening · value = rightSide` that is 0 on the fixed pixels, by V-cycles.
    func solved(rightSide: [Float]) -> [Float] {
        precondition(rightSide.count == size.area, "value count does not fit \(size)")
        var result = [Float](repeating: 0, count: size.area)
        for _ in (0 ..< 6).untilCancelled { cycle(&result, rightSide: rightSide) }
        return result
    }

    /// `values` with the free pixels solved for; the others come back unchanged. Free pixels that no fixed pixel can
    /// reach become 0.
    package func solved(_ values: [Float]) -> [Float] {
        precondition(values.count == size.area, "value count does not fit \(size)")
        var result = values
        for index in roles.indices where roles[index] == .free { result[index] = 0 }
        let zero = [Float](repeating: 0, count: size.area)
        start(&result)
        for _ in (0 ..< cycles).untilCancelled { cycle(&result, rightSide: zero) }
        return result
    }

    private var isTiny: Bool { min(size.width, size.height) < 3 || size.area <= 64 }

    /// Full multigrid start: solve for the halved problem, enlarge, smooth.
    private func start(_ values: inout [Float]) {
        if !isTiny {
            // Here a coarse pixel is given where any fine pixel under it is, as the mean of those.
            let half = halvedSize
            var sums = [Float](repeating: 0, count: half.area)
            var counts = [Float](repeating: 0, count: half.area)
            var coarseRoles = [Role](repeating: .outside, count: half.area)
            for y in (0 ..< size.height).untilCancelled {
                for x in 0 ..< size.width {
                    let fine = y * size.width + x
                    let coarse = (y / 2) * half.width + x / 2
                    switch roles[fine] {
                    case .fixed:
                        sums[coarse] += values[fine]
                        counts[coarse] += 1
                        coarseRoles[coarse] = .fixed
                    case .free: if coarseRoles[coarse] == .outside { coarseRoles[coarse] = .free }
                    case .outside: break
                    }
                }
            }
            for index in sums.indices where counts[index] > 0 { sums[index] /= counts[index] }
            let coarse = Membrane(size: half, roles: coarseRoles, screening: 4 * screening, wraps: wraps)
            coarse.start(&sums)
            let zero = [Float](repeating: 0, count: half.area)
            coarse.cycle(&sums, rightSide: zero)
            enlarge(sums, of: coarse, adding: false, to: &values)
        }
        let zero = [Float](repeating: 0, count: size.area)
        smooth(&values, rightSide: zero, sweeps: isTiny ? 60 : 3)
    }

    private var halvedSize: PixelSize { PixelSize(width: (size.width + 1) / 2, height: (size.height + 1) / 2) }

    /// One V-cycle on `Σ (neighbour − value) = rightSide`.
    private func cycle(_ values: inout [Float], rightSide: [Float]) {
        if isTiny {
            smooth(&values, rightSide: rightSide, sweeps: 60)
            return
        }
        smooth(&values, rightSide: rightSide, sweeps: 2)
        // The error is 0 on given pixels; a coarse pixel takes part only where all its fine pixels are free (or
        // outside), which under-corrects at the rim, where smoothing is enough, and never over-corrects.
        let half = halvedSize
        var coarseRoles = [Role](repeating: .outside, count: half.area)
        var coarseSide = [Float](repeating: 0, count: half.area)
        for y in (0 ..< size.height).untilCancelled {
            for x in 0 ..< size.width {
                let fine = y * size.width + x
                let coarse = (y / 2) * half.width + x / 2
                switch roles[fine] {
                case .fixed: coarseRoles[coarse] = .fixed
                case .free:
                    if coarseRoles[coarse] == .outside { coarseRoles[coarse] = .free }
                    // Summed over the four pixels: the mean, times the square of the doubled spacing.
                    coarseSide[coarse] += residual(values, rightSide: rightSide, x: x, y: y)
                case .outside: break
                }
            }
        }
        let coarse = Membrane(size: half, roles: coarseRoles, screening: 4 * screening, wraps: wraps)
        var correction = [Float](repeating: 0, count: half.area)
        coarse.cycle(&correction, rightSide: coarseSide)
        enlarge(correction, of: coarse, adding: true, to: &values)
        smooth(&values, rightSide: rightSide, sweeps: 2)
    }

    private func residual(_ values: [Float], rightSide: [Float], x: Int, y: Int) -> Float {
        let index = y * size.width + x
        let here = values[index]
        var flow: Float = 0
        for neighbor in [left(of: index, x), right(of: index, x), above(index, y), below(index, y)]
        where neighbor >= 0 && roles[neighbor] != .outside {
            flow += values[neighbor] - here
        }
        return rightSide[index] - flow + screening * here
    }

    /// The index of the neighbour of the pixel at `index`, whose column is `x`; −1 where it has none.
    @inline(__always)
    private func left(of index: Int, _ x: Int) -> Int {
        x > 0 ? index - 1 : wraps.contains(.x) ? index + size.width - 1 : -1
    }

    @inline(__always)
    private func right(of index: Int, _ x: Int) -> Int {
        x + 1 < size.width ? index + 1 : wraps.contains(.x) ? index - x : -1
    }

    /// The same, of a pixel in row `y`.
    @inline(__always)
    private func above(_ index: Int, _ y: Int) -> Int {
        y > 0 ? index - size.width : wraps.contains(.y) ? index + (size.height - 1) * size.width : -1
    }

    @inline(__always)
    private func below(_ index: Int, _ y: Int) -> Int {
        y + 1 < size.height ? index + size.width : wraps.contains(.y) ? index - y * size.width : -1
    }

    /// Red–black Gauss–Seidel.
    private func smooth(_ values: inout [Float], rightSide: [Float], sweeps: Int) {
        let width = size.width
        let height = size.height
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe roles.withUnsafeBufferPointer { roles in
                unsafe rightSide.withUnsafeBufferPointer { rightSide in
                    for half in 0 ..< 2 * sweeps {
                        for y in (0 ..< height).untilCancelled {
                            for x in stride(from: (y + half) % 2, to: width, by: 2) {
                                let index = y * width + x
                                guard unsafe roles[index] == .free else { continue }
                                var sum: Float = 0
                                var count: Float = 0
                                let (left, right) = (left(of: index, x), right(of: index, x))
                                let (above, below) = (above(index, y), below(index, y))
                                if left >= 0, unsafe roles[left] != .outside {
                                    unsafe sum += values[left]
                                    count += 1
                                }
                                if right >= 0, unsafe roles[right] != .outside {
                                    unsafe sum += values[right]
                                    count += 1
                                }
                                if above >= 0, unsafe roles[above] != .outside {
                                    unsafe sum += values[above]
                                    count += 1
                                }
                                if below >= 0, unsafe roles[below] != .outside {
                                    unsafe sum += values[below]
                                    count += 1
                                }
                                if count > 0 { unsafe values[index] = (sum - rightSide[index]) / (count + screening) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Bilinear between the centres of coarse pixels that take part.
    private func enlarge(_ coarse: [Float], of level: Membrane, adding: Bool, to values: inout [Float]) {
        let half = level.size
        func other(_ index: Int, count: Int, axis: WrappedAxes) -> Int {
            let index = index % 2 == 0 ? index / 2 - 1 : index / 2 + 1
            return wraps.contains(axis) ? (index + count) % count : min(count - 1, max(0, index))
        }
        for y in (0 ..< size.height).untilCancelled {
            let rowNear = y / 2
            let rowFar = other(y, count: half.height, axis: .y)
            for x in 0 ..< size.width where roles[y * size.width + x] == .free {
                let near = x / 2
                let far = other(x, count: half.width, axis: .x)
                var sum: Float = 0
                var total: Float = 0
                func take(_ index: Int, _ weight: Float) {
                    guard level.roles[index] != .outside else { return }
                    sum += coarse[index] * weight
                    total += weight
                }
                take(rowNear * half.width + near, 9)
                take(rowNear * half.width + far, 3)
                take(rowFar * half.width + near, 3)
                take(rowFar * half.width + far, 1)
                let value = total > 0 ? sum / total : 0
                if adding { values[y * size.width + x] += value } else { values[y * size.width + x] = value }
            }
        }
    }
}
