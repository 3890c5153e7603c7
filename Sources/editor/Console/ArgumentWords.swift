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
}
