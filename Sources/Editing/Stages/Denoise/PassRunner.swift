internal import Diffusion
internal import ImageFiles
internal import Masking
internal import Parallel
internal import Raster

/// Runs the network over what a plan cuts out: once at full resolution, or coarse to fine.
struct PassRunner {
    let plan: EditPlan
    let model: any PictureModel
    let meter: ProgressMeter
    /// Of the picture. The network and what fills the hole see sRGB; patches come back in the picture's space.
    let colorSpace: ColorSpace
    let prompt: String
    /// What fills the hole before the network looks at it.
    let prefill: Prefill
    /// What other runners of the same edit did before, where it is worked in panels.
    var passesBefore = 0
    var picturesBefore = 0

    /// Makes a picture for each seed from text alone, of the plan's size.
    func generated(finished: (RGBImage) throws -> Void) throws {
        try run(.text(size: plan.generatedSize), size: plan.generatedSize, seeds: plan.settings.seeds, strength: 1) {
            try finished($0.size == plan.size ? $0 : $0.cropped(to: PixelRect(plan.size)))
        }
    }

    /// Makes a patch for each seed, each of the crop's size.
    ///
    /// - Parameters:
    ///   - mask: what the network may change.
    ///   - hole: what is filled before.
    ///   - hasMask: without one the whole picture is the start and may change.
    ///   - finished: gets the patches in the order of the seeds, each as soon as it is made.
    func patches(
        of picture: Picture, mask: Mask, hole: Mask, crop: CropPlan, hasMask: Bool,
        finished: (RGBImage) throws -> Void
    ) throws {
        let settings = plan.settings
        for start in stride(from: 0, to: settings.seeds.count, by: plan.picturesTogether) {
            let part = Part(
                picture: picture, mask: mask, hole: hole, crop: crop, hasMask: hasMask,
                seeds: Array(settings.seeds[start...].prefix(plan.picturesTogether)))
            meter.firstPicture = picturesBefore + start
            meter.pass = passesBefore + 1
            if settings.detail != .model {
                try keepingDetail(part) { try finished(colorSpace.fromSRGB($0)) }
            } else if crop.isCoarseToFine {
                try coarseToFine(part) { try finished(colorSpace.fromSRGB($0)) }
            } else {
                try fullResolution(part) { try finished(colorSpace.fromSRGB($0)) }
            }
        }
    }

    /// What some of the seeds are worked from.
    private struct Part {
        let picture: Picture
        let mask: Mask
        let hole: Mask
        let crop: CropPlan
        let hasMask: Bool
        let seeds: [UInt64]
    }

    /// The crop of the picture in sRGB, with its reflection.
    private func known(_ picture: Picture, crop: CropPlan) -> RGBImage {
        // Converted before it is continued: there are fewer pixels.
        colorSpace.toSRGB(RGBImage(picture.cropped(to: crop.crop))).reflectPadded(by: crop.padding)
    }

    private func fullResolution(_ part: Part, finished: (RGBImage) throws -> Void) throws {
        let crop = part.crop
        let coverage = crop.extract(part.mask)
        let known = known(part.picture, crop: crop)
        let start = try prefill.filled(known, hole: part.hole, crop: crop, seed: part.seeds[0], meter: meter)
        try run(
            conditioning(start, coverage: coverage, hasMask: part.hasMask), size: crop.paddedSize, seeds: part.seeds,
            strength: plan.settings.strength, guess: guess(known, hole: crop.extract(part.hole))
        ) { try finished(crop.unpadded($0)) }
    }

