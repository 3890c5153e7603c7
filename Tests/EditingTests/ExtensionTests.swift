import Editing
import Foundation
import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

/// Outpaints of pictures with a subject, and of landscapes, as a whole.
@Suite struct ExtensionTests {
    private static let size = PixelSize(width: 96, height: 144)
    private static let hair: [Float] = [0.45, 0.2, 0.05]
    private static let skin: [Float] = [0.9, 0.7, 0.58]
    private static let eye: [Float] = [0.05, 0.55, 0.2]

    /// A head before a wall whose lower part is darker.
    private static let portrait: Picture = {
        var image = RGBImage(size: size)
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                let (dx, dy) = (Float(x) - 48, Float(y) - 60)
                func isIn(_ x: Float, _ y: Float, _ width: Float, _ height: Float) -> Bool {
                    let (a, b) = ((dx - x) / width, (dy - y) / height)
                    return a * a + b * b < 1
                }
                let grain = 0.01 * Float((x * 7 + y * 13) % 5)
                var color: [Float] = y < 100 ? [0.55 + grain, 0.6 + grain, 0.7] : [0.25 + grain, 0.3, 0.4]
                if isIn(0, 4, 26, 34) || abs(dx) < 8 && dy > 30 { color = hair }
                if isIn(0, 8, 19, 26) { color = skin }
                if isIn(-8, 2, 4, 3) || isIn(8, 2, 4, 3) { color = eye }
                image.values.replaceSubrange((y * size.width + x) * 3 ..< (y * size.width + x) * 3 + 3, with: color)
            }
        }
        return Picture(image)
    }()

    private func extended(_ picture: Picture, _ margins: Margins, panel: Int?, prompt: String) throws -> Picture {
        let scratch = try Scratch()
        var request = EditRequest(
            mode: .outpaint, picture: .file(path: try scratch.write(picture, "a.png")), prompt: prompt,
            canvas: .margins(margins))
        request.settings.panel = panel
        let report = try request.run(StubModel(nativeSize: 256))
        return try ImageFile.read(path: report.saved[0].path).picture
    }

    @Test(
        arguments: [
            Margins(left: 80, right: 80), Margins(left: 90), Margins(top: 60),
            Margins(left: 40, right: 50, top: 30, bottom: 20),
        ].oneIfSanitized, [nil, 32].oneIfSanitized)
    func `A head is not painted again`(_ margins: Margins, _ panel: Int?) throws {
        for prompt in ["", "a wall"] {
            let result = try extended(Self.portrait, margins, panel: panel, prompt: prompt)
            let place = PixelRect(x: margins.left, y: margins.top, width: 96, height: 144)
            #expect(result.cropped(to: place) == Self.portrait)
            let image = RGBImage(result)
            // The neck touches the lower edge, and may go on there.
            var (cloned, count) = (0, 0)
            for y in 0 ..< place.maxY {
                for x in 0 ..< image.width where !(place.x ..< place.maxX).contains(x) || y < place.y {
                    let pixel = image.values[(y * image.width + x) * 3 ..< (y * image.width + x) * 3 + 3]
                    count += 1
                    let isSubject = [Self.hair, Self.skin, Self.eye].contains { color in
                        zip(color, pixel).allSatisfy { abs($0 - $1) < 0.1 }
                    }
                    if isSubject { cloned += 1 }
                }
            }
            #expect(Double(cloned) < 0.001 * Double(count), "\(cloned) of \(count)")
        }
    }

    @Test(arguments: [Gown(hem: 0.54), Gown(x: 0.3, hem: 0.45)].oneIfSanitized, [nil, 48].oneIfSanitized)
    func `A gown does not come apart`(_ gown: Gown, _ panel: Int?) throws {
        let image = gown.picture { x, y in SIMD3(0.72, 0.76, 0.78) + 0.004 * Float((x * 7 + y * 13) % 5) }
        for margins in [Margins(left: 90, right: 90), Margins(left: 40, right: 40, top: 50, bottom: 50)] {
            let result = RGBImage(try extended(Picture(image), margins, panel: panel, prompt: ""))
            let place = PixelRect(x: margins.left, y: margins.top, width: image.width, height: image.height)
            let share = Gown.apart(in: result, from: place)
            #expect(share < 0.002, "\(margins): \(share)")
        }
    }

    /// A landscape has no subject: nearly all of it may go on.
    @Test(arguments: ["dunes", "hills", "lake", "mountain"]) func `A landscape is free`(name: String) throws {
        let image = RGBImage(try ImageFile.read(path: "\(Fixtures.root)/images/\(name).jpg").picture)
        let excluded = ExtensionSources(image, sides: Margins(left: 1, right: 1)).excluded.values
        #expect(excluded.reduce(0, +) / Float(excluded.count) < 0.2)
        for sides in [Margins(left: 1, right: 1), Margins(left: 1, right: 1, top: 1, bottom: 1)] {
            let subjects = ExtensionSources(image, sides: sides).subjectCells.count
            #expect(subjects == 0)
        }
    }
}
