import Raster
import Testing

@testable import ImageFiles

/// An edited JPEG keeps the coefficients of every block that the edit did not touch.
@Suite struct JPEGSpliceTests {
    /// What the source and the result hold, block for block.
    private struct Comparison {
        var blocks = 0
        var touched = 0
        /// Blocks that no changed pixel lies in, and that differ all the same.
        var wrong = 0
        /// Touched blocks whose coefficients changed.
        var changed = 0
    }

    private func coefficients(_ file: [UInt8], _ coding: JPEGCoding) throws -> [[Int16]] {
        try coding.components.indices.map { try JPEGSource.coefficients(of: file, component: $0, name: "a.jpg") }
    }

    /// Compares by the definition: a block of a component covers 8 · (largest factor / its factor) pixels a side.
    private func compare(
        _ source: [UInt8], _ result: [UInt8], coding: JPEGCoding, size: PixelSize, changed: PixelRect
    ) throws -> Comparison {
        let (before, after) = try (coefficients(source, coding), coefficients(result, coding))
        var comparison = Comparison()
        let widest = try #require(coding.components.map(\.horizontal).max())
        let tallest = try #require(coding.components.map(\.vertical).max())
        for (index, component) in coding.components.enumerated() {
            let (w, h) = coding.components.count == 1 ? (1, 1) : (component.horizontal, component.vertical)
            let (maxW, maxH) = coding.components.count == 1 ? (1, 1) : (widest, tallest)
            let columns = ((size.width * w + maxW - 1) / maxW + 7) / 8
            let rows = ((size.height * h + maxH - 1) / maxH + 7) / 8
            #expect(before[index].count == columns * rows * 64)
            guard before[index].count == after[index].count, before[index].count == columns * rows * 64 else {
                Issue.record("component \(index) has \(after[index].count) coefficients, not \(before[index].count)")
                continue
            }
            for row in 0 ..< rows {
                for column in 0 ..< columns {
                    let area = PixelRect(
                        x: column * 8 * maxW / w, y: row * 8 * maxH / h, width: 8 * maxW / w, height: 8 * maxH / h)
                    let overlap = area.intersection(changed)
                    let isTouched = overlap.width > 0 && overlap.height > 0
                    let start = (row * columns + column) * 64
                    let isSame = before[index][start ..< start + 64] == after[index][start ..< start + 64]
                    comparison.blocks += 1
                    if isTouched { comparison.touched += 1 }
                    if !isTouched, !isSame { comparison.wrong += 1 }
                    if isTouched, !isSame { comparison.changed += 1 }
                }
            }
        }
        return comparison
    }

    /// `picture` with every sample of the rectangle inverted.
    private func inverted(_ picture: Picture, in rect: PixelRect) -> Picture {
        var values = picture.bytes
        let channels = picture.layout.channels
        for y in rect.y ..< rect.maxY {
            for index in (y * picture.width + rect.x) * channels ..< (y * picture.width + rect.maxX) * channels {
                values[index] = 255 - values[index]
            }
        }
        return Picture(size: picture.size, layout: picture.layout, samples: .eight(values))
    }

    private func encoded(_ loaded: LoadedImage, _ picture: Picture) throws -> ImageFile.Encoded {
        try ImageFile.encode(
            picture, format: .jpeg, metadata: loaded.metadata, jpegSource: loaded.jpegSource, name: "b.jpg")
    }

    /// Edits a rectangle of a file and checks all promises; returns what was compared, nil for a file that is CMYK or
    /// damaged and so encoded anew.
    private func check(_ file: [UInt8], _ name: String) throws -> Comparison? {
        let loaded = try ImageFile.read(bytes: file, name: name)
        guard loaded.jpegSource != nil, let coding = loaded.metadata.jpegCoding else { return nil }
        let size = loaded.picture.size
        // About a third of each side, at no multiple of 8.
        let rect = PixelRect(
            x: size.width / 3, y: size.height / 4, width: max(1, size.width / 3), height: max(1, size.height / 3))

        // Nothing changed: nothing is coded anew.
        let same = try encoded(loaded, loaded.picture)
        let kept = try #require(same.blocks, "\(name)")
        #expect(kept.changed == 0)
        let stored = JPEGCoding.stored(coding, orientation: loaded.facts.orientation)
        let before = try coefficients(file, stored)
        let after = try coefficients(same.bytes, stored)
        #expect(before == after, "\(name)")
        #expect(try ImageFile.read(bytes: same.bytes, name: "same").picture == loaded.picture, "\(name)")

        let edited = inverted(loaded.picture, in: rect)
        let result = try encoded(loaded, edited)
        let again = try ImageFile.read(bytes: result.bytes, name: "again")
        #expect(again.picture.size == size)
        // The rectangle as it is stored: found from the samples, not from the turning that is tested.
        let storedBefore = try #require(loaded.jpegSource?.turnedBack(loaded.picture))
        let storedAfter = try #require(loaded.jpegSource?.turnedBack(edited))
        let changed = try #require(bounds(of: storedBefore, storedAfter))
        let comparison = try compare(
            file, result.bytes, coding: stored, size: loaded.facts.storedSize, changed: changed)
        #expect(comparison.wrong == 0, "\(name): \(comparison)")
        #expect(comparison.changed * 4 > comparison.touched, "\(name): \(comparison)")
        #expect(result.blocks == JPEGSource.Blocks(all: comparison.blocks, changed: comparison.touched), "\(name)")
        return comparison
    }

