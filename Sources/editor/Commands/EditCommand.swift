internal import ArgumentParser
internal import Editing

/// A command that makes pictures: from its words to a request, which is run.
protocol EditCommand: ParsableCommand, ReportsAsJSON {
    var shared: SharedOptions { get }
    /// What the options say.
    var settings: EditSettings { get }

    /// Throws a `ValidationError` for words that make no sense together.
    func checkWords() throws

    /// Reads what comes through standard input.
    func request(_ inputs: InputResolver) throws -> EditRequest
}

extension EditCommand {
    var reportsAsJSON: Bool { shared.running.output.json }

    func validate() throws {
        try checkWords()
        try validated { try settings.validate() }
    }

    func run() throws {
        try EditRun(shared.running).run(
            request(InputResolver(shared.running.output, maximumPixels: shared.pictures.maxPixels)))
    }
}
