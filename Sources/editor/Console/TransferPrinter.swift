internal import Editing
internal import PlainText

/// Shows how a model comes on standard error: one line that is redrawn on a terminal, one line a file otherwise, JSON lines
/// when asked for.
final class TransferPrinter {
    private let json: Bool
    private let quiet: Bool
    private let isLive: Bool
    private let clock = ContinuousClock()
    private var lastShown: ContinuousClock.Instant?
    private var isLineOpen = false
    /// Where the rate is measured from.
    private var start: (time: ContinuousClock.Instant, bytes: Int)?

    init(json: Bool, quiet: Bool) {
        self.json = json
        self.quiet = quiet
        isLive = !json && !quiet && Console.errorRedraws
    }

    /// A line on a terminal alone, some times a second.
    func show(_ text: @autoclosure () -> String) {
        guard isLive, isDue else { return }
        redraw(text())
    }

    func show(_ progress: ModelPull.Progress) {
        let start = start ?? (clock.now, progress.bytes)
        self.start = start
        if quiet { return }
        if json {
            guard progress.isWhole || isDue else { return }
            Console.writeError(
                json: JSONObject([
                    ("event", .text(progress.isWhole ? "file" : "progress")), ("file", .text(progress.file)),
                    ("fileBytes", .integer(progress.fileBytes)), ("fileSize", .integer(progress.fileSize)),
                    ("bytes", .integer(progress.bytes)), ("size", .integer(progress.size)),
                ]))
            return
        }
        let amount = "\(Figures.bytes(progress.bytes)) of \(Figures.bytes(progress.size))"
        if !isLive {
            if progress.isWhole { Console.writeError("\(progress.file), \(amount)") }
            return
        }
        guard progress.isWhole || isDue else { return }
        let seconds = (clock.now - start.time) / .seconds(1)
        let rate = Double(progress.bytes - start.bytes) / max(seconds, 0.001)
        var text = amount
        if seconds > 1, rate > 0 {
            text += ", \(Figures.bytes(Int(rate)))/s"
            text += ", \(Figures.duration(Double(progress.size - progress.bytes) / rate)) left"
        }
        redraw("\(text), \(progress.file)")
    }

    /// Leaves a terminal's line clean, whatever comes next.
    func closeLine() {
        guard isLineOpen else { return }
        Console.writeErrorRaw("\r\u{1B}[K")
        isLineOpen = false
    }

    private var isDue: Bool {
        let now = clock.now
        if let lastShown, now - lastShown < .milliseconds(200) { return false }
        lastShown = now
        return true
    }

    private func redraw(_ text: String) {
        Console.writeErrorRaw("\r\u{1B}[K" + text.printableLine.prefix(max(1, Console.columns - 1)))
        isLineOpen = true
    }
}
