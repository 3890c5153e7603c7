internal import ArgumentParser
internal import Diffusion
internal import Editing
internal import Masking

/// How a mask is read.
struct MaskOptions: ParsableArguments {
    @Option(help: ArgumentHelp(Settings.maskMeans))
    var maskMeans = EditSettings().maskMeans

    @Flag(help: ArgumentHelp(Settings.fitMask))
    var fitMask = false

    func apply(to settings: inout EditSettings) {
        settings.maskMeans = maskMeans
        settings.fitMask = fitMask
    }
}

/// How the masked part is cut out, filled and put back.
struct PatchOptions: ParsableArguments {
    @Option(help: ArgumentHelp(Settings.area))
    var area = EditSettings().area

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.padding, valueName: "pixels"),
        transform: Form.whole(Settings.padding.range, example: 64))
    var padding: Int?

    @Option(
        help: ArgumentHelp(Settings.fill),
        completion: .list(["fill", "patchmatch", "noise", "original"]), transform: FillArgument.parse)
    var fill: FillArgument?

    @Option(
        help: ArgumentHelp(Settings.detail))
    var detail: Detail?

    @Option(
        help: ArgumentHelp(Settings.composite))
    var composite: Composite.Mode?

    @Flag(
        help: ArgumentHelp(Settings.reuseKnown))
    var reuseKnown = false

    func apply(to settings: inout EditSettings) {
        settings.reusesKnown = reuseKnown
        settings.area = area
        settings.padding = padding
        settings.fill = fill?.fill
        settings.detail = detail
        settings.composite = composite
    }
}

/// Whether the result repeats.
struct TileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(Settings.tileable, valueName: "axes"))
    var tileable: TileableAxes?

    func apply(to settings: inout EditSettings) {
        settings.tileable = tileable?.axes ?? []
    }
}

/// The finer points of masks.
struct MaskExpertOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.grow, valueName: "pixels"), transform: Form.whole(Settings.grow.range, example: 8))
    var grow: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.feather, valueName: "pixels"),
        transform: Form.number(Settings.feather.range, example: "4"))
    var feather: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.blend, valueName: "pixels"), transform: Form.whole(Settings.blend.range, example: 8)
    )
    var blend = EditSettings().blend

    @Option(
        help: ArgumentHelp(Settings.knownLatents))
    var knownLatents = EditSettings().knownLatents

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.coherence, valueName: "times"),
        transform: Form.whole(Settings.coherence.range, example: 5))
    var coherence = EditSettings().coherence

    @Option(
        help: ArgumentHelp(Settings.coherenceMethod))
    var coherenceMethod = EditSettings().coherenceMethod

    @Option(help: ArgumentHelp(Settings.alpha))
    var alpha = EditSettings().alpha

    func apply(to settings: inout EditSettings) {
        settings.grow = grow
        settings.feather = feather
        settings.blend = blend
        settings.knownLatents = knownLatents
        settings.coherence = coherence
        settings.coherenceMethod = coherenceMethod
        settings.alpha = alpha
    }
}
