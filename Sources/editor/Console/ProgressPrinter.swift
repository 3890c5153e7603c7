internal import Editing
internal import PlainText
internal import Raster

/// Shows how an edit goes on standard error: one line that is redrawn on a terminal, one line a step otherwise, JSON
/// lines when asked for, and only warnings when asked to be quiet.
final class ProgressPrinter {
    enum Style {
        case live, lines, json, quiet
    }

    /// Where previews go.
    enum LivePreviewPlace {
        case terminal(TerminalGraphics)
        case file(LivePreview)
    }

    var livePreview: LivePreviewPlace?
    /// Whether a preview stands on the terminal, in the lines above the cursor's.
    private var isPreviewOpen = false
    private let style: Style
    /// Whether a redrawn line stands on the terminal.
    private var isLineOpen = false

    private let naming: any SettingNaming

    init(json: Bool, quiet: Bool, naming: any SettingNaming = OptionNaming()) {
        self.naming = naming
        style = if json { .json } else if quiet { .quiet } else if Console.errorRedraws { .live } else { .lines }
    }

    func show(_ event: EditEvent) {
        if case .preview(let picture) = event { showPreview(picture) }
        switch style {
        case .json: if let json = event.json { Console.writeError(json: json, namedBy: naming) }
        case .quiet:
            if case .note(let note) = event, note.isWarning {
                isPreviewOpen = false
                Console.writeError(text(of: note))
            }
        case .live, .lines: showText(event)
        }
    }

    /// Said at the end of an edit that went well.
    func finish(_ report: EditOutcome) {
        closeLine()
        guard style == .live || style == .lines else { return }
        var parts: [String] = []
        if let seed = report.seeds.first {
            parts.append(
                report.seeds.count > 1 ? "seeds \(seed)–\(report.seeds[report.seeds.count - 1])" : "seed \(seed)")
        }
        if let model = report.model { parts.append("model \(model)") }
        if report.stepsDone > 0 {
            parts.append("\(report.stepsDone.of("step")) of \(Figures.seconds(report.secondsPerStep))")
        }
        parts.append("\(Figures.seconds(report.seconds.values.reduce(0, +))) in all")
        parts.append("\(Figures.bytes(report.peakMemoryBytes)) at most")
        Console.writeError(parts.joined(separator: ", "))
    }

    /// Said when a model's packed weights were written for the next start.
    func keptWeights(bytes: Int) {
        guard style == .live || style == .lines else { return }
        Console.writeError("kept \(Figures.bytes(bytes)) of packed weights for a faster start (--no-weight-cache)")
    }

    /// Leaves a terminal's line clean, whatever comes next.
    func closeLine() {
        guard isLineOpen else { return }
        Console.writeErrorRaw("\r\u{1B}[K")
        isLineOpen = false
    }

    private func showPreview(_ picture: Picture) {
        do {
            switch livePreview {
            case .file(let file): try file.write(picture)
            case .terminal(let graphics):
                closeLine()
                Console.writeErrorRaw(try graphics.previewEscape(for: picture, isFirst: !isPreviewOpen))
                isPreviewOpen = true
            case nil: break
            }
        } catch {
            // The edit is not to fail for it.
            livePreview = nil
            show(.note(EditNote("no more live previews: \(error)", isWarning: true)))
        }
    }

    private func showText(_ event: EditEvent) {
        switch event {
        case .note(let note):
            closeLine()
            isPreviewOpen = false
            Console.writeError(text(of: note))
        case .stage(let stage):
            guard let doing = stage.doing else { return }
            if style == .live {
                redraw("\(doing) …")
            } else if stage == .load || stage == .fill {
                Console.writeError(doing)
            }
        case .step(let progress):
            if style == .live {
                redraw(Self.line(progress, barWidth: 20))
            } else {
                Console.writeError(Self.line(progress))
            }
        case .preview, .saved, .working: break
        }
    }

    private func redraw(_ line: String) {
        Console.writeErrorRaw("\r\u{1B}[K" + line.printableLine.prefix(max(1, Console.columns - 1)))
        isLineOpen = true
    }

    private func text(of note: EditNote) -> String {
        (note.isWarning ? "warning: " : "") + note.described(by: naming)
    }

    private static func line(_ progress: StepProgress, barWidth: Int = 0) -> String {
        var parts: [String] = []
        if progress.pictures > 1 { parts.append("picture \(progress.picture)/\(progress.pictures)") }
        if progress.passes > 1 { parts.append("pass \(progress.pass)/\(progress.passes)") }
        parts.append("step \(progress.step)/\(progress.steps)")
        parts.append("\(Figures.seconds(progress.secondsPerStep)) a step")
        parts.append("\(Figures.duration(progress.secondsLeft)) left")
        parts.append(Figures.bytes(progress.memoryBytes))
        let text = parts.joined(separator: ", ")
        guard barWidth > 0, progress.steps > 0 else { return text }
        let done = min(barWidth, barWidth * progress.step / progress.steps)
        return "[" + String(repeating: "#", count: done) + String(repeating: ".", count: barWidth - done) + "] " + text
    }
}

extension EditStage {
    /// What the program says it is doing; `nil` for what is said otherwise.
    fileprivate var doing: String? {
        switch self {
        case .read: "reading the pictures"
        case .plan: "planning"
        case .load: "loading the model"
        case .fill: "filling the hole"
        case .text: "reading the prompt"
        case .encode: "encoding the picture"
        case .denoise: nil
        case .decode: "decoding"
        case .composite: "putting the patch in place"
        case .save: "saving"
        }
    }
}