    /// One pass, of which only the change is taken: the difference between the model's picture and what its autoencoder
    /// makes of the same start. With `kept` detail the change at the scale of latent pixels is added to the start at
    /// full resolution; with `mixed` the model's picture replaces the start where the change is large. With `color` the
    /// start takes on colours, and nothing else.
    private func keepingDetail(_ part: Part, finished: (RGBImage) throws -> Void) throws {
        let crop = part.crop
        let coverage = crop.extract(part.mask)
        let start = try prefill.filled(
            known(part.picture, crop: crop), hole: part.hole, crop: crop, seed: part.seeds[0], meter: meter)
        let isCoarse = crop.isCoarseToFine
        let small = isCoarse ? crop.shrunkToCoarse(start) : start
        let smallCoverage = isCoarse ? crop.extractCoarse(part.mask) : coverage
        let margins = plan.wraps.margins(DenoiseRequest.wrapMargin(model.facts))
        var unchanged = small
        if plan.settings.detail != .color {
            try meter.begin(.encode)
            unchanged = try model.within(plan.memory) { try model.reconstructed(small.wrapPadded(by: margins)) }
                .cropped(to: margins.inner(of: small))
        }
        let marked = crop.extract(part.hole)
        try run(
            conditioning(small, coverage: smallCoverage, hasMask: part.hasMask), size: small.size, seeds: part.seeds,
            strength: plan.settings.strength
        ) { picture in
            let inner = margins.inner(of: picture)
            if plan.settings.detail == .color {
                let colors = picture.wrapPadded(by: margins).smoothed(cell: model.facts.scaleFactor)
                    .cropped(to: inner)
                return try finished(
                    crop.unpadded(
                        start.recolored(
                            by: isCoarse ? crop.enlargeCoarse(colors) : colors, coverage: marked,
                            settings: plan.settings, cell: model.facts.scaleFactor)))
            }
            let change = picture.difference(from: unchanged).wrapPadded(by: margins)
            if plan.settings.detail == .mixed {
                let share = change.paintedShare().cropped(to: inner).fading(
                    from: smallCoverage, cell: model.facts.scaleFactor)
                return try finished(
                    crop.unpadded(
                        start.mixed(
                            with: isCoarse ? crop.enlargeCoarse(picture) : picture,
                            share: isCoarse ? crop.enlargeCoarse(share) : share)))
            }
            let tones = change.smoothed(cell: model.facts.scaleFactor).cropped(to: inner)
            try finished(crop.unpadded(start.adding(isCoarse ? crop.enlargeCoarse(tones) : tones)))
        }
    }

    /// Tiles at full resolution. They start from the enlarged result of a first pass over the averaged crop, or, where
    /// the strength is too low to compose anything anew, from the filled picture itself, which keeps its detail.
    private func coarseToFine(_ part: Part, finished: (RGBImage) throws -> Void) throws {
        let crop = part.crop
        let known = known(part.picture, crop: crop)
        let coverage = crop.extract(part.mask)
        let first = meter.firstPicture
        var bases: [RGBImage] = []
        if plan.hasCoarsePass {
            let coarseCoverage = crop.extractCoarse(part.mask)
            let coarse = crop.shrunkToCoarse(known)
            let start = try prefill.filledCoarse(
                coarse, hole: part.hole, crop: crop, seed: part.seeds[0], meter: meter)
            try run(
                conditioning(start, coverage: coarseCoverage, hasMask: part.hasMask), size: start.size,
                seeds: part.seeds, strength: plan.settings.strength,
                guess: guess(coarse, hole: crop.extractCoarse(part.hole))
            ) { bases.append(known.mixed(with: crop.enlargeCoarse($0), share: coverage)) }
        } else {
            let start = try prefill.filled(known, hole: part.hole, crop: crop, seed: part.seeds[0], meter: meter)
            bases = part.seeds.map { _ in start }
        }
        for (index, (seed, base)) in zip(part.seeds, bases).enumerated() {
            meter.firstPicture = first + index
            let refined = try crop.tiles.enumerated().map { number, tile in
                meter.pass = passesBefore + (plan.hasCoarsePass ? 2 : 1) + number
                // Noise of its own, or every tile would show the same figure.
                return try refine(
                    base.cropped(to: tile.rect), coverage: coverage.cropped(to: tile.rect),
                    seed: seed &+ UInt64(number + 1) &* 1_000_003)
            }
            try finished(crop.unpadded(crop.merge(refined, over: base)))
        }
    }

    private func refine(_ tile: RGBImage, coverage: Plane, seed: UInt64) throws -> RGBImage {
        // A concave mask leaves tiles in which nothing is to be done.
        guard coverage.values.contains(where: { $0 > 0 }) else { return tile }
        var refined = tile
        try run(
            .masked(tile, mask: coverage), size: tile.size, seeds: [seed], strength: plan.refinementStrength
        ) { refined = $0 }
        return refined
    }

    private func conditioning(_ start: RGBImage, coverage: Plane, hasMask: Bool) -> DenoiseRequest.Conditioning {
        hasMask ? .masked(start, mask: coverage) : .picture(start)
    }

    /// What is shown in place of a fill that must not be seen.
    private func guess(_ image: RGBImage, hole: Plane) -> RGBImage? {
        model.facts.maskedImage == .filled ? prefill.guess(image, hole: hole) : nil
    }

