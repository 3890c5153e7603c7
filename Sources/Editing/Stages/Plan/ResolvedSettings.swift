public import Diffusion
public import Masking
internal import PlainText
public import Raster

/// Every setting of an edit with its value: the user's, else the model's, else the mode's.
public struct ResolvedSettings: Sendable {
    /// One picture each.
    public var seeds: [UInt64]
    public var negativePrompt: String
    public var randomSource: RandomSource
    public var steps: Int
    public var guidance: Float
    public var imageGuidance: Float
    public var guidanceRescale: Float
    public var guidanceInterval: ClosedRange<Float>
    public var deepFeatureInterval: Int
    public var reusesKnown: Bool
    public var batchSize: Int
    public var strength: Float
    /// `nil` for the model's own.
    public var sampler: SamplerKind?
    public var schedule: ScheduleType?
    public var knownLatents: DenoiseRequest.KnownLatents
    public var coherence: Int
    public var coherenceMethod: DenoiseRequest.CoherenceMethod
    public var previewInterval: Int
    public var area: EditArea
    public var padding: Int?
    public var grow: Int
    public var feather: Float
    public var blend: Int
    public var fill: Fill
    public var detail: Detail
    /// The colours that the prompt names, where `detail` is `color` and the model is not trusted with more than a
    /// shade; empty where its picture gives the colours.
    public var colorWords: [ColorWord]
    /// The axes along which the result repeats without a seam.
    public var tileable: WrappedAxes
    public var composite: Composite
    /// Whether a grey picture stays grey.
    public var keepsGray: Bool
    /// What was chosen for a reason that the user should hear.
    public var notes: [EditNote]

