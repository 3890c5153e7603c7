/// What is known of a model from its configuration and tensors, never from its name.
public struct ModelFacts: Sendable {
    /// What the user calls it: the name of its folder, or of its file without the ending; "embedded".
    public let name: String
    /// A phrase such as "Stable Diffusion 1.x inpainting".
    public let family: String
    /// What the model says of itself, if it does.
    public let summary: String?
    public let latentChannels: Int
    /// Channels that the denoiser takes: those of the latents, and of what it sees of a picture.
    public let inputChannels: Int
    /// What the denoiser sees of a picture beside the noisy latents.
    public var pictureInput = PictureInput.none
    /// Picture pixels a latent pixel, each way.
    public let scaleFactor: Int
    /// Sides of a picture must be multiples of this.
    public let pixelMultiple: Int
    /// The side, in pixels, of the pictures that the model was trained on.
    public let nativeSize: Int
    /// `epsilon`, `v_prediction` or `sample`.
    public let prediction: SchedulerConfiguration.Prediction
    /// How the prediction was told, as a phrase, where no configuration says it.
    public var predictionReason: String? = nil
    /// The sampler that scheduler_config.json names, `nil` where it names one that is not known here.
    public let sampler: SamplerKind?
    /// Parameters of the denoiser, the autoencoder and the text encoders together.
    public let parameters: Int
    /// Those of the text encoders, whose memory is given back before denoising.
    public var textParameters = 0
    /// Whether it was made to refine the pictures of another model (SDXL's refiner).
    public var isRefiner = false
    /// Whether it is the model inside the binary.
    public var isEmbedded = false
    /// The path of a model in a single file.
    public var file: String? = nil
    /// What the user calls the autoencoder that stands in for its own: the name of its file, or of its folder.
    public var autoencoder: String? = nil
    /// The path of that autoencoder's weights; of a pair the decoder's.
    public var autoencoderFile: String? = nil
    /// How it was distilled to few steps, if it was.
    public var fewSteps: FewSteps? = nil
    /// What an inpainting denoiser is shown in the hole.
    public var maskedImage = MaskedImage.grey
    public let defaults: EditDefaults
    /// Words, in lower case, that the model was taught to paint, where it says so; empty where it does not.
    public var knownWords: Set<String> = []
    /// What was added to the model.
    public var adapters: [AdapterFacts] = []
    public var embeddings: [EmbeddingFacts] = []

    /// What a denoiser takes, behind the channels of the noisy latents, of the picture to be edited.
    public enum PictureInput: Sendable, Equatable {
        /// Nothing: it sees the picture through the noise alone.
        case none
        /// For inpainting: the mask, one channel of 0 (keep) and 1 (repaint), then the latents of the masked picture.
        case masked
        /// To follow an instruction (InstructPix2Pix): the mean of the picture's latents as the autoencoder gives it, times
        /// `scale`.
        case whole(scale: Float)
    }

    /// What the masked picture, which an inpainting denoiser takes beside the noisy one, holds in the hole.
    public enum MaskedImage: String, Sendable {
        /// 0.5: the published models.
        case grey
        /// What the hole was filled with, for a denoiser that was trained to mend or to paint over a guess. Where there
        /// is no guess, with nothing known of the picture, grey.
        case filled
    }

    /// The words of a prompt that the model was not taught, in their order; empty where it does not say which it was. A
    /// regular plural is known with its singular, and the other way round. Words of a prompt's notation, here or in other
    /// programs, are left out.
    public func unknownWords(in prompt: String) -> [String] {
        guard !knownWords.isEmpty else { return [] }
        func forms(_ word: String) -> [String] {
            [word, word + "s", word + "es"]
                + ["s", "es", "x"].filter(word.hasSuffix).map { String(word.dropLast($0.count)) }
        }
        // Such as Midjourney's "--ar 16:9" and ComfyUI's "embedding:name".
        let plain = prompt.split(whereSeparator: \.isWhitespace).filter {
            !$0.hasPrefix("--") && !$0.hasPrefix("embedding:")
        }
        var found: [String] = []
        for written in plain.flatMap({ $0.split(whereSeparator: { !$0.isLetter }) })
        where !Self.notationWords.contains(String(written)) {
            let word = written.lowercased()
            if !found.contains(word), !forms(word).contains(where: knownWords.contains) { found.append(word) }
        }
        return found
    }

