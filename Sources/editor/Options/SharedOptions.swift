internal import ArgumentParser
internal import Diffusion
internal import Editing

/// How a request is run, whatever it says: where the result goes, and with which model.
struct RunOptions: ParsableArguments {
    @OptionGroup(title: "Input and output") var output: OutputOptions
    @OptionGroup(title: "Model and machine") var machine: MachineOptions
    @OptionGroup(title: "Added to the model") var added: AdapterOptions

    func modelChoice() throws -> ModelChoice {
        var choice = try machine.modelChoice()
        choice.adapters = added.adapters
        if output.livePreview != nil { choice.previewAutoencoder = output.previewVae }
        return choice
    }
}

/// The options that every picture-making command takes.
struct SharedOptions: ParsableArguments {
    @OptionGroup var running: RunOptions
    @OptionGroup(title: "Input and output") var pictures: PictureOptions
    @OptionGroup(title: "Painting") var painting: PaintingOptions
    @OptionGroup(title: "For experts: sampling") var sampling: SamplingOptions

    func validate() throws {
        if pictures.count > 1, running.output.output == "-" {
            throw ValidationError("standard output takes one picture, found --count \(pictures.count)")
        }
    }

    /// The settings that these options speak of, for a command to complete.
    var settings: EditSettings {
        var settings = EditSettings()
        settings.count = pictures.count
        settings.previewInterval = running.output.previewInterval ?? 0
        settings.seed = painting.seed?.seed
        settings.steps = painting.steps
        settings.guidance = painting.guidance
        settings.imageGuidance = painting.imageGuidance
        settings.guidanceRescale = painting.guidanceRescale
        settings.deepFeatureInterval = painting.reuseFeatures
        settings.batchSize = painting.batchSize
        if let interval = painting.guidanceInterval { settings.guidanceInterval = interval.shares }
        settings.strength = painting.strength
        settings.sampler = sampling.sampler?.kind
        settings.schedule = sampling.schedule ?? sampling.sampler?.spacing
        settings.randomSource = sampling.rng
        settings.memoryLimit = running.machine.maxMemory?.bytes
        settings.maximumPixels = pictures.maxPixels
        return settings
    }
}

/// Where the result goes, and what is said on the way.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where to write: a .png, .jpg, .webp or .tif file, a folder, or - for standard output (PNG). Default: '<input>-<command>' beside the input, in its format, numbered rather than overwriting.",
            valueName: "path"), completion: .file())
    var output: String?

    @Flag(
        help:
            "Overwrite the output if it exists, even where -o names the picture itself. Masks, models and whatever else is read are never overwritten."
    )
    var force = false

    @Flag(
        help:
            "Leave out the record of how the picture was made (settings and the mark of a generated picture). What the input says stays."
    )
    var noMetadata = false

    @Flag(help: "Show the result in the terminal, where it can show pictures (kitty or iTerm2 graphics, sixels).")
    var preview = false

    @Option(
        help: ArgumentHelp(
            "Show the picture as it comes about: 'terminal', where it can show pictures, or the name of a .png file, which is written anew each time.",
            valueName: "where"), completion: .file())
    var livePreview: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.livePreviewInterval, valueName: "steps"),
        transform: Form.whole(EditSettings.previewIntervals, example: 2))
    var livePreviewInterval: Int?

    @Option(
        help: ArgumentHelp(
            "An autoencoder that decodes live previews alone, such as one of TAESD's two files. Default: the model's own where that is a tiny one, colours of latent pixels for Stable Diffusion's, else the model's own.",
            valueName: "path"),
        completion: .file())
    var previewVae: String?

    @Flag(
        help:
            "Machine-readable output: JSON lines of progress on standard error, and one JSON object of the result on standard output (on standard error with '-o -')."
    )
    var json = false

    @Flag(name: .shortAndLong, help: "Say nothing on the way; only warnings, errors and the path of the result.")
    var quiet = false

    @Flag(help: "Print the request as JSON instead of running it; 'editor edit' takes it.")
    var printRequest = false

    /// Steps from one live preview to the next, where there are any.
    var previewInterval: Int? { livePreview.map { _ in livePreviewInterval ?? 2 } }

    /// The word by which `--live-preview` means the terminal.
    private static let terminal = "terminal"
    var showsInTerminal: Bool { livePreview?.plainWord == Self.terminal }

    func validate() throws {
        try check("--live-preview-interval", EditSettings.previewIntervals, livePreviewInterval)
        if let previewVae, previewVae.isEmpty {
            throw ValidationError("--preview-vae is empty, expected the path of an autoencoder")
        }
        if previewVae != nil, livePreview == nil {
            throw ValidationError("--preview-vae decodes live previews, expected --live-preview beside it")
        }
        if json, showsInTerminal {
            throw ValidationError(
                "--json leaves no room for pictures on the terminal; give --live-preview the name of a .png file")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty, expected a path") }
    }
}

