internal import Raster
internal import Tensors

/// A picture in the autoencoder's space before a sample is drawn: a normal distribution for each element.
struct LatentDistribution {
    let channels: Int
    let height: Int
    let width: Int
    /// `[channels, height, width]`, as the encoder gives them.
    let mean: [Float]
    /// `nil` for an autoencoder that gives the latents themselves.
    let logVariance: [Float]?
    let normalization: LatentNormalization

    /// The middle of the distribution, normalised.
    var mode: Latents { normalized(mean) }

    /// The sample that these standard normal values stand for, normalised. The variance is clamped as the reference
    /// does (`DiagonalGaussianDistribution`, diffusers 0.42.1, `models/autoencoders/vae.py`).
    /// - Parameter draw: not called where there is no variance.
    func sample(_ draw: () -> [Float]) -> Latents {
        guard let logVariance else { return mode }
        let noise = draw()
        return normalized(
            mean.indices.map { index in
                mean[index] + Scalar.exp(0.5 * min(max(logVariance[index], -30), 20)) * noise[index]
            })
    }

    /// This distribution without that many elements on each side.
    func cropped(by margins: Margins) -> LatentDistribution {
        if margins.isZero { return self }
        let size = PixelSize(width: width, height: height)
        let inner = size.padded(by: margins.negated)
        func part(_ planes: [Float]) -> [Float] { wrapPaddedPlanes(planes, of: size, by: margins.negated) }
        return LatentDistribution(
            channels: channels, height: inner.height, width: inner.width, mean: part(mean),
            logVariance: logVariance.map(part), normalization: normalization)
    }

    private func normalized(_ values: [Float]) -> Latents {
        Latents(
            channels: channels, height: height, width: width,
            values: normalization.normalized(values, channels: channels))
    }
}

/// What a request says of the picture, in the autoencoder's space: where a run starts, what the denoiser is told, and
/// what is held while it works.
struct KnownPicture {
    let latentHeight: Int
    let latentWidth: Int
    var latentSize: PixelSize { PixelSize(width: latentWidth, height: latentHeight) }

    private let channels: Int
    private let conditioning: Kind
    private var distribution: LatentDistribution?
    /// The picture, where it is only needed once the first step is done.
    private var deferred: RGBImage?
    /// The picture without what is masked, or with its guess there, for a denoiser that takes it.
    private let maskedDistribution: LatentDistribution?
    /// Strength of change of each latent pixel, `[h · w]`, 0…1.
    private let mask: [Float]?
    private let holdsKnown: Bool
    /// What the denoiser sees of the picture.
    private let input: ModelFacts.PictureInput
    private var isInpainting: Bool { input == .masked }
    private var isInstructed: Bool { if case .whole = input { true } else { false } }
    private let drawsSamples: Bool

    private enum Kind { case text, picture, masked }

    /// The state of one picture of the request.
    struct Run {
        var latents: Latents
        let firstIndex: Int
        /// What is known, clean, and the noise that the run started from.
        fileprivate(set) var clean: Latents?
        let noise: [Float]
        /// What the denoiser sees of the picture (`ModelFacts.PictureInput`), `[inputChannels − latentChannels, h, w]`;
        /// empty where it sees nothing of it.
        let extraPlanes: [Float]
    }

