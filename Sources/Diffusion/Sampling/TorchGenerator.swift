#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// PyTorch's CPU generator: `torch.randn(shape, generator: torch.Generator("cpu").manual_seed(seed))` in float32.
///
/// Two ways, as `ATen/native/cpu/DistributionTemplates.h` and `ATen/core/DistributionsHelper.h` (v2.15.0) have them: from
/// 16 numbers up, uniforms fill the whole result and are turned into normals sixteen at a time; below, each number is
/// made in double precision, every second one kept back for the next call.
///
/// Bit-exact with PyTorch on x86-64 with AVX2 or AVX-512 (where its block of sixteen uses `VectorNormal`). Elsewhere
/// PyTorch calls the platform's `logf`, `sinf` and `cosf` instead and so differs from this in the last few bits.
public struct TorchGenerator: RandomGenerator {
    private var engine: MersenneTwister
    /// The second number of a pair of the scalar way, kept for the next call of the scalar way.
    private var kept: Double?

    public init(seed: UInt64) { engine = MersenneTwister(seed: seed) }

    public mutating func normal(count: Int) -> [Float] {
        precondition(count >= 0, "a count of numbers cannot be negative")
        if count < VectorNormal.width { return (0 ..< count).map { _ in Float(scalarNormal()) } }
        var values = (0 ..< count).map { _ in uniform() }
        for start in stride(from: 0, through: count - VectorNormal.width, by: VectorNormal.width) {
            VectorNormal.transform(&values, at: start)
        }
        // The reference redraws the last sixteen where they are not a block of their own.
        if count % VectorNormal.width != 0 {
            let start = count - VectorNormal.width
            for index in start ..< count { values[index] = uniform() }
            VectorNormal.transform(&values, at: start)
        }
        return values
    }

    /// A float in 0..<1 with 24 random bits (`uniform_real_distribution<float>`).
    private mutating func uniform() -> Float { Float(engine() & 0xFF_FFFF) * 0x1p-24 }

    /// A double in 0..<1 with 53 random bits (`uniform_real_distribution<double>`); the first word is the high one.
    private mutating func uniform53() -> Double {
        let high = UInt64(engine())
        let low = UInt64(engine())
        return Double((high << 32 | low) & (1 << 53 - 1)) * 0x1p-53
    }

    /// `normal_distribution<double>`.
    private mutating func scalarNormal() -> Double {
        if let value = kept {
            kept = nil
            return value
        }
        let angle = 2 * Double.pi * uniform53()
        let radius = (-2 * log1p(-uniform53())).squareRoot()
        kept = radius * sin(angle)
        return radius * cos(angle)
    }
}
