internal import Foundation
internal import Parallel
internal import Raster

/// `pullPush` of a picture that repeats along `wraps`. Along each of these axes the fill is made twice, of the picture
/// as it is and of the picture rolled by half of its length; the two are mixed so that each counts nothing at its own
/// border.
func pullPush(_ image: RGBImage, coverage: Plane, wraps: WrappedAxes) -> RGBImage {
    guard let axis = [WrappedAxes.x, .y].first(where: wraps.contains) else {
        return pullPush(image, coverage: coverage)
    }
    let others = wraps.subtracting(axis)
    let (x, y) = axis == .x ? (image.width / 2, 0) : (0, image.height / 2)
    var result = pullPush(image, coverage: coverage, wraps: others)
    let rolled = pullPush(image.rolled(x: x, y: y), coverage: coverage.rolled(x: x, y: y), wraps: others)
        .rolled(x: -x, y: -y)
    let length = axis == .x ? image.width : image.height
    let shares = (0 ..< length).map { index in
        let cosine = cos(.pi * (Float(index) + 0.5) / Float(length))
        return cosine * cosine
    }
    for pixel in 0 ..< image.size.area where coverage.values[pixel] > 0 {
        let share = shares[axis == .x ? pixel % image.width : pixel / image.width]
        for index in pixel * 3 ..< pixel * 3 + 3 {
            result.values[index] += share * (rolled.values[index] - result.values[index])
        }
    }
    return result
}

/// Fills the hole of `image` from its surroundings: known pixels are averaged down a pyramid until every pixel has
/// some (pull), then unknown ones are taken from the next coarser level, bilinearly (push); finally the hole is relaxed
/// a few times on each level so that the pyramid's blocks do not show (Gortler et al. 1996, "The Lumigraph", §3.4;
/// Kraus 2009 for the smoothing). A pixel is known to the degree 1 − coverage. Nothing known gives mid-grey.
func pullPush(_ image: RGBImage, coverage: Plane) -> RGBImage {
    let colors = [SIMD4<Float>](parallel: image.size.area, filler: .zero) { pixel in
        SIMD4(image.values[pixel * 3], image.values[pixel * 3 + 1], image.values[pixel * 3 + 2], 1)
            * (1 - coverage.values[pixel])
    }
    let filled = pullPush(colors, size: image.size)
    var result = image
    for pixel in (0 ..< image.size.area).untilCancelled where coverage.values[pixel] > 0 {
        for channel in 0 ..< 3 { result.values[pixel * 3 + channel] = filled[pixel][channel] }
    }
    return result
}

/// `colors` hold (R, G, B, 1) · weight with weight 0…1; the result holds (R, G, B, 1) everywhere.
private func pullPush(_ colors: [SIMD4<Float>], size: PixelSize) -> [SIMD4<Float>] {
    let isComplete = colors.allSatisfy { $0.w >= 1 }
    if isComplete || Cancellation.isCancelled { return colors }
    if size.width == 1 && size.height == 1 {
        return colors.map { $0.w > 0 ? $0 / $0.w : SIMD4(0.5, 0.5, 0.5, 1) }
    }
    let half = PixelSize(width: (size.width + 1) / 2, height: (size.height + 1) / 2)
    var reduced = [SIMD4<Float>](repeating: .zero, count: half.area)
    for y in (0 ..< size.height).untilCancelled {
        for x in 0 ..< size.width { reduced[y / 2 * half.width + x / 2] += colors[y * size.width + x] }
    }
    // A coarse pixel is known as soon as about one fine pixel under it is.
    for index in reduced.indices where reduced[index].w > 1 { reduced[index] /= reduced[index].w }
    let coarse = pullPush(reduced, size: half)
    var result = colors
    for y in (0 ..< size.height).untilCancelled {
        // Bilinear at pixel centres: ¾ of the pixel above, ¼ of its neighbour on this side.
        let rowNear = y / 2
        let rowFar = min(half.height - 1, max(0, y % 2 == 0 ? rowNear - 1 : rowNear + 1))
        for x in 0 ..< size.width where colors[y * size.width + x].w < 1 {
            let near = x / 2
            let far = min(half.width - 1, max(0, x % 2 == 0 ? near - 1 : near + 1))
            let upper = coarse[rowNear * half.width + near] * 0.75 + coarse[rowNear * half.width + far] * 0.25
            let lower = coarse[rowFar * half.width + near] * 0.75 + coarse[rowFar * half.width + far] * 0.25
            let index = y * size.width + x
            result[index] += (upper * 0.75 + lower * 0.25) * (1 - colors[index].w)
        }
    }
    relax(&result, size: size, known: colors, sweeps: 4)
    return result
}

/// Gauss–Seidel sweeps of the Laplace equation over the unknown pixels; a missing neighbour counts as the pixel itself.
private func relax(_ values: inout [SIMD4<Float>], size: PixelSize, known: [SIMD4<Float>], sweeps: Int) {
    for sweep in 0 ..< sweeps {
        for row in (0 ..< size.height).untilCancelled {
            let y = sweep.isMultiple(of: 2) ? row : size.height - 1 - row
            for column in 0 ..< size.width {
                let x = sweep.isMultiple(of: 2) ? column : size.width - 1 - column
                let index = y * size.width + x
                guard known[index].w < 1 else { continue }
                let here = values[index]
                let sum =
                    (x > 0 ? values[index - 1] : here) + (x + 1 < size.width ? values[index + 1] : here)
                    + (y > 0 ? values[index - size.width] : here)
                    + (y + 1 < size.height ? values[index + size.width] : here)
                values[index] = known[index] + sum * (0.25 * (1 - known[index].w))
            }
        }
    }
}
