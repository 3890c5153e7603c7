internal import ArgumentParser
internal import Editing

struct EraseCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Remove what the mask covers and continue its surroundings.",
        discussion: "Masks are read as by 'editor inpaint'.")

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String

    @Argument(help: "The mask, a picture of the same size; - for standard input.", completion: .file())
    var mask: String

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    var reportsAsJSON: Bool { shared.output.json }

    func validate() throws {
        try checkOneStandardInput(image, mask)
    }

    func run() throws {
        var settings = shared.settings
        maskOptions.apply(to: &settings)
        patch.apply(to: &settings)
        maskExpert.apply(to: &settings)
        let inputs = InputResolver(shared.output)
        try EditRun(shared).run(
            EditRequest(
                mode: .erase, picture: inputs.picture(image), mask: inputs.picture(mask),
                negativePrompt: shared.painting.negative, settings: settings))
    }
}
