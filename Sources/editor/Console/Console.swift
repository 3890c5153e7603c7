internal import CleanUp
internal import Editing
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The three standard streams.
enum Console {
    /// Whether standard error is a terminal that can redraw a line.
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Whether a line on standard error can be redrawn: not on a terminal that knows no control codes, nor on one that
    /// does not say which it is.
    static var errorRedraws: Bool { errorIsTerminal && !(terminalKind.isEmpty || terminalKind == "dumb") }

    private static var terminalKind: String { getenv("TERM").map { String(cString: $0) } ?? "" }

    /// Columns of the terminal behind standard error, 80 when unknown.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// How the terminal behind standard error shows pictures: as the environment says, else it is asked for sixels.
    static var graphics: TerminalGraphics? {
        guard errorRedraws else { return nil }
        return TerminalGraphics.supported ?? (answersSixels() ? .sixel : nil)
    }

    /// Asks the terminal, and waits at most a second for each byte of its answer.
    private static func answersSixels() -> Bool {
        let terminal = STDERR_FILENO
        // A job in the background would be stopped by changing the terminal.
        let foreground = tcgetpgrp(terminal)
        guard foreground < 0 || foreground == getpgrp() else { return false }
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else { return false }
        // The answer comes as if typed: neither shown nor kept until a line ends.
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO | ICANON)
        let shown = before
        let cleanUp = CleanUp {
            var shown = shown
            tcsetattr(terminal, TCSANOW, &shown)
        }
        guard tcsetattr(terminal, TCSANOW, &quiet) == 0 else {
            cleanUp.finish()
            return false
        }
        defer {
            tcsetattr(terminal, TCSANOW, &before)
            cleanUp.finish()
        }
        writeErrorRaw(TerminalGraphics.attributesRequest)
        var answer: [UInt8] = []
        while answer.count < 256 {
            var request = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 1000) > 0 else { return false }
            var byte: UInt8 = 0
            guard read(terminal, &byte, 1) == 1 else { return false }
            answer.append(byte)
            if let names = TerminalGraphics.namesSixels(answer) { return names }
        }
        return false
    }

    /// A line for people on standard error, whatever names are in it. A closed stream is not worth failing for.
    static func writeError(_ line: String) {
        writeErrorRaw(line.printableLine + "\n")
    }

    /// A line for programs on standard error.
    static func writeError(json: JSONObject, namedBy naming: any SettingNaming = OptionNaming()) {
        writeErrorRaw(json.line(namedBy: naming) + "\n")
    }

    static func writeErrorRaw(_ text: String) {
        _ = try? write(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Clears a line that may stand on the terminal half drawn.
    static func clearLine() {
        if errorRedraws { writeErrorRaw("\r\u{1B}[K") }
    }

    /// A line on standard output. Names of files are written as the bytes that they are.
    static func writeOutput(_ line: String) throws {
        try write((line + "\n").nativeBytes, to: STDOUT_FILENO)
    }

    /// A result on standard output: whoever closes the pipe before its end does not get it.
    ///
    /// - Parameter kind: what it counts as for whoever stops the program.
    static func writeOutput(picture: [UInt8], as kind: FinishedWork.Kind) throws {
        do {
            Interruption.says { EditInterrupted(isOutputCut: true) }
            try write(picture, to: STDOUT_FILENO)
            FinishedWork.add(kind, at: "-")
            Interruption.says { EditInterrupted() }
        } catch StreamError.closed {
            // The process ends as one that does not handle the signal.
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
            throw StreamError.closed
        }
    }

    /// Whether something was piped or redirected into standard input; an absent or null input is not.
    static var inputIsPiped: Bool {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return false }
        let kind = status.st_mode & S_IFMT
        return kind == S_IFIFO || kind == S_IFREG || kind == S_IFSOCK
    }

    /// Everything on standard input; of what is no picture, where one is expected, only the beginning, which says so.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that are taken.
    ///   - expected: what is to be there.
    /// - Throws: `StreamError`.
    static func readInput(limit: Int, expected: String = StreamError.picture) throws -> [UInt8] {
        if isatty(STDIN_FILENO) == 1 { throw StreamError.inputIsTerminal(expected: expected) }
        var bytes = BytePieces()
        var isTold = expected != StreamError.picture
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            // Waiting in short turns: a signal may come just before the wait for input begins.
            var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = poll(&request, 1, 200)
            try Interruption.check()
            if ready <= 0 { continue }
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count == 0 { return bytes.joined() }
            if count < 0 {
                if errno == EINTR { continue }
                throw StreamError.unreadable(reason: String(cString: strerror(errno)))
            }
            bytes.append(chunk[..<count])
            guard bytes.count <= limit else { throw StreamError.tooManyBytes(limit: limit) }
            if !isTold, bytes.count >= signatureLength {
                isTold = true
                guard PictureInput.beginsAsPicture(bytes.first) else { return bytes.first }
            }
        }
    }

    /// Bytes by which every format is known.
    private static let signatureLength = 64

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { throw StreamError.closed }
                throw StreamError.unwritable(reason: String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// `write(2)`, whose name `Console.write` hides.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

/// What can go wrong with a standard stream.
enum StreamError: Failing, CustomStringConvertible {
    /// What is expected there, where nothing else is said.
    static let picture = "a picture"

    case inputIsTerminal(expected: String)
    case inputIsEmpty
    case tooManyBytes(limit: Int)
    case unreadable(reason: String)
    case unwritable(reason: String)
    /// Whoever reads standard output has enough of it.
    case closed

    var description: String {
        switch self {
        case .inputIsTerminal(let expected): "standard input is the terminal, expected \(expected) piped into it"
        case .inputIsEmpty: "standard input is empty, expected a picture"
        case .tooManyBytes(let limit):
            "standard input is too large: at most \(limit) bytes are accepted, it holds more"
        case .unreadable(let reason): "standard input cannot be read: \(reason)"
        case .unwritable(let reason): "standard output cannot be written: \(reason)"
        case .closed: "standard output is closed"
        }
    }

    var kind: FailureKind {
        switch self {
        case .inputIsTerminal, .inputIsEmpty: .noInput
        case .tooManyBytes: .badData
        case .unreadable, .unwritable, .closed: .inputOutput
        }
    }
}
