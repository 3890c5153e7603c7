import Foundation
import ImageFiles
import Raster
import Testing

/// Masks that other tools make, as they are read by every command that takes one.
@Suite struct MaskReadingTests {
    private static let size = PixelSize(width: 64, height: 48)
    private static let quick = ["--steps", "1", "--model", "embedded", "--seed", "1"]

    /// A picture of 64×48 in `a.png`, and a mask in `m.png` that marks a rectangle of it.
    private func editor(on: [UInt8], off: [UInt8], layout: Picture.Layout) throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        let samples = (0 ..< Self.size.area).flatMap { Self.isMarked($0) ? on : off }
        try editor.write(Picture(size: Self.size, layout: layout, samples: .eight(samples)), "m.png")
        return editor
    }

    private static func isMarked(_ pixel: Int) -> Bool {
        (20 ..< 40).contains(pixel % 64) && (10 ..< 30).contains(pixel / 64)
    }

    /// Which pixels of a result differ from `a.png`.
    private func changed(_ editor: Editor, _ name: String) throws -> [Bool] {
        let (source, result) = (
            try ImageFile.read(path: editor.path("a.png")).picture, try ImageFile.read(path: editor.path(name)).picture
        )
        guard case .eight(let before) = source.samples, case .eight(let after) = result.samples else { return [] }
        return (0 ..< Self.size.area).map { pixel in
            let samples = pixel * 3 ..< pixel * 3 + 3
            return before[samples] != after[samples]
        }
    }

    static let kinds: [(on: [UInt8], off: [UInt8], layout: Picture.Layout, says: String)] = [
        ([1], [0], .gray, "its values 0 and 1 of 255 are read as off and on"),
        ([255, 255, 255, 255], [0, 0, 0, 0], .rgba, "what is painted in white repaints"),
        ([0, 0, 0, 0], [0, 0, 0, 1], .rgba, "its alpha goes up to 1 of 255"),
        ([255, 254], [0, 255], .grayAlpha, "its alpha of 254 to 255 of 255 hardly varies"),
        ([255, 0, 153], [0, 0, 0], .rgb, "#ff0099 repaints"),
    ]

    @Test(arguments: kinds) func `Every command reads a mask alike`(
        on: [UInt8], off: [UInt8], layout: Picture.Layout, says: String
    ) throws {
        let editor = try editor(on: on, off: off, layout: layout)
        let marked = (0 ..< Self.size.area).map(Self.isMarked)
        for (arguments, name) in [
            (["erase", "a.png", "m.png"], "e.png"), (["inpaint", "a.png", "m.png", "a fox"], "i.png"),
            (["remix", "a.png", "a fox", "--mask", "m.png"], "r.png"),
        ] {
            let outcome = try editor.run(arguments + ["-o", name] + Self.quick)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains(says), "\(arguments): \(outcome.error)")
            #expect(outcome.error.contains("13.0 % of the picture"), "\(outcome.error)")
            let pixels = try changed(editor, name)
            #expect(pixels.indices.allSatisfy { !pixels[$0] || marked[$0] })
            #expect(pixels.contains(true))
        }
        let protected = try editor.run(["remix", "a.png", "a fox", "--protect", "m.png", "-o", "p.png"] + Self.quick)
        #expect(protected.code == 0, "\(protected.error)")
        let rest = try changed(editor, "p.png")
        #expect(rest.indices.allSatisfy { !rest[$0] || !marked[$0] })
        #expect(rest.contains(true))
        let inverted = try editor.run(["mask", "invert", "m.png", "-o", "n.png"])
        #expect(inverted.code == 0, "\(inverted.error)")
        let samples = try ImageFile.read(path: editor.path("n.png")).picture.samples
        #expect(samples == .eight(marked.map { $0 ? 0 : 255 }))
        let info = try editor.run(["info", "m.png"])
        #expect(info.output.contains("as a mask"), "\(info.output)")
    }

    /// Not turned round: what is white there is what never changes.
    @Test func `What is protected is white, whatever --mask-means says of the mask`() throws {
        let editor = try editor(on: [255], off: [0], layout: .gray)
        let outcome = try editor.run(
            ["inpaint", "a.png", "empty.png", "a fox", "--mask-means", "keep", "--protect", "m.png", "-o", "p.png"]
                + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        let pixels = try changed(editor, "p.png")
        #expect(pixels.indices.allSatisfy { !pixels[$0] || !Self.isMarked($0) })
        #expect(pixels.contains(true))
    }

    @Test func `A map of classes is refused, and a class is taken out of it`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let labels = (0 ..< Self.size.area).map { UInt8($0 % 64 / 16) }
        try editor.write(Picture(size: Self.size, layout: .gray, samples: .eight(labels)), "labels.png")
        for arguments in [
            ["erase", "a.png", "labels.png"], ["mask", "grow", "labels.png", "2"],
            ["mask", "combine", "m.png", "labels.png"], ["remix", "a.png", "x", "--protect", "labels.png"],
        ] {
            let refused = try editor.run(arguments)
            #expect(refused.code == 65, "\(arguments): \(refused.error)")
            #expect(refused.error.contains("'labels.png' holds the values 0, 1, 2 and 3 of 255"), "\(refused.error)")
            #expect(refused.error.contains("mask threshold"))
        }
        let made = try editor.run(["mask", "threshold", "labels.png", "--from", "2", "--to", "2"])
        #expect(made.output == "labels-threshold.png\n", "\(made.error)")
        #expect(
            try ImageFile.read(path: editor.path("labels-threshold.png")).picture.samples
                == .eight(labels.map { $0 == 2 ? 255 : 0 }))
        let beyond = try editor.run(["mask", "threshold", "labels.png", "--from", "300"])
        #expect(beyond.code == 64 && beyond.error.contains("0 to 255"), "\(beyond.error)")
        #expect(try editor.run(["mask", "threshold", "labels.png", "--from", "3", "--to", "2"]).code == 64)
        let low = try editor.run(["mask", "threshold", "labels.png", "--to", "0", "-o", "low.png"])
        #expect(low.code == 0 && low.error.contains("25.0 %"), "\(low.error)")
    }

    @Test func `A grey photo is warned of, and told where it was swapped with a mask`() throws {
        let editor = try Editor()
        let size = PixelSize(width: 96, height: 72)
        let samples = (0 ..< size.area).map { pixel in
            UInt8(40 + pixel % 96 + Int(UInt32(truncatingIfNeeded: pixel) &* 2_654_435_761 >> 20) % 25)
        }
        try editor.write(Picture(size: size, layout: .gray, samples: .eight(samples)), "gray.png")
        try editor.write(
            Picture(
                size: size, layout: .rgb, samples: .eight(samples.flatMap { [$0, 255 - $0, 90] as [UInt8] })), "a.png")
        try editor.write(
            Picture(
                size: size, layout: .gray, samples: .eight((0 ..< size.area).map { $0 % 96 < 30 ? 255 : 0 })), "m.png")
        let warned = try editor.run(["inpaint", "a.png", "gray.png", "x", "-o", "w.png", "-q"] + Self.quick)
        #expect(
            warned.code == 0 && warned.error.contains("warning: the mask: it looks like a grey photo"),
            "\(warned.error)")
        let meant = try editor.run(
            ["inpaint", "a.png", "gray.png", "x", "-o", "v.png", "-q", "--mask-means", "white"] + Self.quick)
        #expect(meant.code == 0 && !meant.error.contains("grey photo"), "\(meant.error)")
        let swapped = try editor.run(["erase", "m.png", "gray.png"])
        #expect(swapped.code == 65 && swapped.error.contains("were they swapped?"), "\(swapped.error)")
        let combined = try editor.run(["mask", "combine", "m.png", "gray.png", "-o", "c.png"])
        #expect(
            combined.code == 0 && combined.error.contains("gray.png: it looks like a grey photo"), "\(combined.error)")
        // Of masks none is the picture.
        let colored = try editor.run(["mask", "combine", "m.png", "a.png", "-o", "d.png"])
        #expect(colored.code == 65 && !colored.error.contains("swapped"), "\(colored.error)")
        #expect(colored.error.contains("the mask 'a.png' holds areas of several colours"), "\(colored.error)")
    }

    @Test func `A photo is no mask, and swapped arguments are told`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let samples = (0 ..< Self.size.area * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        try editor.write(Picture(size: Self.size, layout: .rgb, samples: .eight(samples)), "photo.png")
        let photo = try editor.run(["inpaint", "a.png", "photo.png", "x"])
        #expect(photo.code == 65 && photo.error.contains("'photo.png' looks like a picture"), "\(photo.error)")
        let swapped = try editor.run(["erase", "m.png", "photo.png"])
        #expect(swapped.code == 65 && swapped.error.contains("swapped"), "\(swapped.error)")
        let told = try editor.run(
            ["inpaint", "a.png", "photo.png", "x", "--mask-means", "white", "-o", "t.png"] + Self.quick)
        #expect(told.code == 0, "\(told.error)")
    }

    /// Tools that pass over EXIF make masks of the size in which a photo is stored.
    @Test(arguments: [6, 8]) func `A mask in the stored orientation is turned with the picture`(orientation: Int) throws
    {
        let editor = try Editor()
        let stored = Self.size
        let upright = PixelSize(width: 48, height: 64)
        let samples = (0 ..< stored.area * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 / 11) }
        var metadata = ImageMetadata()
        // Little-endian TIFF with one entry, 0x0112.
        metadata.exif = [
            0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, UInt8(orientation), 0, 0, 0, 0, 0, 0, 0,
        ]
        let plain = editor.path("plain.jpg")
        try ImageFile.write(
            Picture(size: stored, layout: .rgb, samples: .eight(samples)), to: plain, format: .jpeg)
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: plain)))
        let segment = Array("Exif\0\0".utf8) + (metadata.exif ?? [])
        try editor.write(
            bytes[..<2] + [0xFF, 0xE1, 0, UInt8(segment.count + 2)] + segment + bytes[2...], "turned.jpg")
        #expect(try ImageFile.read(path: editor.path("turned.jpg")).picture.size == upright)
        let mask = (0 ..< stored.area).map { $0 % 64 < 16 && $0 / 64 < 12 ? UInt8(255) : 0 }
        let maskPicture = Picture(size: stored, layout: .gray, samples: .eight(mask))
        try editor.write(maskPicture, "m.png")
        let expected = maskPicture.upright(from: orientation)
        for fit in [[], ["--fit-mask"]] {
            let outcome = try editor.run(
                ["inpaint", "turned.jpg", "m.png", "x", "-o", "o.png", "--force"] + fit + Self.quick)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("m.png: it has the stored size of 'turned.jpg' (64×48)"), "\(outcome.error)")
            let before = try ImageFile.read(path: editor.path("turned.jpg")).picture
            let after = try ImageFile.read(path: editor.path("o.png")).picture
            guard case .eight(let old) = before.samples, case .eight(let new) = after.samples,
                case .eight(let marks) = expected.samples
            else {
                Issue.record("8 bits were expected")
                return
            }
            var isChanged = false
            for pixel in 0 ..< upright.area where old[pixel * 3 ..< pixel * 3 + 3] != new[pixel * 3 ..< pixel * 3 + 3] {
                #expect(marks[pixel] == 255, "pixel \(pixel % 48),\(pixel / 48)")
                isChanged = true
            }
            #expect(isChanged)
        }
        // Half the size, but of the same shape.
        try editor.write(
            Picture(
                size: PixelSize(width: 32, height: 24), layout: .gray,
                samples: .eight((0 ..< 32 * 24).map { $0 % 32 < 8 && $0 / 32 < 6 ? 255 : 0 })), "half.png")
        let half = try editor.run(
            ["erase", "turned.jpg", "half.png", "-o", "h.png", "--fit-mask"] + Self.quick)
        #expect(half.code == 0 && half.error.contains("turned with the picture"), "\(half.error)")
        // A sixteenth, and the edge that scaling softens.
        #expect(half.error.contains("7.2 % of the picture"), "\(half.error)")
        let bare = try editor.run(["erase", "turned.jpg", "half.png"])
        #expect(bare.code == 65, "\(bare.error)")
    }

    @Test func `--fit-mask tells of a mask that it stretches`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(["inpaint", "a.png", "small.png", "x", "--fit-mask", "-o", "f.png"] + Self.quick)
        #expect(outcome.code == 0 && outcome.error.contains("is stretched to 64×48"), "\(outcome.error)")
    }

    static let outside: [[String]] = [
        ["erase", "a.png", "--box", "64,0,10,10"], ["inpaint", "a.png", "x", "--ellipse", "200,200,9,9"],
        ["remix", "a.png", "x", "--polygon", "70,5 90,5 90,40"], ["erase", "a.png", "--svg-path", "M0 90h9v9h-9z"],
        ["inpaint", "a.png", "m.png", "x", "--protect", "-30,0,20,20"], ["mask", "box", "a.png", "500,500,10,10"],
        ["mask", "stroke", "a.png", "80,80 90,90"], ["mask", "text", "a.png", "x", "--box", "64,0,10,10"],
        ["mask", "select", "a.png", "5,5,30,30", "--exclude", "99,99,2,2"],
    ]

    @Test(arguments: outside) func `A shape outside the picture is refused`(arguments: [String]) throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(arguments)
        #expect(outcome.code == 64, "\(outcome.error)")
        #expect(outcome.error.contains("outside the picture of 64×48"), "\(outcome.error)")
        #expect(!editor.names.contains { $0.hasPrefix("a-") })
    }

    @Test func `What reaches beyond the picture is cut off and said`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(["mask", "box", "a.png", "60,40,100,100"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("the box reaches beyond the picture of 64×48"), "\(outcome.error)")
        #expect(try !editor.run(["mask", "box", "a.png", "50%,0,50%,100%"]).error.contains("beyond"))
    }

    /// An edit that does nothing says so, and why.
    @Test func `Nothing is ever done without a word`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let cases: [([String], String)] = [
            (["erase", "a.png", "empty.png"], "the mask is empty"),
            (["inpaint", "a.png", "m.png", "x", "--protect", "0,0,64,48"], "--protect covers the whole mask"),
            (["remix", "a.png", "x", "--protect", "empty.png", "--steps", "1"], "--protect covers nothing"),
            (
                ["variations", "a.png", "-n", "1", "--tileable", "x", "--protect", "empty.png", "--steps", "1"],
                "--protect covers nothing"
            ),
            (["mask", "shrink", "m.png", "12"], "the mask is empty: nothing is left of it"),
            (["mask", "feather", "thin.png", "30"], "strength is"),
        ]
        var thin = [UInt8](repeating: 0, count: Self.size.area)
        for y in 0 ..< 48 { thin[y * 64 + 30] = 255 }
        try editor.write(Picture(size: Self.size, layout: .gray, samples: .eight(thin)), "thin.png")
        for (arguments, says) in cases {
            let outcome = try editor.run(arguments + ["-q"])
            #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
            #expect(outcome.error.contains(says), "\(arguments): \(outcome.error)")
        }
    }

    /// A JPEG's noise neither changes what is black in it nor makes the crop as large as the picture.
    @Test func `A mask that was a JPEG keeps what is black`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let samples = (0 ..< Self.size.area).map { Self.isMarked($0) ? UInt8(255) : 0 }
        try ImageFile.write(
            Picture(size: Self.size, layout: .gray, samples: .eight(samples)), to: editor.path("m.jpg"), format: .jpeg,
            quality: 70)
        let file = try ImageFile.read(path: editor.path("m.jpg"))
        guard case .eight(let noisy) = file.picture.samples else { return }
        #expect(noisy.contains { $0 > 0 && $0 < 16 })
        let outcome = try editor.run(["mask", "invert", "m.jpg", "-o", "n.png"])
        #expect(outcome.code == 0 && outcome.error.contains("noise of lossy compression"), "\(outcome.error)")
        let read = try ImageFile.read(path: editor.path("n.png")).picture.samples
        #expect(read == .eight(noisy.map { $0 <= 16 ? 255 : $0 >= 239 ? 0 : 255 - $0 }))
    }
}
