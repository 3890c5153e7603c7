internal import ArgumentParser
internal import Editing

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page.",
        discussion: "Read it with 'editor manual | man -l -', or keep it as editor.1 where your manual pages lie.")

    func run() throws {
        let page = try ManualPage(description: EditorCommand.description())
        try Console.writeOutput(String(page.mdoc(date: Release.date).dropLast()))
    }
}

extension EditorCommand {
    /// All commands and options as JSON, in the parser's own words.
    static func description() throws -> String {
        do {
            _ = try parseAsRoot(["--experimental-dump-help"])
        } catch  where exitCode(for: error) == .success {
            return fullMessage(for: error)
        }
        preconditionFailure("the parser did not describe its commands")
    }
}