    private func run(
        _ conditioning: DenoiseRequest.Conditioning, size: PixelSize, seeds: [UInt64], strength: Float,
        guess: RGBImage? = nil, finished: (RGBImage) throws -> Void
    ) throws {
        let settings = plan.settings
        var request = DenoiseRequest(
            conditioning: conditioning, prompt: prompt, negativePrompt: settings.negativePrompt, seeds: seeds,
            batchSize: settings.batchSize, steps: settings.steps, guidance: settings.guidance,
            imageGuidance: settings.imageGuidance, guidanceRescale: settings.guidanceRescale,
            guidanceInterval: settings.guidanceInterval,
            deepFeatureInterval: settings.deepFeatureInterval, reusesKnown: settings.reusesKnown, strength: strength,
            sampler: settings.sampler, schedule: settings.schedule, randomSource: settings.randomSource,
            knownLatents: settings.knownLatents, coherence: settings.coherence,
            coherenceMethod: settings.coherenceMethod, previewInterval: settings.previewInterval, wraps: plan.wraps)
        request.guess = guess
        meter.beginRun()
        var count = 0
        try model.within(plan.memory) {
            try model.run(request, progress: meter.engine) { picture in
                count += 1
                guard count <= seeds.count else { return }
                guard picture.size == size else { throw EditError.wrongPicture(expected: size, found: picture.size) }
                guard picture.values.allSatisfy(\.isFinite) else { throw EditError.notFinite(stage: "the decoder") }
                try finished(picture)
            }
        }
        guard count == seeds.count else { throw EditError.wrongPictureCount(expected: seeds.count, found: count) }
    }
}

extension Plane {
    /// Less of this along the edge of a mask, within it: what was painted up to there, such as a scene that has nothing to do
    /// with what is around it, would end like a poster. None at the edge, all of it some latent cells further in. The
    /// picture's own border is no edge.
    func fading(from coverage: Plane, cell: Int) -> Plane {
        let known = Mask(coverage: coverage).inverted
        let faded = known.grown(by: cell * 3 / 4).feathered(sigma: Float(cell) / 2).coverage
        return Plane(size: size, values: zip(values, faded.values).map { $0 * (1 - $1) })
    }
}

extension RGBImage {
    /// Each value less the other's. Traps on other sizes.
    func difference(from other: RGBImage) -> RGBImage {
        precondition(size == other.size, "\(size) less \(other.size)")
        return RGBImage(
            size: size, values: [Float](parallel: values.count, filler: 0) { values[$0] - other.values[$0] })
    }

    /// Each value plus the other's. Traps on other sizes.
    func adding(_ other: RGBImage) -> RGBImage {
        precondition(size == other.size, "\(size) plus \(other.size)")
        return RGBImage(
            size: size, values: [Float](parallel: values.count, filler: 0) { values[$0] + other.values[$0] })
    }

    /// Of a change: 0 where it is no more than a model's unsteady hand, 1 where something was painted.
    ///
    /// The largest of the channels' changes, blurred by 3 pixels, counts from 14 to 34 steps of 255.
    func paintedShare() -> Plane {
        let largest = [Float](parallel: size.area, filler: 0) { pixel in
            (3 * pixel ..< 3 * pixel + 3).reduce(0) { max($0, abs(values[$1])) }
        }
        let change = Mask(coverage: Plane(size: size, values: largest)).feathered(sigma: 3).coverage
        return Plane(size: size, values: change.values.map { min(max(($0 * 255 - 14) / 20, 0), 1) })
    }

    /// Without structure smaller than `cell` pixels.
    func smoothed(cell: Int) -> RGBImage {
        let small = PixelSize(width: max(1, width / cell), height: max(1, height / cell))
        return resized(to: small, filter: .area).resized(to: size, filter: .lanczos)
    }

    /// This image where `share` is 0, `other` where it is 1. Traps on other sizes.
    func mixed(with other: RGBImage, share: Plane) -> RGBImage {
        precondition(size == other.size && size == share.size, "\(size), \(other.size) and \(share.size) do not mix")
        var result = self
        for pixel in (0 ..< size.area).untilCancelled where share.values[pixel] > 0 {
            for index in pixel * 3 ..< pixel * 3 + 3 {
                result.values[index] += share.values[pixel] * (other.values[index] - values[index])
            }
        }
        return result
    }
}

extension Margins {
    /// Where an image lies in itself with these margins.
    fileprivate func inner(of image: RGBImage) -> PixelRect {
        PixelRect(x: left, y: top, width: image.width, height: image.height)
    }
}
