#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// PyTorch's CUDA generator: `torch.randn(shape, device="cuda")` in float32, for shapes small enough that a GPU gives each
/// element a thread of its own (latents always are).
///
/// Philox4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), one counter an element, one offset a
/// call, and the Box–Muller transform of cuRAND, in the form in which AUTOMATIC1111's `modules/rng_philox.py` (v1.10.1)
/// made it known; that file computes in double precision from float32 constants, and so does this.
public struct PhiloxGenerator: RandomGenerator {
    private let key: (UInt32, UInt32)
    /// Calls made so far.
    private var offset: UInt32 = 0

    public init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    public mutating func normal(count: Int) -> [Float] {
        precondition(count >= 0, "a count of numbers cannot be negative")
        defer { offset &+= 1 }
        return (0 ..< count).map { index in
            let words = Self.philox(counter: (offset, 0, UInt32(truncatingIfNeeded: index), 0), key: key)
            return Self.boxMuller(words.0, words.1)
        }
    }

    /// Ten rounds over four words.
    private static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var counter = counter
        var key = key
        for round in 0 ..< 10 {
            if round > 0 { key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85) }
            let first = counter.0.multipliedFullWidth(by: 0xD251_1F53)
            let second = counter.2.multipliedFullWidth(by: 0xCD9E_8D57)
            counter = (second.high ^ counter.1 ^ key.0, second.low, first.high ^ counter.3 ^ key.1, first.low)
        }
        return counter
    }

    /// 2⁻³² and 2π · 2⁻³², as cuRAND rounds them to float32.
    private static let unit = Double(2.3283064e-10 as Float)
    private static let turn = Double(Float(2.3283064e-10 as Double * 6.2831855))

    private static func boxMuller(_ x: UInt32, _ y: UInt32) -> Float {
        let u = Double(x) * unit + unit / 2
        let v = Double(y) * turn + turn / 2
        return Float((-2 * log(u)).squareRoot() * sin(v))
    }
}
