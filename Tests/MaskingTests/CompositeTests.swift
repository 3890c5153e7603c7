internal import Foundation
internal import Raster
internal import Testing

@testable internal import Masking

@Suite struct CompositeTests {
    @Test(arguments: Picture.Layout.allCases, [8, 16]) func pixelsOutsideComeBackByteForByte(
        layout: Picture.Layout, depth: Int
    ) {
        var random = TestRandom(state: UInt64(layout.rawValue * 100 + depth))
        for _ in 0 ..< 6 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 60, using: &random), height: Int.random(in: 1 ... 50, using: &random))
            let source = randomPicture(size, layout, depth: depth, using: &random)
            let mask = randomMask(size, using: &random)
            let patch = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
            for mode in [Composite.Mode.seamless, .paste] {
                for alpha in Composite.AlphaPolicy.allCases {
                    let result = Composite(mode: mode, alpha: alpha)
                        .applied(patch: patch, at: PixelRect(size), mask: mask, to: source)
                    #expect(untouched(result, source, mask))
                    #expect(result.layout == layout && result.depth == depth)
                }
            }
        }
    }

    private func untouched(_ result: Picture, _ source: Picture, _ mask: Mask) -> Bool {
        let channels = source.layout.channels
        func same<Sample: Equatable>(_ a: [Sample], _ b: [Sample]) -> Bool {
            a.indices.allSatisfy { mask.coverage.values[$0 / channels] > 0 || a[$0] == b[$0] }
        }
        return switch (result.samples, source.samples) {
        case (.eight(let a), .eight(let b)): same(a, b)
        case (.sixteen(let a), .sixteen(let b)): same(a, b)
        default: false
        }
    }

    @Test(arguments: Picture.Layout.allCases, [8, 16]) func anIdentityNetworkChangesNothing(
        layout: Picture.Layout, depth: Int
    ) {
        var random = TestRandom(state: 9)
        let size = PixelSize(width: 50, height: 40)
        let source = randomPicture(size, layout, depth: depth, using: &random)
        for _ in 0 ..< 5 {
            let mask = randomMask(size, using: &random)
            let result = Composite().applied(patch: RGBImage(source), at: PixelRect(size), mask: mask, to: source)
            #expect(result == source)
        }
    }

    @Test func aMembraneOfAConstantIsThatConstant() {
        var random = TestRandom(state: 5)
        for _ in 0 ..< 10 {
            let size = PixelSize(width: 70, height: 53)
            let mask = randomMask(size, using: &random).grown(by: 9)
            let roles: [Membrane.Role] = mask.coverage.values.map { $0 > 0 ? .free : .fixed }
            let values = roles.map { $0 == .fixed ? Float(0.25) : 9 }
            let result = Membrane(size: size, roles: roles).solved(values)
            #expect(result.allSatisfy { abs($0 - 0.25) < 1e-4 })
        }
    }

    /// A linear function is harmonic: the membrane reproduces it. The tolerance is 1/4 of an 8-bit step.
    @Test func aMembraneOfALinearRampIsThatRamp() {
        let size = PixelSize(width: 200, height: 160)
        let hole = Mask.rectangle(PixelRect(x: 30, y: 25, width: 130, height: 110), size: size)
        let ramp = (0 ..< size.area).map { Float($0 % 200) / 200 }
        let roles: [Membrane.Role] = hole.coverage.values.map { $0 > 0 ? .free : .fixed }
        let result = Membrane(size: size, roles: roles).solved(ramp)
        #expect(zip(result, ramp).map { abs($0 - $1) }.max()! < 1.0 / 1024)
    }

    /// The root mean square jump across the mask's edge, over that of the same picture's interior: 1 is no seam.
    private func jumpRatio(_ picture: Picture, _ mask: Mask) -> Double {
        guard case .eight(let samples) = picture.samples else { return .infinity }
        var edge = (sum: 0.0, count: 0.0)
        var interior = (sum: 0.0, count: 0.0)
        for y in 0 ..< picture.height {
            for x in 0 ..< picture.width - 1 {
                let isEdge = (mask.coverage[x, y] > 0) != (mask.coverage[x + 1, y] > 0)
                for channel in 0 ..< 3 {
                    let index = (y * picture.width + x) * 3 + channel
                    let jump = Double(Int(samples[index + 3]) - Int(samples[index]))
                    if isEdge {
                        edge = (edge.sum + jump * jump, edge.count + 1)
                    } else {
                        interior = (interior.sum + jump * jump, interior.count + 1)
                    }
                }
            }
        }
        return (edge.sum / edge.count).squareRoot() / (interior.sum / interior.count).squareRoot()
    }

    @Test(arguments: [0.002, 0.05]) func noSeamUnderATintedPatch(texture: Double) {
        var random = TestRandom(state: 11)
        let size = PixelSize(width: 160, height: 120)
        var scene = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let (x, y) = (Double(pixel % 160), Double(pixel / 160))
            for channel in 0 ..< 3 {
                let base = 0.35 + 0.0012 * x + 0.0015 * y + 0.05 * sin(x / 23 + Double(channel))
                scene.values[pixel * 3 + channel] = Float(
                    base + Double.random(in: -texture ... texture, using: &random))
            }
        }
        let source = Picture(scene)
        var patch = scene
        for pixel in 0 ..< size.area {
            patch.values[pixel * 3] = patch.values[pixel * 3] * 0.9 + 0.06
            patch.values[pixel * 3 + 1] += 0.0004 * Float(pixel % 160)
            patch.values[pixel * 3 + 2] -= 0.05
        }
        let masks = [
            Mask.rectangle(PixelRect(x: 50, y: 30, width: 60, height: 50), size: size),
            Mask.rectangle(PixelRect(x: 0, y: 40, width: 70, height: 80), size: size),
            Mask.rectangle(PixelRect(x: 30, y: 20, width: 90, height: 70), size: size)
                .subtracting(.rectangle(PixelRect(x: 50, y: 40, width: 40, height: 30), size: size)),
        ]
        for mask in masks {
            let seamless = Composite().applied(patch: patch, at: PixelRect(size), mask: mask, to: source)
            let pasted = Composite(mode: .paste).applied(patch: patch, at: PixelRect(size), mask: mask, to: source)
            #expect(jumpRatio(seamless, mask) < 1.2)
            if texture < 0.01 { #expect(jumpRatio(pasted, mask) > 2) }
        }
    }
}
