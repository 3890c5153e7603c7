internal import ArgumentParser
internal import Editing

struct InfoCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Tell what a picture, a mask or a model folder is.",
        discussion:
            "A picture: format, size, depth, profile and how it was made. A mask: how it is read. A model: its facts.")

    @Argument(help: "A picture, a mask or a model folder; - for a picture on standard input.", completion: .file())
    var file: String

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let report = try FileReport(of: InputResolver().picture(file, as: "FILE"))
        try Console.writeOutput(json ? report.json.line(namedBy: .options) : report.text(namedBy: .options))
    }
}
