internal import PlainText

/// A model that was distilled to make a picture in a few steps.
public struct FewSteps: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Latent consistency (Luo et al. 2023, arXiv:2310.04378).
        case lcm = "LCM"
        /// Adversarial distillation (Sauer et al. 2023, arXiv:2311.17042).
        case turbo = "Turbo"
        /// Progressive adversarial distillation (Lin et al. 2024, arXiv:2402.13929).
        case lightning = "Lightning"
        /// Trajectory segmented consistency (Ren et al. 2024, arXiv:2404.13686).
        case hyper = "Hyper"
    }

    public let kind: Kind
    /// How it was told, as a phrase.
    public let reason: String
    public let steps: Int
    /// 1 for models that are not to be guided.
    public let guidance: Float

    private init(_ kind: Kind, reason: String, steps: Int, guidance: Float) {
        self.kind = kind
        self.reason = reason
        self.steps = steps
        self.guidance = guidance
    }

    /// Tells in this order: a denoiser that takes the guidance scale as an input is an LCM; a file's metadata name the kind;
    /// a scheduler of that kind; Euler's with timesteps spaced back from the last, noise prediction and no zero terminal
    /// SNR, which is the configuration of SD Turbo, SDXL Turbo and SDXL Lightning. `nil` for all others, distilled ones
    /// that say nothing of it included.
    /// - Parameter takesGuidance: whether the denoiser takes the guidance scale as an input.
    init?(takesGuidance: Bool, scheduler: SchedulerConfiguration, hints: [String: String]) {
        if takesGuidance {
            self.init(.lcm, reason: "as its denoiser takes the guidance scale as an input", steps: 4, guidance: 8.5)
        } else if let kind = Kind(stated: hints) {
            self.init(kind, reason: "as the file's metadata say", steps: kind == .hyper ? 8 : 4, guidance: 1)
        } else if scheduler.className == "LCMScheduler" {
            self.init(.lcm, reason: "as its scheduler configuration says", steps: 4, guidance: 1)
        } else if scheduler.className == "TCDScheduler" {
            self.init(.hyper, reason: "as its scheduler configuration says", steps: 8, guidance: 1)
        } else if ["EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler"].contains(scheduler.className),
            scheduler.timestepSpacing == .trailing, scheduler.prediction ?? .epsilon == .epsilon,
            scheduler.rescaleBetasZeroSNR != true, scheduler.usesKarrasSigmas != true
        {
            self.init(
                .turbo, reason: "as its scheduler configuration is that of Turbo and Lightning models", steps: 4,
                guidance: 1)
        } else {
            return nil
        }
    }
}

extension FewSteps.Kind {
    /// What a file's metadata (https://github.com/Stability-AI/ModelSpec) name.
    init?(stated hints: [String: String]) {
        let text = ["modelspec.architecture", "modelspec.title"].compactMap { hints[$0] }
            .map { String($0.unicodeScalars.prefix(LookupName.maximumBytes)).lowercased() }
        let words = text.flatMap { $0.split { !$0.isLetter } }
        guard let kind = Self.allCases.first(where: { words.contains($0.rawValue.lowercased()[...]) }) else {
            return nil
        }
        self = kind
    }

    /// The same of an original checkpoint.
    init?(denoiser: LDMDenoiser, hints: [String: String]) {
        if denoiser.configuration["time_cond_proj_dim"] != nil {
            self = .lcm
        } else {
            self.init(stated: hints)
        }
    }

    /// Makes a scheduler's configuration that which models of this kind come with.
    func amend(_ scheduler: inout [String: JSONValue]) {
        switch self {
        case .lcm: scheduler["_class_name"] = .string("LCMScheduler")
        case .turbo, .lightning, .hyper:
            scheduler["_class_name"] = .string(
                self == .turbo ? "EulerAncestralDiscreteScheduler" : "EulerDiscreteScheduler")
            scheduler["timestep_spacing"] = .string("trailing")
        }
    }
}
