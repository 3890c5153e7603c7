/// A noise level where the latents keep variance 1: x = α·x₀ + σ·ε, α² + σ² = 1.
struct VariancePreserving {
    let alpha: Float
    let sigma: Float

    /// From the ratio σ/α, which is what schedules hold (`_sigma_to_alpha_sigma_t`).
    init(_ ratio: Float) {
        alpha = 1 / (ratio * ratio + 1).squareRoot()
        sigma = ratio * alpha
    }

    /// From latents a·x₀ + b·ε of any variance: what 1/√(a² + b²) makes of them.
    init(_ level: (a: Float, b: Float)) {
        let length = (level.a * level.a + level.b * level.b).squareRoot()
        alpha = level.a / length
        sigma = level.b / length
    }

    /// Half the logarithm of the signal-to-noise ratio.
    var lambda: Float { Scalar.log(alpha) - Scalar.log(sigma) }

    /// The clean latents that a network's output stands for.
    func clean(_ prediction: SchedulerConfiguration.Prediction, output: Vector, latents: Vector) -> Vector {
        switch prediction {
        case .epsilon: (latents - sigma * output) / alpha
        case .velocity: alpha * latents - sigma * output
        case .sample: output
        }
    }

    /// α times the clean latents that a network's output stands for; finite where α is 0, too.
    func signal(_ prediction: SchedulerConfiguration.Prediction, output: Vector, latents: Vector) -> Vector {
        switch prediction {
        case .epsilon: latents - sigma * output
        case .velocity: alpha * (alpha * latents - sigma * output)
        case .sample: alpha * output
        }
    }

    /// The noise that a network's output stands for.
    func noise(_ prediction: SchedulerConfiguration.Prediction, output: Vector, latents: Vector) -> Vector {
        switch prediction {
        case .epsilon: output
        case .velocity: alpha * output + sigma * latents
        case .sample: (latents - alpha * output) / sigma
        }
    }
}
