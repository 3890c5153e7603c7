internal import ArgumentParser
internal import Editing
internal import PlainText
internal import Synchronization

/// What went wrong, as a sentence and an exit code.
struct Failure {
    let sentence: String
    let code: Int32

    private static let asJSON = Atomic<Bool>(false)
    /// Whether failures are said as JSON lines.
    static var isReportedAsJSON: Bool {
        get { asJSON.load(ordering: .relaxed) }
        set { asJSON.store(newValue, ordering: .relaxed) }
    }

    init(sentence: String, kind: FailureKind) {
        self.sentence = sentence
        code = Self.code(of: kind)
    }

    /// - Parameter words: what the program was started with, where the error may be about them.
    init(_ error: any Error, words: [String] = []) {
        if let exit = error as? ExitCode {
            sentence = "stopped"
            code = exit.rawValue
            return
        }
        if let kind = FailureKind(error) {
            // One line, but for names that have several.
            sentence = Self.sentence(PlainText.sentence(of: error, namedBy: .options).printableLine)
            code = Self.code(of: kind)
            return
        }
        // What the parser itself found wrong. Its message may hold several lines: the first says what.
        let isUsage = EditorCommand.exitCode(for: error) == .validationFailure
        let message = Self.sentence(
            Self.showingControls(of: words, in: isUsage ? EditorCommand.message(for: error) : "\(error)"))
        sentence = isUsage ? ArgumentWords.explanation(of: message, words) ?? message : message
        code = isUsage ? Self.code(of: .usage) : Self.code(of: .internalFault)
    }

    /// A message with the control characters of what the user typed shown, so that line breaks in it part nothing.
    private static func showingControls(of words: [String], in message: String) -> String {
        let values = words.flatMap { [$0] + $0.split(separator: "=", maxSplits: 1).dropFirst().map(String.init) }
        return values.reduce(message) { message, value in
            let shown = value.printableLine
            return shown == value ? message : message.replacing(value, with: shown)
        }
    }

    /// One line, without a full stop: what follows "editor: ".
    private static func sentence(_ message: String) -> String {
        var text = message.split(separator: "\n").map { line in
            var line = line.drop(while: \.isWhitespace)
            // The parser lists choices as one a line.
            if line.hasPrefix("- ") { line = line.dropFirst(2) + "," }
            return String(line)
        }.joined(separator: " ")
        while let last = text.last, last == "." || last == "," || last.isWhitespace { text.removeLast() }
        for start in ["The value ", "Missing ", "Unknown ", "Unexpected "] where text.hasPrefix(start) {
            text = text.prefix(1).lowercased() + text.dropFirst()
        }
        return text
    }

    /// The exit codes of sysexits.h, and 128 + SIGINT.
    static func code(of kind: FailureKind) -> Int32 {
        switch kind {
        case .usage: 64
        case .badData: 65
        case .noInput: 66
        case .modelUnusable: 69
        case .internalFault: 70
        case .cannotCreate: 73
        case .inputOutput: 74
        case .interrupted: 130
        }
    }

    /// Says it on standard error.
    func report() {
        if Self.isReportedAsJSON { Console.writeError(json: json) } else { Console.writeError(text) }
    }

    /// The line that a person reads.
    var text: String { "editor: \(sentence)" }

    var json: JSONObject {
        JSONObject([("event", .text("error")), ("message", .text(sentence)), ("exitCode", .integer(Int(code)))])
    }
}
