/// DPM-Solver++, multistep, for the ordinary and the stochastic equation (Lu et al. 2022, arXiv 2211.01095, algorithm 2
/// and appendix B).
///
/// After scheduling_dpmsolver_multistep.py (`dpmsolver++` and `sde-dpmsolver++`), diffusers 0.42.1.
struct DPMSolverSampler: Sampler {
    /// How the second-order term is discretised.
    private enum Solver {
        case midpoint, heun
    }

    let steps: Int
    let timesteps: [Float]
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let sigmas: [Float]
    private let isStochastic: Bool
    private let solver: Solver
    private let solverOrder: Int

    /// The latest predictions of the clean latents, newest last.
    private var predictions: [Vector] = []
    /// Steps taken, up to the solver's order.
    private var warmth = 0

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        self.settings = settings
        self.steps = steps
        let schedule = SigmaSchedule(multistep: settings, steps: steps)
        timesteps = try settings.indices(schedule.timesteps, steps: steps).map { Float($0) }
        sigmas = schedule.sigmas
        isStochastic = settings.kind == .dpmpp2MSDE
        // Names of other schedulers' solvers mean the midpoint, as there.
        solver = settings.configuration.solverType == "heun" ? .heun : .midpoint
        solverOrder = settings.configuration.solverOrder ?? 2
    }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        let level = VariancePreserving(sigmas[index])
        return (level.alpha * Vector(latents) + level.sigma * Vector(noise)).values
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        let latents = Vector(latents)
        let now = VariancePreserving(sigmas[index])
        let next = VariancePreserving(sigmas[index + 1])
        let clean = settings.correction(now.clean(settings.prediction, output: Vector(modelOutput), latents: latents))
        predictions = predictions.suffix(solverOrder - 1) + [clean]

        let isShort = timesteps.count < 15 && settings.configuration.lowerOrderFinal ?? true
        let isLast = index == timesteps.count - 1
        let endsLow =
            isLast && (settings.configuration.eulerAtFinal ?? false || isShort || settings.finalSigma == .zero)
        let endsSecond = index == timesteps.count - 2 && isShort
        let fresh = isStochastic ? Vector(noise()) : nil

        let order =
            if solverOrder == 1 || warmth < 1 || endsLow { 1 } else if solverOrder == 2 || warmth < 2 || endsSecond {
                2
            } else { 3 }
        warmth = min(warmth + 1, solverOrder)

        let change = Change(from: now, to: next, isStochastic: isStochastic)
        var result = change.kept * latents + change.added * clean
        if order == 2 { result = result + change.slope(solver) * slope(index: index, length: change.length) }
        if order == 3 { result = result + curve(index: index, change: change) }
        if let fresh { result = result + change.noise * fresh }
        return result.values
    }

    /// What was predicted from other latents differs by their noise: no slope.
    mutating func forgetLatents() { (predictions, warmth) = ([], 0) }

    /// D₁ of the second-order update.
    private func slope(index: Int, length: Float) -> Vector {
        let before = VariancePreserving(sigmas[index]).lambda - VariancePreserving(sigmas[index - 1]).lambda
        return (1 / (before / length)) * (predictions[predictions.count - 1] - predictions[predictions.count - 2])
    }

    /// The terms of D₁ and D₂ of the third-order update.
    private func curve(index: Int, change: Change) -> Vector {
        let lambdas = (0 ... 2).map { VariancePreserving(sigmas[index - $0]).lambda }
        let newest = predictions.count - 1
        let ratio0 = (lambdas[0] - lambdas[1]) / change.length
        let ratio1 = (lambdas[1] - lambdas[2]) / change.length
        let first = (1 / ratio0) * (predictions[newest] - predictions[newest - 1])
        let second = (1 / ratio1) * (predictions[newest - 1] - predictions[newest - 2])
        let slope = first + (ratio0 / (ratio0 + ratio1)) * (first - second)
        let bend = (1 / (ratio0 + ratio1)) * (first - second)
        return change.slope(.heun) * slope + change.bend * bend
    }

    /// The coefficients of one update, from λ to λ + h.
    private struct Change {
        /// h.
        let length: Float
        /// Of the present latents.
        let kept: Float
        /// Of the predicted clean latents.
        let added: Float
        /// Of fresh noise.
        let noise: Float
        /// Of the second derivative.
        let bend: Float
        /// Of the first derivative, for either discretisation.
        private let midpoint: Float
        private let heun: Float

        func slope(_ solver: Solver) -> Float { solver == .heun ? heun : midpoint }

        init(from now: VariancePreserving, to next: VariancePreserving, isStochastic: Bool) {
            let h = next.lambda - now.lambda
            length = h
            if isStochastic {
                let decay = Scalar.exp(-2 * h)
                kept = next.sigma / now.sigma * Scalar.exp(-h)
                added = next.alpha * (1 - decay)
                midpoint = 0.5 * (next.alpha * (1 - decay))
                heun = next.alpha * ((1 - decay) / (-2 * h) + 1)
                bend = next.alpha * ((1 - decay - 2 * h) / ((2 * h) * (2 * h)) - 0.5)
                noise = next.sigma * (1 - decay).squareRoot()
            } else {
                let decay = Scalar.exp(-h)
                kept = next.sigma / now.sigma
                added = -(next.alpha * (decay - 1))
                midpoint = -0.5 * (next.alpha * (decay - 1))
                heun = next.alpha * ((decay - 1) / h + 1)
                bend = -(next.alpha * ((decay - 1 + h) / (h * h) - 0.5))
                noise = 0
            }
        }
    }
}