    private func bounds(of one: Picture, _ other: Picture) -> PixelRect? {
        let (first, second) = (one.bytes, other.bytes)
        let channels = one.layout.channels
        var (left, top, right, bottom) = (Int.max, Int.max, -1, -1)
        for index in first.indices where first[index] != second[index] {
            let (x, y) = (index / channels % one.width, index / channels / one.width)
            (left, top, right, bottom) = (min(left, x), min(top, y), max(right, x), max(bottom, y))
        }
        return right < 0 ? nil : PixelRect(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }

    @Test(arguments: [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)], [false, true])
    func untouchedBlocksKeepTheirCoefficients(luma: (Int, Int), isProgressive: Bool) throws {
        var metadata = ImageMetadata()
        let base = try ImageFile.encode(gradient(PixelSize(width: 8, height: 8)), format: .jpeg, quality: 80).bytes
        metadata.jpegCoding = try ImageFile.read(bytes: base, name: "a").metadata.jpegCoding
        metadata.jpegCoding?.components[0].horizontal = luma.0
        metadata.jpegCoding?.components[0].vertical = luma.1
        metadata.jpegCoding?.isProgressive = isProgressive
        for (width, height) in [(96, 80), (61, 43), (17, 9)] {
            let file = try ImageFile.encode(
                gradient(PixelSize(width: width, height: height)), format: .jpeg, metadata: metadata
            ).bytes
            let comparison = try check(file, "\(width)x\(height)")
            #expect(comparison != nil)
        }
    }

    @Test func aDifferentCanvasIsEncodedAnew() throws {
        let file = try ImageFile.encode(gradient(PixelSize(width: 40, height: 40)), format: .jpeg).bytes
        let loaded = try ImageFile.read(bytes: file, name: "a.jpg")
        let larger = try encoded(loaded, gradient(PixelSize(width: 48, height: 40)))
        #expect(larger.blocks == nil)
        let asked = try ImageFile.encode(
            loaded.picture, format: .jpeg, metadata: loaded.metadata, quality: 50, jpegSource: loaded.jpegSource)
        #expect(asked.blocks == nil)
        #expect(try ImageFile.read(bytes: asked.bytes, name: "b").metadata.jpegCoding?.estimatedQuality == 50)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func filesOfTheWorldKeepTheirBlocks() throws {
        var (spliced, anew, blocks) = (0, 0, 0)
        for folder in [
            "jpeg-decoder/tests/reftest/images", "jpeg-decoder/tests/reftest/images/mozilla", "libjpeg-turbo",
        ] {
            for path in try Corpora.files("jpeg/" + folder, suffix: ".jpg") {
                let file = try contents(path)
                guard let loaded = try? ImageFile.read(bytes: file, name: path), loaded.formatOfResults == .jpeg
                else { continue }
                if let comparison = try check(file, name(path)) {
                    spliced += 1
                    blocks += comparison.blocks
                } else {
                    #expect([.cmyk, .ycck].contains(loaded.facts.colorType) || !loaded.notes.isEmpty, "\(name(path))")
                    anew += 1
                }
            }
        }
        #expect(spliced == 33 && anew == 6 && blocks == 50667)
    }

    /// The file keeps the orientation it states; read again, it is upright.
    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func orientationsStayWithTheirBlocks() throws {
        var upright: [String: Picture] = [:]
        for path in try Corpora.files("exif/orientation", suffix: ".jpg") {
            let file = try contents(path)
            let comparison = try #require(try check(file, name(path)))
            #expect(comparison.touched < comparison.blocks / 4)
            let loaded = try ImageFile.read(bytes: file, name: path)
            let result = try encoded(
                loaded, inverted(loaded.picture, in: PixelRect(x: 100, y: 50, width: 60, height: 90)))
            let again = try ImageFile.read(bytes: result.bytes, name: "again")
            #expect(again.facts.orientation == loaded.facts.orientation, "\(name(path))")
            #expect(again.facts.storedSize == loaded.facts.storedSize, "\(name(path))")
            upright[name(path)] = again.picture
        }
        #expect(upright.count == 18)
        // Each is the same picture, edited in the same place.
        for kind in ["Landscape", "Portrait"] {
            let reference = try #require(upright["\(kind)_1.jpg"])
            for orientation in 2 ... 8 {
                let picture = try #require(upright["\(kind)_\(orientation).jpg"])
                #expect(picture.size == reference.size)
                #expect(picture.meanDifference(reference) < 4, "\(kind) \(orientation)")
            }
        }
    }
}

extension JPEGCoding {
    /// As the file has it, where the coding of the upright picture is known.
    static func stored(_ upright: JPEGCoding, orientation: Int) -> JPEGCoding {
        orientation >= 5 ? upright.transposed : upright
    }
}
