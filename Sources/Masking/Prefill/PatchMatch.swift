internal import Foundation
internal import Parallel
internal import Raster

/// Fills a hole with texture from the rest of the picture.
///
/// The nearest-neighbour field of 7×7 patches is found by propagation and random search (Barnes, Shechtman, Finkelstein
/// and Goldman 2009, "PatchMatch", §3), inside the coarse-to-fine expectation–maximisation of Wexler, Shechtman and
/// Irani 2007, "Space-Time Completion of Video": every patch that touches the hole looks up its nearest patch in the
/// known part, then every pixel of the hole becomes the mean of what the 49 patches over it propose, weighted by their
/// similarity (their eq. 5) and by a confidence that falls with the distance from the hole's edge (§3.2).
///
/// What the surroundings determine is not copied: on every level the thin parts of the hole and a rim along its edge are
/// predicted from them (`Kriging`), and the patches sought must agree with that. A hole that is thin everywhere is wholly predicted.
///
/// Sources are patches that lie wholly in the known part. Deterministic for a seed.
struct PatchMatch {
    var seed: UInt64
    /// Pixels beyond which a level is not searched at random any more, only carried up: large holes are solved at a
    /// reduced size and their field is then enlarged.
    var searchArea = 640 * 640

    /// Pixels around the hole from which is copied; as far again as the hole is long where `nil`.
    var reach: Int?
    /// Pixels over which a copy keeps its own tone against what it meets.
    private static let toneRange: Float = 60

    /// Patches are 2 · 3 + 1 = 7 pixels wide.
    static let radius = 3
    /// Fewer sources than this and a level has nothing to say: too little of the picture is known.
    static let minimumSources = 24
    /// Per cent of the sources that a coarser level must still have where some are excluded. Narrow strips between what
    /// is excluded and the border vanish first, and with them what there was to copy. A level larger than `searchArea`
    /// is too large to search and is halved all the same.
    private static let leastLeft = 50
    /// The coarsest level's shorter side is not less than this.
    private static let minimumSide = 24

    /// `image` with the pixels of coverage above 0 replaced; the others untouched. Where not one patch is known (a hole
    /// nearly everywhere, a picture smaller than a patch), the result is that of `pullPush`.
    ///
    /// - Parameters:
    ///   - excluded: above 0 where nothing may be copied from, though it is known; not heeded where that would leave
    ///     nothing.
    ///   - confined: what may be copied to some places only; not heeded where the other places would have nothing.
    ///   - wraps: the axes along which the image repeats.
    func filled(
        _ image: RGBImage, coverage: Plane, excluded: Plane? = nil, confined: [ConfinedSources] = [],
        wraps: WrappedAxes = []
    ) -> RGBImage {
        let mask = Mask(coverage: coverage)
        guard let bounds = mask.bounds else { return image }
        let reach = reach ?? max(96, max(bounds.width, bounds.height))
        var region = bounds.insetBy(-reach).intersection(PixelRect(image.size))
        // A region that repeats is whole.
        if wraps.contains(.x) { region = PixelRect(x: 0, y: region.y, width: image.width, height: region.height) }
        if wraps.contains(.y) { region = PixelRect(x: region.x, y: 0, width: region.width, height: image.height) }
        let start = pullPush(image.cropped(to: region), coverage: coverage.cropped(to: region), wraps: wraps)
        let hole = coverage.cropped(to: region).values.map { $0 > 0 }
        let kept = excluded?.cropped(to: region).values.map { $0 > 0 }
        let bound = confined.map { $0.cropped(to: region) }
        var levels = [PatchMatchLevel(image: start, hole: hole, excluded: kept, confined: bound, wraps: wraps)]
        if levels[0].depth == 0 { return pasted(levels[0].image, at: region, over: image) }
        if !confined.isEmpty, levels[0].freeSources.count < Self.minimumSources {
            levels = [PatchMatchLevel(image: start, hole: hole, excluded: kept, wraps: wraps)]
        }
        if excluded != nil, levels[0].sources.count < Self.minimumSources {
            levels = [PatchMatchLevel(image: start, hole: hole, wraps: wraps)]
        }
        if Cancellation.isCancelled { return image }
        guard levels[0].sources.count >= Self.minimumSources else { return pasted(start, at: region, over: image) }
        while !Cancellation.isCancelled, let next = levels[levels.count - 1].halved(),
            min(next.size.width, next.size.height) >= Self.minimumSide,
            next.freeSources.count >= Self.minimumSources, levels[levels.count - 1].depth > 2,
            excluded == nil || levels[levels.count - 1].size.area > searchArea
                || Self.leastLeft * levels[0].freeSources.count
                    < (next.freeSources.count << (2 * levels.count)) * 100
        {
            levels.append(next)
        }

        var random = SplitMix64(seed: seed)
        for index in levels.indices.reversed() {
            if Cancellation.isCancelled { return image }
            let isCoarsest = index == levels.count - 1
            if isCoarsest {
                levels[index].peel(using: &random)
                levels[index].randomizeField(using: &random)
            } else {
                levels[index].adoptField(of: levels[index + 1], using: &random)
            }
            let isSearched = levels[index].size.area <= searchArea
            let rounds = isCoarsest ? 12 : isSearched ? max(2, min(6, 2 + index * 2)) : 1
            for round in (0 ..< rounds).untilCancelled {
                for pass in 0 ..< 2 {
                    levels[index].improveField(
                        reversed: pass == 1,
                        searchRadius: isSearched ? max(levels[index].size.width, levels[index].size.height) : 2,
                        using: &random)
                }
                levels[index].vote(isFinal: index == 0 && round == rounds - 1)
            }
            if !isCoarsest { levels[index + 1].release() }
        }
        if Cancellation.isCancelled { return image }
        let fused = levels[0].fused(range: Self.toneRange)
        let clamped = RGBImage(size: fused.size, values: fused.values.map { min(1, max(0, $0)) })
        return pasted(clamped, at: region, over: image)
    }

