import Foundation
import Masking
import Raster
import Testing

/// `Composite.Mode.stencil`: a shape that is to be seen is seen, whatever was painted into it.
@Suite struct StencilTests {
    static let size = PixelSize(width: 120, height: 80)
    /// Two letters: an H and an I.
    static let letters: Mask = {
        let bars = [(20, 15, 12, 50), (50, 15, 12, 50), (32, 34, 18, 12), (80, 15, 12, 50)]
        var mask = Mask.uniform(0, size: size)
        for bar in bars {
            mask = mask.union(
                .rectangle(PixelRect(x: bar.0, y: bar.1, width: bar.2, height: bar.3), size: size))
        }
        return mask
    }()

    /// Grounds of one tone with grain, and one that goes from black to white.
    static let grounds: [(String, @Sendable (Int, Int) -> [Float])] = [
        ("dark", { x, y in [0.1, 0.15, 0.1].map { $0 + grain(x, y) } }),
        ("middle", { x, y in [0.45, 0.5, 0.4].map { $0 + grain(x, y) } }),
        ("bright", { x, y in [0.9, 0.92, 0.95].map { $0 + grain(x, y) } }),
        ("gradient", { x, _ in [Float](repeating: Float(x) / 119, count: 3) }),
    ]

    private static func grain(_ x: Int, _ y: Int) -> Float {
        Float((UInt32(truncatingIfNeeded: x * 7919 + y) &* 2_654_435_761) >> 24) / 255 * 0.1 - 0.05
    }

    private func painted(_ color: (Int, Int) -> [Float]) -> RGBImage {
        RGBImage(
            size: Self.size,
            values: (0 ..< Self.size.area).flatMap { color($0 % Self.size.width, $0 / Self.size.width) })
    }

    /// Mean ΔE*ab across the outline, of the mean of three pixels inside against that of three outside, and its least
    /// tenth.
    private func contrast(_ picture: Picture) -> (mean: Float, tenth: Float) {
        let image = RGBImage(picture)
        func lab(_ pixels: [Int]) -> LabColor {
            var sum = SIMD3<Float>()
            for pixel in pixels {
                sum += SIMD3(image.values[3 * pixel], image.values[3 * pixel + 1], image.values[3 * pixel + 2])
            }
            sum /= Float(pixels.count)
            return LabColor(red: sum.x, green: sum.y, blue: sum.z)
        }
        var found: [Float] = []
        let (width, values) = (Self.size.width, Self.letters.coverage.values)
        for y in 4 ..< Self.size.height - 4 {
            for x in 4 ..< width - 4 {
                let pixel = y * width + x
                guard values[pixel] > 0 else { continue }
                for step in [-1, 1, -width, width] where values[pixel + step] == 0 {
                    let inside = (0 ..< 3).map { pixel - $0 * step }
                    let outside = (1 ... 3).map { pixel + $0 * step }
                    found.append(lab(inside).distance(to: lab(outside)))
                }
            }
        }
        found.sort()
        return (found.reduce(0, +) / Float(found.count), found[found.count / 10])
    }

    /// The worst patch is one that shows what is around it anyway.
    @Test(arguments: grounds.map(\.0))
    func `Letters of their own surroundings can be read`(name: String) throws {
        let ground = try #require(Self.grounds.first { $0.0 == name })
        let source = Picture(painted(ground.1))
        let patch = RGBImage(source)
        let whole = PixelRect(Self.size)
        let result = Composite(mode: .stencil).applied(patch: patch, at: whole, mask: Self.letters, to: source)
        let (mean, tenth) = contrast(result)
        #expect(mean >= 20 && tenth >= 12, "\(name): \(mean), \(tenth)")
        for pixel in 0 ..< Self.size.area where Self.letters.coverage.values[pixel] == 0 {
            let (x, y) = (pixel % Self.size.width, pixel / Self.size.width)
            let here = PixelRect(x: x, y: y, width: 1, height: 1)
            #expect(result.cropped(to: here) == source.cropped(to: here))
        }
    }

    @Test func `A patch that stands out is pasted as it is`() {
        let source = Picture(painted(Self.grounds[0].1))
        let patch = painted { x, y in [0.95, 0.3, 0.2 + Self.grain(x, y)] }
        let whole = PixelRect(Self.size)
        let stencil = Composite(mode: .stencil).applied(patch: patch, at: whole, mask: Self.letters, to: source)
        #expect(stencil == Composite(mode: .paste).applied(patch: patch, at: whole, mask: Self.letters, to: source))
    }

    @Test func `A mask of everything has no outline`() {
        let source = Picture(painted(Self.grounds[1].1))
        let patch = painted { _, _ in [0.2, 0.4, 0.6] }
        let whole = PixelRect(Self.size)
        let all = Mask.uniform(1, size: Self.size)
        let result = Composite(mode: .stencil).applied(patch: patch, at: whole, mask: all, to: source)
        #expect(result == Composite(mode: .paste).applied(patch: patch, at: whole, mask: all, to: source))
    }
}
