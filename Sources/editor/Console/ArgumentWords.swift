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
    static func askForJSON(_ words: [String]) -> Bool { words.prefix { $0 != "--" }.contains("--json") }

    /// Why the words were not understood, where it is a file whose name begins as an option does, or a word too many
    /// that other commands take; else `nil`.
    ///
    /// - Parameter message: what the parser said of them, empty where it took them for a question for help.
    static func explanation(of message: String, _ words: [String]) -> String? {
        // With a dot: what is an option of this program has none.
        let file = words.prefix { $0 != "--" }.first {
            $0.hasPrefix("-") && $0.contains(".") && FileSystem.exists($0)
        }
        if let file { return "'\(file)' begins as an option does; for the file of that name write ./\(file)" }
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
}
