internal import Raster

/// A subject that extended edges cut. It goes on beyond them, next to where they cut it.
struct CutSubject: Sendable {
    /// 1 where it is, `outline` on its outline, 0 elsewhere; of the picture's size.
    let cells: Plane
    let cuts: [Cut]

    /// What its outline counts in `cells`, and the places where that may lie beyond the picture.
    static let outline: Float = 0.5

    /// A stretch of an extended edge, in pixels, and the subject's outline beyond it.
    struct Cut: Sendable {
        let side: ExtensionSources.Side
        let outline: Outline
        /// How far from that outline the real one may be.
        let margin: Float
        /// Whether nothing else is inside that outline.
        var isCertain = true

        /// Along the edge and outwards from it.
        enum Outline: Sendable {
            /// Two lines from the ends of the stretch, which part by these slopes; infinite ends for none.
            case lines(from: Float, to: Float, slopes: (from: Float, to: Float))
            /// An ellipse whose greatest half width lies `depth` inside the edge, and which ends `reach` outside.
            case ellipse(middle: Float, half: Float, depth: Float, reach: Float)

            /// It may be anywhere.
            case anywhere

            /// About how far inside a place is; negative outside.
            func depth(along: Float, outward: Float) -> Float {
                switch self {
                case .anywhere: return 0
                case .lines(let from, let to, let slopes):
                    func distance(_ depth: Float, _ slope: Float) -> Float {
                        (depth + slope * outward) / (1 + slope * slope).squareRoot()
                    }
                    return min(distance(along - from, slopes.from), distance(to - along, slopes.to))
                case .ellipse(let middle, let half, let depth, let reach):
                    let height = (outward + depth) / (reach + depth)
                    let width = half * max(0, 1 - height * height).squareRoot()
                    return min(width - abs(along - middle), reach - outward)
                }
            }
        }

        fileprivate func share(x: Float, y: Float, of size: PixelSize) -> Float {
            let (along, outward) =
                switch side {
                case .left: (y, -x)
                case .right: (y, x - Float(size.width))
                case .top: (x, -y)
                case .bottom: (x, y - Float(size.height))
                }
            guard outward > 0 else { return 0 }
            let depth = outline.depth(along: along, outward: outward)
            return isCertain && depth >= margin ? 1 : depth >= -margin ? CutSubject.outline : 0
        }
    }

    /// 1 where a pixel beyond the picture, in its coordinates, is the subject, `outline` where it may be, or 0.
    func share(x: Int, y: Int) -> Float {
        cuts.reduce(0) { max($0, $1.share(x: Float(x) + 0.5, y: Float(y) + 0.5, of: cells.size)) }
    }
}
