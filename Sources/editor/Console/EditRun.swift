internal import CleanUp
internal import Diffusion
internal import Editing
internal import ImageFiles
internal import Parallel
internal import PlainText

/// One edit at the command line: runs it, shows its progress, and prints where the result is.
struct EditRun {
    private let options: RunOptions
    /// Files that were read for the request, beside those that it names.
    private let reads: [ReadFile]

    private let naming: any SettingNaming

    init(_ options: RunOptions, reads: [ReadFile] = [], naming: any SettingNaming = OptionNaming()) {
        self.options = options
        self.reads = reads
        self.naming = naming
    }

    /// The result's path goes to standard output, or, with `-o -`, the picture itself; all else to standard error.
    func run(_ request: EditRequest) throws {
        if options.output.printRequest {
            try request.validate()
            // A pipe that it names would be gone.
            return try Console.writeOutput(request.withPipesRead().json())
        }
        try run(request, options.output)
    }

    private func run(_ request: EditRequest, _ output: OutputOptions) throws {
        var request = request
        let printer = ProgressPrinter(json: output.json, quiet: output.quiet, naming: naming)
        // A model that is not there is said when it is opened.
        let choice = try? options.modelChoice()
        if let threads = choice?.threads { Threads.use(threads) }
        if let limit = request.settings.memoryLimit, limit <= EditSettings.smallestMemoryLimit {
            MemoryAdvice.limitIsLowest()
        }
        let reads = reads + (choice?.readFiles ?? [])
        let openLibrary = { try LoRALibrary(for: options.modelChoice().source) }
        try openLivePreview(&request, printer, reads, openLibrary)
        let isStandardOutput = output.output == "-"
        if isStandardOutput, request.settings.count > 1 {
            throw EditError.tooManyPicturesForStandardOutput(count: request.settings.count)
        }
        let job = EditJob(
            request: request,
            delivery: isStandardOutput
                ? .bytes(BytesChoice(format: .png, metadata: !output.noMetadata, name: "standard output")) { picture in
                    try Console.writeOutput(picture: picture.bytes, as: .picture)
                }
                : .files(
                    OutputChoice(
                        path: output.output, force: output.force, metadata: !output.noMetadata,
                        livePreview: output.showsInTerminal ? nil : output.livePreview,
                        reads: reads)))
        defer { printer.closeLine() }
        var model: (any PictureModel)?
        var isFirst = true
        let report = try job.run(
            // As other programs of this kind draw it, so that it fits wherever seeds are typed.
            randomSeed: UInt64(UInt32.random(in: 0 ... .max)),
            loraLibrary: openLibrary,
            openModel: { loras in
                var choice = try options.modelChoice()
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
        if isStandardOutput {
            if output.json { Console.writeError(json: report.json) }
        } else if output.json {
            try Console.writeOutput(report.json.line(namedBy: .options))
        } else {
            for picture in report.saved { try Console.writeOutput(picture.path) }
        }
        if output.preview { showPreview(report) }
        // Last, when the result is in its place and its name is said.
        if let size = model?.keepPackedWeights() { printer.keptWeights(bytes: size) }
    }

    /// Settles where previews go, or that there are none.
    private func openLivePreview(
        _ request: inout EditRequest, _ printer: ProgressPrinter, _ reads: [ReadFile],
        _ openLibrary: () throws -> LoRALibrary
    ) throws {
        guard let place = options.output.livePreview else { return }
        if !options.output.showsInTerminal {
            let reads = reads + request.loraFiles(in: openLibrary)
            printer.livePreview = .file(
                try LivePreview(path: place, force: options.output.force, request: request, reads: reads))
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
            Console.writeError("no preview: \(sentence(of: error, namedBy: OptionNaming()))")
        }
    }
}
