public import Raster

/// What a fill may copy to some places only.
public struct ConfinedSources: Sendable {
    /// Above 0 where that is; 1 where its inside is, less on its outline.
    public var from: Plane
    /// Above 0 where it may be copied to; 1 where nothing but its inside may be.
    public var to: Plane

    /// From this on a value counts as 1.
    static let certain: Float = 0.75

    /// Traps on planes of two sizes.
    public init(from: Plane, to: Plane) {
        precondition(from.size == to.size, "what is confined is of \(from.size), where it may go of \(to.size)")
        self.from = from
        self.to = to
    }

    func cropped(to rect: PixelRect) -> ConfinedSources {
        ConfinedSources(from: from.cropped(to: rect), to: to.cropped(to: rect))
    }
}
