public import Masking
public import Raster

/// How an outpaint enlarges the canvas.
public enum CanvasChange: Sendable, Equatable {
    /// Pixels added at each side.
    case margins(Margins)
    /// A canvas of that size.
    case size(PixelSize, anchor: OutpaintPlan.Anchor)
    /// The smallest canvas of the ratio `width : height` that holds the picture.
    case aspect(width: Int, height: Int, anchor: OutpaintPlan.Anchor)
    /// A canvas whose sides are that many times the picture's; above 1.
    case zoomOut(Double, anchor: OutpaintPlan.Anchor)

    /// Where a picture of that size stands on the new canvas.
    public func plan(for picture: PixelSize) throws(OutpaintError) -> OutpaintPlan {
        switch self {
        case .margins(let margins): try OutpaintPlan(source: picture, margins: margins)
        case .size(let size, let anchor): try OutpaintPlan(source: picture, size: size, anchor: anchor)
        case .aspect(let width, let height, let anchor):
            try OutpaintPlan(source: picture, aspect: (width, height), anchor: anchor)
        case .zoomOut(let factor, let anchor): try OutpaintPlan(source: picture, zoomOut: factor, anchor: anchor)
        }
    }
}