/// How many pictures, and how large those that are read may be.
struct PictureOptions: ParsableArguments {
    @Option(
        name: [.customShort("n"), .long], parsing: .unconditional,
        help: ArgumentHelp(Settings.count, valueName: "pictures"),
        transform: Form.whole(Settings.count.range, example: 4))
    var count = EditSettings().count

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.maxPixels, valueName: "pixels"),
        transform: Form.pixels(Settings.maxPixels.range, example: "400000000 or 400MP")
    )
    var maxPixels = EditSettings.defaultMaximumPixels
}

/// Which model, and how much of the machine.
struct MachineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The model: its name in 'editor models list', a folder in the diffusers layout, or a single file (.safetensors, .ckpt, .gguf). Default: that of 'editor models default', else the one inside this program.",
            valueName: "model"),
        completion: .file())
    var model: String?

    @Option(
        help: ArgumentHelp(
            "An autoencoder in place of the model's own: a folder in the diffusers layout, a single file, or one of TAESD's two files.",
            valueName: "path"),
        completion: .file())
    var vae: String?

    @Option(
        help: ArgumentHelp(
            """
            Number format of the network: f32 is the reference; bf16 is faster and takes half the memory; int8 is the \
            fastest and takes the least, at about 40 dB from the reference. Default: bf16 where this processor has it, else f32.
            """))
    var precision: Precision?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many threads, \(EditSettings.threadCounts.bounds). Default: one a core.", valueName: "threads"),
        transform: Form.whole(EditSettings.threadCounts, example: 4))
    var threads: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.maxMemory, valueName: "size"),
        transform: ByteSize.parse)
    var maxMemory: ByteSize?

    @Flag(
        help: """
            Do not keep a large model's weights, as they are packed for this processor, in the cache folder. Keeping \
            them takes about as much disk as the model and makes every later start faster.
            """)
    var noWeightCache = false

    func validate() throws {
        try check("--threads", EditSettings.threadCounts, threads)
        if let model, model.isEmpty { throw ValidationError("--model is empty, expected the name or path of a model") }
        if let vae, vae.isEmpty { throw ValidationError("--vae is empty, expected the path of an autoencoder") }
        try validated { try Settings.maxMemory.check(maxMemory?.bytes) }
    }

    /// The model that `--model` means, or the default. Throws `ModelStoreError`.
    func modelChoice() throws -> ModelChoice {
        ModelChoice(
            source: try .named(model), autoencoder: vae, precision: precision, threads: threads,
            keepsPackedWeights: !noWeightCache)
    }
}

/// What to paint and how hard to try.
struct PaintingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the picture should not show. Default: nothing, or what the model recommends.", valueName: "text"))
    var negative = ""

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.seed, valueName: "number"), transform: SeedArgument.parse)
    var seed: SeedArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.steps, valueName: "steps"), transform: Form.whole(Settings.steps.range, example: 20)
    )
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.guidance, valueName: "scale"),
        transform: Form.number(Settings.guidance.range, example: "7.5"))
    var guidance: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.imageGuidance, valueName: "scale"),
        transform: Form.number(Settings.imageGuidance.range, example: "1.5"))
    var imageGuidance: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.guidanceRescale, valueName: "share"),
        transform: Form.share(Settings.guidanceRescale.range, example: "0.7 or 70%"))
    var guidanceRescale: Float?

    @Option(
        help: ArgumentHelp(Settings.guidanceInterval, valueName: "start:end"), transform: IntervalArgument.parse)
    var guidanceInterval: IntervalArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.reuseFeatures, valueName: "steps"),
        transform: Form.whole(Settings.reuseFeatures.range, example: 2))
    var reuseFeatures = EditSettings().deepFeatureInterval

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.batchSize, valueName: "pictures"),
        transform: Form.whole(Settings.batchSize.range, example: 4))
    var batchSize = EditSettings().batchSize

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(Settings.strength, valueName: "share"), transform: Form.share(Settings.strength.range))
    var strength: Float?

    func validate() throws {
        try checkPrompt(negative, name: "--negative")
    }
}

/// How the noise is drawn and removed.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(Settings.sampler),
        completion: .list(SamplerArgument.allValueStrings))
    var sampler: SamplerArgument?

    @Option(help: ArgumentHelp(Settings.schedule))
    var schedule: ScheduleType?

    @Option(help: ArgumentHelp(Settings.rng))
    var rng = EditSettings().randomSource

    func validate() throws {
        guard let spacing = sampler?.spacing, let schedule, schedule != spacing else { return }
        throw ValidationError(
            "--sampler names the spacing \(spacing.rawValue), --schedule the spacing \(schedule.rawValue); give one of the two"
        )
    }
}
