internal import Parallel
public import Raster

/// One window of the refinement pass of a coarse-to-fine plan.
public struct RefinementTile: Sendable, Hashable {
    /// In the plan's `paddedSize` coordinates; sides are multiples of the model's.
    public let rect: PixelRect
    /// Pixels that a neighbouring tile overlaps on each side; 0 on the outer sides.
    public let overlaps: Margins

    /// The tile's weight (0…1) at each pixel of `rect`. Where tiles overlap, their weights add up to 1.
    public var weights: Plane {
        let columns = ramp(length: rect.width, low: overlaps.left, high: overlaps.right)
        let rows = ramp(length: rect.height, low: overlaps.top, high: overlaps.bottom)
        return Plane(size: rect.size, values: rows.flatMap { row in columns.map { $0 * row } })
    }

    /// Tiles of the model's native side over `target`, overlapping by at least an eighth of that side, on a grid, all of
    /// them inside `size`. Tiles grow no larger than native; where the picture is smaller than a tile the tile is.
    static func covering(_ target: PixelRect, in size: PixelSize, model: ModelGeometry) -> [RefinementTile] {
        let native = model.roundedUp(model.nativeSide)
        let columns = stretches(
            low: target.x, high: target.maxX, limit: size.width, native: native, multiple: model.multiple)
        let rows = stretches(
            low: target.y, high: target.maxY, limit: size.height, native: native, multiple: model.multiple)
        return rows.flatMap { row in
            columns.map { column in
                RefinementTile(
                    rect: PixelRect(x: column.start, y: row.start, width: column.length, height: row.length),
                    overlaps: Margins(left: column.low, right: column.high, top: row.low, bottom: row.high))
            }
        }
    }

    private struct Stretch {
        var start: Int
        var length: Int
        var low: Int
        var high: Int
    }

    private static func stretches(low: Int, high: Int, limit: Int, native: Int, multiple: Int) -> [Stretch] {
        let length = min(native, limit)
        let overlap = max(multiple, length / 8)
        // Context around the target inside the tiles, so that a tile's rim is not all there is of the mask.
        let first = max(0, min(low - overlap / 2, limit - length))
        let last = min(limit, max(high + overlap / 2, first + length))
        let span = last - first
        let count = span <= length ? 1 : 1 + (span - length + (length - overlap) - 1) / (length - overlap)
        let starts = (0 ..< count).map { first + (count == 1 ? 0 : (span - length) * $0 / (count - 1)) }
        return starts.enumerated().map { index, start in
            Stretch(
                start: start, length: length, low: index == 0 ? 0 : starts[index - 1] + length - start,
                high: index == count - 1 ? 0 : start + length - starts[index + 1])
        }
    }

    /// Hands over to the neighbour on a linear ramp in the middle of the overlap, no wider than a quarter of the tile, so
    /// that the ramps of one tile never meet; sampled at pixel centres, it is 1 minus the neighbour's.
    private func ramp(length: Int, low: Int, high: Int) -> [Float] {
        func rise(_ position: Float, overlap: Int) -> Float {
            guard overlap > 0 else { return 1 }
            let width = Float(min(overlap, max(1, length / 4)))
            return min(1, max(0, (position - (Float(overlap) - width) / 2) / width))
        }
        return (0 ..< length).map { index in
            rise(Float(index) + 0.5, overlap: low) * rise(Float(length - index) - 0.5, overlap: high)
        }
    }
}

extension CropPlan {
    /// Joins refined tiles over `base` (`paddedSize`; what refinement started from): inside the tiles their weighted
    /// mean, outside them `base`. Traps unless there is one image for each of `tiles`, of its size.
    public func merge(_ refined: [RGBImage], over base: RGBImage) -> RGBImage {
        precondition(base.size == paddedSize, "planned for \(paddedSize), given \(base.size)")
        precondition(refined.count == tiles.count, "\(tiles.count) tiles, \(refined.count) images")
        var sum = RGBImage(size: paddedSize)
        var total = Plane(size: paddedSize)
        for (tile, image) in zip(tiles, refined) {
            precondition(image.size == tile.rect.size, "a tile of \(tile.rect.size), an image of \(image.size)")
            let weights = tile.weights.values
            for y in (0 ..< tile.rect.height).untilCancelled {
                for x in 0 ..< tile.rect.width {
                    let weight = weights[y * tile.rect.width + x]
                    let target = (tile.rect.y + y) * paddedSize.width + tile.rect.x + x
                    let source = y * tile.rect.width + x
                    total.values[target] += weight
                    for channel in 0 ..< 3 {
                        sum.values[target * 3 + channel] += weight * image.values[source * 3 + channel]
                    }
                }
            }
        }
        var result = base
        for pixel in 0 ..< paddedSize.area where total.values[pixel] > 0 {
            for channel in 0 ..< 3 {
                result.values[pixel * 3 + channel] = sum.values[pixel * 3 + channel] / total.values[pixel]
            }
        }
        return result
    }
}
