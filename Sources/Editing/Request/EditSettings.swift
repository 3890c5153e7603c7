public import Diffusion
public import Masking
public import Raster

/// How an edit is made. `nil` leaves the choice to the mode and the model (`ResolvedSettings`).
public struct EditSettings: Sendable, Equatable {
    /// How many pictures, with consecutive seeds.
    public var count = 1
    /// How many of them are computed at once; they share what fills the hole (`DenoiseRequest.batchSize`).
    public var batchSize = 1
    /// Seed of the first picture; drawn at random where `nil`, and always reported.
    public var seed: UInt64?
    public var randomSource: RandomSource = .torch
    /// Denoising steps.
    public var steps: Int?
    /// Classifier-free guidance scale; 1 and below is none.
    public var guidance: Float?
    /// How closely a model that follows instructions keeps to the picture, 1 and up; other models do not hear it.
    public var imageGuidance: Float?
    /// 0…1: how far guided predictions are brought back to the spread of the prompt's own (`DenoiseRequest.guidanceRescale`).
    public var guidanceRescale: Float?
    /// The shares of a run, 0 (noise) to 1 (picture), between which guidance applies.
    public var guidanceInterval: ClosedRange<Float> = 0 ... 1
    /// The network's coarser levels are computed at every so many steps only; 1 is always.
    public var deepFeatureInterval = 1
    /// Pictures after the first are computed around the mask only (`DenoiseRequest.reusesKnown`).
    public var reusesKnown = false
    /// 0 < strength ≤ 1: how far the start is noised.
    public var strength: Float?
    public var sampler: SamplerKind?
    public var schedule: ScheduleType?
    public var knownLatents: DenoiseRequest.KnownLatents = .reimpose
    /// How many more times the network is asked at each step, for a model without channels for the mask.
    public var coherence = 0
    public var coherenceMethod: DenoiseRequest.CoherenceMethod = .lanpaint

    /// Which part of the picture is worked on.
    public var area: EditArea = .mask
    /// Pixels of context around the mask, where `area` is `mask`; from the mask's own size where `nil`.
    public var padding: Int?
    /// Pixels by which the mask is grown for denoising. What is pasted back stays under the mask itself.
    public var grow: Int?
    /// Standard deviation, in pixels, of the blur of the grown mask.
    public var feather: Float?
    /// What stands in the hole before denoising.
    public var fill: Fill?
    /// Whose fine structure the result has.
    public var detail: Detail?
    /// How the patch is put back.
    public var composite: Composite.Mode?
    /// Pixels outside the mask that may be mixed with the patch; 0 keeps every one of them.
    public var blend = 0
    /// Pixels by which an outpaint that goes further is extended at a time; from the picture and the model where `nil`.
    public var panel: Int?
    /// The axes along which the result repeats without a seam.
    public var tileable: WrappedAxes = []
    public var maskMeans: MaskMeaning = .repaint
    /// Scale a mask of another size to the picture instead of refusing it.
    public var fitMask = false
    /// The alpha of repainted pixels, where the picture has alpha.
    public var alpha: Composite.AlphaPolicy = .keep
    /// What an edit comes to is shown after every so many steps (`EditEvent.preview`); 0 is never.
    public var previewInterval = 0
    /// Width times height of the largest picture or mask that is read.
    public var maximumPixels = Self.defaultMaximumPixels
    /// Bytes that an edit should stay under.
    public var memoryLimit: Int?

    public init() {}
}

/// Whose fine structure a repainted picture has.
public enum Detail: String, Sendable, CaseIterable {
    /// The model's: its picture is the result.
    case model
    /// That of the start (the picture, or what filled the hole): the model changes what is larger than its latent
    /// pixels. For models that know shapes and tones better than textures, and for reworking a picture without losing
    /// its sharpness.
    case kept
    /// That of the start where the model left it nearly as it was, the model's where it painted something. For models
    /// that are shown the start and draw things on it.
    case mixed
    /// That of the start, and its light and shade: the model gives colours only.
    case color
}
