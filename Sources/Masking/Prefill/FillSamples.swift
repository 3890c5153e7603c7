public import Raster

/// More of a scene than the image that is filled shows of it, at the same scale, for a fill to copy from.
public struct FillSamples: Sendable {
    public var image: RGBImage
    /// The row of the filled image at which the first row of `image` would lie.
    public var row: Int
    /// Of `image`'s size, above 0 where nothing may be copied from; `nil` for nowhere.
    public var excluded: Plane?
    /// For each of the fill's `ConfinedSources`, above 0 for what of `image` is confined as well; of its size.
    public var confined: [Plane]

    /// Traps on an exclusion or a confinement of another size.
    public init(image: RGBImage, row: Int, excluded: Plane? = nil, confined: [Plane] = []) {
        precondition(excluded == nil || excluded?.size == image.size, "an exclusion of another size than \(image.size)")
        precondition(confined.allSatisfy { $0.size == image.size }, "a confinement of another size than \(image.size)")
        self.image = image
        self.row = row
        self.excluded = excluded
        self.confined = confined
    }
}
