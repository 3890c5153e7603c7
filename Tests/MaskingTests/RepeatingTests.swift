internal import Foundation
internal import Raster
internal import Testing

@testable internal import Masking

/// Fills and composites of pictures that repeat.
@Suite struct RepeatingTests {
    private let size = PixelSize(width: 96, height: 72)

    /// Repeats along both axes.
    private func pattern() -> RGBImage {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (pixel % size.width, pixel / size.width)
            image.values[pixel * 3] = x % 8 < 3 ? 0.9 : 0.1
            image.values[pixel * 3 + 1] = y % 6 < 3 ? 0.8 : 0.2
            image.values[pixel * 3 + 2] = (x % 8 + y % 6) % 4 < 2 ? 0.7 : 0.3
        }
        return image
    }

    private func frame(_ width: Int) -> Plane {
        let inner = PixelRect(size).insetBy(width)
        return Mask.rectangle(inner, size: size).inverted.coverage
    }

    @Test func aPatternGoesOnAcrossTheBorder() {
        let image = pattern()
        let coverage = frame(9)
        var damaged = image
        for pixel in 0 ..< size.area where coverage.values[pixel] > 0 {
            for channel in 0 ..< 3 { damaged.values[pixel * 3 + channel] = 0 }
        }
        let filled = Fill.patchmatch.applied(to: damaged, coverage: coverage, seed: 2, wraps: .both)
        let errors: [Float] = zip(filled.values, image.values).map { ($0 - $1) * ($0 - $1) }
        let mean: Float = 3 * errors.reduce(0, +) / Float(errors.count)
        #expect(-10 * log10(mean + 1e-9) > 25)
    }

    /// The blurred surroundings of a frame, and any fill of it, are continuous over the border.
    @Test(arguments: [WrappedAxes.x, .y, .both]) func aSmoothFillMeetsItself(axes: WrappedAxes) {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (Float(pixel % size.width), Float(pixel / size.width))
            for channel in 0 ..< 3 { image.values[pixel * 3 + channel] = 0.2 + 0.004 * x + 0.003 * y }
        }
        func step(_ image: RGBImage, _ axis: WrappedAxes) -> Float {
            var largest: Float = 0
            let count = axis == .x ? size.height : size.width
            for index in 0 ..< count {
                let (first, last) =
                    axis == .x
                    ? (index * size.width, (index + 1) * size.width - 1)
                    : (index, index + (size.height - 1) * size.width)
                largest = max(largest, abs(image.values[first * 3] - image.values[last * 3]))
            }
            return largest
        }
        let coverage = frame(14)
        let filled = Fill.blurred.applied(to: image, coverage: coverage, wraps: axes)
        for axis in [WrappedAxes.x, .y] where axes.contains(axis) {
            #expect(step(filled, axis) < 0.03)
            #expect(step(Fill.blurred.applied(to: image, coverage: coverage), axis) > 0.1)
        }
    }

    /// Borders of different tone pass into each other even under a frame that is thin enough to be predicted.
    @Test(arguments: [4, 5]) func aThinFrameHasNoCut(width: Int) {
        var random = TestRandom(state: 3)
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (Float(pixel % size.width), Float(pixel / size.width))
            let gray =
                0.3 + 0.003 * x + 0.002 * y + 0.04 * sin(x / 4 + 2 * cos(y / 7))
                + Float.random(in: 0 ... 0.04, using: &random)
            for channel in 0 ..< 3 { image.values[pixel * 3 + channel] = gray }
        }
        func ratio(_ image: RGBImage, _ axis: WrappedAxes) -> Double {
            SeamStatistic(image.rolled(x: 48, y: 36), across: axis, at: axis == .x ? 48 : 36).ratio
        }
        let filled = Fill.patchmatch.applied(to: image, coverage: frame(width), seed: 4, wraps: .both)
        for axis in [WrappedAxes.x, .y] {
            #expect(ratio(image, axis) > 3)
            #expect(ratio(filled, axis) < 1.9)
        }
    }

    /// A membrane on a torus is the membrane of the picture repeated, in the middle of it.
    @Test func aMembraneWraps() {
        var random = TestRandom(state: 8)
        for size in [PixelSize(width: 33, height: 20), PixelSize(width: 16, height: 27)] {
            let roles = (0 ..< size.area).map { index -> Membrane.Role in
                let (x, y) = (index % size.width, index / size.width)
                return x < 5 || y < 4 || x > size.width - 6 ? .free : .fixed
            }
            let values = (0 ..< size.area).map { _ in Float.random(in: 0 ... 1, using: &random) }
            var membrane = Membrane(size: size, roles: roles, wraps: .both)
            membrane.cycles = 12
            let solved = membrane.solved(values)
            let margins = Margins(left: size.width, right: size.width, top: size.height, bottom: size.height)
            let wide = size.padded(by: margins)
            var repeated = Membrane(
                size: wide, roles: wrapPaddedSamples(roles, of: size, channels: 1, by: margins))
            repeated.cycles = 12
            let expected = wrapPaddedSamples(
                repeated.solved(wrapPaddedSamples(values, of: size, channels: 1, by: margins)), of: wide, channels: 1,
                by: margins.negated)
            #expect(zip(solved, expected).allSatisfy { abs($0 - $1) < 0.01 })
        }
    }

    @Test func tinyPicturesThatRepeatAreFilled() {
        var random = TestRandom(state: 5)
        for _ in 0 ..< 30 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 20, using: &random), height: Int.random(in: 1 ... 20, using: &random))
            let image = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
            let mask = randomMask(size, using: &random)
            for axes in [WrappedAxes.x, .y, .both] {
                for fill in [Fill.blurred, .patchmatch] {
                    let filled = fill.applied(to: image, coverage: mask.coverage, seed: 1, wraps: axes)
                    #expect(filled.values.allSatisfy { $0.isFinite && $0 >= -0.001 && $0 <= 1.001 })
                    #expect(
                        (0 ..< size.area).allSatisfy {
                            mask.coverage.values[$0] > 0 || filled.values[$0 * 3] == image.values[$0 * 3]
                        })
                }
            }
        }
    }
}
