import Foundation
import ImageFiles
import Raster
import Testing

/// Edits of a JPEG of 12 bits (`fixtures/make_deep_jpegs.py`), through the program.
@Suite struct DeepJPEGEditTests {
    private static let fixture = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/formats/rgb-12bit.jpg")

    private func editor() throws -> Editor {
        let editor = try Editor()
        try FileManager.default.copyItem(at: Self.fixture, to: editor.folder.appending(path: "a.jpg"))
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        return editor
    }

    private static let quick = ["--box", "8,6,6,5", "--model", "model", "--steps", "2", "--seed", "5"]

    @Test(.enabled(if: ImageFormat.readsDeepJPEG, "skipped: no libjpeg-turbo 3"))
    func `A 12-bit JPEG becomes a 16-bit PNG, the same outside the mask`() throws {
        let editor = try editor()
        let made = try editor.run(["inpaint", "a.jpg", "a fox"] + Self.quick)
        #expect(made.code == 0 && made.output == "a-inpaint.png\n", "\(made.error)")
        let (before, after) = try (
            ImageFile.read(path: editor.path("a.jpg")), ImageFile.read(path: editor.path("a-inpaint.png"))
        )
        guard case .sixteen(let old) = before.picture.samples, case .sixteen(let new) = after.picture.samples else {
            Issue.record("12 bits became 8")
            return
        }
        let box = PixelRect(x: 8, y: 6, width: 6, height: 5)
        var changed = 0
        for pixel in 0 ..< before.picture.size.area {
            let (x, y) = (pixel % 23, pixel / 23)
            let differs = (0 ..< 3).contains { old[pixel * 3 + $0] != new[pixel * 3 + $0] }
            let isInside = (box.x ..< box.x + box.width).contains(x) && (box.y ..< box.y + box.height).contains(y)
            #expect(isInside || !differs, "\(x),\(y)")
            changed += differs ? 1 : 0
        }
        #expect(changed > 0)

        let jpeg = try editor.run(["inpaint", "a.jpg", "a fox", "-o", "b.jpg"] + Self.quick)
        #expect(jpeg.code == 0 && jpeg.error.contains("the picture's 16 were rounded"), "\(jpeg.error)")
        #expect(try ImageFile.read(path: editor.path("b.jpg")).facts.bitDepth == 8)

        let info = try editor.run(["info", "a.jpg"])
        #expect(info.output.contains("YCbCr, 12 bits"), "\(info.output)")
    }

    @Test func `Without libjpeg-turbo 3 it is refused by name`() throws {
        // Where the program is linked with it, there is no being without.
        guard unsafe dlsym(nil, "jpeg12_read_scanlines") == nil else { return }
        let editor = try editor()
        editor.environment["XDG_DATA_HOME"] = editor.path("nothing")
        let refused = try editor.run(["inpaint", "a.jpg", "a fox"] + Self.quick)
        #expect(refused.code == 65)
        #expect(refused.error.contains("a.jpg") && refused.error.contains("need libjpeg-turbo 3"), "\(refused.error)")
        // What is no library is none.
        try FileManager.default.createDirectory(
            at: editor.folder.appending(path: "nothing/editor"), withIntermediateDirectories: true)
        try editor.write("not a library", "nothing/editor/libjpeg.so.62")
        #expect(try editor.run(["inpaint", "a.jpg", "a fox"] + Self.quick).code == 65)
    }
}
