internal import ArgumentParser
internal import Editing

struct InpaintCommand: EditCommand {
    static let configuration = CommandConfiguration(
        commandName: "inpaint",
        abstract: "Repaint the masked part of a picture.",
        usage: "editor inpaint [<options>] <image> <mask> [<prompt>]",
        discussion: """
            White in the mask repaints, black keeps, grey is a strength. Where the mask has transparency, the transparent part repaints. Without a prompt the part is filled to fit its surroundings. Instead of MASK, or besides it, a shape may be given with --box, --ellipse, --polygon or --svg-path.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String

    @Argument(help: "The mask, a picture of the same size; - for standard input.", completion: .file())
    var mask: String?

    @Argument(help: "What to paint.")
    var prompt: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "Masks without MASK") var maskSources: MaskSourceOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "Texture") var tile: TileOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    func checkWords() throws {
        try positionals.check(hasOtherMasks: maskSources.isGiven)
        try checkGivenPrompt(positionals.prompt, leftOut: "leave it out to fill the hole to fit its surroundings")
        try checkOneStandardInput([image, positionals.mask] + maskSources.inputs)
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
            mode: .inpaint, picture: inputs.picture(image),
            masks: maskSources.sources(positional: positionals.mask, inputs), prompt: positionals.prompt ?? "",
            negativePrompt: shared.painting.negative, settings: settings)
        request.protected = try maskSources.protectedSources(inputs)
        return request
    }

    private var positionals: MaskedPositionals {
        MaskedPositionals(mask, prompt, hasOtherMasks: maskSources.isGiven)
    }
}
