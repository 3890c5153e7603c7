public import Raster

/// What a fill may copy to some places only.
public struct ConfinedSources: Sendable {
    /// Above 0 where that is.
    public var from: Plane
    /// Above 0 where it may be copied to.
    public var to: Plane

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
