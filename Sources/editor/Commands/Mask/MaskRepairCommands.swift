internal import ArgumentParser
internal import Editing
internal import Masking

/// The mask that a repair starts from.
struct MaskInputArgument: ParsableArguments {
    @Argument(help: "The mask; - for standard input.", completion: .file())
    var mask: String

    func input() throws -> PictureInput { try InputResolver().picture(mask, as: "MASK") }
}

struct MaskGrowCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "grow", abstract: "Let a mask reach further, by a round brush.",
        usage: "editor mask grow [<options>] <mask> <pixels>")

    @OptionGroup var source: MaskInputArgument

    @Argument(
        help: ArgumentHelp("How far, 1 to 4096 pixels.", valueName: "pixels"),
        transform: Form.whole(SettingRange("pixels", 1 ... 4096), example: 8))
    var radius: Int

    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { try checkRadius(radius) }

    func run() throws { try MaskRun(output).run(.grow(radius), input: source.input(), reading: reading) }
}

struct MaskShrinkCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "shrink", abstract: "Draw a mask's edge in, by a round brush.",
        usage: "editor mask shrink [<options>] <mask> <pixels>",
        discussion: "At the picture's border nothing is drawn in.")

    @OptionGroup var source: MaskInputArgument

    @Argument(
        help: ArgumentHelp("How far, 1 to 4096 pixels.", valueName: "pixels"),
        transform: Form.whole(SettingRange("pixels", 1 ... 4096), example: 8))
    var radius: Int

    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { try checkRadius(radius) }

    func run() throws { try MaskRun(output).run(.shrink(radius), input: source.input(), reading: reading) }
}

struct MaskFeatherCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "feather", abstract: "Blur a mask's edge.",
        usage: "editor mask feather [<options>] <mask> <pixels>")

    @OptionGroup var source: MaskInputArgument

    @Argument(
        help: ArgumentHelp("Standard deviation of the blur, 0.1 to 256 pixels.", valueName: "pixels"),
        transform: Form.number(SettingRange<Float>("pixels", 0.1 ... 256), example: "4"))
    var sigma: Float

    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        guard sigma >= 0.1, sigma <= 256 else {
            throw ValidationError("<pixels> must be from 0.1 to 256, found \(sigma)")
        }
    }

    func run() throws { try MaskRun(output).run(.feather(sigma), input: source.input(), reading: reading) }
}

struct MaskFillHolesCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "fill-holes", abstract: "Fill the holes of a mask.",
        usage: "editor mask fill-holes [<options>] <mask>",
        discussion: "A hole is what cannot be reached from the picture's border without crossing the mask.")

    @OptionGroup var source: MaskInputArgument
    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func run() throws { try MaskRun(output).run(.fillHoles, input: source.input(), reading: reading) }
}

struct MaskInvertCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "invert", abstract: "Turn a mask round: what was kept is repainted.",
        usage: "editor mask invert [<options>] <mask>")

    @OptionGroup var source: MaskInputArgument
    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func run() throws { try MaskRun(output).run(.invert, input: source.input(), reading: reading) }
}

struct MaskThresholdCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "threshold", abstract: "Make a mask black and white.",
        usage: "editor mask threshold [<options>] <mask>",
        discussion: """
            Pixels with a value from --from to --to become white, the rest black. Values are those of the file: 0 to 255, or to 65535 with 16 bits a sample. So --from 1 marks all that is not black, and --from 3 --to 3 one class of a map of classes.
            """)

    @OptionGroup var source: MaskInputArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The darkest value that becomes white, 0 to 65535. Default: the middle, or 0 where only --to is given.",
            valueName: "value"), transform: Form.whole(SettingRange("", 0 ... 65535), example: 128))
    var from: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The brightest value that becomes white, 0 to 65535. Default: the largest.", valueName: "value"),
        transform: Form.whole(SettingRange("", 0 ... 65535), example: 128))
    var to: Int?

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        try check("--from", SettingRange("", 0 ... 65535), from)
        try check("--to", SettingRange("", 0 ... 65535), to)
        if let from, let to, from > to { throw ValidationError("--from \(from) is above --to \(to)") }
    }

    func run() throws { try MaskRun(output).run(.threshold(from: from, to: to), input: source.input()) }
}

struct MaskCombineCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "combine", abstract: "Make one mask of several.",
        usage: "editor mask combine [<options>] <mask> <mask> ...")

    @OptionGroup var source: MaskInputArgument

    @Argument(help: "Further masks; one of all may be - for standard input.", completion: .file())
    var others: [String]

    @Option(help: "What any covers, what all cover, or what the first covers and no other.")
    var by = MaskCombination.union

    @Flag(help: "Scale masks of another size to the first instead of refusing them.")
    var fitMask = false

    @OptionGroup(title: "Masks") var reading: MaskReadingOptions
    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { try checkOneStandardInput([source.mask] + others) }

    func run() throws {
        let inputs = InputResolver()
        let masks = try others.map { MaskSource.picture(try inputs.picture($0, as: "MASK")) }
        try MaskRun(output).run(.combine(by, masks), input: source.input(), reading: reading, fit: fitMask)
    }
}

private func checkRadius(_ radius: Int) throws {
    guard (1 ... 4096).contains(radius) else {
        throw ValidationError("<pixels> must be from 1 to 4096, found \(radius)")
    }
}
