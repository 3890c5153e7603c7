internal import Raster

/// What makes a patch stand out from the picture around the mask: letters and other shapes that are there to be seen.
///
/// Near the outline, inside and outside differ by at least `leastContrast` in Oklab, both averaged over some pixels.
/// Where the patch does not differ so much by itself, its lightness is moved, the patch's texture and hue staying.
struct StencilPatch {
    /// A distance in Oklab, of which black and white are 1 apart; about 27 of CIELAB's ΔE.
    static let leastContrast: Float = 0.27
    /// σ, in pixels, of the averages along the outline.
    static let reach: Float = 6
    /// Lightness that a patch may be moved to.
    private static let range: ClosedRange<Float> = 0.12 ... 0.97

    /// `patch` corrected where `coverage` is above 0; unchanged elsewhere. All three are of one size. A mask that
    /// covers everything has no outline: the patch comes back as it is.
    static func corrected(patch: RGBImage, source: RGBImage, coverage: Plane) -> RGBImage {
        guard let bounds = Mask(coverage: coverage).bounds else { return patch }
        let region = bounds.insetBy(-Int(8 * reach)).intersection(PixelRect(patch.size))
        let part = coverage.cropped(to: region)
        guard part.values.contains(where: { $0 < 1 }) else { return patch }
        let outside = Plane(size: region.size, values: part.values.map { 1 - $0 })
        let inner = Averages(patch.cropped(to: region), weight: part, sigma: reach)
        let outer = Averages(source.cropped(to: region), weight: outside, sigma: reach)

        // One way for all of a word where that can be: the one in which it differs already.
        let farInner = Averages(patch.cropped(to: region), weight: part, sigma: 4 * reach)
        let farOuter = Averages(source.cropped(to: region), weight: outside, sigma: 4 * reach)
        let pixels = part.values.indices.filter { part.values[$0] > 0 }
        var (leads, grounds) = (Float(0), Float(0))
        for pixel in pixels {
            let ground = farOuter[pixel].lightness
            leads += farInner[pixel].lightness - ground
            grounds += ground
        }
        let count = Float(pixels.count)
        let isLighter = abs(leads / count) > 0.02 ? leads > 0 : grounds / count < 0.6
        var shift = Plane(size: region.size)
        for pixel in pixels {
            let (here, around, ground) = (inner[pixel], outer[pixel], farOuter[pixel].lightness)
            let tint = (here.a - around.a) * (here.a - around.a) + (here.b - around.b) * (here.b - around.b)
            // A lively ground asks for more, and another tenth goes by smoothing and at the gamut's ends.
            let wanted = leastContrast * 1.1 + 0.3 * farOuter.spread(pixel)
            let needed = max(0, wanted * wanted - tint).squareRoot()
            guard abs(here.lightness - around.lightness) < needed else { continue }
            var goesUp = isLighter
            // The other way where this one has too little room, told from further around so that a letter is of one
            // kind.
            let room = goesUp ? range.upperBound - ground : ground - range.lowerBound
            let lead = farInner[pixel].lightness - ground
            let opposes = goesUp ? lead < -0.1 : lead > 0.1
            let attained = max(0, room) * max(0, room) + tint
            if attained < leastContrast * leastContrast * 0.6 || opposes && attained < wanted * wanted {
                goesUp.toggle()
            }
            let target = around.lightness + (goesUp ? needed : -needed)
            let moved = min(max(target, range.lowerBound), range.upperBound) - here.lightness
            // What is further that way already is not called back.
            shift.values[pixel] = goesUp ? max(0, moved) : min(0, moved)
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
        /// Lightness, a, b, and the square of lightness.
        private let planes: [Plane]

        init(_ image: RGBImage, weight: Plane, sigma: Float) {
            var channels = [Plane](repeating: Plane(size: image.size), count: 4)
            for pixel in 0 ..< image.size.area {
                let color = OKLabColor(
                    red: image.values[3 * pixel], green: image.values[3 * pixel + 1], blue: image.values[3 * pixel + 2])
                channels[0].values[pixel] = color.lightness
                channels[1].values[pixel] = color.a
                channels[2].values[pixel] = color.b
                channels[3].values[pixel] = color.lightness * color.lightness
            }
            planes = channels.map { Self.normalized($0, weight: weight, sigma: sigma) }
        }

        /// Standard deviation of lightness.
        func spread(_ pixel: Int) -> Float {
            let mean = planes[0].values[pixel]
            return max(0, planes[3].values[pixel] - mean * mean).squareRoot()
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
