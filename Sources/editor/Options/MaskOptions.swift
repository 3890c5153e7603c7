internal import ArgumentParser
internal import Diffusion
internal import Editing
internal import Masking

/// How a mask is read.
struct MaskOptions: ParsableArguments {
    @Option(
        help:
            "Whether what is marked, white or (where the mask's alpha varies) transparent, is repainted or kept; or what repaints, with the values taken as they are: white, black, transparent, opaque."
    )
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
            "Whose fine structure the result has: the model's, or the start's (the picture, or what filled the hole), of which the model then changes shapes and tones only (kept), colors only, under its light and shade (color), or which it paints over (mixed). Default: the model's own choice, else model."
    )
    var detail: Detail?

    @Option(
        help:
            "How the patch is put back: colour-matched, pasted as it is, cut out by the mask and made to stand out (stencil), or the network's picture unpasted. Default: seamless; paste where a remix changes colors only, stencil where words are painted into a mask of 'editor mask text'."
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
