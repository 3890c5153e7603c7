internal import ArgumentParser
internal import Editing
internal import Masking
internal import Raster

/// How far an outpaint extends the picture.
struct CanvasOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: Self.marginHelp("left"))
    var left: Int?

    @Option(parsing: .unconditional, help: Self.marginHelp("right"))
    var right: Int?

    @Option(parsing: .unconditional, help: Self.marginHelp("top"))
    var top: Int?

    @Option(parsing: .unconditional, help: Self.marginHelp("bottom"))
    var bottom: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Size of the new canvas in pixels, for example 1024x768.", valueName: "WxH"))
    var size: SizeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Ratio of the new canvas, for example 16:9; it holds the whole picture.", valueName: "W:H"))
    var aspect: AspectArgument?

    @Option(help: "Where the picture stays on a canvas given by --size or --aspect.")
    var anchor = OutpaintPlan.Anchor.center

    /// What was asked for. Throws a `ValidationError` for none, for several ways at once and for values out of range.
    func change() throws -> CanvasChange {
        let margins = [("left", left), ("right", right), ("top", top), ("bottom", bottom)]
        for (side, value) in margins {
            try check(SettingRange(side, "pixels", EditSettings.marginRange), value)
        }
        let hasMargins = margins.contains { $0.1 != nil }
        switch (hasMargins, size, aspect) {
        case (true, nil, nil):
            guard margins.contains(where: { ($0.1 ?? 0) > 0 }) else {
                throw ValidationError("nothing would be added: give one of --left, --right, --top, --bottom above 0")
            }
            return .margins(Margins(left: left ?? 0, right: right ?? 0, top: top ?? 0, bottom: bottom ?? 0))
        case (false, let size?, nil):
            return .size(try size.checked(option: "--size"), anchor: anchor)
        case (false, nil, let aspect?):
            let range = 1 ... 1000
            guard range.contains(aspect.width), range.contains(aspect.height) else {
                throw ValidationError(
                    "--aspect must be a ratio of whole numbers from 1 to 1000, found \(aspect.width):\(aspect.height)")
            }
            return .aspect(width: aspect.width, height: aspect.height, anchor: anchor)
        case (false, nil, nil):
            throw ValidationError(
                "outpaint needs to know how far to extend: give --left, --right, --top or --bottom, or --size, or --aspect"
            )
        default:
            throw ValidationError("--size, --aspect and the four sides exclude each other; give one of the three")
        }
    }

    private static func marginHelp(_ side: String) -> ArgumentHelp {
        let range = EditSettings.marginRange
        return ArgumentHelp(
            "Pixels to add at the \(side), \(range.lowerBound) to \(range.upperBound). Default: 0.", valueName: "pixels"
        )
    }
}
