internal import Diffusion
internal import Masking

/// Limits of what stands beside the table of settings (`Settings`).
extension EditSettings {
    /// Width times height of a picture that is read, where nothing else is asked for: 2²⁸.
    public static let defaultMaximumPixels = 1 << 28
    /// Steps from one live preview to the next.
    public static let previewIntervals = SettingRange("steps", 1 ... 1000)
    /// Bytes of memory that an edit can be held to, at least.
    public static let smallestMemoryLimit = 256 << 20
    /// How much of a LoRA counts.
    public static let adapterWeights = SettingRange<Float>("as its weight", -10 ... 10)
    public static let threadCounts = SettingRange("threads", 1 ... 1024)
    /// Pixels that an outpaint adds at one side; what it comes to is held to the limits of a canvas.
    public static let margins = SettingRange("pixels", 0 ... OutpaintPlan.maximumCanvasSide)
    /// Times that an outpaint makes a picture's sides longer.
    public static let zooms = SettingRange("times", 1.001 ... 16)
    /// Both numbers of a ratio.
    public static let aspectSides = SettingRange("", 1 ... 100_000)
    /// Sides of a generated picture.
    public static let sides = SettingRange("pixels", 8 ... OutpaintPlan.maximumCanvasSide)
    /// UTF-8 bytes of a prompt: some 4000 tokens, more than fifty times what the text encoder reads at once.
    public static let promptLimit = 16384
    /// Masks of one kind, each of which is read and held.
    public static let maskLimit = 1000

    /// Throws `EditError` for the first setting that is outside its range, and for settings that exclude each other.
    public func validate() throws(EditError) {
        for setting in Settings.all { try setting.validate(self) }
        if coherence > 0, knownLatents == .channels { throw .nothingHeld }
    }
}
