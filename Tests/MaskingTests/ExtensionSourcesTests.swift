internal import Foundation
internal import Raster
internal import TestSupport
internal import Testing

@testable internal import Masking

/// What an outpaint copies: the background at the extended edge, and never a subject.
@Suite struct ExtensionSourcesTests {
    enum Background: String, CaseIterable, Sendable {
        case plain, gradient, mottled, wall, foliage

        func color(_ x: Int, _ y: Int, of size: PixelSize) -> (Float, Float, Float) {
            func noise(_ x: Int, _ y: Int) -> Float {
                var hash = UInt32(truncatingIfNeeded: x &* 73_856_093 ^ y &* 19_349_663) &+ 1
                hash = (hash ^ (hash >> 16)) &* 0x85EB_CA6B
                hash = (hash ^ (hash >> 13)) &* 0xC2B2_AE35
                return Float((hash ^ (hash >> 16)) >> 8) / Float(1 << 24)
            }
            let (down, grain) = (Float(y) / Float(size.height), 0.02 * noise(x, y))
            switch self {
            case .plain: return (0.72 + grain, 0.76 + grain, 0.78 + grain)
            case .gradient: return (0.3 - 0.2 * down + grain, 0.34 - 0.2 * down + grain, 0.5 - 0.2 * down + grain)
            case .mottled:
                let tone = 0.05 * sin(Float(x) / 11 + 2 * sin(Float(y) / 17)) + 0.04 * cos(Float(y) / 9) + grain
                return (0.3 + tone, 0.34 + tone, 0.42 + tone)
            case .wall:
                let isFloor = down > 0.8
                let stripe: Float = x % 14 < 2 ? -0.06 : 0
                return isFloor
                    ? (0.3 + grain, 0.33 + grain, 0.4 + grain)
                    : (0.6 + stripe + grain, 0.7 + stripe + grain, 0.75 + grain)
            case .foliage:
                let leaf = noise(x / 4 + y / 9, y / 4 + x / 11)
                return (0.1 + 0.15 * leaf + grain, 0.2 + 0.3 * leaf + grain, 0.08 + 0.1 * leaf)
            }
        }
    }

    /// Where the subject stands, and how large: its head's centre and half width, in shares of the width.
    struct Pose: Sendable {
        var x: Float = 0.5
        var y: Float = 0.42
        var head: Float = 0.22
        /// Whether there are shoulders below the head that reach the lower edge.
        var hasShoulders = true
    }

    private static let hair: (Float, Float, Float) = (0.5, 0.28, 0.1)
    private static let skin: (Float, Float, Float) = (0.9, 0.72, 0.6)
    private static let mouth: (Float, Float, Float) = (0.8, 0.15, 0.2)
    private static let iris: (Float, Float, Float) = (0.05, 0.6, 0.2)
    private static let cloth: (Float, Float, Float) = (0.5, 0.1, 0.45)

