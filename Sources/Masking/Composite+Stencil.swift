internal import Raster

/// What makes a patch stand out from the picture around the mask: letters and other shapes that are there to be seen.
///
/// Near the outline, inside and outside differ by at least `leastContrast` in Oklab, both averaged over some pixels. Where
/// the patch does not differ so much by itself, its lightness is moved, the patch's texture and hue staying.
struct StencilPatch {
    /// A distance in Oklab, of which black and white are 1 apart; about 30 of CIELAB's ΔE.
    static let leastContrast: Float = 0.27
    /// σ, in pixels, of the averages along the outline.
    static let reach: Float = 6
    /// Lightness that a patch may be moved to.
    private static let range: ClosedRange<Float> = 0.12 ... 0.97

    /// `patch` corrected where `coverage` is above 0; unchanged elsewhere. All three are of one size. A mask that covers
    /// everything has no outline: the patch comes back as it is.
    static func corrected(patch: RGBImage, source: RGBImage, coverage: Plane) -> RGBImage {
        guard let bounds = Mask(coverage: coverage).bounds else { return patch }
        let region = bounds.insetBy(-Int(4 * reach)).intersection(PixelRect(patch.size))
        let part = coverage.cropped(to: region)
        guard part.values.contains(where: { $0 < 1 }) else { return patch }
        let inner = Averages(patch.cropped(to: region), weight: part)
        let outer = Averages(
            source.cropped(to: region), weight: Plane(size: region.size, values: part.values.map { 1 - $0 }))

        // One direction for all of it, so that a word is of one kind: the one in which it differs already.
        let outline = part.values.indices.filter { part.values[$0] > 0 && outer.weight.values[$0] > 0.2 }
        guard !outline.isEmpty else { return patch }
        let lead = outline.reduce(0) { $0 + inner[$1].lightness - outer[$1].lightness } / Float(outline.count)
        let surroundings = outline.reduce(0) { $0 + outer[$1].lightness } / Float(outline.count)
        let isLighter = abs(lead) > 0.05 ? lead > 0 : surroundings < 0.6
        // Another tenth, since a change of lightness is cut off at the gamut's ends and smoothed.
        let wanted = leastContrast * 1.1
        var shift = Plane(size: region.size)
        for pixel in part.values.indices where part.values[pixel] > 0 {
            let (here, around) = (inner[pixel], outer[pixel])
            let (da, db) = (here.a - around.a, here.b - around.b)
            let needed = max(0, wanted * wanted - da * da - db * db).squareRoot()
            let difference = here.lightness - around.lightness
            guard abs(difference) < needed else { continue }
            let up = around.lightness + needed
            let down = around.lightness - needed
            let goesUp = isLighter ? up <= range.upperBound || down < range.lowerBound : down < range.lowerBound
            shift.values[pixel] = (goesUp ? min(up, range.upperBound) : max(down, range.lowerBound)) - here.lightness
        }
        let smooth = Averages.normalized(shift, weight: part, sigma: reach / 3)

        var result = patch
        for y in 0 ..< region.height {
            for x in 0 ..< region.width {
                let index = y * region.width + x
                guard part.values[index] > 0, smooth.values[index] != 0 else { continue }
                let target = ((region.y + y) * patch.width + region.x + x) * 3
                var color = OKLabColor(
                    red: patch.values[target], green: patch.values[target + 1], blue: patch.values[target + 2])
                color.lightness += smooth.values[index]
                let encoded = color.inGamut.encoded
                for channel in 0 ..< 3 { result.values[target + channel] = encoded[channel] }
            }
        }
        return result
    }

    /// The mean colour around each pixel of what has weight; far from any, the mean of all that has.
    private struct Averages {
        private let planes: [Plane]
        /// How much of a pixel's neighbourhood has weight.
        let weight: Plane

        init(_ image: RGBImage, weight: Plane) {
            self.weight = gaussianBlurred(weight, sigma: reach)
            var channels = [Plane](repeating: Plane(size: image.size), count: 3)
            for pixel in 0 ..< image.size.area {
                let color = OKLabColor(
                    red: image.values[3 * pixel], green: image.values[3 * pixel + 1], blue: image.values[3 * pixel + 2])
                channels[0].values[pixel] = color.lightness
                channels[1].values[pixel] = color.a
                channels[2].values[pixel] = color.b
            }
            planes = channels.map { Self.normalized($0, weight: weight, sigma: reach) }
        }

        subscript(pixel: Int) -> OKLabColor {
            OKLabColor(
                lightness: planes[0].values[pixel], a: planes[1].values[pixel], b: planes[2].values[pixel])
        }

        /// Normalised convolution, with a trace of the mean of all.
        static func normalized(_ plane: Plane, weight: Plane, sigma: Float) -> Plane {
            var weighted = plane
            var (sum, total) = (0.0, 0.0)
            for index in plane.values.indices {
                weighted.values[index] *= weight.values[index]
                sum += Double(weighted.values[index])
                total += Double(weight.values[index])
            }
            let mean = total > 0 ? Float(sum / total) : 0
            let (blurred, shares) = (gaussianBlurred(weighted, sigma: sigma), gaussianBlurred(weight, sigma: sigma))
            let trace: Float = 1e-3
            return Plane(
                size: plane.size,
                values: zip(blurred.values, shares.values).map { ($0 + trace * mean) / ($1 + trace) })
        }
    }
}
