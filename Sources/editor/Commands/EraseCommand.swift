internal import ArgumentParser
internal import Editing

struct EraseCommand: EditCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Remove what the mask covers and continue its surroundings.",
        usage: "editor erase [<options>] <image> <mask>",
        discussion: "Masks are read, and shapes given instead, as by 'editor inpaint'.")

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String

    @Argument(help: "The mask, a picture of the same size; - for standard input.", completion: .file())
    var mask: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "Masks without MASK") var maskSources: MaskSourceOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "Texture") var tile: TileOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    func checkWords() throws {
        try MaskedPositionals(mask, nil, hasOtherMasks: false).check(hasOtherMasks: maskSources.isGiven)
        try checkOneStandardInput([image, mask] + maskSources.inputs)
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
            mode: .erase, picture: inputs.picture(image), masks: maskSources.sources(positional: mask, inputs),
            negativePrompt: shared.painting.negative, settings: settings)
        request.protected = try maskSources.protectedSources(inputs)
        return request
    }
}
