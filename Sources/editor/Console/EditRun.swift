internal import CleanUp
internal import Diffusion
internal import Editing
internal import Parallel
internal import PlainText

/// One edit at the command line: runs it, shows its progress, and prints where the result is.
struct EditRun {
    private let shared: SharedOptions

    init(_ shared: SharedOptions) {
        self.shared = shared
    }

    /// The result's path goes to standard output, or, with `-o -`, the picture itself; all else to standard error.
    func run(_ request: EditRequest) throws {
        let options = shared.output
        var request = request
        let printer = ProgressPrinter(options)
        // A model that is not there is said when it is opened.
        let choice = try? shared.modelChoice()
        if let threads = choice?.threads { Threads.use(threads) }
        if let limit = request.settings.memoryLimit, limit <= ByteSize.smallestLimit.bytes {
            MemoryAdvice.limitIsLowest()
        }
        let reads = choice?.readFiles ?? []
        let openLibrary = { try LoRALibrary(for: shared.modelChoice().source) }
        try openLivePreview(&request, printer, reads, openLibrary)
        let job = EditJob(
            request: request,
            output: OutputChoice(
                path: options.output, force: options.force, metadata: !options.noMetadata,
                livePreview: options.showsInTerminal ? nil : options.livePreview,
                reads: reads))
        defer { printer.closeLine() }
        var model: (any PictureModel)?
        var isFirst = true
        let report = try job.run(
            // As other programs of this kind draw it, so that it fits wherever seeds are typed.
            randomSeed: UInt64(UInt32.random(in: 0 ... .max)),
            loraLibrary: openLibrary,
            openModel: { loras in
                var choice = try shared.modelChoice()
                choice.adapters.loras += loras
                let opened = try choice.open()
                model = opened
                return opened
            },
            observe: { event in
                if case .saved(let picture) = event {
                    // Of several the first: as good a start as any, and its name is the plain one. It stays the last
                    // result if the edit is stopped before the others are there.
                    if isFirst, picture.path != "-" { LastResult.remember(picture.path) }
                    isFirst = false
                } else {
                    try Interruption.check()
                }
                printer.show(event)
            })
        printer.finish(report)
        if let bytes = report.standardOutput {
            try Console.writeOutput(picture: bytes, as: .picture)
            if options.json { Console.writeError(json: report.json) }
        } else if options.json {
            try Console.writeOutput(report.json.line)
        } else {
            for picture in report.saved { try Console.writeOutput(picture.path) }
        }
        if options.preview { showPreview(report) }
        // Last, when the result is in its place and its name is said.
        if let size = model?.keepPackedWeights() { printer.keptWeights(bytes: size) }
    }

    /// Settles where previews go, or that there are none.
    private func openLivePreview(
        _ request: inout EditRequest, _ printer: ProgressPrinter, _ reads: [ReadFile],
        _ openLibrary: () throws -> LoRALibrary
    ) throws {
        guard let place = shared.output.livePreview else { return }
        if !shared.output.showsInTerminal {
            let reads = reads + request.loraFiles(in: openLibrary)
            printer.livePreview = .file(
                try LivePreview(path: place, force: shared.output.force, request: request, reads: reads))
        } else if let graphics = Console.graphics {
            printer.livePreview = .terminal(graphics)
        } else {
            Console.writeError(
                "no live preview: this terminal shows no pictures (kitty and iTerm2 graphics and sixels are known); give --live-preview the name of a .png file"
            )
            request.settings.previewInterval = 0
        }
    }

    private func showPreview(_ report: EditOutcome) {
        guard let picture = report.preview else { return }
        guard let graphics = Console.graphics else {
            Console.writeError(
                "no preview: this terminal shows no pictures (kitty and iTerm2 graphics and sixels are known)")
            return
        }
        do {
            Console.writeErrorRaw(try graphics.escape(for: picture) + "\n")
        } catch {
            Console.writeError("no preview: \(error)")
        }
    }
}
