internal import Masking
internal import Raster

/// A part of an outpaint that is worked as an edit of its own, in a window of the canvas; all else in the window is kept.
enum OutpaintPiece: Sendable {
    /// What is repainted of the picture itself, before anything is added to it. The mask has the window's size.
    case marked(Mask, window: PixelRect)
    /// New pixels.
    case panel(OutpaintPanel)

    var window: PixelRect {
        switch self {
        case .marked(_, let window): window
        case .panel(let panel): panel.window
        }
    }

    /// Of the window's size.
    var mask: Mask {
        switch self {
        case .marked(let mask, _): mask
        case .panel(let panel): panel.mask
        }
    }
}
