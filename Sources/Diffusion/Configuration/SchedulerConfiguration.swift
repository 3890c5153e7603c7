/// A model's `scheduler_config.json`: how it was trained, and how its author samples from it.
///
/// `nil` means that the file does not say, so that the sampler's own default counts: that is how diffusers builds one
/// scheduler class from the configuration of another (`ConfigMixin.from_config`, diffusers 0.42.1).
public struct SchedulerConfiguration: Sendable, Equatable {
    /// How β grows over the training timesteps.
    public enum BetaSchedule: String, Sendable, CaseIterable {
        case linear
        case scaledLinear = "scaled_linear"
        case squaredCosine = "squaredcos_cap_v2"
        case exponential = "exp"
    }

    /// What the network predicts.
    public enum Prediction: String, Sendable, CaseIterable {
        /// The noise ε.
        case epsilon
        /// The velocity v = √ᾱ·ε − √(1 − ᾱ)·x₀ (Salimans and Ho 2022, arXiv 2202.00512).
        case velocity = "v_prediction"
        /// The clean latents x₀.
        case sample
    }

    /// How the visited timesteps lie among the training timesteps (arXiv 2305.08891, table 2).
    public enum TimestepSpacing: String, Sendable, CaseIterable {
        case leading, linspace, trailing
    }

    public enum FinalSigma: String, Sendable, CaseIterable {
        case zero
        case minimum = "sigma_min"
    }

    /// The class that wrote the file, as `PNDMScheduler`.
    public var className: String?
    public var trainTimesteps: Int?
    public var betaStart: Double?
    public var betaEnd: Double?
    public var betaSchedule: BetaSchedule?
    /// β of every training timestep, in place of start, end and schedule.
    public var trainedBetas: [Double]?
    public var prediction: Prediction?
    public var timestepSpacing: TimestepSpacing?
    /// Added to every visited timestep of the leading spacing.
    public var stepsOffset: Int?
    /// Whether β is rescaled so that the last timestep is pure noise (arXiv 2305.08891, algorithm 1).
    public var rescaleBetasZeroSNR: Bool?
    /// Whether ᾱ after the last step is 1 (else that of timestep 0).
    public var setAlphaToOne: Bool?
    public var clipSample: Bool?
    public var clipSampleRange: Double?
    public var thresholding: Bool?
    public var dynamicThresholdingRatio: Double?
    public var sampleMaximum: Double?
    public var usesKarrasSigmas: Bool?
    public var usesExponentialSigmas: Bool?
    public var sigmaMinimum: Double?
    public var sigmaMaximum: Double?
    public var finalSigma: FinalSigma?
    public var solverOrder: Int?
    public var solverType: String?
    public var algorithmType: String?
    public var lowerOrderFinal: Bool?
    public var eulerAtFinal: Bool?
    public var lambdaMinimumClipped: Double?
    public var predictsX0: Bool?
    public var disabledCorrectorSteps: [Int]?
    public var skipsRungeKuttaSteps: Bool?
    public var originalInferenceSteps: Int?
    public var timestepScaling: Double?
    /// Whether the reference's pipelines change it where they construct a scheduler of it (docs/numerics.md): those of Stable
    /// Diffusion 1.x and 2.x do, those of SDXL and InstructPix2Pix do not.
    public var isMended = true
    /// Settings that are switched on in the file and that no sampler here implements, by their keys.
    public var unsupported: [String] = []

    /// Nothing said: every sampler's own defaults.
    public init() {}

    /// Reads `scheduler_config.json`.
    ///
    /// - Throws: `ConfigurationError`.
    public init(_ json: JSONConfiguration) throws(ConfigurationError) {
        className = try json.string("_class_name")
        trainTimesteps = try json.integer("num_train_timesteps", in: 1 ... 1_000_000)
        betaStart = try json.double("beta_start")
        betaEnd = try json.double("beta_end")
        betaSchedule = try json.choice("beta_schedule", as: BetaSchedule.self)
        trainedBetas = try json.doubles("trained_betas")
        // EulerDiscreteScheduler also takes this older name.
        let isOldName = try json.string("prediction_type") == "original_sample"
        prediction = isOldName ? .sample : try json.choice("prediction_type", as: Prediction.self)
        timestepSpacing = try json.choice("timestep_spacing", as: TimestepSpacing.self)
        stepsOffset = try json.integer("steps_offset", in: 0 ... 1_000_000)
        rescaleBetasZeroSNR = try json.bool("rescale_betas_zero_snr")
        setAlphaToOne = try json.bool("set_alpha_to_one")
        clipSample = try json.bool("clip_sample")
        clipSampleRange = try json.double("clip_sample_range")
        thresholding = try json.bool("thresholding")
        dynamicThresholdingRatio = try json.double("dynamic_thresholding_ratio")
        sampleMaximum = try json.double("sample_max_value")
        usesKarrasSigmas = try json.bool("use_karras_sigmas")
        usesExponentialSigmas = try json.bool("use_exponential_sigmas")
        sigmaMinimum = try json.double("sigma_min")
        sigmaMaximum = try json.double("sigma_max")
        finalSigma = try json.choice("final_sigmas_type", as: FinalSigma.self)
        solverOrder = try json.integer("solver_order", in: 1 ... 3)
        solverType = try json.string("solver_type")
        algorithmType = try json.string("algorithm_type")
        lowerOrderFinal = try json.bool("lower_order_final")
        eulerAtFinal = try json.bool("euler_at_final")
        // Written as the JSON that is not JSON, -Infinity, by default; a string by some writers.
        if case .number(let number)? = json.value("lambda_min_clipped"), number.isFinite {
            lambdaMinimumClipped = number
        }
        predictsX0 = try json.bool("predict_x0")
        disabledCorrectorSteps = try json.integers("disable_corrector")
        skipsRungeKuttaSteps = try json.bool("skip_prk_steps")
        originalInferenceSteps = try json.integer("original_inference_steps", in: 1 ... 1_000_000)
        timestepScaling = try json.double("timestep_scaling")
        for key in ["use_beta_sigmas", "use_lu_lambdas", "use_flow_sigmas", "use_dynamic_shifting"]
        where try json.bool(key) == true { unsupported.append(key) }
        if let kind = try json.string("interpolation_type"), kind != "linear" {
            unsupported.append("interpolation_type")
        }
        if let kind = try json.string("timestep_type"), kind != "discrete" { unsupported.append("timestep_type") }
        if let kind = try json.string("variance_type"), kind.hasPrefix("learned") {
            unsupported.append("variance_type")
        }
    }

    /// Reads the file at a path; see `init(_:)`.
    public init(path: String) throws { try self.init(JSONConfiguration(path: path)) }
}
