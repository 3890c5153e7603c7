internal import ArgumentParser
internal import CleanUp
internal import Diffusion
internal import Editing
internal import PlainText

struct ModelsPullCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch a model from a Hugging Face hub.",
        usage: "editor models pull <owner/name[@revision]> [<options>]",
        discussion: """
            Only what an edit needs is fetched, to this program's own folder; nothing of it is run. What was interrupted goes on where it stopped. Sizes and SHA-256 are held against what the hub states.

            HF_ENDPOINT names another hub than https://huggingface.co, HF_TOKEN a token for models that are not open to everybody; only the hub itself is sent it. Proxies are those of the environment. Needs libcurl.
            """)

    @Argument(
        help: ArgumentHelp("The model, at a branch, tag or commit if need be.", valueName: "owner/name[@revision]"))
    var reference: String

    @Option(
        help: ArgumentHelp(
            "A single file of the repository instead of a model in the diffusers layout.", valueName: "path"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            "Weights to prefer, fp16 or bf16. Default: the plain ones; where there are none, fp16.",
            valueName: "name"))
    var variant: PullVariant?

    @Flag(help: "Put another revision in the place of what is there.")
    var force = false

    @Flag(
        help:
            "Machine-readable output: JSON lines of progress on standard error, one JSON object of the result on standard output."
    )
    var json = false

    @Flag(name: .shortAndLong, help: "Say nothing on the way; only errors and the name of the model.")
    var quiet = false

    var reportsAsJSON: Bool { json }

    func validate() throws {
        do { _ = try ModelHub.Reference(reference) } catch { throw ValidationError("\(error)") }
        if let file, file.isEmpty { throw ValidationError("--file is empty, expected the path of a file") }
        if file != nil, variant != nil {
            throw ValidationError("--variant chooses among several files, leave out it or --file")
        }
    }

    func run() throws {
        let pull = ModelPull(
            try ModelHub.Reference(reference), from: try ModelHub(), file: file, variant: variant?.rawValue,
            force: force)
        let printer = TransferPrinter(json: json, quiet: quiet)
        defer { printer.closeLine() }
        Interruption.says {
            FinishedWork.counts.isEmpty ? PullInterrupted() as any Error : EditInterrupted()
        }
        let result = try pull.run { progress in
            try Interruption.check()
            if let progress { printer.show(progress) }
        }
        printer.closeLine()
        if json {
            try Console.writeOutput(result.json.line(namedBy: .options))
            return
        }
        if !quiet {
            Console.writeError(
                result.wasThere
                    ? (result.files == 1
                        ? "the file was there already" : "all \(result.files) files were there already")
                    : "\(result.files.of("file")), \(Figures.bytes(result.bytes)), in \(result.path)")
        }
        try Console.writeOutput(result.name)
    }
}

/// Weights that a folder's reader finds.
enum PullVariant: String, Choice {
    case fp16, bf16

    static var aliases: [String: PullVariant] { ["f16": .fp16, "float16": .fp16, "half": .fp16, "bfloat16": .bf16] }
}

struct ModelsRemoveCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a model from this program's own folder.",
        usage: "editor models remove <model> [<options>]",
        discussion:
            "Shows what goes and asks first. Only that one model goes: of several files that are called alike, name one with its ending. Models in other places are left alone: whoever put them there removes them."
    )

    @Argument(help: "A name of 'editor models list', or a path.", completion: .file())
    var model: String

    @Flag(help: "Do not ask.")
    var force = false

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let removal = try ModelRemoval(model, in: try ModelLibrary())
        let name = removal.model.name.quotedIfUnclear
        let size = Figures.bytes(removal.bytes)
        if !json {
            Console.writeError("\(name): \(removal.summary), \(size)")
            if !removal.kept.isEmpty {
                let names = removal.kept.map(\.quotedIfUnclear).joined(separator: ", ")
                Console.writeError("other models there stay: \(names)")
            }
        }
        if !force {
            guard Console.inputIsTerminal, Console.errorIsTerminal else {
                throw ModelStoreError.needsConfirmation(name: name)
            }
            Console.writeErrorRaw("remove \(name), \(size)? [y/N] ".printable)
            guard ["y", "yes"].contains(readLine()?.lowercased()) else {
                Console.writeError("nothing was removed")
                return
            }
        }
        try removal.run()
        try Console.writeOutput(json ? removal.json.line(namedBy: .options) : "removed \(name), \(size)")
    }
}

struct ModelsDefaultCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "default",
        abstract: "Choose the model that is used where none is named, or say which it is.",
        usage: "editor models default [<model>] [<options>]",
        discussion: "It is kept in ~/.config/editor/config.json. 'embedded' is the model inside this program.")

    @Argument(help: "A name of 'editor models list', or a path.", completion: .file())
    var model: String?

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        var configuration = try UserConfiguration()
        if let model {
            let found = try ModelLibrary().model(model)
            // One that cannot be used would make every edit fail.
            _ = try ModelChoice(source: found.source).open()
            configuration.defaultModel = try found.place == .embedded ? nil : ModelLibrary.lastingName(of: found)
            try configuration.save()
        }
        let name = configuration.defaultModel ?? ModelLibrary.embeddedName
        try Console.writeOutput(json ? JSONObject([("default", .text(name))]).line : name)
    }
}

struct ModelsConvertCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as a single file or as a folder, in another number format.",
        usage: "editor models convert <model> <output> [<options>]",
        discussion: """
            An output that ends in .safetensors or .gguf is a single file in the original key layout, any other a folder in the diffusers layout. What a layout cannot hold is refused. The model inside this program, 'embedded', fits a folder only.
            """)

    @Argument(help: "A name of 'editor models list', or a path.", completion: .file())
    var model: String

    @Argument(help: "Where to write: nothing may be there yet.", completion: .file())
    var output: String

    @Option(
        help:
            "Number format of the weights; int8 (.gguf only) is Q8_0 for linear layers and f16 for convolutions. Default: as they are; those that GGUF quantised become f16."
    )
    var weights: ModelConversion.Weights?

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func validate() throws {
        if weights == .int8, !ModelRewriting.isGGUF(output) {
            throw ValidationError("--weights int8 needs an output that ends in .gguf, found '\(output)'")
        }
    }

    func run() throws {
        let model = try ModelLibrary().model(model)
        let printer = TransferPrinter(json: false, quiet: json)
        defer { printer.closeLine() }
        var written = 0
        let made = try ModelRewriting(of: model, weights: weights).run(output) { bytes, size in
            try Interruption.check()
            written += bytes
            printer.show("\(Figures.bytes(written)) of \(Figures.bytes(size))")
        }
        printer.closeLine()
        if FileSystem.name(of: made.path) != FileSystem.name(of: output) {
            Console.writeError(
                "warning: '\(output)' was made by another program meanwhile; the model is in '\(made.path)'")
        }
        for warning in made.warnings { Console.writeError("warning: \(warning), written as in the source") }
        let report = JSONObject([
            ("path", .text(made.path)), ("bytes", .integer(made.bytes)),
            ("warnings", .list(made.warnings.map { .text($0) })),
        ])
        try Console.writeOutput(json ? report.line : made.path)
    }
}
