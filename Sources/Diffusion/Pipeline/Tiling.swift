/// Overlapping tiles over a picture, for an autoencoder whose activations would not fit into memory in one piece.
///
/// Tiles differ a little where they meet, since normalisation sees each by itself; their results are mixed by weights that
/// rise linearly over the overlap, and always sum to 1.
struct Tiling {
    /// Latent pixels that neighbours share.
    static let overlap = 16
    /// Tiles are not made smaller than this, in latent pixels: below it most of a tile is overlap.
    static let smallestSide = 48

    let rows: [Range<Int>]
    let columns: [Range<Int>]

    /// Covers `height` × `width` latent pixels with tiles of at most `side`.
    init(height: Int, width: Int, side: Int) {
        rows = Self.ranges(height, side: side)
        columns = Self.ranges(width, side: side)
    }

    var isWhole: Bool { rows.count == 1 && columns.count == 1 }

    private static func ranges(_ length: Int, side: Int) -> [Range<Int>] {
        guard length > side else { return [0 ..< length] }
        precondition(side > overlap, "tiles of \(side) overlap by \(overlap)")
        let count = (length - overlap + side - overlap - 1) / (side - overlap)
        return (0 ..< count).map { index in
            let start = (length - side) * index / (count - 1)
            return start ..< start + side
        }
    }

    /// How much a tile counts at each of its positions along one axis: rising over what it shares with the tile before,
    /// falling over what it shares with the one after.
    static func weights(_ range: Range<Int>, among ranges: [Range<Int>], scale: Int) -> [Float] {
        guard let index = ranges.firstIndex(of: range) else { preconditionFailure("a range of another tiling") }
        var weights = [Float](repeating: 1, count: range.count * scale)
        if index > 0 {
            let shared = (ranges[index - 1].upperBound - range.lowerBound) * scale
            for position in 0 ..< shared { weights[position] *= (Float(position) + 0.5) / Float(shared) }
        }
        if index + 1 < ranges.count {
            let shared = (range.upperBound - ranges[index + 1].lowerBound) * scale
            for position in 0 ..< shared {
                weights[weights.count - 1 - position] *= (Float(position) + 0.5) / Float(shared)
            }
        }
        return weights
    }

    /// The mix of every tile's result, `[height · scale, width · scale, channels]`.
    /// - Parameters:
    ///   - scale: pixels of the result a latent pixel.
    ///   - compute: makes a tile's result, `[rows · scale, columns · scale, channels]`.
    func mixed(
        channels: Int, scale: Int, _ compute: (_ rows: Range<Int>, _ columns: Range<Int>) throws -> [Float]
    ) rethrows -> [Float] {
        let height = (rows.last?.upperBound ?? 0) * scale
        let width = (columns.last?.upperBound ?? 0) * scale
        var sum = [Float](repeating: 0, count: height * width * channels)
        var total = [Float](repeating: 0, count: height * width)
        for row in rows {
            let vertical = Self.weights(row, among: rows, scale: scale)
            for column in columns {
                let horizontal = Self.weights(column, among: columns, scale: scale)
                let tile = try compute(row, column)
                for y in vertical.indices {
                    for x in horizontal.indices {
                        let weight = vertical[y] * horizontal[x]
                        let to = (row.lowerBound * scale + y) * width + column.lowerBound * scale + x
                        let from = y * horizontal.count + x
                        total[to] += weight
                        for channel in 0 ..< channels {
                            sum[to * channels + channel] += weight * tile[from * channels + channel]
                        }
                    }
                }
            }
        }
        for pixel in total.indices {
            for channel in 0 ..< channels { sum[pixel * channels + channel] /= total[pixel] }
        }
        return sum
    }
}
