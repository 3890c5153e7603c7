internal import ArgumentParser
internal import Editing
internal import Masking
internal import PlainText
internal import Raster

/// How far an outpaint extends the picture.
struct CanvasOptions: ParsableArguments {
    @Option(
        parsing: .unconditional, help: Self.marginHelp("left"),
        transform: Form.whole(EditSettings.margins, example: 256))
    var left: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("right"),
        transform: Form.whole(EditSettings.margins, example: 256))
    var right: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("top"),
        transform: Form.whole(EditSettings.margins, example: 256))
    var top: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("bottom"),
        transform: Form.whole(EditSettings.margins, example: 256))
    var bottom: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Size of the new canvas in pixels, for example 1024x768.", valueName: "WxH"),
        transform: SizeArgument.parse)
    var size: SizeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Ratio of the new canvas, for example 16:9; it holds the whole picture.", valueName: "W:H"),
        transform: AspectArgument.parse)
    var aspect: AspectArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Make both sides longer by this factor, \(EditSettings.zooms.bounds), as if the camera went back; the picture keeps its pixels.",
            valueName: "factor"), transform: Form.number(EditSettings.zooms, example: "1.5", factor: true))
    var zoomOut: Double?

    @Option(help: "Where the picture stays on a canvas given by --size, --aspect or --zoom-out.")
    var anchor: OutpaintPlan.Anchor?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.panel, valueName: "pixels"),
        transform: Form.whole(Settings.panel.range, example: 384))
    var panel: Int?

    func apply(to settings: inout EditSettings) {
        settings.panel = panel
    }

    /// What was asked for. Throws `EditError` for none, for several ways at once and for values out of range.
    func change() throws(EditError) -> CanvasChange {
        var words = CanvasChange.Words()
        (words.left, words.right, words.top, words.bottom) = (left, right, top, bottom)
        words.size = size?.size
        words.aspect = aspect.map { ($0.width, $0.height) }
        words.zoomOut = zoomOut
        words.anchor = anchor
        if let aspect, !CanvasChange.isAspect(aspect.width, aspect.height) {
            throw .outOfRange(.aspect, allowed: CanvasChange.allowedAspects, found: aspect.text)
        }
        return try CanvasChange(words)
    }

    private static func marginHelp(_ side: String) -> ArgumentHelp {
        let range = EditSettings.margins.range
        return ArgumentHelp(
            "Pixels to add at the \(side), \(range.lowerBound) to \(range.upperBound). Default: 0.", valueName: "pixels"
        )
    }
}
