/// How clean latents x₀ become noise ε, and what a network that was trained on the way between them predicts.
///
/// On either path latents are x = a·x₀ + b·ε (`Sampler.level`).
public enum NoisePath: Sendable, Equatable {
    /// a² + b² = 1, with a² = ᾱ: diffusion (Ho et al. 2020, arXiv:2006.11239, equation 4). Samplers that treat b/a as
    /// time work on x/a, which is the same path in another scale.
    case variancePreserving(SchedulerConfiguration.Prediction)
    /// a + b = 1, with b = σ: the straight path of flow matching and rectified flow, of which the network predicts the
    /// velocity dx/dσ = ε − x₀ (Lipman et al. 2022, arXiv:2210.02747; Liu et al. 2022, arXiv:2209.03003).
    case flow

    /// The clean latents that a network's output stands for.
    /// - Parameters:
    ///   - latents: x/√(a² + b²), on either path: .
    ///   - level: a and b, each divided by √(a² + b²).
    func clean(output: Vector, latents: Vector, level: VariancePreserving) -> Vector {
        switch self {
        case .variancePreserving(let prediction): level.clean(prediction, output: output, latents: latents)
        // x − σ·v = (a + b)·x₀, for x = a·x₀ + b·ε and σ = b.
        case .flow: (latents - level.sigma * output) / (level.alpha + level.sigma)
        }
    }

    /// `level.alpha` times the clean latents that a network's output stands for; finite where that is 0, too.
    /// Parameters as of `clean`.
    func signal(output: Vector, latents: Vector, level: VariancePreserving) -> Vector {
        switch self {
        case .variancePreserving(let prediction): level.signal(prediction, output: output, latents: latents)
        case .flow: level.alpha * clean(output: output, latents: latents, level: level)
        }
    }
}
