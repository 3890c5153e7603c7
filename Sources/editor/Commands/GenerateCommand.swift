internal import ArgumentParser
internal import Editing

struct GenerateCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Paint a new picture from a prompt.")

    @Argument(help: "What to paint.")
    var prompt: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Size in pixels, sides of 8 to 32768. Default: the model's own.", valueName: "WxH"),
        transform: SizeArgument.parse)
    var size: SizeArgument?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Texture") var tile: TileOptions

    var reportsAsJSON: Bool { shared.output.json }

    func validate() throws {
        try checkGivenPrompt(
            prompt, leftOut: "generate has nothing else to go by",
            picture: "generate starts from no picture, use 'editor remix' to rework one")
        _ = try size?.checked(option: "--size")
        if shared.painting.strength != nil {
            throw ValidationError(
                "--strength says how far a picture is changed; generate starts from none, leave it out")
        }
    }

    func run() throws {
        var settings = shared.settings
        tile.apply(to: &settings)
        try EditRun(shared).run(
            EditRequest(
                mode: .generate, prompt: prompt, negativePrompt: shared.painting.negative,
                size: size?.checked(option: "--size"), settings: settings))
    }
}
