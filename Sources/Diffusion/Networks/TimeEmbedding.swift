internal import Tensors

/// A timestep as sines and cosines (Vaswani et al. 2017), through a small network, to what each resnet block adds to its
/// channels (`models/embeddings.py` and `models/resnet.py`, diffusers 0.42.1).
///
/// The last layer of that belongs to the blocks; here those layers are one product, computed once a step.
struct TimeEmbedding {
    private let sinusoids: Int
    private let flipSinToCos: Bool
    private let frequencyShift: Double
    private let linear1: Linear
    private let linear2: Linear
    private let guidance: Linear?
    /// Of the added condition (SDXL): to it, and from it.
    private let added: (first: Linear, second: Linear)?
    private let blocks: Linear
    /// Channels of each block, in the order of `add`.
    private let widths: [Int]

    struct Builder {
        private var parts: [(weights: WeightTensor, bias: WeightTensor?)] = []
        private var widths: [Int] = []

        /// Takes the layer of the resnet block at `scope`; blocks are added in the order in which they run.
        mutating func add(_ scope: LayerLoader, _ outChannels: Int, timeChannels: Int) throws {
            parts.append(
                (
                    try scope.tensor("time_emb_proj.weight", shape: [outChannels, timeChannels]),
                    try scope.tensor("time_emb_proj.bias", shape: [outChannels])
                ))
            widths.append(outChannels)
        }

        func finish(_ loader: LayerLoader, configuration: UNetConfiguration) throws -> TimeEmbedding {
            let scope = loader.scoped("time_embedding")
            let (sinusoids, channels) = (configuration.blockChannels[0], configuration.timeChannels)
            return TimeEmbedding(
                sinusoids: sinusoids, flipSinToCos: configuration.flipSinToCos,
                frequencyShift: configuration.frequencyShift,
                linear1: try scope.linear("linear_1", sinusoids, channels),
                linear2: try scope.linear("linear_2", channels, channels),
                guidance: try configuration.guidanceChannels.map {
                    try scope.linear("cond_proj", $0, sinusoids, bias: false)
                },
                added: try configuration.addedCondition.map { added in
                    let scope = loader.scoped("add_embedding")
                    return (
                        try scope.linear("linear_1", added.channels, channels),
                        try scope.linear("linear_2", channels, channels)
                    )
                }, blocks: Linear(parts), widths: widths)
        }
    }

    /// What each block adds to its channels, in the order in which they run: `[block][n][channels]`, where n is the number
    /// of added conditions, or 1 where there are none.
    /// - Parameter conditions: `[n][UNetConfiguration.AddedCondition.channels]`, one for each prompt.
    func callAsFunction(
        _ timestep: Float, guidance embedding: [Float]?, added conditions: [[Float]] = [], _ compute: Compute
    ) throws -> [[[Float]]] {
        precondition(
            (added == nil) == conditions.isEmpty, "an added condition for a network without, or none for one with")
        var wave = try compute.tensor(
            Self.wave(timestep, channels: sinusoids, flip: flipSinToCos, shift: frequencyShift), shape: [1, sinusoids])
        if let guidance, let embedding {
            wave = try compute.linear(
                try compute.tensor(embedding, shape: [1, embedding.count]), guidance, adding: wave)
        }
        let count = max(conditions.count, 1)
        let hidden = try compute.linear(wave, linear1, activation: .silu)
        var time: Tensor
        if let added {
            let condition = try compute.tensor(conditions.flatMap(\.self), shape: [count, conditions[0].count])
            let other = try compute.linear(
                try compute.linear(condition, added.first, activation: .silu), added.second)
            time = try compute.linear(try compute.repeated(hidden, batch: count), linear2, adding: other)
        } else {
            time = try compute.linear(hidden, linear2)
        }
        time = try compute.activate(time, .silu)
        let all = compute.floats(try compute.linear(time, blocks))
        let total = all.count / count
        var start = 0
        return widths.map { width in
            defer { start += width }
            return (0 ..< count).map { Array(all[$0 * total + start ..< $0 * total + start + width]) }
        }
    }

    /// `[channels]`: sines and cosines of the timestep at frequencies 10000^(−i / (n − shift)), n = channels / 2.
    static func wave(_ timestep: Float, channels: Int, flip: Bool, shift: Double) -> [Float] {
        let half = channels / 2
        let angles = (0 ..< half).map { index -> Float in
            // In f32, as the reference.
            let exponent = -Float(Scalar.log(10000.0)) * Float(index) / Float(Double(half) - shift)
            return timestep * Scalar.exp(exponent)
        }
        let sines = angles.map(Scalar.sine)
        let cosines = angles.map { Scalar.cosine($0) }
        return (flip ? cosines + sines : sines + cosines) + [Float](repeating: 0, count: channels % 2)
    }
}
