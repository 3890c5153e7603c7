internal import Diffusion
internal import Masking

/// The range of every numeric setting, in one place for the command line, the help and the library's own check.
extension EditSettings {
    public static let countRange = SettingRange("count", "pictures", 1 ... 64)
    public static let batchSizeRange = SettingRange("batch-size", "pictures", 1 ... 16)
    public static let stepsRange = SettingRange("steps", "steps", 1 ... 1000)
    public static let guidanceRange = SettingRange<Float>("guidance", "", 0 ... 50)
    public static let imageGuidanceRange = SettingRange<Float>("image-guidance", "", 0 ... 50)
    public static let guidanceRescaleRange = SettingRange<Float>("guidance-rescale", "", 0 ... 1)
    public static let guidanceIntervalRange = SettingRange<Float>("guidance interval", "", 0 ... 1)
    public static let deepFeatureIntervalRange = SettingRange("reuse-features", "steps", 1 ... 10)
    public static let strengthRange = SettingRange<Float>("strength", "", 0.01 ... 1)
    public static let paddingRange = SettingRange("padding", "pixels", 0 ... 4096)
    public static let growRange = SettingRange("grow", "pixels", 0 ... 512)
    public static let featherRange = SettingRange<Float>("feather", "pixels", 0 ... 256)
    public static let blendRange = SettingRange("blend", "pixels", 0 ... 256)
    /// Width times height of a picture that is read.
    public static let maximumPixelsRange = SettingRange("max-pixels", "pixels", 1 ... 1 << 32)
    /// 2²⁸.
    public static let defaultMaximumPixels = 1 << 28
    public static let coherenceRange = SettingRange("coherence", "times", 0 ... 20)
    public static let previewIntervalRange = SettingRange("live-preview-interval", "steps", 1 ... 1000)
    /// How much of a LoRA counts.
    public static let adapterWeightRange = SettingRange<Float>("lora", "as its weight", -10 ... 10)
    public static let threadsRange = SettingRange("threads", "threads", 1 ... 1024)
    /// Pixels that an outpaint adds at one side; what it comes to is held to the limits of a canvas.
    public static let marginRange = 0 ... OutpaintPlan.maximumCanvasSide
    /// Times that an outpaint makes a picture's sides longer.
    public static let zoomOutRange = SettingRange("zoom-out", "times", 1.001 ... 16)
    public static let panelRange = SettingRange("panel", "pixels", 32 ... 16384)
    /// Sides of a generated picture.
    public static let sideRange = 8 ... OutpaintPlan.maximumCanvasSide
    /// UTF-8 bytes of a prompt: some 4000 tokens, more than fifty times what the text encoder reads at once.
    public static let promptLimit = 16384

    /// Throws `EditError.outOfRange` naming the first setting that is outside its range.
    public func validate() throws(EditError) {
        try Self.countRange.check(count)
        try Self.stepsRange.check(steps)
        try Self.guidanceRange.check(guidance)
        try Self.imageGuidanceRange.check(imageGuidance)
        try Self.guidanceRescaleRange.check(guidanceRescale)
        try Self.guidanceIntervalRange.check(guidanceInterval.lowerBound)
        try Self.guidanceIntervalRange.check(guidanceInterval.upperBound)
        try Self.deepFeatureIntervalRange.check(deepFeatureInterval)
        try Self.batchSizeRange.check(batchSize)
        try Self.strengthRange.check(strength)
        try Self.paddingRange.check(padding)
        try Self.growRange.check(grow)
        try Self.featherRange.check(feather)
        try Self.blendRange.check(blend)
        try Self.coherenceRange.check(coherence)
        if coherence > 0, knownLatents == .channels { throw .nothingHeld }
        try Self.maximumPixelsRange.check(maximumPixels)
        try Self.panelRange.check(panel)
    }
}
