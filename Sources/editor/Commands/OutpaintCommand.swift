internal import ArgumentParser
internal import Editing

struct OutpaintCommand: EditCommand {
    static let configuration = CommandConfiguration(
        commandName: "outpaint",
        abstract: "Extend a picture beyond its borders.",
        discussion: """
            Say how far with --left, --right, --top and --bottom, or with --size, --aspect or --zoom-out, which keep the picture in the middle unless --anchor says otherwise. The canvas may be up to 32768 pixels wide or high. Far extensions are made panel by panel. A mask repaints a part of the picture itself as well; else every pixel of it is kept. Without IMAGE the picture is taken from standard input if something is piped in, else it is the last result made in this folder.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String?

    @Argument(help: "What to paint in the new part.")
    var prompt: String?

    @OptionGroup(title: "Canvas") var canvas: CanvasOptions
    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "What to repaint of the picture itself (default: nothing)") var maskSources: MaskSourceOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    func checkWords() throws {
        try checkGivenPrompt(positionals.prompt, leftOut: "leave it out to continue the picture as it is")
        try checkOneStandardInput([positionals.image] + maskSources.inputs)
        _ = try validated { try canvas.change() }
    }

    var settings: EditSettings {
        var settings = shared.settings
        maskOptions.apply(to: &settings)
        patch.apply(to: &settings)
        maskExpert.apply(to: &settings)
        canvas.apply(to: &settings)
        return settings
    }

    func request(_ inputs: InputResolver) throws -> EditRequest {
        var request = try EditRequest(
            mode: .outpaint, picture: inputs.pictureOrLast(positionals.image),
            masks: maskSources.sources(positional: nil, inputs), prompt: positionals.prompt ?? "",
            negativePrompt: shared.painting.negative, canvas: canvas.change(), settings: settings)
        request.protected = try maskSources.protectedSources(inputs)
        return request
    }

    private var positionals: Positionals { Positionals(image, prompt) }
}
