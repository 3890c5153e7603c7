internal import ArgumentParser
internal import Editing

struct DoctorCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tell what this machine can do: processor, memory, model, and what an edit will cost.",
        usage: "editor doctor [<options>]",
        discussion: "With a usable model, one short edit is timed, which takes a few seconds.")

    @OptionGroup(title: "Model and machine") var machine: MachineOptions

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let report = try MachineReport(
            model: machine.modelChoice(), observe: { try Interruption.check() })
        try Console.writeOutput(json ? report.json.line(namedBy: .options) : report.text(namedBy: .options))
    }
}