    /// Encodes what the request needs encoded, once for all its seeds.
    /// - Parameters:
    ///   - drawsSamples: whether pictures are encoded as distributions.
    init(
        _ request: DenoiseRequest, facts: ModelFacts, drawsSamples: Bool = true,
        encode: (RGBImage) throws -> LatentDistribution
    ) throws {
        let factor = facts.scaleFactor
        let size = request.conditioning.size
        channels = facts.latentChannels
        latentHeight = size.height / factor
        latentWidth = size.width / factor
        input = facts.pictureInput
        let isInpainting = facts.isInpainting
        let seesFill = isInpainting && facts.maskedImage == .filled
        self.drawsSamples = drawsSamples

        switch request.conditioning {
        case .text:
            conditioning = .text
            (distribution, mask, holdsKnown) = (nil, nil, false)
        case .picture(let picture):
            conditioning = .picture
            (distribution, mask, holdsKnown) = (try encode(picture), nil, false)
        case .masked(let picture, let strength):
            precondition(strength.size == size, "mask \(strength.size) for a picture of \(size)")
            conditioning = .masked
            mask = strength.maximum(ofCells: factor)
            holdsKnown = request.knownLatents == .reimpose || !isInpainting
            // An inpainting denoiser that starts from noise needs only the masked picture for its first step.
            let waits = isInpainting && request.strength >= 1 && !seesFill
            distribution = waits ? nil : try encode(picture)
            deferred = waits && holdsKnown ? picture : nil
        }
        guard isInpainting else {
            maskedDistribution = nil
            return
        }
        if seesFill, case .masked = request.conditioning {
            precondition(request.guess.map { $0.size == size } ?? true, "a guess of another size than \(size)")
            maskedDistribution = try request.guess.map(encode) ?? distribution
            return
        }
        var masked = RGBImage(size: size, repeating: (0.5, 0.5, 0.5))
        if case .masked(let picture, let strength) = request.conditioning {
            for pixel in strength.values.indices where strength.values[pixel] <= 0 {
                for channel in 0 ..< 3 { masked.values[3 * pixel + channel] = picture.values[3 * pixel + channel] }
            }
        }
        maskedDistribution = try encode(masked)
    }

    /// The state before the first step, drawing noise in the reference's order (docs/numerics.md): the picture's sample
    /// where the reference encodes it, the noise, the masked picture's sample.
    func start(
        sampler: any Sampler, strength: Float, generator: inout any RandomGenerator
    ) -> Run {
        let count = channels * latentHeight * latentWidth
        let isPureNoise = conditioning == .text || (conditioning == .masked || isInstructed) && strength >= 1
        let first = conditioning == .text ? 0 : sampler.start(strength: strength)
        // At full strength the reference does not encode the picture for an inpainting denoiser. Where we do, to hold
        // what is known, the mode serves and nothing is drawn.
        let isDrawn =
            conditioning == .picture && !(isInstructed && isPureNoise)
            || conditioning == .masked && !((isInpainting || isInstructed) && isPureNoise)
        let clean = distribution.map { isDrawn ? $0.sample { generator.normal(count: count) } : $0.mode }
        let noise = generator.normal(count: count)
        var masked = maskedDistribution?.mode
        if conditioning == .masked, drawsSamples, !isInstructed {
            // The reference encodes the masked picture even for a denoiser that does not take it.
            let draw = generator.normal(count: count)
            masked = maskedDistribution?.sample { draw }
        }
        let start =
            if let clean, !isPureNoise {
                sampler.addNoise(to: clean.values, noise: noise, index: first)
            } else {
                noise.map { $0 * sampler.initialNoiseScale }
            }
        var planes =
            masked.map { masked in
                (mask ?? [Float](repeating: 1, count: masked.area)).map { $0 > 0 ? Float(1) : 0 } + masked.values
            } ?? []
        // Its mode, not a sample, and without the latents' scale.
        if case .whole(let scale) = input, let picture = distribution?.mean { planes = picture.map { $0 * scale } }
        return Run(
            latents: Latents(channels: channels, height: latentHeight, width: latentWidth, values: start),
            firstIndex: first, clean: conditioning == .masked ? clean : nil, noise: noise, extraPlanes: planes)
    }

    /// Whether a run holds something while it works.
    var holds: Bool { holdsKnown && mask != nil }

    /// Whether `encodeDeferred` is still to be called.
    var isEncodingDeferred: Bool { deferred != nil }

    /// Encodes what `reimpose` will hold, where that was put off until after the first step.
    mutating func encodeDeferred(for runs: inout [Run], encode: (RGBImage) throws -> LatentDistribution) throws {
        guard let picture = deferred else { return }
        deferred = nil
        distribution = try encode(picture)
        for index in runs.indices { runs[index].clean = distribution?.mode }
    }

