/// What is done to the clean latents that a network predicts, before they are used.
struct PredictionCorrection: Sendable {
    private enum Kind {
        case none
        case clip(Float)
        /// Dynamic thresholding (Imagen, arXiv 2205.11487): a share of the magnitudes, and the largest bound.
        case threshold(ratio: Float, maximum: Float)
    }

    private let kind: Kind

    init(kind: SamplerKind, configuration: SchedulerConfiguration, isModelsOwn: Bool) {
        let thresholds = [.ddim, .dpmpp2M, .dpmpp2MSDE, .unipc, .lcm].contains(kind)
        // DDIMScheduler clips unless told otherwise; the pipelines tell it otherwise (see `SamplerSettings`).
        let clips =
            switch kind {
            case .ddim: isModelsOwn ? false : configuration.clipSample ?? true
            case .heun, .lcm: isModelsOwn ? false : configuration.clipSample ?? false
            default: false
            }
        if thresholds, configuration.thresholding ?? false {
            self.kind = .threshold(
                ratio: Float(configuration.dynamicThresholdingRatio ?? 0.995),
                maximum: Float(configuration.sampleMaximum ?? 1))
        } else if clips {
            self.kind = .clip(Float(configuration.clipSampleRange ?? 1))
        } else {
            self.kind = .none
        }
    }

    func callAsFunction(_ clean: Vector) -> Vector {
        switch kind {
        case .none: return clean
        case .clip(let bound): return clean.clamped(to: bound)
        case .threshold(let ratio, let maximum):
            let bound = min(max(clean.magnitudeQuantile(ratio), 1), maximum)
            return clean.clamped(to: bound) / bound
        }
    }
}
