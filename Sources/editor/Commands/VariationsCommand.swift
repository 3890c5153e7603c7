internal import ArgumentParser
internal import Editing
internal import Masking

struct VariationsCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "variations",
        abstract: "Make variations of a picture, without a prompt.",
        discussion: """
            Without IMAGE the picture is taken from standard input if something is piped in, else it is the last result made in this folder. '-n 4' makes four.
            """)

    @Argument(help: "The picture (PNG, JPEG, WebP, TIFF); - for standard input.", completion: .file())
    var image: String?

    @OptionGroup var shared: SharedOptions
    @OptionGroup(title: "Texture") var tile: TileOptions

    var reportsAsJSON: Bool { shared.output.json }

    func run() throws {
        var settings = shared.settings
        settings.area = .whole
        tile.apply(to: &settings)
        try EditRun(shared).run(
            EditRequest(
                mode: .variations, picture: InputResolver(shared.output).pictureOrLast(image),
                negativePrompt: shared.painting.negative, settings: settings))
    }
}
