internal import Foundation
internal import Masking
internal import Raster
internal import Testing

@Suite struct FillTests {
    private func stripes(_ size: PixelSize) -> RGBImage {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (pixel % size.width, pixel / size.width)
            image.values[pixel * 3] = x % 8 < 4 ? 0.9 : 0.1
            image.values[pixel * 3 + 1] = y % 6 < 3 ? 0.8 : 0.2
            image.values[pixel * 3 + 2] = (x + y) % 4 < 2 ? 0.7 : 0.3
        }
        return image
    }

    @Test func aPeriodicTextureIsReproduced() {
        let size = PixelSize(width: 128, height: 96)
        let image = stripes(size)
        let hole = PixelRect(x: 50, y: 36, width: 28, height: 24)
        var damaged = image
        damaged.paste(RGBImage(size: hole.size), x: hole.x, y: hole.y)
        let filled = Fill.patchmatch.applied(to: damaged, coverage: Mask.rectangle(hole, size: size).coverage, seed: 3)
        let errors = zip(filled.cropped(to: hole).values, image.cropped(to: hole).values).map { ($0 - $1) * ($0 - $1) }
        let mean: Float = errors.reduce(0, +) / Float(errors.count)
        #expect(-10 * log10(mean + 1e-9) > 30)
    }

    @Test(arguments: [Fill.blurred, .patchmatch, .noise, .original, .color(red: 1, green: 0, blue: 0)])
    func knownPixelsAreUntouchedAndSeedsRepeat(fill: Fill) {
        var random = TestRandom(state: 21)
        for _ in 0 ..< 5 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 60, using: &random), height: Int.random(in: 1 ... 50, using: &random))
            let image = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
            let mask = randomMask(size, using: &random)
            let filled = fill.applied(to: image, coverage: mask.coverage, seed: 7)
            #expect(filled == fill.applied(to: image, coverage: mask.coverage, seed: 7))
            #expect(filled.values.allSatisfy { $0.isFinite && $0 >= -0.001 && $0 <= 1.001 })
            for pixel in 0 ..< size.area where mask.coverage.values[pixel] == 0 {
                #expect(filled.values[pixel * 3] == image.values[pixel * 3])
            }
        }
    }

    @Test func awkwardHoles() {
        let size = PixelSize(width: 64, height: 48)
        let image = stripes(size)
        let masks = [
            Mask.uniform(1, size: size), Mask.uniform(0, size: size), Mask.uniform(0.5, size: size),
            Mask.rectangle(PixelRect(x: 5, y: 5, width: 1, height: 1), size: size),
            Mask.rectangle(PixelRect(x: 0, y: 0, width: 63, height: 48), size: size),
            Mask.rectangle(PixelRect(x: 32, y: 0, width: 32, height: 48), size: size),
            Mask.rectangle(PixelRect(x: 8, y: 8, width: 10, height: 10), size: size).inverted,
        ]
        for mask in masks {
            let filled = Fill.patchmatch.applied(to: image, coverage: mask.coverage)
            #expect(filled.size == size && filled.values.allSatisfy(\.isFinite))
        }
    }

    /// Waves of two directions and a slanting edge.
    private func waves(_ size: PixelSize) -> RGBImage {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (Float(pixel % size.width), Float(pixel / size.width))
            let edge: Float = x + 2 * y > 150 ? 0.2 : 0
            image.values[pixel * 3] = 0.4 + edge + 0.15 * sin(0.5 * x + 0.2 * y)
            image.values[pixel * 3 + 1] = 0.4 + edge + 0.15 * sin(0.3 * x - 0.4 * y)
            image.values[pixel * 3 + 2] = 0.4 + edge + 0.001 * x
        }
        return image
    }

    private func psnr(_ image: RGBImage, _ truth: RGBImage, inside mask: Mask) -> Float {
        var (sum, count): (Float, Float) = (0, 0)
        for pixel in 0 ..< truth.size.area where mask.coverage.values[pixel] > 0 {
            for index in pixel * 3 ..< pixel * 3 + 3 {
                sum += (image.values[index] - truth.values[index]) * (image.values[index] - truth.values[index])
                count += 1
            }
        }
        return -10 * log10(sum / count + 1e-12)
    }

    @Test(arguments: [1, 3, 7]) func scratchesFollowEdgesAndGrain(width: Int) {
        let size = PixelSize(width: 120, height: 90)
        let truth = waves(size)
        let scratches = [
            PixelRect(x: 10, y: 40, width: 100, height: width), PixelRect(x: 60, y: 5, width: width, height: 80),
        ]
        let mask = scratches.map { Mask.rectangle($0, size: size) }.reduce(Mask.uniform(0, size: size)) { $0.union($1) }
        var damaged = truth
        for scratch in scratches { damaged.paste(RGBImage(size: scratch.size), x: scratch.x, y: scratch.y) }
        let predicted = Fill.patchmatch.applied(to: damaged, coverage: mask.coverage)
        let smooth = Fill.blurred.applied(to: damaged, coverage: mask.coverage)
        #expect(psnr(predicted, truth, inside: mask) > psnr(smooth, truth, inside: mask) + 8)
        // Nothing is drawn at random where all is predicted.
        #expect(predicted == Fill.patchmatch.applied(to: damaged, coverage: mask.coverage, seed: 99))
    }

    /// Relative to the truth's, how much neighbouring rows differ in a channel inside `area`.
    private func roughness(_ image: RGBImage, _ truth: RGBImage, inside area: PixelRect, channel: Int) -> Float {
        func energy(_ image: RGBImage) -> Float {
            let part = image.cropped(to: area)
            return (0 ..< (area.height - 1) * area.width).reduce(0) { sum, pixel in
                let step = part.values[(pixel + area.width) * 3 + channel] - part.values[pixel * 3 + channel]
                return sum + step * step
            }
        }
        return energy(image) / energy(truth)
    }

    @Test func aScratchInAGrainyPictureGetsItsGrain() {
        let size = PixelSize(width: 150, height: 110)
        var truth = waves(size)
        var random = TestRandom(state: 4)
        for index in truth.values.indices {
            for _ in 0 ..< 4 { truth.values[index] += Float.random(in: -0.04 ... 0.04, using: &random) }
        }
        let scratch = PixelRect(x: 5, y: 50, width: 140, height: 8)
        var damaged = truth
        damaged.paste(RGBImage(size: scratch.size), x: scratch.x, y: scratch.y)
        let filled = Fill.patchmatch.applied(to: damaged, coverage: Mask.rectangle(scratch, size: size).coverage)
        for channel in 0 ..< 3 {
            let roughness = roughness(filled, truth, inside: scratch, channel: channel)
            #expect(roughness > 0.7 && roughness < 1.2, "channel \(channel): \(roughness)")
        }
    }

    @Test func aStraightEdgeCrossesAThickStroke() {
        // Too thick to be predicted at full size: the coarser levels carry the edge across.
        let size = PixelSize(width: 160, height: 120)
        let truth = waves(size)
        let stroke = PixelRect(x: 55, y: 10, width: 22, height: 100)
        var damaged = truth
        damaged.paste(RGBImage(size: stroke.size), x: stroke.x, y: stroke.y)
        let mask = Mask.rectangle(stroke, size: size)
        let filled = Fill.patchmatch.applied(to: damaged, coverage: mask.coverage, seed: 5)
        #expect(psnr(filled, truth, inside: mask) > 20)
    }
}
