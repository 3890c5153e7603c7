internal import Masking
internal import Raster

/// What fills the hole of an edit before the network looks at it, and what that may copy from.
struct Prefill {
    let fill: Fill
    /// The axes along which the picture repeats.
    let wraps: WrappedAxes
    /// What a panel's fill may copy from beside what is around the panel; its row is one of the picture.
    var samples: FillSamples?
    /// Of the picture's size, above 0 where nothing may be copied from.
    var excluded: Plane?
    /// Of the picture's size: what may be copied to some places only.
    var confined: [ConfinedSources] = []

    init(_ plan: EditPlan) {
        fill = plan.settings.fill
        wraps = plan.wraps
    }

    /// What a crop holds, of the crop's `paddedSize`, with the hole filled.
    func filled(
        _ image: RGBImage, hole: Mask, crop: CropPlan, seed: UInt64, meter: ProgressMeter
    ) throws -> RGBImage {
        if case .original = fill { return image }
        try meter.begin(.fill)
        let samples = samples.map {
            FillSamples(
                image: $0.image, row: $0.row - crop.crop.y + crop.padding.top, excluded: $0.excluded,
                confined: $0.confined)
        }
        return fill.applied(
            to: image, coverage: crop.extract(hole), seed: seed, samples: samples,
            excluded: excluded.map { crop.extract(Mask(coverage: $0)) },
            confined: confined.map {
                ConfinedSources(
                    from: crop.extract(Mask(coverage: $0.from)), to: crop.extract(Mask(coverage: $0.to)))
            }, wraps: wraps)
    }

    /// The same of the crop's coarse pass.
    func filledCoarse(
        _ image: RGBImage, hole: Mask, crop: CropPlan, seed: UInt64, meter: ProgressMeter
    ) throws -> RGBImage {
        if case .original = fill { return image }
        try meter.begin(.fill)
        return fill.applied(
            to: image, coverage: crop.extractCoarse(hole), seed: seed,
            excluded: excluded.map { crop.extractCoarse(Mask(coverage: $0)) },
            confined: confined.map {
                ConfinedSources(
                    from: crop.extractCoarse(Mask(coverage: $0.from)), to: crop.extractCoarse(Mask(coverage: $0.to)))
            }, wraps: wraps)
    }

    /// What is shown to a network in place of a fill that must not be seen; `nil` for any other fill.
    func guess(_ image: RGBImage, hole: Plane) -> RGBImage? {
        fill.isPlaceholder ? Fill.blurred.applied(to: image, coverage: hole, wraps: wraps) : nil
    }
}

extension Fill {
    /// Whether the fill depends on a seed.
    var isRandom: Bool {
        switch self {
        case .patchmatch, .noise: true
        case .blurred, .original, .color: false
        }
    }
}