    /// - Parameters:
    ///   - randomSeed: the seed where the user named none.
    ///   - hasLettering: whether the mask shows words that were drawn to be read.
    public init(for request: EditRequest, facts: ModelFacts, randomSeed: UInt64, hasLettering: Bool = false) {
        let asked = request.settings
        let mode = request.mode
        let paintsAnew = mode == .inpaint || mode == .outpaint || mode == .erase
        // Without words an inpaint can only continue what is around the hole.
        let manner = mode == .inpaint && request.prompt.isEmpty ? EditMode.erase : mode
        let model = facts.defaults.settings(forMode: manner.rawValue)
        let first = asked.seed ?? randomSeed
        seeds = (0 ..< asked.count).map { first &+ UInt64($0) }
        randomSource = asked.randomSource
        // What a LoRA of latent consistency was distilled for (Luo et al. 2023, arXiv 2311.05556). Its tensors do not tell
        // it from others: its metadata may, or the user by the choice of sampler.
        let saysConsistency = asked.sampler == nil && facts.adapters.contains { $0.isLatentConsistency }
        let isConsistent = saysConsistency || asked.sampler == .lcm && !facts.adapters.isEmpty
        steps = asked.steps ?? (isConsistent ? 4 : model.steps) ?? 20
        // Without words on either side both predictions are one: guidance would double the time and change nothing.
        let hasWords = !request.prompt.isEmpty || !request.negativePrompt.isEmpty
        let suited = request.prompt.isEmpty ? nil : model.negative
        negativePrompt = request.negativePrompt.isEmpty ? suited ?? "" : request.negativePrompt
        guidance = asked.guidance ?? (hasWords && !isConsistent ? model.guidance ?? 7.5 : 1)
        imageGuidance = asked.imageGuidance ?? Self.defaultImageGuidance
        guidanceRescale = asked.guidanceRescale ?? min(1, max(0, model.guidanceRescale ?? 0))
        guidanceInterval = asked.guidanceInterval
        deepFeatureInterval = asked.deepFeatureInterval
        reusesKnown = asked.reusesKnown && asked.count > 1
        batchSize = min(asked.batchSize, asked.count)
        // A raw picture is what the network makes of the mask as it was given.
        let isRaw = asked.composite == .raw
        let modelFill = paintsAnew ? model.fill.flatMap(Fill.init(name:)) : nil
        fill = asked.fill ?? modelFill ?? Self.defaultFill(mode)
        let modelDetail = model.detail.flatMap(Detail.init(rawValue:)) ?? .model
        // A model that says which words it knows draws what it was taught, where it stands in the picture or not. Of a
        // colour in the prompt it knows the shade.
        let named = facts.knownWords.isEmpty ? [] : ColorWord.found(in: request.prompt)
        // Of the picture under a mask the change of tones alone is hardly seen.
        let recolors = mode == .remix && !request.masks.isEmpty && modelDetail == .kept
        let cutsOut = mode == .inpaint && !request.prompt.isEmpty && hasLettering
        let usualComposite = cutsOut ? Composite.Mode.stencil : .seamless
        let isStencil = (asked.composite ?? usualComposite) == .stencil
        // What a stencil cuts is the model's picture: of the start it would cut what lies around it.
        let usualDetail = isStencil ? .model : recolors ? .color : modelDetail
        let wantedDetail = isRaw || fill.isPlaceholder ? .model : asked.detail ?? usualDetail
        colorWords = wantedDetail == .color ? named : []
        let keepsDetail = wantedDetail == .kept
        let keepsStart = keepsDetail || wantedDetail == .color
        // A model that does well with less than the whole schedule does so for every mode, unless it says otherwise.
        let full = fill.isPlaceholder ? 1 : model.strength ?? 1
        let modeStrength: Float? =
            fill.isPlaceholder || wantedDetail == .color ? nil : facts.defaults.modes[manner.rawValue]?.strength
        strength =
            switch mode {
            case .inpaint, .outpaint, .erase: asked.strength ?? full
            case .remix where fill.isPlaceholder || !colorWords.isEmpty,
                .variations where fill.isPlaceholder || !colorWords.isEmpty:
                asked.strength ?? 1
            // Kept detail anchors the picture, so that more of the rest may change.
            case .remix: asked.strength ?? modeStrength ?? (keepsStart ? 0.9 : 0.6 * full)
            case .variations: asked.strength ?? modeStrength ?? (keepsStart ? 0.8 : 0.5 * full)
            case .generate: 1
            }
        sampler = saysConsistency ? .lcm : asked.sampler
        notes = []
        if isConsistent {
            let reason: Sentence =
                saysConsistency ? "a LoRA's metadata name latent consistency" : "\(.sampler, "lcm") with a LoRA"
            notes.append(
                EditNote(
                    "lcm: \(reason): sampler lcm, \(steps.of("step")), guidance \(guidance.shortText)"
                ))
        }
        schedule = asked.schedule
        knownLatents = asked.knownLatents
        coherence = asked.coherence
        coherenceMethod = asked.coherenceMethod
        if coherence > 0, request.masks.isEmpty, request.protected.isEmpty, mode != .outpaint {
            notes.append(
                EditNote("\(.coherence) has no effect without a mask: nothing of the picture is held", isWarning: true))
            coherence = 0
        }
        previewInterval = asked.previewInterval
        area = asked.area
        padding = asked.padding
        grow = asked.grow ?? (isRaw || !paintsAnew ? 0 : model.grow ?? facts.scaleFactor)
        feather = asked.feather ?? (isRaw ? 0 : (paintsAnew ? model.feather : nil) ?? Self.defaultFeather)
        blend = asked.blend
        tileable = asked.tileable
        // At full strength nothing is left of the start.
        detail = keepsDetail && strength >= 1 ? .model : wantedDetail
        // What fits a patch to the colours around it would take new colours back.
        let fitting = detail == .color && !paintsAnew ? Composite.Mode.paste : usualComposite
        composite = Composite(mode: asked.composite ?? fitting, alpha: asked.alpha)
        if cutsOut, asked.composite == nil {
            notes.append(
                EditNote("the mask shows words: what is painted is cut out by them (\(.composite, "stencil"))"))
        }
        if !colorWords.isEmpty {
            let names = colorWords.map(\.name).joined(separator: ", ")
            notes.append(
                EditNote(
                    "colour: \(names), as the prompt says; the picture keeps its light and texture (\(.detail, "color"))"
                ))
        }
        // Who reworks a picture, or mends a texture, by words that name no colour wants none.
        let staysItself = mode == .remix || !asked.tileable.isEmpty
        keepsGray =
            !isRaw && asked.detail != .color
            && (request.prompt.isEmpty || staysItself && !ColorWord.areAskedFor(in: request.prompt))
        if fill.isPlaceholder, !isRaw {
            if modelDetail != .model {
                notes.append(
                    EditNote(
                        "\(fill.name) must not show in the result, so detail is model instead of this model's \(modelDetail.rawValue)"
                    ))
            }
            if strength < 1 {
                notes.append(
                    EditNote(
                        "\(.strength, strength.shortText) leaves some of the fill's colour to be seen; 1 leaves none",
                        isWarning: true))
            }
        }
    }

    /// The reference's.
    public static let defaultImageGuidance: Float = 1.5

    /// Pixels of standard deviation: half a latent cell of the usual models.
    public static let defaultFeather: Float = 4

    private static func defaultFill(_ mode: EditMode) -> Fill {
        switch mode {
        case .outpaint, .erase: .patchmatch
        case .inpaint: .blurred
        case .remix, .variations, .generate: .original
        }
    }
}
