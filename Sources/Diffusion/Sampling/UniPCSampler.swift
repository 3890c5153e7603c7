/// Unified predictor-corrector: the network's output at a step first corrects the step before, then predicts the next
/// (Zhao et al. 2023, arXiv 2302.04867, algorithms 5–8).
///
/// After scheduling_unipc_multistep.py, diffusers 0.42.1.
struct UniPCSampler: Sampler {
    let steps: Int
    let timesteps: [Float]
    var path: NoisePath { .variancePreserving(settings.prediction) }
    private let settings: SamplerSettings
    private let sigmas: [Float]
    private let solverOrder: Int
    /// Whether the equation is solved for the clean latents (else for the noise).
    private let predictsClean: Bool
    /// Whether B(h) is h itself, bh1 of the paper (else e^h − 1, bh2).
    private let isFirstVariant: Bool

    /// The latest converted outputs, newest last.
    private var outputs: [Vector] = []
    /// The latents and the order of the last step, for the corrector.
    private var last: (latents: Vector, order: Int)?
    /// Steps taken, up to the solver's order.
    private var warmth = 0

    init(_ settings: SamplerSettings, steps: Int) throws(SamplingError) {
        self.settings = settings
        self.steps = steps
        let schedule = SigmaSchedule(multistep: settings, steps: steps)
        timesteps = try settings.indices(schedule.timesteps, steps: steps).map { Float($0) }
        sigmas = schedule.sigmas
        solverOrder = settings.configuration.solverOrder ?? 2
        predictsClean = settings.configuration.predictsX0 ?? true
        isFirstVariant = settings.configuration.solverType == "bh1"
    }

    func addNoise(to latents: [Float], noise: [Float], index: Int) -> [Float] {
        let level = VariancePreserving(sigmas[index])
        return (level.alpha * Vector(latents) + level.sigma * Vector(noise)).values
    }

    mutating func step(modelOutput: [Float], latents: [Float], index: Int, noise: () -> [Float]) -> [Float] {
        var latents = Vector(latents)
        let level = VariancePreserving(sigmas[index])
        let output = Vector(modelOutput)
        let converted =
            predictsClean
            ? settings.correction(level.clean(settings.prediction, output: output, latents: latents))
            : level.noise(settings.prediction, output: output, latents: latents)

        let isCorrected = !(settings.configuration.disabledCorrectorSteps ?? []).contains(index - 1)
        if let last, index > 0, isCorrected {
            latents = corrected(from: last.latents, with: converted, index: index, order: last.order)
        }
        outputs = outputs.suffix(solverOrder - 1) + [converted]

        let lowersFinal = settings.configuration.lowerOrderFinal ?? true
        let order = min(lowersFinal ? min(solverOrder, timesteps.count - index) : solverOrder, warmth + 1)
        last = (latents, order)
        warmth = min(warmth + 1, solverOrder)
        return predicted(from: latents, index: index, order: order).values
    }

    /// Without the latents of the step before there is nothing to correct, and what was made of others is no slope.
    mutating func forgetLatents() { (last, outputs, warmth) = (nil, [], 0) }

    /// The latents at `index + 1`.
    private func predicted(from latents: Vector, index: Int, order: Int) -> Vector {
        let change = Change(self, from: index, to: index + 1, order: order)
        guard !change.differences.isEmpty else { return change.base(latents) }
        // At second order the equations are solved exactly by ½, in the paper's simplified form.
        let weights = order == 2 ? [0.5] : Self.solve(change.matrix, change.right, size: order - 1)
        let residual = Self.sum(weights, change.differences)
        return change.base(latents) - change.residualScale * residual
    }

    /// The latents at `index`, stepped again from those at `index − 1` now that the output at `index` is known.
    private func corrected(from latents: Vector, with output: Vector, index: Int, order: Int) -> Vector {
        let change = Change(self, from: index - 1, to: index, order: order)
        let weights = order == 1 ? [0.5] : Self.solve(change.matrix, change.right, size: order)
        var residual = weights[order - 1] * (output - change.newest)
        if !change.differences.isEmpty { residual = Self.sum(weights, change.differences) + residual }
        return change.base(latents) - change.residualScale * residual
    }

    private static func sum(_ weights: [Float], _ vectors: [Vector]) -> Vector {
        zip(weights, vectors).dropFirst().reduce(weights[0] * vectors[0]) { $0 + $1.0 * $1.1 }
    }

    /// Gaussian elimination with row exchange on the leading square of a matrix, as LAPACK's `gesv`.
    private static func solve(_ matrix: [[Float]], _ right: [Float], size: Int) -> [Float] {
        var rows = (0 ..< size).map { Array(matrix[$0].prefix(size)) + [right[$0]] }
        for column in 0 ..< size {
            let pivot = (column ..< size).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            for row in column + 1 ..< size {
                let factor = rows[row][column] / rows[column][column]
                for index in column ... size { rows[row][index] -= factor * rows[column][index] }
            }
        }
        var solution = [Float](repeating: 0, count: size)
        for row in (0 ..< size).reversed() {
            let known = (row + 1 ..< size).reduce(rows[row][size]) { $0 - rows[row][$1] * solution[$1] }
            solution[row] = known / rows[row][row]
        }
        return solution
    }

    /// What predictor and corrector share of one step.
    private struct Change {
        /// The converted output at the start, m₀.
        let newest: Vector
        /// (mᵢ − m₀) / rᵢ of the outputs before, newest first.
        var differences: [Vector] = []
        /// R and b of the linear equations for the weights.
        var matrix: [[Float]] = []
        var right: [Float] = []
        /// What the weighted sum of differences is scaled by.
        let residualScale: Float
        private let kept: Float
        private let added: Float

        init(_ sampler: UniPCSampler, from start: Int, to end: Int, order: Int) {
            let now = VariancePreserving(sampler.sigmas[start])
            let next = VariancePreserving(sampler.sigmas[end])
            let h = next.lambda - now.lambda
            let outputs = sampler.outputs
            newest = outputs[outputs.count - 1]
            var ratios: [Float] = []
            for back in 1 ..< max(order, 1) {
                let ratio = (VariancePreserving(sampler.sigmas[start - back]).lambda - now.lambda) / h
                ratios.append(ratio)
                differences.append((outputs[outputs.count - 1 - back] - newest) / ratio)
            }
            ratios.append(1)

            let signed = sampler.predictsClean ? -h : h
            let phi1 = Scalar.expm1(signed)
            let scale = sampler.isFirstVariant ? signed : phi1
            var phi = phi1 / signed - 1
            var factorial: Float = 1
            var powers = [Float](repeating: 1, count: ratios.count)
            for degree in 1 ... max(order, 1) {
                matrix.append(powers)
                right.append(phi * factorial / scale)
                factorial *= Float(degree + 1)
                phi = phi / signed - 1 / factorial
                powers = zip(powers, ratios).map { $0 * $1 }
            }
            let (coefficient, other) =
                sampler.predictsClean ? (next.alpha, next.sigma / now.sigma) : (next.sigma, next.alpha / now.alpha)
            residualScale = coefficient * scale
            kept = other
            added = coefficient * phi1
        }

        /// The first-order part.
        func base(_ latents: Vector) -> Vector { kept * latents - added * newest }
    }
}
