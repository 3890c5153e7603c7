internal import ArgumentParser
internal import Editing
internal import PlainText

/// The words that the program was started with.
enum ArgumentWords {
    /// Without the program's own name. Names of files need not be UTF-8.
    static var given: [String] {
        (1 ..< max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { String(nativePath: $0) }
        }
    }

    /// Whether JSON is asked for, as far as words tell before they are parsed.
    static func askForJSON(_ words: [String]) -> Bool { beforeEnd(words).contains("--json") }

    /// Why the words were not understood, where the parser cannot know: there is no such command, a file or a text begins
    /// as an option does, or there is a word too many that other commands take. Else `nil`.
    ///
    /// - Parameter message: what the parser said of them, empty where it took them for a question for help.
    static func explanation(of message: String, _ words: [String]) -> String? {
        // With a dot: what is an option of this program has none.
        let file = beforeEnd(words).first {
            $0.hasPrefix("-") && $0.contains(".") && FileSystem.exists($0)
        }
        if let file { return "'\(file)' begins as an option does; for the file of that name write ./\(file)" }
        // Help that was asked for by an option of its own needs no further look.
        let isCluster = { (word: String) in word.hasPrefix("-") && !word.hasPrefix("--") && word.utf8.count > 2 }
        guard !message.isEmpty || beforeEnd(words).contains(where: isCluster) else { return nil }
        guard let root = try? CommandDescription.ofProgram() else { return nil }
        if !message.isEmpty, let unknown = unknownCommand(words, root) { return unknown }
        if let dashed = dashedValue(message, words, root) { return dashed }
        guard message.lowercased().contains("unexpected argument") else { return nil }
        switch words.first {
        case "erase":
            return message + "; erase takes a picture and a mask, and no prompt, use 'editor inpaint' with one"
        case "variations":
            return message
                + "; variations takes one picture; give a mask with --mask, and use 'editor remix' with a prompt"
        default: return nil
        }
    }

    /// The words with each `--name=` that is followed by nothing as the name and an empty value. The parser would take
    /// the next word for the value.
    ///
    /// - Throws: a `ValidationError` where the option needs a value, or is a flag.
    static func withEmptyValues(_ words: [String]) throws -> [String] {
        func isOpen(_ word: String) -> Bool { word.hasPrefix("-") && word.firstIndex(of: "=") == word.indices.last }
        guard beforeEnd(words).contains(where: isOpen) else { return words }
        let (command, count) = try CommandDescription.ofProgram().called(by: words)
        var result = Array(words.prefix(count))
        var isValue = false
        for (index, word) in words.enumerated().dropFirst(count) {
            guard word != "--" || isValue else { return result + words[index...] }
            let option = isValue ? nil : command.argument(named: String(word.prefix { $0 != "=" }))
            isValue = false
            guard let option, isOpen(word) else {
                isValue = option?.kind == "option" && !word.contains("=")
                result.append(word)
                continue
            }
            let name = String(word.dropLast())
            guard option.kind == "option" else { throw ValidationError("\(name) takes no value") }
            guard mayBeEmpty.contains(name) else { throw ValidationError("\(name) has no value") }
            result += [name, ""]
        }
        return result
    }

    /// Options for which an empty text says something.
    private static let mayBeEmpty: Set = ["--negative"]

    private static func beforeEnd(_ words: [String]) -> ArraySlice<String> { words.prefix { $0 != "--" } }

    // MARK: Commands

    /// A command that there is not, with the one that may be meant.
    private static func unknownCommand(_ words: [String], _ root: CommandDescription) -> String? {
        // Its value is a shell.
        guard !words.contains("--generate-completion-script") else { return nil }
        var command = root
        var path: [String] = []
        for word in beforeEnd(words) where !word.hasPrefix("-") {
            // Which takes no command takes the words that follow.
            guard !command.commands.isEmpty else { return nil }
            path.append(word)
            if let known = (command.subcommands ?? []).first(where: { $0.commandName == word }) {
                command = known
                continue
            }
            let group = path.dropLast().map { $0 + " " }.joined()
            let near = word.nearest(in: command.commands.map(\.commandName)).map { group + $0 }
            let elsewhere = root.commands.first { $0.commands.contains { $0.commandName == word } }
            let meant = elsewhere.map { "\($0.commandName) \(word)" } ?? near
            return "there is no command '\(group)\(word)'; "
                + (meant.map { "did you mean 'editor \($0)'?" } ?? "'editor \(group)--help' lists them")
        }
        return nil
    }

    // MARK: Values that begin as an option does

    private static func dashedValue(_ message: String, _ words: [String], _ root: CommandDescription) -> String? {
        let said = message.lowercased()
        let asksForArgument = said.hasPrefix("missing expected argument")
        guard message.isEmpty || asksForArgument || said.hasPrefix("unknown option") || said.hasPrefix("missing value")
        else { return nil }
        let (command, count) = root.called(by: words)
        let rest = beforeEnd(words).dropFirst(count)
        let arguments = command.arguments ?? []
        let flags = Set(arguments.filter { $0.kind == "flag" }.flatMap { $0.names ?? [] }.map(\.name) + ["h"])
        var skipsValue = false
        for (index, word) in zip(rest.indices, rest) {
            if skipsValue {
                skipsValue = false
                continue
            }
            guard word.hasPrefix("-"), word != "-" else { continue }
            let name = word.prefix { $0 != "=" }
            if let option = command.argument(named: String(name)) {
                guard option.kind == "option", name.endIndex == word.endIndex else { continue }
                let value = rest.indices.contains(index + 1) ? rest[index + 1] : nil
                if said.hasPrefix("missing value for '\(name)"), let value, value.hasPrefix("-") {
                    return "\(message); for a value that begins with a dash write \(name)=\(quoted(value))"
                }
                skipsValue = true
                continue
            }
            // A long option that there is not, several short ones in one word, or one with its number.
            let isOption =
                word == "-help"
                || !word.contains(where: \.isWhitespace)
                    && (word.hasPrefix("--") || word.dropFirst().allSatisfy { flags.contains(String($0)) }
                        || command.argument(named: String(word.prefix(2))) != nil
                            && word.dropFirst(2).allSatisfy(\.isNumber))
            guard !isOption, arguments.contains(where: { $0.kind == "positional" }) else { continue }
            return (asksForArgument ? "\(message); " : "")
                + "'\(word)' begins as an option does; to give it as it is, write -- \(quoted(word)) behind all options"
        }
        return nil
    }

    /// As a shell takes it for one word.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_=+.,:%/".contains($0)) }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