    private static func portrait(
        _ background: Background, _ pose: Pose = Pose(), size: PixelSize = PixelSize(width: 128, height: 192)
    ) -> RGBImage {
        var image = RGBImage(size: size)
        let unit = Float(size.width) * pose.head
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                let dx = (Float(x) - pose.x * Float(size.width)) / unit
                let dy = (Float(y) - pose.y * Float(size.height)) / unit
                func isIn(_ x: Float, _ y: Float, _ width: Float, _ height: Float) -> Bool {
                    let (a, b) = ((dx - x) / width, (dy - y) / height)
                    return a * a + b * b < 1
                }
                var color = background.color(x, y, of: size)
                if pose.hasShoulders, dy > 1.6, abs(dx) < 1.2 + 0.25 * (dy - 1.6) { color = cloth }
                if isIn(0, -0.1, 1.1, 1.35) { color = hair }
                if isIn(0, 0.15, 0.8, 1.1) || abs(dx) < 0.3 && dy > 0.9 && dy < 1.7 { color = skin }
                if isIn(-0.35, 0, 0.16, 0.1) || isIn(0.35, 0, 0.16, 0.1) { color = iris }
                if isIn(0, 0.7, 0.3, 0.12) { color = mouth }
                for (channel, value) in [color.0, color.1, color.2].enumerated() {
                    image.values[(y * size.width + x) * 3 + channel] = value
                }
            }
        }
        return image
    }

    /// The picture extended as an outpaint in one piece fills it.
    private static func extended(
        _ image: RGBImage, _ margins: Margins, guarded: Bool = true, confined: Bool = true
    ) throws -> RGBImage {
        let plan = try OutpaintPlan(source: image.size, margins: margins)
        var canvas = RGBImage(size: plan.canvasSize)
        canvas.paste(image, x: margins.left, y: margins.top)
        let whole = PixelRect(plan.canvasSize)
        let sources = ExtensionSources(image, sides: margins)
        let excluded = plan.excluded(sources, area: whole, window: whole)
        return Fill.patchmatch.applied(
            to: canvas, coverage: plan.mask.coverage, seed: 1, excluded: guarded ? excluded : nil,
            confined: guarded && confined ? plan.confined(sources, window: whole) : [])
    }

    /// The share of new pixels that have one of the subject's colours.
    private static func cloned(_ canvas: RGBImage, _ margins: Margins, colors: [(Float, Float, Float)]) throws -> Float
    {
        let size = canvas.size.padded(by: margins.negated)
        let mask = try OutpaintPlan(source: size, margins: margins).mask.coverage.values
        var (count, all): (Float, Float) = (0, 0)
        for pixel in mask.indices where mask[pixel] > 0 {
            all += 1
            let isCloned = colors.contains { color in
                abs(canvas.values[pixel * 3] - color.0) < 0.08 && abs(canvas.values[pixel * 3 + 1] - color.1) < 0.08
                    && abs(canvas.values[pixel * 3 + 2] - color.2) < 0.08
            }
            if isCloned { count += 1 }
        }
        return count / all
    }

    private static let features = [hair, skin, mouth, iris]

    @Test(arguments: Background.allCases.oneIfSanitized) func aPortraitIsNotCloned(background: Background) throws {
        let image = Self.portrait(background)
        for margins in [
            Margins(left: 90, right: 90), Margins(left: 100), Margins(right: 100), Margins(top: 80),
            Margins(left: 60, right: 60, top: 60),
        ] {
            let share = try Self.cloned(try Self.extended(image, margins), margins, colors: Self.features)
            #expect(share < 0.001, "\(margins): \(share)")
        }
    }

    /// Without what is guarded against, a subject does come again.
    @Test func whatIsGuardedAgainstHappens() throws {
        let margins = Margins(left: 90, right: 90)
        let shares = try Background.allCases.map { background in
            try Self.cloned(
                try Self.extended(Self.portrait(background), margins, guarded: false), margins, colors: Self.features)
        }
        #expect(shares.contains { $0 > 0.005 }, "\(shares)")
    }

    @Test func aCroppedBodyGoesOnAndItsFaceDoesNot() throws {
        let image = Self.portrait(.plain, Pose(head: 0.3))
        let margins = Margins(left: 80, right: 80, bottom: 60)
        let canvas = try Self.extended(image, margins)
        #expect(try Self.cloned(canvas, margins, colors: Self.features) < 0.001)
        #expect(try Self.cloned(canvas, margins, colors: [Self.cloth]) > 0.05)
    }

    /// Half a person at the edge: nothing tells how the other half looks.
    @Test func aSubjectAtTheEdgeIsNotContinued() throws {
        let image = Self.portrait(.plain, Pose(x: 0.05, y: 0.4, head: 0.25, hasShoulders: false))
        let margins = Margins(left: 90)
        let canvas = try Self.extended(image, margins)
        // Beyond the blur in which it ends.
        let far = canvas.cropped(to: PixelRect(x: 0, y: 0, width: 60, height: image.height))
        let background = Background.plain.color(0, 0, of: image.size)
        let strange = (0 ..< far.size.area).count { abs(far.values[$0 * 3] - background.0) > 0.12 }
        #expect(Float(strange) / Float(far.size.area) < 0.02)
    }

    private static let gowns = [Gown(hem: 0.54), Gown(hem: 0.62), Gown(x: 0.3, hem: 0.45)]
    private static let aroundGowns = [
        Margins(left: 90, right: 90), Margins(left: 40, right: 40, top: 50, bottom: 50),
    ]

    /// The share of the new part that is of a gown and apart from it, of each extension.
    private static func apart(_ background: Background, confined: Bool) throws -> [Float] {
        try gowns.flatMap { gown in
            let image = gown.picture { x, y in
                let color = background.color(x, y, of: PixelSize(width: 128, height: 176))
                return SIMD3(color.0, color.1, color.2)
            }
            return try aroundGowns.map { margins in
                let canvas = try extended(image, margins, confined: confined)
                let place = PixelRect(x: margins.left, y: margins.top, width: image.width, height: image.height)
                return Gown.apart(in: canvas, from: place)
            }
        }
    }

    /// A hem that narrows towards the edge ends there, and what the lower edge cuts is not seen beside it.
    @Test(arguments: Background.allCases.oneIfSanitized) func aGownDoesNotComeApart(background: Background) throws {
        let shares = try Self.apart(background, confined: true)
        #expect(shares.allSatisfy { $0 < 0.002 }, "\(shares)")
    }

    /// Where it may be copied to any place, it does.
    @Test func aGownCopiedAnywhereComesApart() throws {
        let shares = try Self.apart(.plain, confined: false)
        #expect(shares.contains { $0 > 0.1 }, "\(shares)")
    }

    /// What is cut still goes on next to the edge that cuts it.
    @Test func aGownGoesOnBelow() throws {
        let image = Gown(hem: 0.4).picture { x, y in
            SIMD3(0.72, 0.76, 0.78) + 0.02 * Float((x * 7 + y * 13) % 5) / 5
        }
        let margins = Margins(left: 20, right: 20, bottom: 40)
        let canvas = try Self.extended(image, margins)
        let middle = (image.height ..< canvas.height).map { ($0 * canvas.width + canvas.width / 2) * 3 }
        let red = middle.count { canvas.values[$0] - canvas.values[$0 + 1] > 0.3 }
        #expect(red > 30, "\(red) of \(middle.count)")
    }

    private static let red = SIMD3<Float>(0.75, 0.11, 0.14)

    /// The share of the pixels of a part of a canvas that are nearly of a colour.
    private static func share(of color: SIMD3<Float>, within limit: Float, in canvas: RGBImage, _ area: PixelRect)
        -> Float
    {
        let part = canvas.cropped(to: area).values
        let count = (0 ..< area.size.area).count { pixel in
            let difference = SIMD3(part[pixel * 3], part[pixel * 3 + 1], part[pixel * 3 + 2]) - color
            return (difference * difference).sum() < limit * limit
        }
        return Float(count) / Float(area.size.area)
    }

    /// What the lower edge cuts goes on to the lower edge of the canvas, also where all sides are extended.
    @Test func aWideGownGoesOnBelow() throws {
        let image = Gown(hem: 0.5).picture { x, y in
            let down = Float(y) / 176
            return SIMD3(0.35 + 0.35 * down, 0.47 + 0.23 * down, 0.75 - 0.24 * down) + 0.004
                * Float((x * 7 + y * 13) % 5)
        }
        let margins = Margins(left: 32, right: 32, top: 44, bottom: 44)
        let canvas = try Self.extended(image, margins)
        let below = PixelRect(x: 32 + 16, y: 44 + 176, width: 96, height: 44)
        let share = Self.share(of: Self.red, within: 0.2, in: canvas, below)
        #expect(share > 0.95, "\(share)")
    }

    /// A floor of which a gown leaves little to be seen is not lost beside the picture.
    @Test func aFloorIsNotLost() throws {
        let floor = SIMD3<Float>(0.43, 0.3, 0.2)
        let image = Gown(hem: 0.5).picture(size: PixelSize(width: 256, height: 352)) { x, y in
            let grain = 0.004 * Float((x * 7 + y * 13) % 5)
            return y >= 280 ? floor + grain : SIMD3(0.73, 0.67, 0.55) + grain + (x / 9 % 2 == 0 ? 0.02 : 0)
        }
        let canvas = try Self.extended(image, Margins(left: 120, right: 120))
        let shares = [0, 406].map { x in
            Self.share(of: floor, within: 0.1, in: canvas, PixelRect(x: x, y: 288, width: 90, height: 64))
        }
        #expect(shares.reduce(0, +) / 2 > 0.3, "\(shares)")
    }

    @Test func nothingAcrossASubjectIsTaken() throws {
        // Another wall on each side of the person.
        let size = PixelSize(width: 160, height: 160)
        var image = Self.portrait(.plain, Pose(y: 0.35, head: 0.2), size: size)
        for y in 0 ..< size.height {
            for x in 96 ..< size.width where image.values[(y * size.width + x) * 3] > 0.7 {
                let isWall = image.values[(y * size.width + x) * 3 + 2] > 0.75
                if isWall { image.values[(y * size.width + x) * 3 + 2] = 0.2 }
            }
        }
        let sources = ExtensionSources(image, sides: Margins(left: 50))
        let taken = (0 ..< size.area).filter { sources.excluded.values[$0] == 0 }
        #expect(taken.allSatisfy { $0 % size.width < 100 })
        #expect(taken.count > size.area / 4)
    }

    @Test func anyPictureHasSources() {
        var random = TestRandom(state: 12)
        for _ in 0 ..< 40 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 60, using: &random), height: Int.random(in: 1 ... 60, using: &random))
            let image = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
            let sources = ExtensionSources(image, sides: Margins(left: 1, bottom: 2))
            #expect(sources.excluded.size == size)
            let mask = Margins(left: 20, bottom: 10)
            let plan = try? OutpaintPlan(source: size, margins: mask)
            guard let plan else { continue }
            var canvas = RGBImage(size: plan.canvasSize)
            canvas.paste(image, x: 20, y: 0)
            let whole = PixelRect(plan.canvasSize)
            let filled = Fill.patchmatch.applied(
                to: canvas, coverage: plan.mask.coverage, seed: 1,
                excluded: plan.excluded(sources, area: whole, window: whole),
                confined: plan.confined(sources, window: whole))
            #expect(filled.values.allSatisfy { $0.isFinite && $0 >= -0.001 && $0 <= 1.001 })
        }
    }
}
