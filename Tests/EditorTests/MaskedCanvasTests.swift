import Foundation
import ImageFiles
import Raster
import Testing

/// Masks and protection of `outpaint` and `variations`, with a model of random weights.
@Suite struct MaskedCanvasTests {
    private func editor() throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        return editor
    }

    private static let quick = ["--model", "model", "--steps", "2", "--seed", "5"]

    /// How many pixels of `inside` differ between two pictures, and how many others.
    private func changes(
        _ editor: Editor, _ before: String, _ after: String, at window: PixelRect? = nil,
        inside: (Int, Int) -> Bool
    ) throws -> (inside: Int, outside: Int) {
        let old = try ImageFile.read(path: editor.path(before)).picture
        let whole = try ImageFile.read(path: editor.path(after)).picture
        let new = whole.cropped(to: window ?? PixelRect(whole.size))
        guard old.size == new.size, old.layout == new.layout, case .eight(let first) = old.samples,
            case .eight(let second) = new.samples
        else {
            Issue.record("\(new) for \(old)")
            return (0, .max)
        }
        var counts = (inside: 0, outside: 0)
        for pixel in 0 ..< old.size.area {
            let samples = pixel * old.layout.channels ..< (pixel + 1) * old.layout.channels
            guard samples.contains(where: { first[$0] != second[$0] }) else { continue }
            if inside(pixel % old.width, pixel / old.width) { counts.inside += 1 } else { counts.outside += 1 }
        }
        return counts
    }

    /// In one pass, and panel by panel.
    @Test(arguments: [["--right", "16"], ["--right", "120", "--top", "40", "--panel", "48"]])
    func `Outpaint repaints what is marked of the picture itself`(canvas: [String]) throws {
        let editor = try editor()
        let marked = try editor.run(
            ["outpaint", "a.png", "a fox", "--box", "4,4,30,20", "--protect", "10,10,12,8"] + canvas + Self.quick)
        #expect(marked.code == 0, "\(marked.error)")
        #expect(marked.error.contains("mask: "))
        #expect(marked.error.contains("what is marked, then") == canvas.contains("--panel"))
        let result = try ImageFile.read(path: editor.path("a-outpaint.png")).picture
        let source = PixelRect(x: 0, y: result.height - 48, width: 64, height: 48)
        let counts = try changes(editor, "a.png", "a-outpaint.png", at: source) { x, y in
            (4 ..< 34).contains(x) && (4 ..< 24).contains(y) && !((10 ..< 22).contains(x) && (10 ..< 18).contains(y))
        }
        #expect(counts.outside == 0 && counts.inside > 400, "\(counts)")
    }

    /// `--blend` writes into the picture beside what is added, but not where that is protected.
    @Test(arguments: [["--right", "16"], ["--right", "120", "--panel", "48"]])
    func `What is protected stays under the blend of an outpaint`(canvas: [String]) throws {
        let editor = try editor()
        let source = PixelRect(x: 0, y: 0, width: 64, height: 48)
        let blend = ["outpaint", "a.png", "--blend", "6"] + canvas + Self.quick
        #expect(try editor.run(blend + ["-o", "open.png"]).code == 0)
        let open = try changes(editor, "a.png", "open.png", at: source) { x, y in x >= 58 && y < 24 }
        #expect(open.inside > 0 && open.outside > 0)
        #expect(try editor.run(blend + ["--protect", "0,0,64,24", "-o", "kept.png"]).code == 0)
        let kept = try changes(editor, "a.png", "kept.png", at: source) { x, y in x >= 58 && y >= 24 }
        #expect(kept.inside > 0 && kept.outside == 0, "\(kept)")
    }

    @Test func `Variations of a masked part keep the rest`() throws {
        let editor = try editor()
        let made = try editor.run(["variations", "a.png", "--box", "20,10,20,20", "-n", "2"] + Self.quick)
        #expect(made.code == 0, "\(made.error)")
        for name in ["a-variations.png", "a-variations-2.png"] {
            let counts = try changes(editor, "a.png", name) { x, y in
                (20 ..< 40).contains(x) && (10 ..< 30).contains(y)
            }
            #expect(counts.outside == 0 && counts.inside > 200, "\(name): \(counts)")
        }
        // The same mask as a picture says the same.
        #expect(try editor.run(["variations", "a.png", "--mask", "m.png", "-o", "b.png"] + Self.quick).code == 0)
        #expect(
            try ImageFile.read(path: editor.path("b.png")).picture
                == ImageFile.read(path: editor.path("a-variations.png")).picture)
        let kept = try editor.run(["variations", "a.png", "--protect", "m.png", "-o", "c.png"] + Self.quick)
        #expect(kept.code == 0, "\(kept.error)")
        let counts = try changes(editor, "a.png", "c.png") { x, y in
            !((20 ..< 40).contains(x) && (10 ..< 30).contains(y))
        }
        #expect(counts.outside == 0 && counts.inside > 2000, "\(counts)")
        // Without a mask everything changes, as ever.
        #expect(try editor.run(["variations", "a.png", "-o", "d.png"] + Self.quick).code == 0)
        #expect(try changes(editor, "a.png", "d.png") { _, _ in true }.inside > 2000)
    }
}
