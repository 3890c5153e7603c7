internal import Tensors

/// What the denoiser's coarser levels gave for the candidates of a run, as long as it is used again.
struct DeepFeatures {
    /// How many prompts they belong to.
    var prompts = 0
    /// For the batch, or the first candidate and then each batch of those that follow it.
    var tensors: [Int: Tensor] = [:]
}

extension DiffusionPipeline {
    /// Candidates that follow the first are computed so many at once: enough for efficient products, few enough for the
    /// memory of one that is computed whole.
    private static let followersAtOnce = 3
    /// Following costs more than it saves where the window has more of the map than this.
    private static let largestShare = 0.6

    /// A region that is small enough, and of a map that halves evenly; `nil` for others.
    func worthFollowing(_ region: MapRegion) -> MapRegion? {
        let multiple = unet.configuration.downsampling
        let window = region.window(height: region.height, width: region.width)
        let isEven = region.height % multiple == 0 && region.width % multiple == 0
        let share = Double(window.area) / Double(region.height * region.width)
        guard isEven && share <= Self.largestShare else { return nil }
        guard !followsInWindow else { return region }
        return MapRegion(
            height: region.height, width: region.width,
            inner: MapWindow(rows: 0 ..< region.height, columns: 0 ..< region.width))
    }

    /// The denoiser's outputs `[prompts, c, h, w]` for each of the inputs `[c', h, w]`, computed as one batch. With a region,
    /// the first is computed whole, the others in that region only, where alone they differ from it; the rest is the first's.
    func predictions(
        _ inputs: [[Float]], height: Int, width: Int, region: MapRegion?, timestep: Float, context: TextContext,
        guidance: [Float]?, deepFeatures: inout DeepFeatures
    ) throws -> [[Float]] {
        let whole = MapWindow(rows: 0 ..< height, columns: 0 ..< width)
        func run(_ inputs: ArraySlice<[Float]>, _ window: MapWindow, features: Int) throws -> [[Float]] {
            var context = context
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
            let output = try numbers(
                try unet(
                    try compute.tensor(values, shape: [batch, window.height, window.width, channels]),
                    timestep: timestep, context: context, guidance: guidance,
                    deepFeatures: &deepFeatures.tensors[features], compute), part: "denoiser")
            let count = facts.latentChannels * window.area
            // All pictures with the first prompt come first.
            return inputs.indices.map { input in
                (0 ..< context.prompts).flatMap { prompt in
                    let start = (prompt * inputs.count + input - inputs.startIndex) * count
                    return channelsFirst(Array(output[start ..< start + count]), channels: facts.latentChannels)
                }
            }
        }
        guard let region, inputs.count > 1 else {
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

extension MapWindow {
    /// This window of planes, `[channels, rows, columns]`, that are as large as `whole`.
    func cut(_ planes: [Float], from whole: MapWindow) -> [Float] {
        if self == whole { return planes }
        return (0 ..< planes.count / whole.area).flatMap { plane in
            rows.flatMap { row in
                let start = plane * whole.area + row * whole.width
                return planes[start + columns.lowerBound ..< start + columns.upperBound]
            }
        }
    }

    /// Planes as large as `whole` with this window of them from `part`.
    func pasted(_ part: [Float], into planes: [Float], of whole: MapWindow) -> [Float] {
        var result = planes
        for plane in 0 ..< planes.count / whole.area {
            for row in 0 ..< height {
                let to = plane * whole.area + (rows.lowerBound + row) * whole.width + columns.lowerBound
                let from = (plane * height + row) * width
                result.replaceSubrange(to ..< to + width, with: part[from ..< from + width])
            }
        }
        return result
    }
}
