internal import Foundation
internal import Parallel
public import Raster

/// A picture's light, shade and texture under other colours.
///
/// Lightness goes through a curve that keeps its order, chroma follows lightness as it does on one dye under more and
/// less light, and hue is the new one. All in Oklab.
public enum Recoloring {
    /// A colour, and the lightness within which people still call it that.
    public struct Shade: Sendable, Equatable {
        /// Of Oklab, 0…1.
        public var lightness: Float
        public var chroma: Float
        /// In degrees.
        public var hue: Float
        public var lightnessRange: ClosedRange<Float>

        public init(lightness: Float, chroma: Float, hue: Float, lightnessRange: ClosedRange<Float>) {
            self.lightness = lightness
            self.chroma = chroma
            self.hue = hue
            self.lightnessRange = lightnessRange
        }

        /// Whether it has a hue to speak of.
        var isChromatic: Bool { chroma >= neutralChroma }
        /// Chroma over lightness: what stays of a dye's colour under more or less light.
        var saturation: Float { chroma / max(lightness, darkest) }
        var color: OKLabColor { OKLabColor(lightness: lightness, chroma: chroma, hue: hue * .pi / 180) }
    }

    /// Less chroma than this is grey.
    private static let neutralChroma: Float = 0.03
    /// Lightness below which hues are noise.
    private static let darkest: Float = 0.05

    /// `start` in a shade, where `coverage` is above 0.
    ///
    /// Lightness changes no further than the shade needs: the median is brought into its range. What is paler or
    /// stronger than the rest stays so, and so do, less, differences of hue. What has no colour takes all of the new
    /// one. Traps on planes of other sizes.
    public static func applied(_ shade: Shade, to start: RGBImage, coverage: Plane) -> RGBImage {
        precondition(start.size == coverage.size, "an image of \(start.size), a mask of \(coverage.size)")
        let pixels = coverage.values.indices.filter { coverage.values[$0] > 0 }
        guard !pixels.isEmpty else { return start }
        let old = pixels.map { start.oklab(at: $0) }
        let core = old.indices.filter { coverage.values[pixels[$0]] >= 0.5 }
        let counted = core.isEmpty ? Array(old.indices) : core
        let curve = LightnessCurve(median: old.quantile(0.5, of: counted, \.lightness), within: shade.lightnessRange)

        // How much of the old colour there is to go by: none where all is grey.
        let usual = old.quantile(0.6, of: counted) { $0.chroma / max($0.lightness, darkest) }
        let trust = min(max((usual - 0.03) / 0.08, 0), 1)
        var (sumA, sumB) = (Float(0), Float(0))
        for index in counted {
            sumA += old[index].a
            sumB += old[index].b
        }
        let oldHue = atan2f(sumB, sumA)
        let newHue = shade.hue * .pi / 180

        var result = start
        for (index, pixel) in pixels.enumerated().untilCancelled {
            let color = old[index]
            let lightness = curve.applied(to: color.lightness)
            let saturation = color.chroma / max(color.lightness, darkest)
            let relative = 1 - trust + trust * min(saturation / max(usual, 1e-6), mostSaturation)
            let turn = remainderf(color.hue - oldHue, 2 * .pi) * keptTurn
            let turned = min(max(turn, -largestTurn), largestTurn) * trust * min(color.chroma / 0.05, 1)
            result.set(
                OKLabColor(
                    lightness: lightness, chroma: shade.saturation * lightness * relative, hue: newHue + turned),
                at: pixel)
        }
        return result
    }

    /// How much stronger than usual a colour may stay.
    private static let mostSaturation: Float = 1.25
    /// The share of a difference of hue that stays, and the most of it: a shade must still be called by its name.
    private static let keptTurn: Float = 0.3
    private static let largestTurn: Float = 15 * .pi / 180

