import Foundation
import ImageFiles
import Raster
import TestSupport
import Testing

/// `--tileable` under a mask, as a user calls it, with a model of 9 channels.
@Suite struct TextureCommandTests {
    private static let size = PixelSize(width: 96, height: 96)

    private func write(_ picture: Picture, _ name: String, in editor: Editor) throws {
        try ImageFile.write(picture, to: editor.folder.appending(path: name).path(), format: .png)
    }

    private func texture(depth: Int) -> Picture {
        var image = RGBImage(size: Self.size)
        for pixel in 0 ..< Self.size.area {
            let (x, y) = (Float(pixel % Self.size.width), Float(pixel / Self.size.width))
            let gray = 0.3 + 0.003 * x + 0.08 * sin(x / 3 + 2 * sin(y / 5)) + 0.05 * cos(y * 0.9)
            for channel in 0 ..< 3 { image.values[pixel * 3 + channel] = gray }
        }
        return Picture(image, depth: depth)
    }

    /// How much pixels differ over the left and right border (or the upper and lower one), over how much neighbours do
    /// 2 to 8 pixels beside it.
    private static func step(over isAcross: Bool, _ picture: Picture) -> Float {
        let values = RGBImage(picture).rolled(x: 48, y: 48).values
        func difference(_ line: Int) -> Float {
            (0 ..< 96).reduce(0) { sum, index in
                let (first, second) =
                    isAcross ? (index * 96 + line - 1, index * 96 + line) : ((line - 1) * 96 + index, line * 96 + index)
                return sum + abs(values[first * 3] - values[second * 3])
            }
        }
        let beside = (2 ... 8).reduce(0) { $0 + difference(48 - $1) + difference(48 + $1) } / 14
        return (difference(48) + 0.4) / (beside + 0.4)
    }

    private var frame: Picture {
        let samples = (0 ..< Self.size.area).map { index -> UInt8 in
            let (x, y) = (index % Self.size.width, index / Self.size.width)
            return min(x, y, 95 - x, 95 - y) < 16 ? 255 : 0
        }
        return Picture(size: Self.size, layout: .gray, samples: .eight(samples))
    }

    @Test(arguments: ["inpaint", "erase", "remix"].oneIfSanitized, ["both", "x", "y"].oneIfSanitized)
    func `A frame is repainted in one pass`(command: String, axes: String) throws {
        let editor = try Editor()
        try TinyModel.write(to: editor.folder.appending(path: "tiny"))
        for depth in [8, 16] {
            let source = texture(depth: depth)
            try write(source, "a.png", in: editor)
            try write(frame, "m.png", in: editor)
            let words = command == "remix" ? ["a stone", "--mask", "m.png"] : ["m.png"]
            let outcome = try editor.run(
                [command, "a.png"] + words + [
                    "--tileable", axes, "--model", "tiny", "--steps", "2", "--seed", "1", "-o", "out.png", "--force",
                ])
            #expect(outcome.code == 0, "\(outcome.error)")
            let result = try ImageFile.read(path: editor.folder.appending(path: "out.png").path()).picture
            #expect(
                result.cropped(to: PixelRect(Self.size).insetBy(16))
                    == source.cropped(to: PixelRect(Self.size).insetBy(16)))
            #expect(result != source)
            for isAcross in [true, false] where axes == "both" || (axes == "x") == isAcross {
                #expect(Self.step(over: isAcross, result) < 1.5)
            }
            // Equal channels before, equal channels after.
            let values = RGBImage(result).values
            let tinted = (0 ..< Self.size.area).count { pixel in
                let (red, green, blue) = (values[pixel * 3], values[pixel * 3 + 1], values[pixel * 3 + 2])
                return red != green || green != blue
            }
            #expect(tinted == 0)
        }
    }

    @Test func `What cannot repeat is refused with its reason`() throws {
        let editor = try Editor()
        try write(texture(depth: 8), "a.png", in: editor)
        let white = Picture(
            size: Self.size, layout: .gray, samples: .eight([UInt8](repeating: 255, count: Self.size.area)))
        try write(white, "m.png", in: editor)
        let outcome = try editor.run(["erase", "a.png", "m.png", "--tileable", "both", "-o", "out.png"])
        #expect(outcome.code == 64)
        #expect(outcome.error.contains("so there is nothing for --tileable to continue"))
    }
}
