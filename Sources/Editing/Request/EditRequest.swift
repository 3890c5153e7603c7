internal import PlainText
public import Raster

/// One edit as the user asked for it.
public struct EditRequest: Sendable, Equatable {
    public var mode: EditMode
    /// `nil` only for `generate`.
    public var picture: PictureInput?
    /// What is repainted, all of them together; of an outpaint in the picture itself, beside what is added to it. None for
    /// generate, and for a remix or variations of the whole picture.
    public var masks: [MaskSource]
    /// What never changes: taken from the masks once they are grown and blurred. White keeps a pixel byte for byte, grey
    /// weakens the mask in proportion.
    public var protected: [MaskSource] = []
    /// Empty for none.
    public var prompt: String
    public var negativePrompt: String
    /// Outpaint only.
    public var canvas: CanvasChange?
    /// Generate only.
    public var size: PixelSize?
    public var settings: EditSettings

    public init(
        mode: EditMode, picture: PictureInput? = nil, mask: PictureInput? = nil, masks: [MaskSource] = [],
        prompt: String = "", negativePrompt: String = "", canvas: CanvasChange? = nil, size: PixelSize? = nil,
        settings: EditSettings = EditSettings()
    ) {
        self.mode = mode
        self.picture = picture
        self.masks = (mask.map { [.picture($0)] } ?? []) + masks
        self.prompt = prompt.repaired
        self.negativePrompt = negativePrompt.repaired
        self.canvas = canvas
        self.size = size
        self.settings = settings
    }
}
