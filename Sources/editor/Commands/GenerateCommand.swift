internal import ArgumentParser
internal import Editing

struct GenerateCommand: EditCommand {
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

    func checkWords() throws {
        try checkGivenPrompt(
            prompt, leftOut: "generate has nothing else to go by",
            picture: "generate starts from no picture, use 'editor remix' to rework one")
        try validated { try request(InputResolver()).validate() }
    }

    var settings: EditSettings {
        var settings = shared.settings
        tile.apply(to: &settings)
        return settings
    }

    func request(_ inputs: InputResolver) throws -> EditRequest {
        EditRequest(
            mode: .generate, prompt: prompt, negativePrompt: shared.painting.negative, size: size?.size,
            settings: settings)
    }
}