    /// Of AUTOMATIC1111 and its extension Regional Prompter, in capitals alone.
    private static let notationWords: Set<String> = ["BREAK", "AND", "ADDBASE", "ADDCOMM", "ADDCOL", "ADDROW"]

    /// Whether the denoiser was made for inpainting.
    public var isInpainting: Bool { pictureInput == .masked }
    /// Whether the denoiser sees the picture to change and follows an instruction (InstructPix2Pix).
    public var followsInstructions: Bool { if case .whole = pictureInput { true } else { false } }
}

/// Settings that suit a model when the user gives none; `nil` leaves them to the tool.
public struct EditDefaults: Sendable, Equatable {
    public var steps: Int?
    public var guidance: Float?
    /// `DenoiseRequest.guidanceRescale`.
    public var guidanceRescale: Float?
    public var strength: Float?
    /// The name of a pre-fill.
    public var fill: String?
    /// `model`, `kept` or `mixed`: whose fine structure a result has.
    public var detail: String?
    /// Pixels by which a mask is grown, for what is painted into a hole.
    public var grow: Int?
    /// Standard deviation, in pixels, of the blur of the grown mask, for the same.
    public var feather: Float?
    /// What a picture should not show, where words say what it should.
    public var negative: String?
    /// What is different for a mode of editing, by the mode's name.
    public var modes: [String: EditDefaults]

    public init(
        steps: Int? = nil, guidance: Float? = nil, guidanceRescale: Float? = nil, strength: Float? = nil,
        fill: String? = nil, detail: String? = nil, grow: Int? = nil, feather: Float? = nil, negative: String? = nil,
        modes: [String: EditDefaults] = [:]
    ) {
        self.steps = steps
        self.guidance = guidance
        self.guidanceRescale = guidanceRescale
        self.strength = strength
        self.fill = fill
        self.detail = detail
        self.grow = grow
        self.feather = feather
        self.negative = negative
        self.modes = modes
    }

    /// The settings for a mode: its own before the general ones.
    public func settings(forMode mode: String) -> EditDefaults {
        guard let own = modes[mode] else { return self }
        return EditDefaults(
            steps: own.steps ?? steps, guidance: own.guidance ?? guidance,
            guidanceRescale: own.guidanceRescale ?? guidanceRescale, strength: own.strength ?? strength,
            fill: own.fill ?? fill, detail: own.detail ?? detail, grow: own.grow ?? grow,
            feather: own.feather ?? feather, negative: own.negative ?? negative)
    }

    /// These settings, and those of others where nothing is said.
    func completed(by others: EditDefaults) -> EditDefaults {
        var result = self
        result.steps = steps ?? others.steps
        result.guidance = guidance ?? others.guidance
        for (mode, own) in others.modes { result.modes[mode] = modes[mode]?.completed(by: own) ?? own }
        result.strength = strength ?? others.strength
        return result
    }

    /// From `model_index.json`, key `editor.defaults`, with `modes` below it; empty where there is none.
    init(_ index: JSONConfiguration) throws {
        guard let json = try index.object("editor")?.object("defaults") else {
            self.init()
            return
        }
        self = try Self.values(json)
        guard let modes = try json.object("modes") else { return }
        for mode in modes.keys {
            if let own = try modes.object(mode) { self.modes[mode] = try Self.values(own) }
        }
    }

    private static func values(_ json: JSONConfiguration) throws -> EditDefaults {
        EditDefaults(
            steps: try json.integer("steps", in: 1 ... 1000), guidance: try json.double("guidance").map { Float($0) },
            guidanceRescale: try json.double("guidance_rescale").map { Float($0) },
            strength: try json.double("strength").map { Float($0) }, fill: try json.string("fill"),
            detail: try json.string("detail"), grow: try json.integer("grow", in: 0 ... 512),
            feather: try json.integer("feather", in: 0 ... 256).map { Float($0) },
            negative: try json.text("negative"))
    }
}
