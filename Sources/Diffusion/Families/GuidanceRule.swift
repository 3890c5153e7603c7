/// How the predictions for the branches of a conditioning become the one that a step follows.
///
/// A rule is decided before a run. It names the branches that it needs, so that whoever prepares the conditioning and
/// whoever runs the loop need not know their number.
struct GuidanceRule: Sendable, Equatable {
    /// What the denoiser is told in one branch.
    enum Branch: Sendable, Equatable {
        /// The request's prompt, and all that goes with it.
        case prompt
        /// The negative prompt in place of the prompt.
        case negative
        /// The negative prompt, and no picture where the denoiser takes one.
        case negativeWithoutPicture
    }

    /// How predictions are combined: p for `Branch.prompt`, n for `.negative`, o for `.negativeWithoutPicture`.
    enum Kind: Sendable, Equatable {
        /// p.
        case none
        /// n + s · (p − n): classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598), in the form of Imagen
        /// and diffusers, where a scale of 1 is p.
        case classifierFree(scale: Float)
        /// o + s_T · (p − n) + s_I · (n − o): InstructPix2Pix (Brooks et al. 2022, arXiv:2211.09800, equation 3).
        case instruction(text: Float, picture: Float)
    }

    var kind: Kind
    /// 0…1: the share by which the result is brought back to the standard deviation of p
    /// (`DenoiseRequest.guidanceRescale`).
    var rescale: Float = 0
    /// The shares of the run, 0 (noise) to 1 (picture), in which the rule applies; p is followed outside
    /// (`DenoiseRequest.guidanceInterval`).
    var interval: ClosedRange<Float> = 0 ... 1

    static let none = GuidanceRule(kind: .none)

    /// The branches of a guided step, in the order in which `followed` takes their predictions.
    var branches: [Branch] {
        switch kind {
        case .none: [.prompt]
        case .classifierFree: [.negative, .prompt]
        case .instruction: [.prompt, .negative, .negativeWithoutPicture]
        }
    }

    /// Whether some steps of a run are asked for the prompt alone although others are guided.
    var isPartial: Bool { kind != .none && interval != 0 ... 1 }

    /// Whether a step is guided that lies at this share of the run, 0…1.
    func applies(at share: Float) -> Bool { kind != .none && interval.contains(share) }

    /// The prediction that is followed.
    /// - Parameter predictions: one for each of `branches`, of equal length, one after the other. Traps unless they
    ///   split evenly.
    func followed(_ predictions: [Float]) -> [Float] {
        precondition(predictions.count % branches.count == 0, "predictions of unequal lengths")
        let count = predictions.count / branches.count
        switch kind {
        case .none: return predictions
        case .classifierFree(let scale):
            let guided = (0 ..< count).map {
                predictions[$0] + scale * (predictions[count + $0] - predictions[$0])
            }
            return guided.rescaled(to: predictions[count...], by: rescale)
        case .instruction(let textScale, let pictureScale):
            let guided = (0 ..< count).map { index in
                let (text, picture, none) = (
                    predictions[index], predictions[count + index], predictions[2 * count + index]
                )
                return none + textScale * (text - picture) + pictureScale * (picture - none)
            }
            return guided.rescaled(to: predictions[..<count], by: rescale)
        }
    }
}

extension [Float] {
    /// These values multiplied towards the standard deviation of others: wholly where `share` is 1, not at all where it
    /// is 0 (Lin et al. 2024, arXiv:2305.08891, section 3.4).
    func rescaled(to others: ArraySlice<Float>, by share: Float) -> [Float] {
        guard share > 0 else { return self }
        func deviation(_ values: some Collection<Float>) -> Double {
            let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
            return (values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count))
                .squareRoot()
        }
        let own = deviation(self)
        guard own > 0 else { return self }
        let factor = 1 + share * (Float(deviation(others) / own) - 1)
        return map { factor * $0 }
    }
}
