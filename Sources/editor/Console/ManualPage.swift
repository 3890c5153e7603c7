/// The manual as one page of mdoc(7), made from the parser's own description of the commands.
struct ManualPage {
    private typealias Command = CommandDescription
    private typealias Argument = CommandDescription.Argument

    private let root: Command

    init(_ description: CommandDescription) {
        root = description
    }

    /// - Parameter date: as mdoc wants it, "November 21, 2026".
    func mdoc(date: String) -> String {
        let commands = Self.leaves(of: root)
        var lines = [
            ".Dd \(date)", ".Dt \(root.commandName.uppercased()) 1", ".Os", ".Sh NAME", ".Nm \(root.commandName)",
            ".Nd \(Self.escaped(root.abstract ?? "").trimmingStop)", ".Sh SYNOPSIS",
        ]
        for command in commands { lines += [".Nm", Self.synopsis(of: command), ".br"] }
        lines.append(".Sh DESCRIPTION")
        lines += Self.paragraphs(root.discussion)
        for command in commands {
            lines += [".Sh \(command.commandName.uppercased())", Self.escaped(command.abstract ?? "")]
            if let discussion = command.discussion { lines += [".Pp"] + Self.paragraphs(discussion) }
            lines += Self.arguments(of: command)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The commands that do something, with the names of those they belong to in front: "mask box".
    private static func leaves(of command: Command) -> [Command] {
        (command.subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay ?? true }.flatMap { child in
            if child.subcommands?.contains(where: { $0.commandName != "help" }) ?? false {
                return leaves(of: child).map { leaf in
                    var leaf = leaf
                    leaf.commandName = "\(child.commandName) \(leaf.commandName)"
                    return leaf
                }
            }
            return [child]
        }
    }

    private static func synopsis(of command: Command) -> String {
        let positionals = (command.arguments ?? []).filter { $0.kind == "positional" }.map { argument in
            let name = (argument.valueName ?? "").uppercased()
            return argument.isOptional ? "[\(name)]" : name
        }
        return ([command.commandName] + positionals + ["[options]"]).joined(separator: " ")
    }

    private static func arguments(of command: Command) -> [String] {
        var lines: [String] = []
        var section: String?
        var isListOpen = false
        for argument in command.arguments ?? [] where argument.shouldDisplay ?? true {
            if argument.sectionTitle != section || !isListOpen {
                if isListOpen { lines.append(".El") }
                section = argument.sectionTitle
                if let section { lines.append(".Ss \(escaped(section))") }
                lines.append(".Bl -tag -width 6n")
                isListOpen = true
            }
            lines.append(".It \(escaped(label(of: argument)))")
            lines.append(escaped(text(of: argument)))
        }
        if isListOpen { lines.append(".El") }
        return lines
    }

    private static func label(of argument: Argument) -> String {
        let names = (argument.names ?? []).sorted { $0.name.count < $1.name.count }.map(\.spelling)
        switch argument.kind {
        case "positional": return (argument.valueName ?? "").uppercased()
        case "option": return names.joined(separator: ", ") + " \(argument.valueName ?? "value")"
        default: return names.joined(separator: ", ")
        }
    }

    private static func text(of argument: Argument) -> String {
        var text = argument.abstract ?? ""
        if let values = argument.allValues, !values.isEmpty {
            text += " Values: \(values.joined(separator: ", "))."
        }
        if let value = argument.defaultValue, !value.isEmpty { text += " Default: \(value)." }
        return text
    }

    /// Lines that are indented stay as they are, others are filled.
    private static func paragraphs(_ text: String?) -> [String] {
        var lines: [String] = []
        var isLiteral = false
        for line in (text ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
            let wantsLiteral = line.hasPrefix("  ")
            if wantsLiteral != isLiteral { lines.append(wantsLiteral ? ".Bd -literal" : ".Ed") }
            isLiteral = wantsLiteral
            lines.append(line.allSatisfy(\.isWhitespace) ? ".Pp" : escaped(String(line)))
        }
        if isLiteral { lines.append(".Ed") }
        return lines
    }

    /// A line that roff takes for text: no control character in front, backslashes and hyphens as themselves.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            default: result.append(character)
            }
        }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}

extension String {
    /// Without the full stop of a sentence.
    fileprivate var trimmingStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
