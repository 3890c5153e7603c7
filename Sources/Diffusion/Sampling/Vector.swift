/// Latents or a network's output as a vector, so that a sampler's formulas read as they do in its paper.
///
/// Each operator rounds to Float once an element, as PyTorch's tensors do: the order of operations in a formula is
/// therefore part of it.
struct Vector: Sendable {
    var values: [Float]

    init(_ values: [Float]) { self.values = values }

    private init(_ a: Vector, _ body: (Float) -> Float) { values = a.values.map(body) }

    private init(_ a: Vector, _ b: Vector, _ body: (Float, Float) -> Float) {
        precondition(a.values.count == b.values.count, "vectors of different lengths")
        values = [Float](unsafeUninitializedCapacity: a.values.count) { result, count in
            for index in a.values.indices {
                result.initializeElement(at: index, to: body(a.values[index], b.values[index]))
            }
            count = a.values.count
        }
    }

    static func + (a: Vector, b: Vector) -> Vector { Vector(a, b, +) }
    static func - (a: Vector, b: Vector) -> Vector { Vector(a, b, -) }
    static func * (scale: Float, a: Vector) -> Vector { Vector(a) { scale * $0 } }
    static func / (a: Vector, divisor: Float) -> Vector { Vector(a) { $0 / divisor } }

    /// Every element brought into −bound…bound.
    func clamped(to bound: Float) -> Vector { Vector(self) { min(max($0, -bound), bound) } }

    /// The element below which a share of the magnitudes lies, interpolated linearly as `torch.quantile` does.
    func magnitudeQuantile(_ share: Float) -> Float {
        let magnitudes = values.map(abs).sorted()
        guard let last = magnitudes.indices.last else { return 0 }
        let rank = share * Float(last)
        let below = Int(rank.rounded(.down))
        let above = min(below + 1, last)
        let weight = rank - Float(below)
        return magnitudes[below] + weight * (magnitudes[above] - magnitudes[below])
    }
}
