import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// Words that are painted into a mask of `editor mask text` can be read.
@Suite struct LetteringTests {
    static let scenes: [(String, @Sendable () -> DrawnScene)] = [
        ("meadow", { .meadow() }), ("wall", { .wall() }), ("water", { .water() }),
    ]

    private func scene(_ name: String) throws -> DrawnScene { try #require(Self.scenes.first { $0.0 == name }).1() }

    /// How far the change follows the mask, and the ΔE*ab across the letters' outline: means of three pixels on either
    /// side, the mean of all and the least tenth.
    private func readability(_ before: Picture, _ after: Picture, mask: Picture) -> (
        correlation: Float, mean: Float, tenth: Float
    ) {
        let (old, new, shape) = (RGBImage(before), RGBImage(after), RGBImage(mask))
        let width = before.width
        let change = (0 ..< before.size.area).map { pixel in
            (shape.values[3 * pixel], min(1, old.lab(pixel).distance(to: new.lab(pixel)) / 30))
        }
        func mean(_ pixels: [Int]) -> LabColor {
            var sum = SIMD3<Float>()
            for pixel in pixels {
                sum += SIMD3(new.values[3 * pixel], new.values[3 * pixel + 1], new.values[3 * pixel + 2])
            }
            sum /= Float(pixels.count)
            return LabColor(red: sum.x, green: sum.y, blue: sum.z)
        }
        var found: [Float] = []
        for y in 5 ..< before.height - 5 {
            for x in 5 ..< width - 5 {
                let pixel = y * width + x
                for step in [-1, 1, -width, width] {
                    // Across an upright or level edge, of a pixel in part covered at most.
                    let inside = (0 ..< 3).map { pixel - $0 * step }
                    let outside = (2 ... 4).map { pixel + $0 * step }
                    guard inside.allSatisfy({ shape.values[3 * $0] == 1 }),
                        outside.allSatisfy({ shape.values[3 * $0] == 0 })
                    else { continue }
                    found.append(mean(inside).distance(to: mean(outside)))
                }
            }
        }
        found.sort()
        guard !found.isEmpty else { return (0, 0, 0) }
        return (correlation(change), found.reduce(0, +) / Float(found.count), found[found.count / 10])
    }

    @Test(
        .enabled(if: Fonts.areInstalled, Fonts.absence), arguments: scenes.map(\.0).oneIfSanitized,
        ["snow", "gold", "fire", "grass", "red bricks"].oneIfSanitized
    )
    func `HELLO can be read`(name: String, prompt: String) throws {
        let editor = try Editor()
        let before = try scene(name).picture()
        try editor.write(before, "a.png")
        let made = try editor.run(["mask", "text", "a.png", "HELLO", "-o", "m.png"])
        #expect(made.code == 0, "\(made.error)")
        let outcome = try editor.run(["inpaint", "a.png", "m.png", prompt, "--seed", "2", "-o", "o.png"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("--composite stencil"))
        let after = try ImageFile.read(path: editor.path("o.png")).picture
        let mask = try ImageFile.read(path: editor.path("m.png")).picture
        let (correlation, mean, tenth) = readability(before, after, mask: mask)
        #expect(correlation > 0.8, "\(correlation)")
        #expect(mean > 25 && tenth > 15, "\(mean), \(tenth)")
        let (old, new, shape) = (RGBImage(before).values, RGBImage(after).values, RGBImage(mask).values)
        #expect(old.indices.allSatisfy { shape[$0] > 0 || old[$0] == new[$0] })
    }

    /// A mask that was drawn elsewhere says nothing of words: a scratch is to be mended, a word to be read. Here the
    /// option decides, with models that see the mask and with others.
    @Test(arguments: ["sd1", "sd2-inpaint"])
    func `With --composite stencil any shape is seen, with any model`(pipeline: String) throws {
        let editor = try Editor()
        let before = try scene("water").picture()
        try editor.write(before, "a.png")
        let model = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "fixtures/parity/pipelines").appending(path: pipeline).path()
        let shape = ["mask", "polygon", "a.png", "40,130 90,30 105,30 150,130 130,130 97,50 60,130", "-o", "m.png"]
        #expect(try editor.run(shape).code == 0)
        let edit = ["inpaint", "a.png", "m.png", "snow", "--model", model, "--steps", "2", "--seed", "5"]
        let outcome = try editor.run(edit + ["--composite", "stencil", "-o", "o.png"])
        #expect(outcome.code == 0, "\(outcome.error)")
        let after = try ImageFile.read(path: editor.path("o.png")).picture
        let mask = try ImageFile.read(path: editor.path("m.png")).picture
        let (_, mean, _) = readability(before, after, mask: mask)
        #expect(mean > 20, "\(mean)")
    }

    @Test func `A thin mask of another origin is told of the stencil, a thick one is not`() throws {
        let editor = try Editor()
        try editor.write(DrawnScene.water().picture(), "a.png")
        let edit = ["inpaint", "a.png", "snow", "--steps", "1", "--seed", "1", "-o", "o.png", "--force"]
        _ = try editor.run(["mask", "stroke", "a.png", "30,30 200,120", "--width", "6", "-o", "m.png"])
        let thin = try editor.run(["inpaint", "a.png", "m.png", "snow"] + edit[3...])
        #expect(thin.code == 0 && thin.error.contains("--composite stencil keeps the mask's shape"), "\(thin.error)")
        let thick = try editor.run(edit + ["--box", "40,40,80,60"])
        #expect(thick.code == 0 && !thick.error.contains("stencil"), "\(thick.error)")
        let mended = try editor.run(["erase", "a.png", "m.png", "-o", "e.png"])
        #expect(mended.code == 0 && !mended.error.contains("stencil"), "\(mended.error)")
    }

    @Test(.enabled(if: Fonts.areInstalled, Fonts.absence))
    func `Words stay words when they are grown or joined, and are none when they are inverted`() throws {
        let editor = try Editor()
        try editor.write(DrawnScene.wall().picture(), "a.png")
        let made = try editor.run(["mask", "text", "a.png", "HI", "-o", "m.png"])
        #expect(made.code == 0, "\(made.error)")
        for (verb, isLettering) in [
            (["grow", "m.png", "2"], true), (["shrink", "m.png", "1"], true), (["feather", "m.png", "1"], true),
            (["invert", "m.png"], false), (["combine", "m.png", "m.png"], true),
            (["combine", "m.png", "box.png"], true), (["combine", "box.png", "m.png"], true),
            (["combine", "m.png", "most.png"], false), (["combine", "m.png", "box.png", "most.png"], false),
            (["combine", "m.png", "box.png", "--by", "subtract"], true),
            (["combine", "box.png", "m.png", "--by", "subtract"], false),
            (["combine", "m.png", "most.png", "--by", "intersect"], true),
            (["combine", "most.png", "m.png", "--by", "intersect"], true),
            (["fill-holes", "m.png"], true), (["threshold", "m.png"], true),
            (["threshold", "m.png", "--to", "9"], false),
            (["grow", "m.png", "2", "--mask-means", "keep"], false),
            (["combine", "m.png", "m.png", "--mask-means", "keep"], false),
        ] {
            _ = try editor.run(["mask", "box", "a.png", "0,0,20,20", "-o", "box.png", "--force"])
            _ = try editor.run(["mask", "ellipse", "a.png", "50%,50%,49%,49%", "-o", "most.png", "--force"])
            let outcome = try editor.run(["mask"] + verb + ["-o", "n.png", "--force"])
            #expect(outcome.code == 0, "\(verb): \(outcome.error)")
            let file = try ImageFile.read(path: editor.path("n.png"))
            #expect(file.metadata.text.contains { $0.text == "lettering" } == isLettering, "\(verb)")
            let isCovered = verb.contains("most.png") && !verb.contains("--by")
            #expect(outcome.error.contains("another mask covers the words") == isCovered, "\(outcome.error)")
        }
        // The same where an edit takes several masks.
        for (shape, isStencil) in [("--box", true), ("--ellipse", false)] {
            let numbers = isStencil ? "0,0,20,20" : "50%,50%,49%,49%"
            let edit = ["inpaint", "a.png", "m.png", "snow", shape, numbers, "--steps", "1", "-o", "j.png", "--force"]
            let made = try editor.run(edit)
            #expect(made.code == 0 && made.error.contains("the mask shows words") == isStencil, "\(made.error)")
            #expect(made.error.contains("another mask covers the words") != isStencil, "\(made.error)")
        }
        let kept = try editor.run(
            ["inpaint", "a.png", "m.png", "snow", "--mask-means", "keep", "--steps", "1", "-o", "k.png"])
        #expect(kept.code == 0 && !kept.error.contains("stencil"), "\(kept.error)")
    }
}
