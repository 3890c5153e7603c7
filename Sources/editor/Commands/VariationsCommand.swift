internal import ArgumentParser
internal import Editing
internal import Masking

struct VariationsCommand: EditCommand {
    static let configuration = CommandConfiguration(
        commandName: "variations",
        abstract: "Make variations of a picture, or of the masked part of it, without a prompt.",
        discussion: """
            Without IMAGE the picture is taken from standard input if something is piped in, else it is the last result made in this folder. '-n 4' makes four.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "What to vary (default: everything)") var maskSources: MaskSourceOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "Texture") var tile: TileOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    func checkWords() throws {
        try checkOneStandardInput([image] + maskSources.inputs)
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
            mode: .variations, picture: inputs.pictureOrLast(image),
            masks: maskSources.sources(positional: nil, inputs), negativePrompt: shared.painting.negative,
            settings: settings)
        request.protected = try maskSources.protectedSources(inputs)
        return request
    }
}
