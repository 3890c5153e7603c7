internal import Raster

/// Hides the cut between a picture and a texture copied beside it.
///
/// Copied patches rarely continue what they meet: a ridge ends at the hole's edge and another begins. Within a few pixels
/// inside the edge the copy is mixed with the known part's mirror image, which does continue it, so that one passes into
/// the other instead of breaking off. Where the copy does continue what it meets, it is left alone.
enum RimBlend {
    /// Pixels over which the mirror image fades.
    private static let width: Float = 14
    /// σ, in pixels, of the stretch of edge that is judged as one.
    private static let stretch: Float = 4
    /// Jumps across the edge, as multiples of those beside it: up to the first all is well, from the second on it is not.
    private static let breaking: (from: Float, to: Float) = (1, 1.6)

    /// `filled` with its hole's rim mixed; known pixels come back unchanged.
    static func applied(to filled: RGBImage, hole: [Bool]) -> RGBImage {
        let size = filled.size
        let nearest = nearestKnown(hole, size: size)
        let broken = breaks(filled, hole: hole)
        var result = filled
        for index in hole.indices where hole[index] && nearest[index] >= 0 {
            let need = broken[Int(nearest[index])]
            guard need > 0 else { continue }
            let (x, y) = (index % size.width, index / size.width)
            let (knownX, knownY) = (Int(nearest[index]) % size.width, Int(nearest[index]) / size.width)
            let (dx, dy) = (Float(x - knownX), Float(y - knownY))
            let distance = (dx * dx + dy * dy).squareRoot() - 1
            guard distance < width else { continue }
            // The edge lies between the last known pixel and the first of the hole.
            let mirroredX = 2 * knownX - x + (x - knownX).signum()
            let mirroredY = 2 * knownY - y + (y - knownY).signum()
            guard mirroredX >= 0, mirroredY >= 0, mirroredX < size.width, mirroredY < size.height else { continue }
            let mirrored = mirroredY * size.width + mirroredX
            guard !hole[mirrored] else { continue }
            let t = 1 - distance / width
            let share = need * t * t * (3 - 2 * t)
            for channel in 0 ..< 3 {
                let value = filled.values[index * 3 + channel]
                result.values[index * 3 + channel] += share * (filled.values[mirrored * 3 + channel] - value)
            }
        }
        return result
    }

    /// How badly the picture breaks off at each known pixel of the rim, 0…1: the jump to its neighbour in the hole against
    /// the largest of the jumps behind it, both as root mean squares along the edge.
    private static func breaks(_ image: RGBImage, hole: [Bool]) -> [Float] {
        let size = image.size
        var across = Plane(size: size)
        var beside = Plane(size: size)
        func jump(_ a: Int, _ b: Int) -> Float {
            (0 ..< 3).reduce(0) { sum, channel in
                let difference = image.values[a * 3 + channel] - image.values[b * 3 + channel]
                return sum + difference * difference
            }
        }
        for y in 0 ..< size.height {
            for x in 0 ..< size.width where !hole[y * size.width + x] {
                let index = y * size.width + x
                for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                    guard (0 ..< size.width).contains(x + dx), (0 ..< size.height).contains(y + dy) else { continue }
                    let step = dy * size.width + dx
                    guard hole[index + step] else { continue }
                    across.values[index] += jump(index, index + step)
                    // The largest of some, for a pattern may lie flat just where the edge is.
                    var largest: Float = 0
                    for back in 0 ..< 6 {
                        let (farX, farY) = (x - (back + 1) * dx, y - (back + 1) * dy)
                        guard (0 ..< size.width).contains(farX), (0 ..< size.height).contains(farY) else { break }
                        let far = farY * size.width + farX
                        guard !hole[far] else { break }
                        largest = max(largest, jump(far, far + step))
                    }
                    beside.values[index] += largest
                }
            }
        }
        return zip(
            gaussianBlurred(across, sigma: stretch).values, gaussianBlurred(beside, sigma: stretch).values
        ).map { across, beside in
            let ratio = (across / max(1e-9, beside)).squareRoot()
            return min(1, max(0, (ratio - breaking.from) / (breaking.to - breaking.from)))
        }
    }

    /// The nearest pixel outside `hole` of each pixel, found by passing it on from neighbour to neighbour in two sweeps
    /// (Danielsson 1980); −1 where all is hole.
    private static func nearestKnown(_ hole: [Bool], size: PixelSize) -> [Int32] {
        let width = size.width
        var nearest = hole.indices.map { hole[$0] ? Int32(-1) : Int32($0) }
        func consider(_ index: Int, _ x: Int, _ y: Int, _ neighbors: [(Int, Int)]) {
            func squared(_ known: Int32) -> Int {
                let (dx, dy) = (x - Int(known) % width, y - Int(known) / width)
                return dx * dx + dy * dy
            }
            for (dx, dy) in neighbors {
                guard x + dx >= 0, x + dx < width, y + dy >= 0, y + dy < size.height else { continue }
                let candidate = nearest[(y + dy) * width + x + dx]
                guard candidate >= 0 else { continue }
                if nearest[index] < 0 || squared(candidate) < squared(nearest[index]) { nearest[index] = candidate }
            }
        }
        for y in 0 ..< size.height {
            for x in 0 ..< width where hole[y * width + x] {
                consider(y * width + x, x, y, [(-1, 0), (-1, -1), (0, -1), (1, -1)])
            }
            for x in (0 ..< width).reversed() where hole[y * width + x] { consider(y * width + x, x, y, [(1, 0)]) }
        }
        for y in (0 ..< size.height).reversed() {
            for x in (0 ..< width).reversed() where hole[y * width + x] {
                consider(y * width + x, x, y, [(1, 0), (1, 1), (0, 1), (-1, 1)])
            }
            for x in 0 ..< width where hole[y * width + x] { consider(y * width + x, x, y, [(-1, 0)]) }
        }
        return nearest
    }
}
