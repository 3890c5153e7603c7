internal import Foundation
internal import Raster

/// Fills a hole with texture from the rest of the picture.
///
/// The nearest-neighbour field of 7×7 patches is found by propagation and random search (Barnes, Shechtman, Finkelstein
/// and Goldman 2009, "PatchMatch", §3), inside the coarse-to-fine expectation–maximisation of Wexler, Shechtman and
/// Irani 2007, "Space-Time Completion of Video": every patch that touches the hole looks up its nearest patch in the
/// known part, then every pixel of the hole becomes the mean of what the 49 patches over it propose, weighted by their
/// similarity (their eq. 5) and by a confidence that falls with the distance from the hole's edge (§3.2).
///
/// Sources are patches that lie wholly in the known part. Deterministic for a seed.
struct PatchMatch {
    var seed: UInt64
    /// Pixels beyond which a level is not searched at random any more, only carried up: large holes are solved at a
    /// reduced size and their field is then enlarged.
    var searchArea = 640 * 640

    /// Patches are 2 · 3 + 1 = 7 pixels wide.
    static let radius = 3
    /// Fewer sources than this and a level has nothing to say: too little of the picture is known.
    private static let minimumSources = 24
    /// The coarsest level's shorter side is not less than this.
    private static let minimumSide = 24

    /// `image` with the pixels of coverage above 0 replaced; the others untouched. Where not one patch is known (a hole
    /// nearly everywhere, a picture smaller than a patch), the result is that of `pullPush`.
    func filled(_ image: RGBImage, coverage: Plane) -> RGBImage {
        let mask = Mask(coverage: coverage)
        guard let bounds = mask.bounds else { return image }
        // Sources come from around the hole: as far again as it is wide.
        let reach = max(96, max(bounds.width, bounds.height))
        let region = bounds.insetBy(-reach).intersection(PixelRect(image.size))
        let start = pullPush(image.cropped(to: region), coverage: coverage.cropped(to: region))
        let hole = coverage.cropped(to: region).values.map { $0 > 0 }
        var levels = [PatchMatchLevel(image: start, hole: hole)]
        guard levels[0].sources.count >= Self.minimumSources else { return pasted(start, at: region, over: image) }
        while let next = levels[levels.count - 1].halved(), min(next.size.width, next.size.height) >= Self.minimumSide,
            next.sources.count >= Self.minimumSources, levels[levels.count - 1].depth > 2
        {
            levels.append(next)
        }

        var random = SplitMix64(seed: seed)
        for index in levels.indices.reversed() {
            let isCoarsest = index == levels.count - 1
            if isCoarsest {
                levels[index].peel(using: &random)
                levels[index].randomizeField(using: &random)
            } else {
                levels[index].adoptField(of: levels[index + 1], using: &random)
            }
            let isSearched = levels[index].size.area <= searchArea
            let rounds = isCoarsest ? 12 : isSearched ? max(2, min(6, 2 + index * 2)) : 1
            for round in 0 ..< rounds {
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
        let toned = ToneMatch.applied(to: levels[0].image, hole: hole)
        return pasted(RimBlend.applied(to: toned, hole: hole), at: region, over: image)
    }

    private func pasted(_ part: RGBImage, at region: PixelRect, over image: RGBImage) -> RGBImage {
        var result = image
        result.paste(part, x: region.x, y: region.y)
        return result
    }
}
