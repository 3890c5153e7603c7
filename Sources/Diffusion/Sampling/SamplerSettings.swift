/// What a sampler needs to know, every default filled in as its class in diffusers 0.42.1 does.
struct SamplerSettings: Sendable {
    typealias Configuration = SchedulerConfiguration

    var kind: SamplerKind
    /// The configuration, for what only one sampler asks.
    var configuration: Configuration
    var trainTimesteps: Int
    var prediction: Configuration.Prediction
    var timestepSpacing: Configuration.TimestepSpacing
    var stepsOffset: Int
    var usesKarrasSigmas: Bool
    var usesExponentialSigmas: Bool
    var finalSigma: Configuration.FinalSigma
    var setsAlphaToOne: Bool
    var skipsRungeKuttaSteps: Bool
    var noise: NoiseSchedule
    var correction: PredictionCorrection

    init(
        _ requested: SamplerKind?, configuration: Configuration, schedule: ScheduleType?
    ) throws(SamplingError) {
        let named = configuration.className.flatMap {
            SamplerKind(schedulerClassName: $0, algorithmType: configuration.algorithmType)
        }
        guard let kind = requested ?? named else {
            throw .unknownScheduler(configuration.className ?? "")
        }
        if let setting = configuration.unsupported.first { throw .unsupportedSetting(setting) }
        self.kind = kind
        self.configuration = configuration
        trainTimesteps = configuration.trainedBetas?.count ?? configuration.trainTimesteps ?? 1000
        prediction = configuration.prediction ?? .epsilon

        let isDiscrete = [.ddim, .pndm, .lcm].contains(kind)
        timestepSpacing = configuration.timestepSpacing ?? (isDiscrete ? .leading : .linspace)
        // The ancestral sampler of the reference knows neither, so a file that asks for them is not heard.
        let isHeard = kind != .eulerAncestral
        usesKarrasSigmas = isHeard && configuration.usesKarrasSigmas ?? false
        usesExponentialSigmas = isHeard && configuration.usesExponentialSigmas ?? false
        if let schedule {
            if isDiscrete, schedule == .karras || schedule == .exponential {
                throw .unsupportedSchedule(sampler: kind, schedule: schedule)
            }
            usesKarrasSigmas = schedule == .karras
            usesExponentialSigmas = schedule == .exponential
            if schedule == .trailing { timestepSpacing = .trailing }
        }
        finalSigma = configuration.finalSigma ?? .zero
        setsAlphaToOne = configuration.setAlphaToOne ?? (kind != .pndm)

        // The pipelines mend the configuration of the scheduler that a model comes with (their `__init__`), not of one
        // put in its place: pipeline_stable_diffusion.py, …_img2img.py and …_inpaint.py.
        let isModelsOwn = named == kind && configuration.isMended
        stepsOffset = isModelsOwn ? 1 : configuration.stepsOffset ?? 0
        skipsRungeKuttaSteps = configuration.skipsRungeKuttaSteps ?? false
        noise = try NoiseSchedule(kind: kind, configuration: configuration)
        correction = PredictionCorrection(kind: kind, configuration: configuration, isModelsOwn: isModelsOwn)
    }

    /// ᾱ after the last step.
    var finalAlpha: Float { setsAlphaToOne ? 1 : noise.alphas[0] }

    /// The timesteps as indices of the training schedule.
    func indices(_ timesteps: [Double], steps: Int) throws(SamplingError) -> [Int] {
        guard timesteps.allSatisfy({ abs($0) < 1e9 }) else {
            throw .badSchedule(reason: "its timesteps lie beyond all bounds")
        }
        let indices = timesteps.map { Int($0) }
        guard indices.allSatisfy((0 ..< trainTimesteps).contains) else {
            throw .stepsOutOfRange(sampler: kind, steps: steps, allowed: 1 ... max(1, trainTimesteps - stepsOffset - 1))
        }
        return indices
    }
}
