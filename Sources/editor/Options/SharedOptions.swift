internal import ArgumentParser
internal import Diffusion
internal import Editing

/// The options that every picture-making command takes.
struct SharedOptions: ParsableArguments {
    @OptionGroup(title: "Input and output") var output: OutputOptions
    @OptionGroup(title: "Model and machine") var machine: MachineOptions
    @OptionGroup(title: "Added to the model") var added: AdapterOptions
    @OptionGroup(title: "Painting") var painting: PaintingOptions
    @OptionGroup(title: "For experts: sampling") var sampling: SamplingOptions

    func modelChoice() throws -> ModelChoice {
        var choice = try machine.modelChoice()
        choice.adapters = added.adapters
        if output.livePreview != nil { choice.previewAutoencoder = output.previewVae }
        return choice
    }

    /// The settings that these options speak of, for a command to complete.
    var settings: EditSettings {
        var settings = EditSettings()
        settings.count = output.count
        settings.previewInterval = output.livePreview == nil ? 0 : output.livePreviewInterval
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
        settings.memoryLimit = machine.maxMemory?.bytes
        settings.maximumPixels = output.maxPixels
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

    @Option(
        name: [.customShort("n"), .long], parsing: .unconditional,
        help: ArgumentHelp(
            "How many pictures, \(EditSettings.countRange.bounds), with consecutive seeds; more than one also makes a contact sheet. Default: 1.",
            valueName: "pictures"), transform: Form.whole(EditSettings.countRange, example: 4))
    var count = 1

    @Flag(
        help:
            "Overwrite the output if it exists, even where -o names the picture itself. Masks, models and whatever else is read are never overwritten."
    )
    var force = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The largest picture that is read, \(EditSettings.maximumPixelsRange.bounds) pixels; a file that claims more is refused before memory is taken for it. Default: 268435456.",
            valueName: "pixels"), transform: Form.pixels(EditSettings.maximumPixelsRange, example: "400000000 or 400MP")
    )
    var maxPixels = EditSettings.defaultMaximumPixels

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
        help: ArgumentHelp(
            "Steps from one live preview to the next, \(EditSettings.previewIntervalRange.bounds). Default: 2.",
            valueName: "steps"), transform: Form.whole(EditSettings.previewIntervalRange, example: 2))
    var livePreviewInterval = 2

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

    /// The word by which `--live-preview` means the terminal.
    private static let terminal = "terminal"
    var showsInTerminal: Bool { livePreview?.plainWord == Self.terminal }

    func validate() throws {
        try check(EditSettings.countRange, count)
        try check(EditSettings.maximumPixelsRange, maxPixels)
        try check(EditSettings.previewIntervalRange, livePreviewInterval)
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
        if count > 1, output == "-" {
            throw ValidationError("standard output takes one picture, found --count \(count)")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty, expected a path") }
    }
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
            "How many threads, \(EditSettings.threadsRange.bounds). Default: one a core.", valueName: "threads"),
        transform: Form.whole(EditSettings.threadsRange, example: 4))
    var threads: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Memory that an edit should stay under, 256M and up, for example 6G. A tight limit makes the crop smaller, which gives another picture; a warning says so. Default: no limit.",
            valueName: "size"),
        transform: ByteSize.parse)
    var maxMemory: ByteSize?

    @Flag(
        help: """
            Do not keep a large model's weights, as they are packed for this processor, in the cache folder. Keeping \
            them takes about as much disk as the model and makes every later start faster.
            """)
    var noWeightCache = false

    func validate() throws {
        try check(EditSettings.threadsRange, threads)
        if let model, model.isEmpty { throw ValidationError("--model is empty, expected the name or path of a model") }
        if let vae, vae.isEmpty { throw ValidationError("--vae is empty, expected the path of an autoencoder") }
        if let maxMemory, maxMemory.bytes < ByteSize.smallestLimit.bytes {
            throw ValidationError("--max-memory must be at least \(ByteSize.smallestLimit), found \(maxMemory)")
        }
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
        help: ArgumentHelp(
            "Seed, 0 to 18446744073709551615: the same seed and settings give the same picture. Default, and for -1: a new one each time, which is printed.",
            valueName: "number"), transform: SeedArgument.parse)
    var seed: SeedArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Denoising steps, \(EditSettings.stepsRange.bounds). Default: the model's own, else 20.", valueName: "steps"
        ), transform: Form.whole(EditSettings.stepsRange, example: 20))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How closely to follow the prompt, a scale of \(EditSettings.guidanceRange.allowed); 1 is no guidance and twice as fast. Default: the model's own, else 7.5.",
            valueName: "scale"), transform: Form.number(EditSettings.guidanceRange, example: "7.5"))
    var guidance: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "For models that follow instructions (InstructPix2Pix): how closely to keep to the picture, a scale of \(EditSettings.imageGuidanceRange.allowed). Default: 1.5.",
            valueName: "scale"), transform: Form.number(EditSettings.imageGuidanceRange, example: "1.5"))
    var imageGuidance: Float?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Take back so much of the contrast that guidance adds, a share of \(EditSettings.guidanceRescaleRange.allowed): against dark or oversaturated results; 0.7 is usual. Default: the model's own, else 0.",
            valueName: "share"), transform: Form.share(EditSettings.guidanceRescaleRange, example: "0.7 or 70%"))
    var guidanceRescale: Float?

    @Option(
        help: ArgumentHelp(
            "The part of the steps, from 0 to 1, in which guidance applies; the others take half the time. Default: 0:1.",
            valueName: "start:end"), transform: IntervalArgument.parse)
    var guidanceInterval: IntervalArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Compute the network's coarse levels only every so many steps, \(EditSettings.deepFeatureIntervalRange.bounds): faster, and a little different. Default: 1.",
            valueName: "steps"), transform: Form.whole(EditSettings.deepFeatureIntervalRange, example: 2))
    var reuseFeatures = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Compute so many of several pictures (--count) at once, \(EditSettings.batchSizeRange.bounds): a little faster, in more memory. They share what fills a hole, and differ by rounding from what their seeds give alone. Default: 1.",
            valueName: "pictures"), transform: Form.whole(EditSettings.batchSizeRange, example: 4))
    var batchSize = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How much to change, a share of \(EditSettings.strengthRange.allowed). Default: the model's own, else 1; remix takes 0.6 of that, variations half. With --detail kept or color they take 0.9 and 0.8; with color the embedded model takes 1 where the prompt names a colour.",
            valueName: "share"), transform: Form.share(EditSettings.strengthRange))
    var strength: Float?

    func validate() throws {
        try check(EditSettings.stepsRange, steps)
        try check(EditSettings.guidanceRange, guidance)
        try check(EditSettings.imageGuidanceRange, imageGuidance)
        try check(EditSettings.guidanceRescaleRange, guidanceRescale)
        try check(EditSettings.deepFeatureIntervalRange, reuseFeatures)
        try check(EditSettings.batchSizeRange, batchSize)
        try check(EditSettings.strengthRange, strength)
        try checkPrompt(negative, name: "--negative")
    }
}

/// How the noise is drawn and removed.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: "Sampler. Default: what the model names. lcm with a LoRA: 4 steps, guidance 1.",
        completion: .list(SamplerArgument.allValueStrings))
    var sampler: SamplerArgument?

    @Option(help: "Spacing of the steps. Default: what the model names.")
    var schedule: NoiseSchedule.Spacing?

    @Option(help: "Whose random numbers a seed draws: torch is PyTorch on the CPU, philox PyTorch on CUDA.")
    var rng = RandomSource.torch

    func validate() throws {
        guard let spacing = sampler?.spacing, let schedule, schedule != spacing else { return }
        throw ValidationError(
            "--sampler names the spacing \(spacing.rawValue), --schedule the spacing \(schedule.rawValue); give one of the two"
        )
    }
}
