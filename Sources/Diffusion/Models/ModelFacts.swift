/// What is known of a model from its configuration and tensors, never from its name.
public struct ModelFacts: Sendable {
    /// The folder's last component, or what the embedded model calls itself.
    public let name: String
    /// A phrase such as "Stable Diffusion 1.x inpainting".
    public let family: String
    /// What the model says of itself, if it does.
    public let summary: String?
    public let latentChannels: Int
    /// Channels that the denoiser takes: c, or c + 1 + c for inpainting.
    public let inputChannels: Int
    /// Picture pixels a latent pixel, each way.
    public let scaleFactor: Int
    /// Sides of a picture must be multiples of this.
    public let pixelMultiple: Int
    /// The side, in pixels, of the pictures that the model was trained on.
    public let nativeSize: Int
    /// `epsilon`, `v_prediction` or `sample`.
    public let prediction: SchedulerConfiguration.Prediction
    /// The sampler that scheduler_config.json names, `nil` where it names one that is not known here.
    public let sampler: Sampler.Kind?
    /// Parameters of the denoiser, the autoencoder and the text encoder together.
    public let parameters: Int
    public let defaults: EditDefaults

    /// Whether the denoiser was made for inpainting.
    public var isInpainting: Bool { inputChannels == 2 * latentChannels + 1 }
}

/// Settings that suit a model when the user gives none; `nil` leaves them to the tool.
public struct EditDefaults: Sendable, Equatable {
    public var steps: Int?
    public var guidance: Float?
    public var strength: Float?
    /// The name of a pre-fill.
    public var fill: String?
    /// `model` or `kept`: whose fine structure a result has.
    public var detail: String?

    public init(
        steps: Int? = nil, guidance: Float? = nil, strength: Float? = nil, fill: String? = nil, detail: String? = nil
    ) {
        self.detail = detail
        self.steps = steps
        self.guidance = guidance
        self.strength = strength
        self.fill = fill
    }

    /// From `model_index.json`, key `editor.defaults`; empty where there is none.
    init(_ index: JSONConfiguration) throws {
        guard let json = try index.object("editor")?.object("defaults") else {
            self.init()
            return
        }
        self.init(
            steps: try json.integer("steps", in: 1 ... 1000), guidance: try json.double("guidance").map { Float($0) },
            strength: try json.double("strength").map { Float($0) }, fill: try json.string("fill"),
            detail: try json.string("detail"))
    }
}
