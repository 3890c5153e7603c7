/// A source of normally distributed noise, with the state that a seed started.
///
/// Conforming types reproduce a generator of PyTorch's: the same seed gives the same numbers in the same order there.
public protocol RandomGenerator: Sendable {
    init(seed: UInt64)
    /// Draws `count` numbers of mean 0 and deviation 1: what `torch.randn` returns, flattened, for any shape of `count`
    /// elements. How many a single call draws matters: two calls are not one longer call.
    mutating func normal(count: Int) -> [Float]
}

extension RandomSource {
    /// The generator of this source, at its start.
    public func generator(seed: UInt64) -> any RandomGenerator {
        switch self {
        case .torch: TorchGenerator(seed: seed)
        case .philox: PhiloxGenerator(seed: seed)
        }
    }
}
