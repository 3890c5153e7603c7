import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// `remix … --mask` with a colour in the prompt, by the embedded model: the colour changes, light and texture stay.
@Suite struct RecoloringTests {
    /// A colour as people name it: hue in degrees of CIELAB, or none, and the lightness L* that goes with the name.
    struct Wish: Sendable, CustomTestStringConvertible {
        let prompt: String
        let hue: Float?
        let lightness: ClosedRange<Float>
        var testDescription: String { prompt }
    }

    static let wishes = [
        Wish(prompt: "blue flowers", hue: 285, lightness: 20 ... 70),
        Wish(prompt: "a red car", hue: 35, lightness: 30 ... 65),
        Wish(prompt: "une robe verte", hue: 140, lightness: 30 ... 80),
        Wish(prompt: "flores moradas", hue: 310, lightness: 20 ... 65),
        Wish(prompt: "a yellow taxi", hue: 100, lightness: 70 ... 96),
        Wish(prompt: "a white rose", hue: nil, lightness: 80 ... 100),
        Wish(prompt: "black hair", hue: nil, lightness: 0 ... 25),
    ]
    static let dyes: [SIMD3<Float>] = [SIMD3(1, 0.6, 0.4), SIMD3(0.2, 0.45, 0.9), SIMD3(0.75, 0.75, 0.75)]

    /// What the edit made of what lies under the mask.
    private func check(_ wish: Wish, before: Picture, after: Picture, marked: (Int, Int) -> Bool) {
        #expect(after.size == before.size && after.layout == before.layout && after.depth == before.depth)
        let (old, new) = (RGBImage(before), RGBImage(after))
        var lightness: [(Float, Float)] = []
        var (sumA, sumB) = (Float(0), Float(0))
        var outside = 0
        for pixel in 0 ..< before.size.area {
            guard marked(pixel % before.width, pixel / before.width) else {
                let range = 3 * pixel ..< 3 * pixel + 3
                if old.values[range] != new.values[range] { outside += 1 }
                continue
            }
            let (from, to) = (old.lab(pixel), new.lab(pixel))
            lightness.append((from.lightness, to.lightness))
            sumA += to.a
            sumB += to.b
        }
        #expect(outside == 0)
        let count = Float(lightness.count)
        let (a, b) = (sumA / count, sumB / count)
        let chroma = (a * a + b * b).squareRoot()
        let median = lightness.map(\.1).sorted()[lightness.count / 2]
        #expect(wish.lightness.contains(median), "L* \(median)")
        if let hue = wish.hue {
            let found = atan2(b, a) * 180 / .pi
            #expect(abs(remainder(found - hue, 360)) < 30, "hue \(found)")
            #expect(chroma > 20, "chroma \(chroma)")
        } else {
            #expect(chroma < 6, "chroma \(chroma)")
        }
        #expect(correlation(lightness) > 0.97, "light \(correlation(lightness))")
    }

    @Test(arguments: wishes.oneIfSanitized, dyes.oneIfSanitized)
    func `The masked part takes the colour that the prompt names`(wish: Wish, dye: SIMD3<Float>) throws {
        let editor = try Editor()
        let scene = DrawnScene.flower(dye)
        let before = scene.picture()
        try editor.write(before, "a.png")
        let marked = { x, y in DrawnScene.isFlower(x, y, of: scene.size) }
        try editor.write(scene.mask(marked), "m.png")
        let outcome = try editor.run(["remix", "a.png", wish.prompt, "--mask", "m.png", "--seed", "3", "-o", "o.png"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("the picture keeps its light and texture"))
        let after = try ImageFile.read(path: editor.path("o.png")).picture
        check(wish, before: before, after: after, marked: marked)
    }

    @Test(arguments: [(16, Picture.Layout.rgb), (8, .rgba), (16, .rgba)])
    func `At any depth, with transparency, at full strength too`(depth: Int, layout: Picture.Layout) throws {
        let editor = try Editor()
        let scene = DrawnScene.flower(Self.dyes[0])
        let before = scene.picture(depth: depth, layout: layout)
        let marked = { x, y in DrawnScene.isFlower(x, y, of: scene.size) }
        try editor.write(before, "a.png")
        try editor.write(scene.mask(marked), "m.png")
        for options in [[], ["--strength", "1"]] {
            let outcome = try editor.run(
                ["remix", "a.png", "blue flowers", "--mask", "m.png", "--seed", "3", "-o", "o.png", "--force"] + options
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            let after = try ImageFile.read(path: editor.path("o.png")).picture
            check(Self.wishes[0], before: before, after: after, marked: marked)
        }
        // Half of the strength is half of the way.
        let half = try editor.run(
            [
                "remix", "a.png", "blue flowers", "--mask", "m.png", "--strength", "0.5", "--seed", "3", "-o",
                "half.png",
            ])
        #expect(half.code == 0, "\(half.error)")
        func blueness(_ name: String) throws -> Float {
            let image = RGBImage(try ImageFile.read(path: editor.path(name)).picture)
            let pixel = 100 * scene.size.width + 130
            return image.values[3 * pixel + 2] - image.values[3 * pixel]
        }
        let (none, some, all) = (try blueness("a.png"), try blueness("half.png"), try blueness("o.png"))
        let way = (some - none) / (all - none)
        #expect(all > none && way > 0.3 && way < 0.7, "\(none), \(some), \(all)")
    }

    @Test func `A picture without colour channels stays grey, and is told so`() throws {
        let editor = try Editor()
        let scene = DrawnScene.flower(Self.dyes[2])
        try editor.write(scene.picture(layout: .gray), "a.png")
        let outcome = try editor.run(
            ["remix", "a.png", "blue flowers", "--box", "60,40,120,120", "--seed", "3", "-o", "o.png", "-q"])
        #expect(outcome.code == 0 && outcome.error.contains("has no colour channels"), "\(outcome.error)")
        #expect(try ImageFile.read(path: editor.path("o.png")).picture.layout == .gray)
    }

    /// What names no colour takes the colours of the model's picture, which this model cannot place exactly.
    @Test func `Autumn leaves on green trees are yellow, red or brown`() throws {
        let editor = try Editor()
        let scene = DrawnScene.meadow()
        let before = scene.picture()
        try editor.write(before, "a.png")
        let outcome = try editor.run(
            ["remix", "a.png", "autumn leaves", "--box", "0,80,240,80", "--seed", "1", "-o", "o.png"])
        #expect(outcome.code == 0, "\(outcome.error)")
        let after = RGBImage(try ImageFile.read(path: editor.path("o.png")).picture)
        var (light, reds, greens): ([(Float, Float)], Float, Float) = ([], 0, 0)
        let start = RGBImage(before)
        for pixel in 80 * 240 ..< 160 * 240 {
            light.append((start.lab(pixel).lightness, after.lab(pixel).lightness))
            reds += after.values[3 * pixel]
            greens += after.values[3 * pixel + 1]
        }
        #expect(reds > greens * 1.1, "\(reds), \(greens)")
        #expect(correlation(light) > 0.9)
    }
}
