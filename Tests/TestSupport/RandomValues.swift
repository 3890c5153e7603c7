/// Numbers that look random and are the same on every machine.
public enum RandomValues {
    /// About normal: the sum of twelve uniform numbers, less six.
    public static func normal(_ count: Int, seed: UInt64, deviation: Float = 1) -> [Float] {
        var state = SplitMix(seed: seed)
        return (0 ..< count).map { _ in
            deviation * ((0 ..< 12).reduce(0) { sum, _ in sum + state.uniform() } - 6)
        }
    }

    /// 0 ..< 1
    public static func uniform(_ count: Int, seed: UInt64) -> [Float] {
        var state = SplitMix(seed: seed)
        return (0 ..< count).map { _ in state.uniform() }
    }

    /// `lowest` and the 2 ^ `bits` − 1 numbers after it.
    public static func bytes(_ count: Int, seed: UInt64, bits: Int = 8, lowest: UInt8 = 0) -> [UInt8] {
        var state = SplitMix(seed: seed)
        return (0 ..< count).map { _ in UInt8(truncatingIfNeeded: state.next() >> UInt64(64 - bits)) + lowest }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
public struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< 1
    public mutating func uniform() -> Float { Float(next() >> 40) / Float(1 << 24) }
}