    /// The part of the latents that may change, and some cells around it, whose latents stay but which see what changes;
    /// `nil` where all may change.
    var changingRegion: MapRegion? {
        guard let mask else { return nil }
        let cells = mask.indices.filter { mask[$0] > 0 }
        let (rows, columns) = (cells.map { $0 / latentWidth }, cells.map { $0 % latentWidth })
        guard let top = rows.min(), let bottom = rows.max(), let left = columns.min(), let right = columns.max() else {
            return nil
        }
        // Even bounds: the next level's cells are covered whole.
        func span(_ low: Int, _ high: Int, limit: Int) -> Range<Int> {
            let (low, high) = (low - Self.margin, high + 1 + Self.margin)
            return max(0, low - low & 1) ..< min(limit, high + high & 1)
        }
        return MapRegion(
            height: latentHeight, width: latentWidth,
            inner: MapWindow(
                rows: span(top, bottom, limit: latentHeight), columns: span(left, right, limit: latentWidth)))
    }

    /// Cells around the changing ones that are computed with them.
    private static let margin = 1

    /// `values`, latents or noise, where the picture may change, those of `known` elsewhere.
    func changing(_ values: [Float], known: [Float]) -> [Float] {
        guard let mask else { return values }
        return values.indices.map { mask[$0 % mask.count] > 0 ? values[$0] : known[$0] }
    }

    /// Gives a run what another has where nothing may change: start, noise and what is known.
    func share(_ first: Run, with run: Run) -> Run {
        var clean = run.clean
        if let own = clean, let known = first.clean { clean?.values = changing(own.values, known: known.values) }
        var result = Run(
            latents: run.latents, firstIndex: run.firstIndex, clean: clean,
            noise: changing(run.noise, known: first.noise),
            extraPlanes: changing(run.extraPlanes, known: first.extraPlanes))
        result.latents.values = changing(run.latents.values, known: first.latents.values)
        return result
    }

    /// Writes back what is held: known latents, and those of grey mask pixels whose time has not come (differential
    /// diffusion, arXiv 2306.00950: a pixel of strength s is free for the last share s of the steps).
    func reimpose(on run: inout Run, after index: Int, sampler: any Sampler) {
        guard holdsKnown, let clean = run.clean else { return }
        let isLast = index + 1 == sampler.timesteps.count
        let held = isLast ? clean.values : sampler.addNoise(to: clean.values, noise: run.noise, index: index + 1)
        let area = latentHeight * latentWidth
        let isHeld = isHeld(in: run, after: index, sampler: sampler)
        for pixel in 0 ..< area where isHeld(pixel) {
            for channel in 0 ..< channels {
                run.latents.values[channel * area + pixel] = held[channel * area + pixel]
            }
        }
    }

    /// Whether `reimpose` holds a latent pixel.
    private func isHeld(in run: Run, after index: Int, sampler: any Sampler) -> (Int) -> Bool {
        guard let mask else { return { _ in false } }
        let total = sampler.timesteps.count - run.firstIndex
        let done = Float(index + 1 - run.firstIndex) / Float(total)
        return { mask[$0] <= 0 || mask[$0] < 1 - done }
    }

    /// Clean latents of a run with what is known in its place.
    func withKnown(_ values: [Float], in run: Run) -> Latents {
        var latents = run.latents
        latents.values = run.clean.map { changing(values, known: $0.values) } ?? values
        return latents
    }

    /// LanPaint's iterations before a step of a run; `nil` where nothing is held.
    func innerLangevin(in run: Run, before index: Int, sampler: any Sampler) -> InnerLangevin? {
        guard holds, let clean = run.clean else { return nil }
        let area = latentHeight * latentWidth
        let isHeld = isHeld(in: run, after: index - 1, sampler: sampler)
        return InnerLangevin(sampler: sampler, index: index, clean: clean.values) { isHeld($0 % area) }
    }
}

extension Plane {
    /// The largest value of each cell of `factor` × `factor` pixels, row-major: nothing that is masked is lost.
    func maximum(ofCells factor: Int) -> [Float] {
        let (columns, rows) = (width / factor, height / factor)
        var result = [Float](repeating: 0, count: columns * rows)
        for y in 0 ..< rows * factor {
            for x in 0 ..< columns * factor {
                let cell = y / factor * columns + x / factor
                result[cell] = max(result[cell], values[y * width + x])
            }
        }
        return result
    }
}
