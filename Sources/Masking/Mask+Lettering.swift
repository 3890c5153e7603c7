internal import Raster

extension Mask {
    /// How far, in pixels, the ground around letters is looked at.
    private static let groundReach = 3
    /// The share of that ground that must stay unmarked for letters to be told.
    private static let leastGround: Float = 0.75

    /// Whether the words of this mask can still be told where `other` is marked as well. They cannot where it covers the
    /// ground that they stand on: a word inside an ellipse is an ellipse. A line through them leaves most of it.
    ///
    /// Traps on masks of different sizes.
    public func areWordsSeen(beside other: Mask) -> Bool {
        precondition(size == other.size, "masks of \(size) and \(other.size) are not compared")
        guard let bounds else { return true }
        let area = bounds.insetBy(-Self.groundReach).intersection(PixelRect(size))
        let (words, marked) = (cropped(to: area), other.cropped(to: area))
        let grown = words.grown(by: Self.groundReach)
        var (ground, free) = (Float(0), Float(0))
        for (index, word) in words.coverage.values.enumerated() {
            let share = grown.coverage.values[index] - word
            ground += share
            free += share * (1 - marked.coverage.values[index])
        }
        return free >= Self.leastGround * ground
    }
}
