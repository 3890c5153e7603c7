internal import ArgumentParser
internal import Diffusion
internal import Editing
internal import Masking

/// How a mask is read.
struct MaskOptions: ParsableArguments {
    static let maskMeansHelp =
        "What is repainted. repaint: the marked part, which is white, or transparent where alpha varies. keep: the rest. white, black, transparent, opaque: exactly that, with values taken as they are."

    @Option(help: ArgumentHelp(MaskOptions.maskMeansHelp))
    var maskMeans = MaskMeaning.repaint

    @Flag(help: "Scale a mask of another size to the picture instead of refusing it.")
    var fitMask = false

    func apply(to settings: inout EditSettings) {
        settings.maskMeans = maskMeans
        settings.fitMask = fitMask
    }
}

/// How the masked part is cut out, filled and put back.
struct PatchOptions: ParsableArguments {
    @Option(help: "Work on a crop around the mask, or on the whole picture.")
    var area = EditArea.mask

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Context around the mask, \(EditSettings.paddingRange.allowed). Default: from the mask's size.",
            valueName: "pixels"), transform: Form.whole(EditSettings.paddingRange, example: 64))
    var padding: Int?

    @Option(
        help:
            "What stands in the hole before painting: fill, patchmatch, noise, original or a colour (#rrggbb). Default: the model's own, else patchmatch to erase and outpaint, original to remix, fill to inpaint.",
        completion: .list(["fill", "patchmatch", "noise", "original"]), transform: FillArgument.parse)
    var fill: FillArgument?

    @Option(
        help:
            "Where fine detail comes from. model: the model's picture. kept: the start (the picture, or what filled the hole); the model changes shapes and tones. color: the start, with its light and shade; the model changes colours. mixed: the start, except where the model painted something. Default: the model's own choice, else model; color for a masked remix with a model that keeps detail; model with a stencil, a raw result, or a fill of noise or a colour."
    )
    var detail: Detail?

    @Option(
        help:
            "How the patch is put back. seamless: matched in colour. paste: as it is. stencil: cut out by the mask, with contrast. raw: the network's whole picture. Default: seamless; paste where a remix changes colours only; stencil where words are painted into a mask of 'editor mask text'."
    )
    var composite: Composite.Mode?

    @Flag(
        help: """
            Of several pictures (--count) compute all but the first only around the mask, and take the rest from the \
            first: several times faster where the mask is small. An approximation: what a seed gives then depends on \
            whether it is the first. They share what fills the hole.
            """)
    var reuseKnown = false

    func validate() throws {
        try check(EditSettings.paddingRange, padding)
    }

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
        help: ArgumentHelp(
            "Make the result repeat without a seam: along x (its right border meets its left one), y or both. Sides along these axes must be multiples of the model's own.",
            valueName: "axes"))
    var tileable: TileableAxes?

    func apply(to settings: inout EditSettings) {
        settings.tileable = tileable?.axes ?? []
    }
}

/// The finer points of masks.
struct MaskExpertOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Grow the mask for painting, \(EditSettings.growRange.allowed); what is pasted stays under the mask itself. Default: from the model.",
            valueName: "pixels"), transform: Form.whole(EditSettings.growRange, example: 8))
    var grow: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Blur the grown mask for painting, \(EditSettings.featherRange.allowed) of standard deviation. Default: 4.",
            valueName: "pixels"), transform: Form.number(EditSettings.featherRange, example: "4"))
    var feather: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Let a band outside the mask be mixed with the patch, \(EditSettings.blendRange.allowed). With 0 every pixel outside comes back byte for byte. Default: 0.",
            valueName: "pixels"), transform: Form.whole(EditSettings.blendRange, example: 8))
    var blend = 0

    @Option(
        help: "How the network is told of the known part: written back after every step, or through its own channels.")
    var knownLatents = DenoiseRequest.KnownLatents.reimpose

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Ask the network so many more times at each step, \(EditSettings.coherenceRange.bounds), each as long as a step, so that what is painted fits what is around it: for models that were not made for inpainting. Default: 0.",
            valueName: "times"), transform: Form.whole(EditSettings.coherenceRange, example: 5))
    var coherence = 0

    @Option(
        help:
            "What --coherence does: lanpaint lets hole and surroundings move together before a step, repaint takes the step again."
    )
    var coherenceMethod = DenoiseRequest.CoherenceMethod.lanpaint

    @Option(help: "Alpha of the repainted part, where the picture has alpha.")
    var alpha = Composite.AlphaPolicy.keep

    func validate() throws {
        try check(EditSettings.growRange, grow)
        try check(EditSettings.featherRange, feather)
        try check(EditSettings.blendRange, blend)
        try check(EditSettings.coherenceRange, coherence)
        if coherence > 0, knownLatents == .channels { throw ValidationError("\(EditError.nothingHeld)") }
    }

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