    /// As `filled`, with more to copy from than is known of `image`.
    ///
    /// - Parameters:
    ///   - excluded: above 0 where nothing may be copied from, though it is known.
    ///   - confined: what of `image` may be copied to some places of it only.
    ///   - samples: more of the same scene: what is copied comes from about its own height.
    func filled(
        _ image: RGBImage, coverage: Plane, excluded: Plane? = nil, confined: [ConfinedSources] = [],
        samples: FillSamples
    ) -> RGBImage {
        let (excludedSamples, confinedSamples) = (samples.excluded, samples.confined)
        let (samples, asked) = (samples.image, samples.row)
        // One beside the other, away from the hole, and made equally high by reflection.
        let row = max(-samples.height + 1, min(image.height - 1, asked))
        let (top, bottom) = (min(0, row), max(image.height, row + samples.height))
        let margins = Margins(top: -top, bottom: bottom - image.height)
        let high = image.reflectPadded(by: margins)
        let source = samples.reflectPadded(
            by: Margins(top: row - top, bottom: bottom - row - samples.height))
        let bounds = Mask(coverage: coverage).bounds ?? PixelRect(image.size)
        let isHoleRight = bounds.x > 0
        // Between them lies more hole: no patch may be copied that is partly of one and partly of the other, and where the
        // hole spans the image, what passes from it to the samples has room to do so.
        let gap = isHoleRight || bounds.maxX < image.width ? 2 * Self.radius + 2 : 48
        let size = PixelSize(width: image.width + gap + samples.width, height: bottom - top)
        let (imageX, samplesX) = isHoleRight ? (samples.width + gap, 0) : (0, image.width + gap)
        var both = RGBImage(size: size)
        both.paste(high, x: imageX, y: 0)
        both.paste(source, x: samplesX, y: 0)
        var hole = Plane(size: size)
        let gapX = isHoleRight ? samples.width : image.width
        hole.paste(Plane(size: PixelSize(width: gap, height: size.height), repeating: 1), x: gapX, y: 0)
        hole.paste(coverage.reflectPadded(by: margins), x: imageX, y: 0)
        var wide = self
        wide.reach = size.width
        func joined(_ ofImage: Plane?, _ ofSamples: Plane?) -> Plane {
            var result = Plane(size: size)
            if let ofImage { result.paste(ofImage.reflectPadded(by: margins), x: imageX, y: 0) }
            if let ofSamples {
                result.paste(
                    ofSamples.reflectPadded(by: Margins(top: row - top, bottom: bottom - row - samples.height)),
                    x: samplesX, y: 0)
            }
            return result
        }
        let bound = confined.indices.map { index in
            ConfinedSources(
                from: joined(confined[index].from, index < confinedSamples.count ? confinedSamples[index] : nil),
                to: joined(confined[index].to, nil))
        }
        return wide.filled(
            both, coverage: hole, excluded: joined(excluded, excludedSamples), confined: bound
        ).cropped(to: PixelRect(x: imageX, y: -top, width: image.width, height: image.height))
    }

    private func pasted(_ part: RGBImage, at region: PixelRect, over image: RGBImage) -> RGBImage {
        var result = image
        result.paste(part, x: region.x, y: region.y)
        return result
    }
}
