internal import ArgumentParser
internal import Editing

struct InpaintCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "inpaint",
        abstract: "Repaint the masked part of a picture.",
        discussion: """
            White in the mask repaints, black keeps, grey is a strength. Where the mask has transparency, the transparent part repaints. Without a prompt the part is filled to fit its surroundings.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String

    @Argument(help: "The mask, a picture of the same size; - for standard input.", completion: .file())
    var mask: String

    @Argument(help: "What to paint.")
    var prompt: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Mask") var maskOptions: MaskOptions
    @OptionGroup(title: "Patch") var patch: PatchOptions
    @OptionGroup(title: "Texture") var tile: TileOptions
    @OptionGroup(title: "For experts: mask") var maskExpert: MaskExpertOptions

    var reportsAsJSON: Bool { shared.output.json }

    func validate() throws {
        try checkGivenPrompt(prompt, leftOut: "leave it out to fill the hole to fit its surroundings")
        try checkOneStandardInput(image, mask)
    }

    func run() throws {
        var settings = shared.settings
        maskOptions.apply(to: &settings)
        patch.apply(to: &settings)
        tile.apply(to: &settings)
        maskExpert.apply(to: &settings)
        let inputs = InputResolver(shared.output)
        try EditRun(shared).run(
            EditRequest(
                mode: .inpaint, picture: inputs.picture(image), mask: inputs.picture(mask), prompt: prompt ?? "",
                negativePrompt: shared.painting.negative, settings: settings))
    }
}
