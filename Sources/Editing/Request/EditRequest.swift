public import Raster

/// One edit as the user asked for it.
public struct EditRequest: Sendable {
    public var mode: EditMode
    /// `nil` only for `generate`.
    public var picture: PictureInput?
    /// `nil` for outpaint, variations and generate, and for a remix of the whole picture.
    public var mask: PictureInput?
    /// Empty for none.
    public var prompt: String
    public var negativePrompt: String
    /// Outpaint only.
    public var canvas: CanvasChange?
    /// Generate only.
    public var size: PixelSize?
    public var settings: EditSettings

    public init(
        mode: EditMode, picture: PictureInput? = nil, mask: PictureInput? = nil, prompt: String = "",
        negativePrompt: String = "", canvas: CanvasChange? = nil, size: PixelSize? = nil,
        settings: EditSettings = EditSettings()
    ) {
        self.mode = mode
        self.picture = picture
        self.mask = mask
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.canvas = canvas
        self.size = size
        self.settings = settings
    }
}
