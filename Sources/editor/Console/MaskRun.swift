internal import CleanUp
internal import Editing
internal import Masking
internal import PlainText

/// One mask at the command line: makes it, says how it reads, prints where it is.
struct MaskRun {
    private let options: MaskOutputOptions

    init(_ options: MaskOutputOptions) {
        self.options = options
    }

    func run(_ task: MaskTask, input: PictureInput, reading: MaskReadingOptions? = nil, fit: Bool = false) throws {
        let graphics = options.preview ? Console.graphics : nil
        let job = MaskJob(
            task: task, input: input, meaning: reading?.maskMeans ?? .repaint, fit: fit,
            output: OutputChoice(path: options.output, force: options.force), maximumPixels: options.maxPixels,
            writesPreview: options.preview && graphics == nil)
        let printer = ProgressPrinter(json: options.json, quiet: options.quiet)
        defer { printer.closeLine() }
        let report = try job.run { event in
            if case .saved = event { return }
            try Interruption.check()
            // A mask takes a moment: what is noted is worth a line, the stages are not.
            if case .note = event { printer.show(event) }
        }
        printer.closeLine()
        if let bytes = report.standardOutput {
            try Console.writeOutput(picture: bytes, as: .mask)
            if options.json { Console.writeError(json: report.json) }
        } else {
            try Console.writeOutput(options.json ? report.json.line(namedBy: .options) : report.path)
        }
        if let preview = report.preview, !options.json { Console.writeError("preview: \(preview)") }
        if options.preview, let graphics {
            do {
                Console.writeErrorRaw(try graphics.escape(for: report.overlay) + "\n")
            } catch {
                Console.writeError("no preview: \(sentence(of: error, namedBy: OptionNaming()))")
            }
        }
    }
}
