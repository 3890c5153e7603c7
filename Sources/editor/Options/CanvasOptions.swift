internal import ArgumentParser
internal import Editing
internal import Masking
internal import Raster

/// How far an outpaint extends the picture.
struct CanvasOptions: ParsableArguments {
    @Option(
        parsing: .unconditional, help: Self.marginHelp("left"),
        transform: Form.whole(SettingRange("left", "pixels", EditSettings.marginRange), example: 256))
    var left: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("right"),
        transform: Form.whole(SettingRange("right", "pixels", EditSettings.marginRange), example: 256))
    var right: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("top"),
        transform: Form.whole(SettingRange("top", "pixels", EditSettings.marginRange), example: 256))
    var top: Int?

    @Option(
        parsing: .unconditional, help: Self.marginHelp("bottom"),
        transform: Form.whole(SettingRange("bottom", "pixels", EditSettings.marginRange), example: 256))
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
            "Make both sides longer by this factor, \(EditSettings.zoomOutRange.bounds), as if the camera went back; the picture keeps its pixels.",
            valueName: "factor"), transform: Form.number(EditSettings.zoomOutRange, example: "1.5", factor: true))
    var zoomOut: Double?

    @Option(help: "Where the picture stays on a canvas given by --size, --aspect or --zoom-out.")
    var anchor: OutpaintPlan.Anchor?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Extend by at most so many pixels at a time, \(EditSettings.panelRange.bounds); each panel continues those before it. Default: three quarters of the model's own size, or of the picture's shorter side where that is longer.",
            valueName: "pixels"), transform: Form.whole(EditSettings.panelRange, example: 384))
    var panel: Int?

    func apply(to settings: inout EditSettings) {
        settings.panel = panel
    }

    /// What was asked for. Throws a `ValidationError` for none, for several ways at once and for values out of range.
    func change() throws -> CanvasChange {
        let margins = [("left", left), ("right", right), ("top", top), ("bottom", bottom)]
        // How much is too much the picture's size says.
        for case (let side, let value?) in margins where value < 0 {
            throw ValidationError("--\(side) must be 0 pixels or more, found \(value)")
        }
        try check(EditSettings.zoomOutRange, zoomOut)
        try check(EditSettings.panelRange, panel)
        let hasMargins = margins.contains { $0.1 != nil }
        if hasMargins, let anchor {
            throw ValidationError(
                "--anchor \(anchor.rawValue) is for --size, --aspect and --zoom-out; the four sides already say where the picture stays"
            )
        }
        let anchor = anchor ?? .center
        switch (hasMargins, size, aspect, zoomOut) {
        case (true, nil, nil, nil):
            guard margins.contains(where: { ($0.1 ?? 0) > 0 }) else {
                throw ValidationError("nothing would be added: give one of --left, --right, --top, --bottom above 0")
            }
            return .margins(Margins(left: left ?? 0, right: right ?? 0, top: top ?? 0, bottom: bottom ?? 0))
        case (false, let size?, nil, nil):
            return .size(size.size, anchor: anchor)
        case (false, nil, let aspect?, nil):
            // Numbers with a fraction stand here in hundredths.
            let range = 1 ... 100_000
            guard range.contains(aspect.width), range.contains(aspect.height) else {
                throw ValidationError(
                    "--aspect must be width:height, two numbers from 0.01 to 1000 such as 16:9 or 2.39:1, found \(aspect.text)"
                )
            }
            return .aspect(width: aspect.width, height: aspect.height, anchor: anchor)
        case (false, nil, nil, let zoomOut?):
            return .zoomOut(zoomOut, anchor: anchor)
        case (false, nil, nil, nil):
            throw ValidationError(
                "outpaint needs to know how far to extend: give --left, --right, --top or --bottom, or --size, --aspect or --zoom-out"
            )
        default:
            throw ValidationError(
                "--size, --aspect, --zoom-out and the four sides exclude each other; give one of the four")
        }
    }

    private static func marginHelp(_ side: String) -> ArgumentHelp {
        let range = EditSettings.marginRange
        return ArgumentHelp(
            "Pixels to add at the \(side), \(range.lowerBound) to \(range.upperBound). Default: 0.", valueName: "pixels"
        )
    }
}
