/// What a model's runs may take of the memory, in bytes.
public struct MemoryLimits: Sendable, Equatable {
    /// For the autoencoder's activations: larger pictures are encoded and decoded in tiles.
    public var activations: Int
    /// For packed weights that stay between their uses; the rest is read from disk each time, or from what the system keeps
    /// of it.
    public var weights: Int
    /// Whether all else gives memory back as well: that of activations between the networks' turns, and whatever of it is
    /// not in use above `activations`.
    public var isShort: Bool

    public init(activations: Int = 3 << 30, weights: Int = .max, isShort: Bool = false) {
        self.activations = activations
        self.weights = weights
        self.isShort = isShort
    }
}
