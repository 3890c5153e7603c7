internal import ArgumentParser
internal import Editing

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page.",
        discussion: "Read it with 'editor manual | man -l -', or keep it as editor.1 where your manual pages lie.")

    func run() throws {
        let page = ManualPage(try CommandDescription.ofProgram())
        try Console.writeOutput(String(page.mdoc(date: Release.date).dropLast()))
    }
}
