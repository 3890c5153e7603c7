internal import ArgumentParser
internal import Editing
internal import Masking

/// What every verb of `editor mask` takes: where the mask goes, and what is said on the way.
struct MaskOutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where to write: a .png file, a folder, or - for standard output. Default: '<input>-mask.png' beside the input, for repairs the verb instead of 'mask'; numbered rather than overwriting.",
            valueName: "path"), completion: .file())
    var output: String?

    @Flag(help: "Overwrite the output if it exists. Files that are read, the input included, are never overwritten.")
    var force = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.maxPixels, valueName: "pixels"),
        transform: Form.pixels(Settings.maxPixels.range, example: "400000000 or 400MP")
    )
    var maxPixels = EditSettings.defaultMaximumPixels

    @Flag(
        help:
            "Show the picture with the mask laid over it: in the terminal where it can show pictures (kitty or iTerm2 graphics, sixels), else in a PNG beside the mask."
    )
    var preview = false

    @Flag(
        help:
            "Machine-readable output: JSON lines on standard error, and one JSON object of the result on standard output (on standard error with '-o -')."
    )
    var json = false

    @Flag(name: .shortAndLong, help: "Say nothing on the way; only warnings, errors and the path of the mask.")
    var quiet = false

    func validate() throws {
        try check("--max-pixels", Settings.maxPixels.range, maxPixels)
        if let output, output.isEmpty { throw ValidationError("--output is empty, expected a path") }
    }
}

/// How the masks that a verb takes are read.
struct MaskReadingOptions: ParsableArguments {
    @Option(help: ArgumentHelp(Settings.maskMeans))
    var maskMeans = MaskMeaning.repaint
}

/// How near a colour must come.
struct ColorNearnessOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How far a colour may be from the one asked for, as a distance in CIELAB, 0 to 200: 2 is a just visible difference, 100 that of black and white. Default: 20.",
            valueName: "distance"),
        transform: Form.number(SettingRange<Float>("", 0 ... 200), example: "20"))
    var tolerance: Float = 20

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Over how much more the mask fades out, 0 to 200. Default: 5.", valueName: "distance"),
        transform: Form.number(SettingRange<Float>("", 0 ... 200), example: "5"))
    var softness: Float = 5

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A colour taken from a place is the mean of a square that reaches so far around it, 0 to 100 pixels. Default: 1.",
            valueName: "pixels"), transform: Form.whole(SettingRange("pixels", 0 ... 100), example: 1))
    var sample = 1

    func validate() throws {
        try check("--tolerance", SettingRange<Float>("", 0 ... 200), tolerance)
        try check("--softness", SettingRange<Float>("", 0 ... 200), softness)
        try check("--sample", SettingRange("pixels", 0 ... 100), sample)
    }

    var selection: ColorSelection { ColorSelection(tolerance: tolerance, softness: softness) }
}

/// "#ff8800"
struct ColorArgument {
    let color: LabColor

    static let parse: Form.Transform<ColorArgument> = { text in
        guard case .color(let red, let green, let blue)? = HexColor(text)?.fill else {
            throw Form.expected("a colour as #rrggbb", example: "#ff8800")
        }
        return ColorArgument(color: LabColor(red: red, green: green, blue: blue))
    }
}
