/// The 32-bit Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), as PyTorch seeds and runs it
/// (`c10`/`ATen/core/MT19937RNGEngine.h`, v2.15.0).
struct MersenneTwister: Sendable {
    private var state: [UInt32]
    /// The next word of `state` to hand out; `count` when a new block is due.
    private var next: Int

    private static let count = 624
    private static let middle = 397

    /// Seeds with the low 32 bits, as `torch.Generator.manual_seed` does on the CPU.
    init(seed: UInt64) {
        state = [UInt32](repeating: 0, count: Self.count)
        state[0] = UInt32(truncatingIfNeeded: seed)
        for index in 1 ..< Self.count {
            let previous = state[index - 1]
            state[index] = 1_812_433_253 &* (previous ^ previous >> 30) &+ UInt32(index)
        }
        next = Self.count
    }

    mutating func callAsFunction() -> UInt32 {
        if next == Self.count { advanceBlock() }
        var word = state[next]
        next += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C_5680
        word ^= word << 15 & 0xEFC6_0000
        return word ^ word >> 18
    }

    private mutating func advanceBlock() {
        for index in 0 ..< Self.count {
            let mixed = state[index] & 0x8000_0000 | state[(index + 1) % Self.count] & 0x7FFF_FFFF
            let twisted = mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
            state[index] = state[(index + Self.middle) % Self.count] ^ twisted
        }
        next = 0
    }
}
