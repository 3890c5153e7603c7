internal import Diffusion
internal import ImageFiles
internal import Masking
internal import PlainText
internal import Raster

/// How a picture was made, in the words that other programs of this kind read.
struct GenerationParameters {
    /// As the user wrote it: prompts with the tags in them, as AUTOMATIC1111 records them.
    let request: EditRequest
    let plan: EditPlan
    let facts: ModelFacts
    private let hashes: AdapterHashes?
    private let modelHashes: ModelHashes?

    /// - Parameter isWritten: whether pictures will carry it; then the files of adapters and of an autoencoder are read once
    ///   more, for their hashes.
    init(request: EditRequest, plan: EditPlan, facts: ModelFacts, isWritten: Bool) {
        self.request = request
        self.plan = plan
        self.facts = facts
        modelHashes = isWritten ? ModelHashes(facts) : nil
        hashes = isWritten ? AdapterHashes(facts, prompts: [request.prompt, plan.settings.negativePrompt]) : nil
    }

    /// The provenance of the picture that a seed made.
    func provenance(seed: UInt64) -> Provenance {
        request.mode == .generate ? .generated(infotext(seed: seed)) : .edited(infotext(seed: seed))
    }

    /// Keys and their order as AUTOMATIC1111's web UI writes them (`modules/processing.py`, `create_infotext`, v1.10.1).
    func infotext(seed: UInt64) -> Infotext {
        let settings = plan.settings
        let negative = request.negativePrompt.isEmpty ? settings.negativePrompt : request.negativePrompt
        var text = Infotext(prompt: request.prompt, negativePrompt: negative)
        text[Settings.steps] = "\(settings.steps)"
        text[Settings.sampler] = (settings.sampler ?? facts.sampler)?.displayName
        text[Settings.schedule] = settings.schedule?.displayName
        text[Settings.guidance] = settings.guidance.shortText
        if facts.followsInstructions { text[Settings.imageGuidance] = settings.imageGuidance.shortText }
        if settings.guidanceRescale > 0 { text[Settings.guidanceRescale] = settings.guidanceRescale.shortText }
        let interval = settings.guidanceInterval
        if interval != 0 ... 1 {
            text[Settings.guidanceInterval] = "\(interval.lowerBound.shortText):\(interval.upperBound.shortText)"
        }
        if settings.deepFeatureInterval > 1 { text[Settings.reuseFeatures] = "\(settings.deepFeatureInterval)" }
        if settings.batchSize > 1 {
            text[Settings.batchSize] = "\(settings.batchSize)"
            text["Batch pos"] = "\((seed &- settings.seeds[0]) % UInt64(settings.batchSize))"
        }
        if settings.reusesKnown { text[Settings.reuseKnown] = "\(settings.seeds[0])" }
        if settings.coherence > 0 {
            text[Settings.coherence] = "\(settings.coherence) (\(settings.coherenceMethod.rawValue))"
        }
        text[Settings.seed] = "\(seed)"
        text["Size"] = "\(plan.size.width)x\(plan.size.height)"
        text["Model hash"] = modelHashes?.model
        text["Model"] = facts.name.printable
        text["VAE hash"] = modelHashes?.autoencoder
        text["VAE"] = facts.autoencoder?.printable
        let loras = facts.adapters.map { "\($0.name):\($0.weights)" }
        if !loras.isEmpty { text["Lora"] = loras.joined(separator: ", ") }
        if let hashes, !hashes.loras.isEmpty { text["Lora hashes"] = hashes.loras.joined(separator: ", ") }
        let words = facts.embeddings.flatMap { $0.words.map(\.word) }
        if !words.isEmpty { text["TI"] = words.joined(separator: ", ") }
        if let hashes, !hashes.embeddings.isEmpty { text["TI hashes"] = hashes.embeddings.joined(separator: ", ") }
        if request.mode != .generate { text[Settings.strength] = settings.strength.shortText }
        // Absent means the CUDA generator.
        if settings.randomSource == .torch { text[Settings.rng] = "CPU" }
        if !request.masks.isEmpty || request.mode == .outpaint {
            if settings.feather > 0 { text[Settings.feather] = settings.feather.shortText }
            text[Settings.area] = settings.area == .mask ? "Only masked" : "Whole picture"
            text[Settings.padding] = settings.padding.map { "\($0)" }
            text[Settings.fill] = settings.fill.name
        }
        text["Edit"] = request.mode.rawValue
        text["Version"] = Release.name
        return text
    }
}

extension Infotext {
    /// What is recorded of a setting, by the name that its table has for it. Traps for one that is not recorded.
    fileprivate subscript(setting: some AnySetting) -> String? {
        get { self[Self.key(of: setting)] }
        set { self[Self.key(of: setting)] = newValue }
    }

    private static func key(of setting: some AnySetting) -> String {
        guard let key = setting.infotextKey else { preconditionFailure("\(setting.key) is not recorded") }
        return key
    }
}

extension SamplerKind {
    /// The name that AUTOMATIC1111's web UI lists.
    var displayName: String {
        switch self {
        case .ddim: "DDIM"
        case .pndm: "PLMS"
        case .euler: "Euler"
        case .eulerAncestral: "Euler a"
        case .heun: "Heun"
        case .dpmpp2M: "DPM++ 2M"
        case .dpmpp2MSDE: "DPM++ 2M SDE"
        case .unipc: "UniPC"
        case .lcm: "LCM"
        }
    }
}

extension ScheduleType {
    /// The name that AUTOMATIC1111's web UI lists.
    var displayName: String {
        switch self {
        case .linear: "Uniform"
        case .karras: "Karras"
        case .exponential: "Exponential"
        case .trailing: "SGM Uniform"
        }
    }
}
