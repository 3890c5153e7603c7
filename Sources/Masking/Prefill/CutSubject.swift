internal import Raster

/// A subject that extended edges cut. It goes on beyond them, next to where they cut it.
struct CutSubject: Sendable {
    /// 1 where it is, 0 elsewhere; of the picture's size.
    let cells: Plane
    let cuts: [Cut]

    /// A stretch of an extended edge, in pixels.
    struct Cut: Sendable {
        let side: ExtensionSources.Side
        let from: Float
        let to: Float
        /// How far beyond the edge the subject may go on.
        let reach: Float
        /// How far beside the stretch it may do so at the edge.
        let margin: Float

        /// By how much that grows with each pixel outwards.
        private static let flare: Float = 0.25

        fileprivate func goesOn(x: Float, y: Float, of size: PixelSize) -> Bool {
            let (along, outward) =
                switch side {
                case .left: (y, -x)
                case .right: (y, x - Float(size.width))
                case .top: (x, -y)
                case .bottom: (x, y - Float(size.height))
                }
            guard outward > 0, outward <= reach else { return false }
            return max(from - along, along - to, 0) <= margin + Self.flare * outward
        }
    }

    /// Whether a pixel beyond the picture, in its coordinates, may be the subject.
    func goesOn(x: Int, y: Int) -> Bool {
        cuts.contains { $0.goesOn(x: Float(x) + 0.5, y: Float(y) + 0.5, of: cells.size) }
    }
}
