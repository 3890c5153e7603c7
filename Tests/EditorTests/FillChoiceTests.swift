import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// `--fill noise` and a colour only hold the place of what is painted: nothing of them is to be seen in a result.
@Suite struct FillChoiceTests {
    private static let size = PixelSize(width: 240, height: 160)
    private static let hole = PixelRect(x: 80, y: 50, width: 80, height: 60)

    /// Mean squared difference of chroma (Cb and Cr) between neighbours, inside a rectangle.
    private func chromaEnergy(_ picture: Picture, in rect: PixelRect) -> Float {
        let image = RGBImage(picture)
        func chroma(_ x: Int, _ y: Int) -> SIMD2<Float> {
            let pixel = y * picture.width + x
            let (red, green, blue) = (
                image.values[3 * pixel], image.values[3 * pixel + 1], image.values[3 * pixel + 2]
            )
            let luma = 0.299 * red + 0.587 * green + 0.114 * blue
            return SIMD2(0.564 * (blue - luma), 0.713 * (red - luma))
        }
        var sum: Float = 0
        for y in rect.y ..< rect.maxY - 1 {
            for x in rect.x ..< rect.maxX - 1 {
                let (here, right, below) = (chroma(x, y), chroma(x + 1, y), chroma(x, y + 1))
                sum += ((right - here) * (right - here)).sum() + ((below - here) * (below - here)).sum()
            }
        }
        return sum / Float((rect.width - 1) * (rect.height - 1))
    }

    /// Coloured grain of a photo, of some 6 steps of 255.
    private static let scene = DrawnScene(size: size) { x, y in
        let tint = SIMD3(
            DrawnScene.grain(x, y, seed: 7), DrawnScene.grain(x, y, seed: 8), DrawnScene.grain(x, y, seed: 9))
        return DrawnScene.meadow(size: size).color(x, y) + tint * 0.09
    }

    private func edits(_ fill: String) -> [([String], PixelRect)] {
        let box = ["--box", "80,50,80,60"]
        let panel = PixelRect(x: 240, y: 0, width: 48, height: 160)
        return [
            (["inpaint", "a.png", "a house"] + box, Self.hole), (["inpaint", "a.png"] + box, Self.hole),
            (["erase", "a.png"] + box, Self.hole), (["remix", "a.png", "a beach"] + box, Self.hole),
            (["remix", "a.png", "a red house"] + box, Self.hole),
            (["variations", "a.png", "-n", "1"] + box, Self.hole),
            (["outpaint", "a.png", "--right", "48"], panel),
        ].map { ($0.0 + ["--fill", fill, "--seed", "4", "--force", "-o", "o.png"], $0.1) }
    }

    /// A house's own edges are many; noise has forty times the energy of the scene.
    private static let mostEnergy: Float = 3

    @Test(arguments: ["noise", "#ff00ff"].oneIfSanitized)
    func `Nothing of it is seen, whatever the embedded model does`(fill: String) throws {
        let editor = try Editor()
        let before = Self.scene.picture()
        try editor.write(before, "a.png")
        let around = chromaEnergy(before, in: PixelRect(x: 0, y: 0, width: 240, height: 40))
        for (edit, rect) in edits(fill) {
            for options in [[], ["--detail", "model"], ["--strength", "1"]] {
                let outcome = try editor.run(edit + options)
                #expect(outcome.code == 0, "\(edit): \(outcome.error)")
                if options.isEmpty {
                    #expect(outcome.error.contains("must not show in the result"), "\(outcome.error)")
                }
                let after = try ImageFile.read(path: editor.path("o.png")).picture
                let energy = chromaEnergy(after, in: rect)
                #expect(energy <= Self.mostEnergy * around, "\(edit + options): \(energy) by \(around)")
                // No block of magenta.
                var magenta = 0
                let image = RGBImage(after)
                for y in rect.y ..< rect.maxY {
                    for x in rect.x ..< rect.maxX {
                        let pixel = 3 * (y * after.width + x)
                        let (red, green, blue) = (
                            image.values[pixel], image.values[pixel + 1], image.values[pixel + 2]
                        )
                        if red > 0.7, blue > 0.7, green < 0.3 { magenta += 1 }
                    }
                }
                #expect(magenta < rect.width * rect.height / 50, "\(edit + options): \(magenta)")
            }
        }
    }

    @Test func `A grey mask shows nothing of it either`() throws {
        let editor = try Editor()
        let before = Self.scene.picture()
        try editor.write(before, "a.png")
        let soft = Self.scene.mask { x, y in x > 90 && x < 150 && y > 55 && y < 105 }
        try editor.write(soft, "hard.png")
        #expect(try editor.run(["mask", "feather", "hard.png", "8", "-o", "m.png"]).code == 0)
        let around = chromaEnergy(before, in: PixelRect(x: 0, y: 0, width: 240, height: 40))
        for command in [["inpaint", "a.png", "m.png", "a house"], ["erase", "a.png", "m.png"]] {
            let outcome = try editor.run(command + ["--fill", "noise", "--seed", "4", "-o", "o.png", "--force"])
            #expect(outcome.code == 0, "\(outcome.error)")
            let after = try ImageFile.read(path: editor.path("o.png")).picture
            #expect(chromaEnergy(after, in: Self.hole) <= Self.mostEnergy * around)
        }
    }

    @Test func `What would leave it to be seen is refused with a sentence`() throws {
        let editor = try Editor()
        try editor.write(Self.scene.picture(), "a.png")
        for (edit, _) in edits("noise") {
            for (options, says) in [
                (["--detail", "kept"], "--detail kept would show the fill"),
                (["--detail", "mixed"], "--detail mixed would show the fill"),
                (["--detail", "color"], "--detail color would show the fill"),
                (["--strength", "0.5"], "--strength 0.5 leaves some of --fill noise to be seen"),
            ] {
                let outcome = try editor.run(edit + options)
                #expect(outcome.code == 64 && outcome.error.contains(says), "\(edit + options): \(outcome.error)")
            }
        }
        #expect(!editor.names.contains("o.png"))
    }

    /// The other fills come from the picture, and may be seen.
    @Test(arguments: ["fill", "patchmatch", "original"])
    func `Other fills are kept as before`(fill: String) throws {
        let editor = try Editor()
        let before = Self.scene.picture()
        try editor.write(before, "a.png")
        let around = chromaEnergy(before, in: PixelRect(x: 0, y: 0, width: 240, height: 40))
        for options in [["--detail", "kept"], ["--detail", "mixed"], ["--strength", "0.5"]] {
            let outcome = try editor.run(
                ["erase", "a.png", "--box", "80,50,80,60", "--fill", fill, "--seed", "4", "-o", "o.png", "--force"]
                    + options)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(!outcome.error.contains("must not show in the result"))
            let after = try ImageFile.read(path: editor.path("o.png")).picture
            #expect(chromaEnergy(after, in: Self.hole) <= Self.mostEnergy * around)
        }
    }
}