    /// `start` in the colours of `picture`, pixel by pixel, where `coverage` is above 0. Lightness follows only as far
    /// as the median comes within 0.1 of the picture's. Traps on other sizes.
    public static func applied(_ picture: RGBImage, to start: RGBImage, coverage: Plane) -> RGBImage {
        precondition(
            start.size == coverage.size && start.size == picture.size,
            "an image of \(start.size), colours of \(picture.size), a mask of \(coverage.size)")
        let pixels = coverage.values.indices.filter { coverage.values[$0] > 0 }
        guard !pixels.isEmpty else { return start }
        let core = pixels.filter { coverage.values[$0] >= 0.5 }
        let counted = core.isEmpty ? pixels : core
        func median(_ image: RGBImage) -> Float {
            counted.map { image.oklab(at: $0) }.quantile(0.5, of: Array(counted.indices), \.lightness)
        }
        let wanted = median(picture)
        let curve = LightnessCurve(median: median(start), within: wanted - 0.1 ... wanted + 0.1)
        var result = start
        for pixel in pixels.untilCancelled {
            let color = picture.oklab(at: pixel)
            let lightness = curve.applied(to: start.oklab(at: pixel).lightness)
            // What is dark in the picture says little of how strong its colour is in the light.
            let gain = min(lightness / max(color.lightness, darkest), 1.4)
            result.set(OKLabColor(lightness: lightness, a: color.a * gain, b: color.b * gain), at: pixel)
        }
        return result
    }

    /// A shade as a picture shows it under a mask: where enough of the picture is nearly that, its own hue and
    /// saturation.
    public static func shade(_ name: Shade, seenIn picture: RGBImage, coverage: Plane) -> Shade {
        precondition(picture.size == coverage.size, "a picture of \(picture.size), a mask of \(coverage.size)")
        guard name.isChromatic else { return name }
        var (all, near) = (Float(0), Float(0))
        var (sumA, sumB, sumLightness) = (Float(0), Float(0), Float(0))
        for pixel in coverage.values.indices.untilCancelled where coverage.values[pixel] > 0 {
            let weight = coverage.values[pixel]
            all += weight
            let color = picture.oklab(at: pixel)
            let turn = abs(remainderf(color.hue - name.hue * .pi / 180, 2 * .pi))
            guard turn < 20 * .pi / 180, color.chroma > 0.6 * name.chroma else { continue }
            near += weight
            sumA += weight * color.a
            sumB += weight * color.b
            sumLightness += weight * color.lightness
        }
        guard near > 0.1 * all, sumLightness > 0 else { return name }
        var seen = name
        seen.hue = atan2f(sumB, sumA) * 180 / .pi
        let saturation = (sumA * sumA + sumB * sumB).squareRoot() / sumLightness
        seen.chroma = min(max(saturation * name.lightness, 0.8 * name.chroma), 1.2 * name.chroma)
        return seen
    }

    /// Which of several shades is nearest to each pixel's colour.
    public static func nearest(of shades: [Shade], in picture: RGBImage) -> [Int] {
        let colors = shades.map(\.color)
        return (0 ..< picture.size.area).map { pixel in
            let color = picture.oklab(at: pixel)
            return colors.indices.min { colors[$0].distance(to: color) < colors[$1].distance(to: color) } ?? 0
        }
    }
}

/// A change of lightness that keeps the order of values, black and, where it brightens, white.
struct LightnessCurve {
    private let from: Float
    private let to: Float

    /// Brings a median to the nearest value of a range.
    init(median: Float, within range: ClosedRange<Float>) {
        from = min(max(median, 0.02), 0.98)
        to = min(max(min(max(from, range.lowerBound), range.upperBound), 0.01), 0.99)
    }

    func applied(to value: Float) -> Float {
        // A darker dye gives back less of any light; a brighter one cannot give back more than all.
        if to <= from { return value * to / from }
        let gain = to * (1 - from) / (from * (1 - to))
        return value <= 0 ? value : value >= 1 ? value : gain * value / (1 + (gain - 1) * value)
    }
}

extension RGBImage {
    fileprivate func oklab(at pixel: Int) -> OKLabColor {
        OKLabColor(red: values[3 * pixel], green: values[3 * pixel + 1], blue: values[3 * pixel + 2])
    }

    fileprivate mutating func set(_ color: OKLabColor, at pixel: Int) {
        let encoded = color.inGamut.encoded
        for channel in 0 ..< 3 { values[3 * pixel + channel] = encoded[channel] }
    }
}

extension [OKLabColor] {
    /// The value that a share of those at `indices` does not exceed.
    fileprivate func quantile(_ share: Float, of indices: [Int], _ value: (OKLabColor) -> Float) -> Float {
        // Of very many, some say as much.
        let step = Swift.max(1, indices.count / 200_000)
        let sorted = stride(from: 0, to: indices.count, by: step).map { value(self[indices[$0]]) }.sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Float(sorted.count) * share))]
    }
}
