internal import ArgumentParser
internal import Editing
internal import Masking

struct MaskSelectCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "select", abstract: "Mask the object inside a rectangle (GrabCut).",
        usage: "editor mask select [<options>] <image> <x,y,w,h>",
        discussion: """
            Draw the rectangle close around the whole object: what lies outside shows what the background looks like. Where the result is not right, mark some of the object with --include, or some of the background with --exclude.
            """)

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("Left, top, width and height of the rectangle.", valueName: "x,y,w,h"))
    var box: String

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "What is part of the object for certain: a mask, or a rectangle x,y,w,h. May be repeated.",
            valueName: "path"), completion: .file())
    var include: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "What is background for certain: a mask, or a rectangle x,y,w,h. May be repeated.", valueName: "path"),
        completion: .file())
    var exclude: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How often colours and outline take turns, 1 to 20. Default: 5.", valueName: "times"),
        transform: Form.whole(SettingRange("times", 1 ... 20), example: 5))
    var iterations = 5

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How smooth the outline is, 0 to 1000. Default: 50.", valueName: "weight"),
        transform: Form.number(SettingRange<Float>("", 0 ... 1000), example: "50"))
    var smoothness: Float = 50

    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        _ = try shape
        try check("--iterations", SettingRange("times", 1 ... 20), iterations)
        try check("--smoothness", SettingRange<Float>("", 0 ... 1000), smoothness)
        try checkOneStandardInput([picture.image] + include + exclude)
    }

    func run() throws {
        let inputs = InputResolver()
        let task = MaskTask.select(
            GrabCut(iterations: iterations, smoothness: smoothness), box: try shape,
            include: try include.map { try Self.source($0, inputs) },
            exclude: try exclude.map { try Self.source($0, inputs) })
        try MaskRun(output).run(task, input: picture.input(), reading: reading)
    }

    private var shape: MaskShape {
        get throws { try named("<x,y,w,h>") { () throws(MaskShapeError) in try MaskShape(box: box) } }
    }

    private static func source(_ word: String, _ inputs: InputResolver) throws -> MaskSource {
        if word != "-", !FileSystem.exists(word), word.split(separator: ",").count == 4 {
            return .shape(try named("'\(word)'") { () throws(MaskShapeError) in try MaskShape(box: word) })
        }
        return .picture(try inputs.picture(word))
    }
}

struct MaskWandCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "wand", abstract: "Mask what hangs together with a point and looks like it.",
        usage: "editor mask wand [<options>] <image> <x,y> ...")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("One point or more.", valueName: "x,y"))
    var points: [String]

    @Flag(help: "Pass from a pixel to those that only touch its corners, too.")
    var diagonal = false

    @OptionGroup(title: "Nearness") var nearness: ColorNearnessOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { _ = try places }

    func run() throws {
        try MaskRun(output).run(
            .wand(nearness.selection, places: places, radius: nearness.sample, diagonal: diagonal),
            input: picture.input())
    }

    private var places: [MaskShape.Place] {
        get throws {
            try points.map { point in
                try named("<x,y>") { () throws(MaskShapeError) in try MaskShape.Place(point) }
            }
        }
    }
}

struct MaskColorCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "color", abstract: "Mask everything that has nearly a colour.",
        usage: "editor mask color [<options>] <image> [<#rrggbb> ...]")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("Colours.", valueName: "#rrggbb"), transform: ColorArgument.parse)
    var colors: [ColorArgument] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Take the colour at a place of the picture. May be repeated.", valueName: "x,y"))
    var at: [String] = []

    @OptionGroup(title: "Nearness") var nearness: ColorNearnessOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        guard !colors.isEmpty || !at.isEmpty else {
            throw ValidationError("no colour was given: write one as #rrggbb, or point at one with --at x,y")
        }
        _ = try places
    }

    func run() throws {
        try MaskRun(output).run(
            .color(nearness.selection, colors: colors.map(\.color), places: places, radius: nearness.sample),
            input: picture.input())
    }

    private var places: [MaskShape.Place] {
        get throws {
            try at.map { point in try named("--at") { () throws(MaskShapeError) in try MaskShape.Place(point) } }
        }
    }
}

struct MaskLuminanceCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "luminance", abstract: "Mask what is light, or dark, or between.",
        usage: "editor mask luminance [<options>] <image>")

    @OptionGroup var picture: MaskPictureArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The darkest that is masked, as CIELAB lightness, 0 to 100. Default: 50.", valueName: "lightness"),
        transform: Form.number(SettingRange<Float>("", 0 ... 100), example: "50"))
    var from: Float = 50

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The lightest that is masked, 0 to 100. Default: 100.", valueName: "lightness"),
        transform: Form.number(SettingRange<Float>("", 0 ... 100), example: "100"))
    var to: Float = 100

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Over how much more the mask fades out, 0 to 100. Default: 5.", valueName: "lightness"),
        transform: Form.number(SettingRange<Float>("", 0 ... 100), example: "5"))
    var softness: Float = 5

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        try check("--from", SettingRange<Float>("", 0 ... 100), from)
        try check("--to", SettingRange<Float>("", 0 ... 100), to)
        try check("--softness", SettingRange<Float>("", 0 ... 100), softness)
        guard from <= to else { throw ValidationError("--from \(from) is above --to \(to)") }
    }

    func run() throws {
        try MaskRun(output).run(.luminance(from ... to, softness: softness), input: picture.input())
    }
}

struct MaskEdgesCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "edges", abstract: "Mask lines along the edges of a picture (Canny).",
        usage: "editor mask edges [<options>] <image>")

    @OptionGroup var picture: MaskPictureArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How steep an edge must be, in CIELAB lightness a pixel, 0.1 to 50. Default: 4.", valueName: "lightness"),
        transform: Form.number(SettingRange<Float>("", 0.1 ... 50), example: "4"))
    var threshold: Float = 4

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How much is smoothed before, 0.3 to 20 pixels of standard deviation. Default: 1.4.", valueName: "pixels"),
        transform: Form.number(SettingRange<Float>("pixels", 0.3 ... 20), example: "1.4"))
    var sigma: Float = 1.4

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How far the lines reach to either side, 0 to 512 pixels. Default: 1.", valueName: "pixels"),
        transform: Form.whole(Settings.grow.range, example: 1))
    var grow = 1

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        try check("--threshold", SettingRange<Float>("", 0.1 ... 50), threshold)
        try check("--sigma", SettingRange<Float>("pixels", 0.3 ... 20), sigma)
        try check("--grow", Settings.grow.range, grow)
    }

    func run() throws {
        try MaskRun(output).run(
            .edges(EdgeDetector(sigma: sigma, threshold: threshold), radius: grow), input: picture.input())
    }
}

struct MaskAlphaCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "alpha", abstract: "Mask where a picture is transparent.",
        usage: "editor mask alpha [<options>] <image>")

    @OptionGroup var picture: MaskPictureArgument

    @Flag(help: "Mask what is opaque instead.")
    var opaque = false

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func run() throws {
        try MaskRun(output).run(.alpha(isOpaque: opaque), input: picture.input())
    }
}
