internal import Tensors

extension StableDiffusion {
    /// Candidates that follow the first are computed so many at once: enough for efficient products, few enough for the
    /// memory of one that is computed whole.
    private static let followersAtOnce = 3
    /// Following costs more than it saves where the window has more of the map than this.
    private static let largestShare = 0.6

    /// True for a region that is small enough, and of a map that halves evenly.
    func follows(_ region: MapRegion) -> Bool {
        let multiple = unet.configuration.downsampling
        let window = region.window(height: region.height, width: region.width)
        let isEven = region.height % multiple == 0 && region.width % multiple == 0
        let share = Double(window.area) / Double(region.height * region.width)
        return isEven && share <= Self.largestShare
    }

    /// The candidates are computed as one batch. With a region, the first is computed whole, the others in that region
    /// only, where alone they differ from it; the rest is the first's. What is reused are the features that the coarser
    /// levels give (Ma et al. 2024, "DeepCache", arXiv:2312.00858).
    func predict(
        _ input: DenoiserInput, conditioning: Conditioning, reused: inout ReusedFeatures
    ) throws -> [[Float]] {
        let (inputs, height, width) = (input.candidates, input.height, input.width)
        let whole = MapWindow(rows: 0 ..< height, columns: 0 ..< width)
        func run(_ inputs: ArraySlice<[Float]>, _ window: MapWindow, features: Int) throws -> [[Float]] {
            var context = conditioning.text
            context.pictures = inputs.count
            let channels = unet.configuration.inChannels
            func pixels(_ input: [Float]) -> [Float] {
                channelsLast(window.cut(input, from: whole), channels: channels)
            }
            // Where some prompts go without the picture each has an input of its own.
            let values =
                context.blindPrompts.isEmpty
                ? inputs.flatMap(pixels)
                : (0 ..< context.prompts).flatMap { prompt in
                    inputs.flatMap { input in
                        guard context.blindPrompts.contains(prompt) else { return pixels(input) }
                        let seen = facts.latentChannels * whole.area
                        return pixels(input[..<seen] + [Float](repeating: 0, count: input.count - seen))
                    }
                }
            let batch = context.blindPrompts.isEmpty ? inputs.count : context.batch
            let output = try check.numbers(
                try unet(
                    try compute.tensor(values, shape: [batch, window.height, window.width, channels]),
                    timestep: input.timestep, context: context, guidance: conditioning.guidance,
                    deepFeatures: &reused.tensors[features], compute), part: "denoiser")
            let count = facts.latentChannels * window.area
            // All pictures with the first prompt come first.
            return inputs.indices.map { input in
                (0 ..< context.prompts).flatMap { prompt in
                    let start = (prompt * inputs.count + input - inputs.startIndex) * count
                    return channelsFirst(Array(output[start ..< start + count]), channels: facts.latentChannels)
                }
            }
        }
        guard let region = input.region, inputs.count > 1 else {
            return try run(inputs[...], whole, features: 0)
        }
        let (first, known) = try compute.recording(region) { try run(inputs[0 ... 0], whole, features: 0) }
        let window = known.window(height: height, width: width)
        var outputs = first
        for start in stride(from: 1, to: inputs.count, by: Self.followersAtOnce) {
            let batch = inputs[start ..< min(inputs.count, start + Self.followersAtOnce)]
            let parts = try compute.following(known) { try run(batch, window, features: start) }
            outputs += parts.map { window.pasted($0, into: first[0], of: whole) }
        }
        return outputs
    }
}
