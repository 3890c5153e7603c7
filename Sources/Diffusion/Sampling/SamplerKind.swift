/// The samplers of this engine, by the names that the command line and JSON use.
public enum SamplerKind: String, Sendable, CaseIterable {
    /// Denoising diffusion implicit models, η = 0 (arXiv 2010.02502).
    case ddim
    /// Pseudo numerical methods (arXiv 2202.09778).
    case pndm
    /// Euler's method on the noise level (arXiv 2206.00364, algorithm 1 without churn).
    case euler
    /// Euler's method with fresh noise after every step (k-diffusion).
    case eulerAncestral = "euler-ancestral"
    /// Heun's second-order method: two network calls a step (arXiv 2206.00364, algorithm 1).
    case heun
    /// DPM-Solver++, multistep, second order (arXiv 2211.01095).
    case dpmpp2M = "dpmpp-2m"
    /// The same for the stochastic equation.
    case dpmpp2MSDE = "dpmpp-2m-sde"
    /// Unified predictor-corrector (arXiv 2302.04867).
    case unipc
    /// Latent consistency models: few steps, for models distilled so (arXiv 2310.04378).
    case lcm

    /// The kind that a scheduler class of diffusers stands for; `nil` where none does.
    ///
    /// - Parameter algorithmType: the configuration's `algorithm_type`, which tells the two DPM-Solver++ apart.
    public init?(schedulerClassName: String, algorithmType: String? = nil) {
        switch schedulerClassName {
        case "DDIMScheduler": self = .ddim
        case "PNDMScheduler": self = .pndm
        case "EulerDiscreteScheduler": self = .euler
        case "EulerAncestralDiscreteScheduler": self = .eulerAncestral
        case "HeunDiscreteScheduler": self = .heun
        case "DPMSolverMultistepScheduler":
            self = algorithmType?.hasPrefix("sde-") == true ? .dpmpp2MSDE : .dpmpp2M
        case "UniPCMultistepScheduler": self = .unipc
        case "LCMScheduler": self = .lcm
        default: return nil
        }
    }

    /// The sampler of a run, as diffusers makes it with `from_config` of the model's configuration.
    ///
    /// - Parameters:
    ///   - kind: `nil` takes the class that the configuration names.
    ///   - steps: at least 1, and no more than there are training timesteps.
    ///   - schedule: `nil` takes what the configuration says.
    public static func make(
        _ kind: Self? = nil, configuration: SchedulerConfiguration, steps: Int, schedule: ScheduleType? = nil
    ) throws(SamplingError) -> any Sampler {
        let settings = try SamplerSettings(kind, configuration: configuration, schedule: schedule)
        guard (1 ... settings.trainTimesteps).contains(steps) else {
            throw .stepsOutOfRange(sampler: settings.kind, steps: steps, allowed: 1 ... settings.trainTimesteps)
        }
        let sampler: any Sampler =
            switch settings.kind {
            case .ddim: try DDIMSampler(settings, steps: steps)
            case .pndm: try PNDMSampler(settings, steps: steps)
            case .euler, .eulerAncestral: try EulerSampler(settings, steps: steps)
            case .heun: try HeunSampler(settings, steps: steps)
            case .dpmpp2M, .dpmpp2MSDE: try DPMSolverSampler(settings, steps: steps)
            case .unipc: try UniPCSampler(settings, steps: steps)
            case .lcm: try LCMSampler(settings, steps: steps)
            }
        // Bounds from a configuration, such as sigma_min, may make none.
        guard !sampler.timesteps.isEmpty, sampler.timesteps.allSatisfy({ $0.isFinite }) else {
            throw .badSchedule(reason: "its timesteps lie beyond all bounds")
        }
        return sampler
    }
}
