/// How much noise is in the latents at each timestep.
public struct NoiseSchedule: Sendable {
    /// ᾱ of each training timestep: the share of the picture in the latents' variance. ᾱ = ∏(1 − β).
    public let alphas: [Float]

    /// σ = √((1 − ᾱ) / ᾱ) of each training timestep.
    var sigmas: [Float] { alphas.map { ((1 - $0) / $0).squareRoot() } }

    /// The schedule that a model was trained with, as the scheduler class of that kind computes it.
    init(kind: SamplerKind, configuration: SchedulerConfiguration) throws(SamplingError) {
        var betas = try Self.betas(kind: kind, configuration: configuration)
        guard betas.count > 1 else { throw .badSchedule(reason: "it has fewer than 2 training timesteps") }
        guard betas.allSatisfy({ $0 >= 0 && $0 < 1 }) else { throw .badSchedule(reason: "β must lie in 0..<1") }
        // PNDMScheduler and HeunDiscreteScheduler do not know the setting.
        let isRescaled = configuration.rescaleBetasZeroSNR ?? false && kind != .pndm && kind != .heun
        if isRescaled { betas = Self.rescaledToZeroSNR(betas) }
        var alphas = Self.cumulativeProduct(betas.map { 1 - $0 })
        // The samplers that divide by √ᾱ keep it just above 0, so that the first σ is finite.
        if isRescaled, kind != .ddim, kind != .lcm { alphas[alphas.count - 1] = 0x1p-24 }
        self.alphas = alphas
        // The others take σ, and its logarithm, of every training timestep.
        guard [.ddim, .pndm, .lcm].contains(kind) || sigmas.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw .badSchedule(reason: "the noise begins at nothing or drowns the picture for good")
        }
    }

    private static func betas(
        kind: SamplerKind, configuration: SchedulerConfiguration
    ) throws(SamplingError) -> [Float] {
        if let betas = configuration.trainedBetas { return betas.map { Float($0) } }
        let isLatentDefault = kind == .heun || kind == .lcm
        let start = configuration.betaStart ?? (isLatentDefault ? 0.00085 : 0.0001)
        let end = configuration.betaEnd ?? (isLatentDefault ? 0.012 : 0.02)
        guard (0 ... 1).contains(start), (0 ... 1).contains(end) else {
            throw .badSchedule(reason: "β must lie in 0..<1")
        }
        let count = configuration.trainTimesteps ?? 1000
        switch configuration.betaSchedule ?? (kind == .lcm ? .scaledLinear : .linear) {
        case .linear:
            return linearlySpaced(start, end, count: count)
        case .scaledLinear:
            return linearlySpaced(start.squareRoot(), end.squareRoot(), count: count).map { $0 * $0 }
        case .squaredCosine:
            return betas(count: count) {
                let cosine = Scalar.cosine(($0 + 0.008) / 1.008 * Double.pi / 2)
                return cosine * cosine
            }
        case .exponential:
            return betas(count: count) { Scalar.exp($0 * -12) }
        }
    }

    /// β such that ᾱ follows a function of time in 0…1 (`betas_for_alpha_bar`).
    private static func betas(count: Int, alphaBar: (Double) -> Double) -> [Float] {
        (0 ..< count).map { index in
            let ratio = alphaBar(Double(index + 1) / Double(count)) / alphaBar(Double(index) / Double(count))
            return Float(min(1 - ratio, 0.999))
        }
    }

    /// `torch.linspace` in float32: from both ends towards the middle, product and sum rounded once.
    private static func linearlySpaced(_ start: Double, _ end: Double, count: Int) -> [Float] {
        let (start, end) = (Float(start), Float(end))
        guard count > 1 else { return [start] }
        let step = (end - start) / Float(count - 1)
        return (0 ..< count).map { index in
            index < count / 2
                ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - 1 - index))
        }
    }

    /// `torch.cumprod` in float32, which multiplies in double precision.
    private static func cumulativeProduct(_ factors: [Float]) -> [Float] {
        var product = 1.0
        return factors.map {
            product *= Double($0)
            return Float(product)
        }
    }

    /// β rescaled so that ᾱ ends at 0 (arXiv 2305.08891, algorithm 1; `rescale_zero_terminal_snr`).
    private static func rescaledToZeroSNR(_ betas: [Float]) -> [Float] {
        let roots = cumulativeProduct(betas.map { 1 - $0 }).map { $0.squareRoot() }
        guard let first = roots.first, let last = roots.last, first != last else { return betas }
        let scale = first / (first - last)
        let alphas = roots.map { root in
            let shifted = (root - last) * scale
            return shifted * shifted
        }
        return alphas.indices.map { index in
            1 - (index == 0 ? alphas[0] : alphas[index] / alphas[index - 1])
        }
    }
}
