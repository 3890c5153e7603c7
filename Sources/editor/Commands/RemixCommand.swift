internal import ArgumentParser
internal import Editing

struct RemixCommand: EditCommand {
    static let configuration = CommandConfiguration(
        commandName: "remix",
        abstract: "Rework a picture, or the masked part of it, with a new prompt.",
        usage: "editor remix [<options>] [<image>] <prompt>",
        discussion: """
            Without IMAGE the picture is taken from standard input if something is piped in, else it is the last result made in this folder.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String?

    @Argument(help: "What the picture should become.")
    var prompt: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "What to rework (default: everything)") var maskSources: MaskSourceOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "Texture") var tile: TileOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    func checkWords() throws {
        guard positionals.prompt != nil else {
            throw ValidationError(
                "remix needs a prompt, what the picture should become; without one use 'editor variations'")
        }
        try checkGivenPrompt(positionals.prompt, leftOut: "without any use 'editor variations'")
        try checkOneStandardInput([positionals.image] + maskSources.inputs)
    }

    var settings: EditSettings {
        var settings = shared.settings
        maskOptions.apply(to: &settings)
        patch.apply(to: &settings)
        tile.apply(to: &settings)
        maskExpert.apply(to: &settings)
        return settings
    }

    func request(_ inputs: InputResolver) throws -> EditRequest {
        var request = try EditRequest(
            mode: .remix, picture: inputs.pictureOrLast(positionals.image),
            masks: maskSources.sources(positional: nil, inputs), prompt: positionals.prompt ?? "",
            negativePrompt: shared.painting.negative, settings: settings)
        request.protected = try maskSources.protectedSources(inputs)
        return request
    }

    private var positionals: Positionals { Positionals(image, prompt) }
}
