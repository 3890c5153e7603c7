internal import Raster

extension Kriging {
    /// Places that are compared with the predicted ones, at most.
    private static let mostPlaces = 200
    /// Pixels from which they are drawn, in x and in y.
    private static let grainReach = 40
    /// Of those places, how many tell what is grain.
    private static let witnesses = 16
    /// Median : root mean square of errors, below which they are structure and from which they are grain: 0.67 for a normal
    /// distribution, less the rarer and larger they are.
    private static let (structure, grain): (Float, Float) = (0.53, 0.62)
    /// Medians that grain does not exceed.
    private static let mostGrain: Float = 4

    /// What to add to predictions so that the picture's grain goes on through them: the errors that the same predictions make in a
    /// known place nearby, the one that looks most alike. (So geostatistics simulate what kriging smooths: Journel and Huijbregts
    /// 1978, "Mining Geostatistics", ch. VII; the simulated field is here a piece of the picture itself.)
    ///
    /// Grain is alike everywhere around; errors that are large in few places, as along edges, are structure, and nothing tells
    /// which of it goes here: as far as they are that, nothing is added.
    func grain(of predictions: [PixelPrediction], seed: UInt64) -> [SIMD4<Float>]? {
        let places = places(alike: predictions, seed: seed)
        guard let best = places.min(by: { $0.difference < $1.difference })?.shift else { return nil }
        func errors(_ shift: Int) -> [SIMD4<Float>] {
            predictions.map { given[$0.index + shift] - $0.mean(in: given, shift: shift) }
        }
        let typical = places.prefix(Self.witnesses).flatMap { errors($0.shift) }
        var (limit, share) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
        for channel in 0 ..< 3 {
            let sizes = typical.map { abs($0[channel]) }.sorted()
            let median = sizes[sizes.count / 2]
            let deviation = (sizes.reduce(0) { $0 + $1 * $1 } / Float(sizes.count)).squareRoot()
            guard deviation > 0 else { continue }
            limit[channel] = Self.mostGrain * median
            share[channel] = min(1, max(0, (median / deviation - Self.structure) / (Self.grain - Self.structure)))
        }
        return errors(best).map { share * $0.clamped(lowerBound: -limit, upperBound: limit) }
    }

    /// Places drawn at random in which all neighbourhoods of the predicted pixels are given, as shifts of an index, and how much the
    /// predicted pixels' known neighbours differ from theirs, tone apart.
    private func places(alike predictions: [PixelPrediction], seed: UInt64) -> [(shift: Int, difference: Float)] {
        let columns = predictions.map { $0.index % size.width }
        let rows = predictions.map { $0.index / size.width }
        guard let left = columns.min(), let right = columns.max(), let top = rows.min(), let bottom = rows.max() else {
            return []
        }
        var random = SplitMix64(seed: seed)
        func offset() -> Int { Int(random.next() % UInt64(2 * Self.grainReach + 1)) - Self.grainReach }
        var places: [(shift: Int, difference: Float)] = []
        for _ in 0 ..< 20 * Self.mostPlaces where places.count < Self.mostPlaces {
            let (x, y) = (offset(), offset())
            guard left + x >= 0, right + x < size.width, top + y >= 0, bottom + y < size.height else { continue }
            let shift = y * size.width + x
            guard predictions.allSatisfy({ isSample[$0.index + shift] }) else { continue }
            places.append((shift, predictions.reduce(0) { $0 + difference(of: $1, from: shift) }))
        }
        return places
    }

    /// Squared differences of a predicted pixel's known neighbours from those at `shift`, less that of their means.
    private func difference(of prediction: PixelPrediction, from shift: Int) -> Float {
        var (sum, squares) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
        for neighbor in prediction.neighbors {
            let difference = given[neighbor + shift] - colors[neighbor]
            sum += difference
            squares += difference * difference
        }
        return (squares - sum * sum / Float(prediction.neighbors.count)).sum()
    }
}
