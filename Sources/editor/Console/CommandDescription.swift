internal import ArgumentParser

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A command as the parser itself describes it (`--experimental-dump-help`), as far as this program asks.
struct CommandDescription: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var arguments: [Argument]?
    var subcommands: [CommandDescription]?
    var shouldDisplay: Bool?

    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String

            var spelling: String { kind == "long" ? "--\(name)" : "-\(name)" }
        }

        /// `positional`, `option` or `flag`.
        var kind: String
        var names: [Name]?
        var valueName: String?
        var abstract: String?
        var defaultValue: String?
        var allValues: [String]?
        var sectionTitle: String?
        var isOptional: Bool
        var shouldDisplay: Bool?
    }

    /// Of the whole program. Throws where the parser writes something else.
    static func ofProgram() throws -> CommandDescription {
        struct Dump: Decodable {
            var command: CommandDescription
        }
        do {
            _ = try EditorCommand.parseAsRoot(["--experimental-dump-help"])
        } catch  where EditorCommand.exitCode(for: error) == .success {
            let json = EditorCommand.fullMessage(for: error)
            return try JSONDecoder().decode(Dump.self, from: Data(json.utf8)).command
        }
        preconditionFailure("the parser did not describe its commands")
    }

    /// Those that do something, or hold others that do.
    var commands: [CommandDescription] { (subcommands ?? []).filter { $0.commandName != "help" } }

    /// The command that words call, and how many of them do that.
    func called(by words: [String]) -> (command: CommandDescription, count: Int) {
        var (command, count) = (self, 0)
        while count < words.count, let next = command.commands.first(where: { $0.commandName == words[count] }) {
            command = next
            count += 1
        }
        return (command, count)
    }

    /// The option or flag of that name, "--steps" or "-n".
    func argument(named name: String) -> Argument? {
        arguments?.first { $0.names?.contains { $0.spelling == name } ?? false }
    }
}
