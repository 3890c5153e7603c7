/// LanPaint's inner iterations: before a step, hole and known part move together at the step's level of noise towards what fits
/// both (Zheng, Lan and Wang 2025, arXiv 2502.03491).
///
/// In latents of variance ᾱ·x₀² + 1 − ᾱ, to which those of either path are scaled, and with time in units of 1 − ᾱ, the
/// hole follows the network's score. The known part follows the score given the clean picture y₀, which is known,
/// pushed away from the network's by λ (the bidirectional guided score): the hole learns of the known part through the
/// network, and the network's opinion of the known part comes back. With x̂₀ what the network takes for the clean
/// latents:
///
///     hole    dx = (√ᾱ·x̂₀ − x) dt + √(2(1 − ᾱ)) dW
///     known   dy = (√ᾱ·((1 + λ)·y₀ − λ·ŷ₀) − y) dt + √(2(1 − ᾱ)) dW
///
/// The drift is taken as C − κ·x, with κ = 1 for the hole and 1 + λ for the known part, where the network's answer
/// (and λ·y) is in C. With C held, a length of time is solved exactly; after the first iteration each goes half its length
/// with the C before, asks the network, adds the difference that C made, and goes the other half: one network call an
/// iteration.
///
/// This is the first-order form, which the authors' implementation has come to (github.com/scraed/LanPaint, 32cf848,
/// `src/LanPaint/lanpaint.py`, `run_overdamped`), with its λ and step. The paper's second-order form has a velocity
/// with a friction whose default, 15² · 0.2 / 0.2 an iteration, lets e⁻²²⁵ of it be left at the end of one: the same thing.
struct InnerLangevin {
    /// λ.
    static let guidance: Float = 5
    /// The time of an iteration, in units of 1 − ᾱ.
    static let stepLength: Float = 0.2

    private let path: NoisePath
    private let level: VariancePreserving
    /// Latents of the sampler's scale times this have the variance above.
    private let scale: Float
    private let clean: [Float]
    private let isKnown: (Int) -> Bool
    /// C of the iteration before.
    private var force: [Float]?

    /// - Parameters:
    ///   - index: the step of the sampler that comes after.
    ///   - clean: y₀, of the latents' length; not read where nothing is known.
    ///   - isKnown: whether a latent, by its place, is known.
    /// - Returns: `nil` where there is no noise.
    init?(sampler: any Sampler, index: Int, clean: [Float], isKnown: @escaping (Int) -> Bool) {
        let (a, b) = sampler.level(index)
        guard b > 0 else { return nil }
        level = VariancePreserving((a, b))
        scale = 1 / (a * a + b * b).squareRoot()
        path = sampler.path
        self.clean = clean
        self.isKnown = isKnown
    }

    /// The latents, in the sampler's scale, of which the network is to be asked.
    /// - Parameter noise: draws as many numbers as there are latents. Not called in the first iteration.
    func latentsToAsk(_ latents: [Float], noise: () -> [Float]) -> [Float] {
        guard let force else { return latents }
        return advanced(latents.map { $0 * scale }, force, by: Self.stepLength / 2, noise()).map { $0 / scale }
    }

    /// The latents after the iteration, from those that the network was asked of.
    mutating func finished(_ latents: [Float], modelOutput: [Float], noise: () -> [Float]) -> [Float] {
        var x = latents.map { $0 * scale }
        let signal = path.signal(output: Vector(modelOutput), latents: Vector(x), level: level).values
        let guidance = Self.guidance
        let new = x.indices.map { index in
            isKnown(index)
                ? level.alpha * (1 + guidance) * clean[index] + guidance * (x[index] - signal[index]) : signal[index]
        }
        var length = Self.stepLength
        if let force {
            for index in x.indices { x[index] += (new[index] - force[index]) * length }
            length /= 2
        }
        force = new
        return advanced(x, new, by: length, noise()).map { $0 / scale }
    }

    /// dx = (C − κ·x) dt + √(2(1 − ᾱ)) dW, solved over `length` with C held.
    private func advanced(_ x: [Float], _ force: [Float], by length: Float, _ noise: [Float]) -> [Float] {
        func solution(rate: Float) -> (kept: Float, added: Float, deviation: Float) {
            let rest = -Scalar.expm1(-rate * length)
            let variance = -Scalar.expm1(-2 * rate * length) / rate
            return (1 - rest, rest / rate, level.sigma * variance.squareRoot())
        }
        let (hole, known) = (solution(rate: 1), solution(rate: 1 + Self.guidance))
        return x.indices.map { index in
            let part = isKnown(index) ? known : hole
            return part.kept * x[index] + part.added * force[index] + part.deviation * noise[index]
        }
    }
}
