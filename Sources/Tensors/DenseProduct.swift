internal import Parallel

/// c += scale · a b in f32, without a layout to prepare: for products that are needed once, such as an adapter's.
///
/// Every element of `c` is one sum over `inner` in ascending order, whatever the number of threads.
/// - Parameters:
///   - a: `[rows, inner]`, row-major, as `b`, `[inner, columns]`, and `c`, `[rows, columns]`.
public func addProduct(
    _ a: [Float], _ b: [Float], rows: Int, inner: Int, columns: Int, scale: Float, to c: inout [Float]
) {
    precondition(
        a.count == rows * inner && b.count == inner * columns && c.count == rows * columns,
        "elements do not fit [\(rows), \(inner)] · [\(inner), \(columns)]")
    guard !c.isEmpty, inner > 0 else { return }
    let width = 16
    let tiles = (columns + width - 1) / width
    unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
            unsafe c.withUnsafeMutableBufferPointer { c in
                unsafe addProduct(a, b, c, rows: rows, inner: inner, columns: columns, tiles: tiles, scale: scale)
            }
        }
    }
}

/// Sixteen columns of `b` at a time, beside each other, for all rows in pairs.
private func addProduct(
    _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ c: UnsafeMutableBufferPointer<Float>, rows: Int,
    inner: Int, columns: Int, tiles: Int, scale: Float
) {
    // About a million operations a thread.
    let minimum = max(1, (1 << 19) / max(1, rows * inner * 16))
    parallelRanges(tiles, minimum: minimum) { _, range in
        var panel = [SIMD16<Float>](repeating: .zero, count: inner)
        for tile in range {
            let first = tile * 16
            let count = min(16, columns - first)
            for index in 0 ..< inner {
                for column in 0 ..< count { unsafe panel[index][column] = b[index * columns + first + column] }
            }
            unsafe panel.withUnsafeBufferPointer { panel in
                var row = 0
                while row < rows {
                    let second = min(row + 1, rows - 1)
                    var (upper, lower) = (SIMD16<Float>.zero, SIMD16<Float>.zero)
                    for index in 0 ..< inner {
                        unsafe upper += panel[index] * a[row * inner + index]
                        unsafe lower += panel[index] * a[second * inner + index]
                    }
                    for column in 0 ..< count {
                        unsafe c[row * columns + first + column] += scale * upper[column]
                        if second > row { unsafe c[second * columns + first + column] += scale * lower[column] }
                    }
                    row += 2
                }
            }
        }
    }
}
