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
        #expect(-10 * log10(errors.reduce(0, +) / Float(errors.count) + 1e-9) > 30)
    }

    @Test(arguments: [Fill.fill, .patchmatch, .noise, .original, .color(red: 1, green: 0, blue: 0)])
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
}
