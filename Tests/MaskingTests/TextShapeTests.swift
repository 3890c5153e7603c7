import Foundation
import Masking
import Raster
import Testing

/// How words are laid out before they are filled.
@Suite struct TextShapeTests {
    private static let fonts = [
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/Library/Fonts/DejaVuSans.ttf",
        "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    ]

    /// A font with Latin, Hebrew and Arabic.
    private func font() -> String? {
        let found = Self.fonts.first(where: FileManager.default.fileExists(atPath:))
        if found == nil { print("skipped: none of the fonts of this test is installed") }
        return found
    }

    /// Each outline moved to the origin, in the order in which they are drawn: from left to right.
    private func outlines(_ text: String, _ font: String) throws -> [[VectorPath.Point]] {
        try TextShape(text, fonts: [font]).path.contours.map { contour in
            let (left, top) = (contour.map(\.x).min() ?? 0, contour.map(\.y).min() ?? 0)
            return contour.map { VectorPath.Point(x: $0.x - left, y: $0.y - top) }
        }
    }

    private func isNear(_ one: [[VectorPath.Point]], _ other: [[VectorPath.Point]]) -> Bool {
        one.count == other.count
            && zip(one, other).allSatisfy { a, b in
                a.count == b.count && zip(a, b).allSatisfy { abs($0.x - $1.x) < 1e-3 && abs($0.y - $1.y) < 1e-3 }
            }
    }

    /// Connected areas of the mask of some words.
    private func areas(_ text: String, _ font: String) throws -> Int {
        let size = PixelSize(width: 600, height: 200)
        let mask = Mask(try TextShape(text, fonts: [font]).fitted(x: 5, y: 5, width: 590, height: 190), size: size)
        var isSeen = mask.coverage.values.map { $0 < 0.5 }
        var count = 0
        for start in isSeen.indices where !isSeen[start] {
            count += 1
            isSeen[start] = true
            var waiting = [start]
            while let next = waiting.popLast() {
                for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                    let (x, y) = (next % size.width + dx, next / size.width + dy)
                    guard x >= 0, y >= 0, x < size.width, y < size.height, !isSeen[y * size.width + x] else { continue }
                    isSeen[y * size.width + x] = true
                    waiting.append(y * size.width + x)
                }
            }
        }
        return count
    }

    static let orders: [(text: String, leftToRight: [String])] = [
        ("\u{5E9}\u{5DC}\u{5D5}\u{5DD}", ["\u{5DD}", "\u{5D5}", "\u{5DC}", "\u{5E9}"]),
        // Digits behind Hebrew stand left of it; those behind Latin go on with it.
        ("abc \u{5E9}\u{5DC} 123", ["a", "b", "c", "1", "2", "3", "\u{5DC}", "\u{5E9}"]),
        ("\u{5E9}\u{5DC} abc 12", ["a", "b", "c", "1", "2", "\u{5DC}", "\u{5E9}"]),
        // Brackets are mirrored.
        ("\u{5E9}(\u{5DC})", ["(", "\u{5DC}", ")", "\u{5E9}"]),
        ("abc", ["a", "b", "c"]),
    ]

    @Test(arguments: orders) func `Words run in the direction of their script`(text: String, leftToRight: [String])
        throws
    {
        guard let font = font() else { return }
        let expected = try leftToRight.flatMap { try outlines($0, font) }
        #expect(isNear(try outlines(text, font), expected))
    }

    @Test func `Arabic letters join`() throws {
        guard let font = font() else { return }
        // Salam: sin, lam and alif join, mim stands alone; with zero-width non-joiners all do.
        #expect(try areas("\u{633}\u{644}\u{627}\u{645}", font) == 2)
        #expect(try areas("\u{633}\u{200C}\u{644}\u{200C}\u{627}\u{200C}\u{645}", font) == 4)
        // From right to left: what is drawn first, at the left, is the last letter.
        let word = try outlines("\u{633}\u{644}\u{627}\u{645}", font)
        let last = try outlines("\u{645}", font)
        #expect(isNear(Array(word.prefix(last.count)), last))
    }

    @Test func `Composed and decomposed letters are alike, and Latin is kerned`() throws {
        guard let font = font() else { return }
        for (composed, decomposed) in [("\u{E9}t\u{FC}", "e\u{301}tu\u{308}"), ("\u{1EA5}x", "a\u{302}\u{301}x")] {
            let (one, other) = (try TextShape(composed, fonts: [font]), try TextShape(decomposed, fonts: [font]))
            #expect(one.missingCharacters.isEmpty && other.missingCharacters.isEmpty)
            let (a, b) = (try #require(one.path.bounds), try #require(other.path.bounds))
            #expect(abs(a.minX - b.minX) < 1e-3 && abs(a.maxX - b.maxX) < 1e-3 && abs(a.minY - b.minY) < 1e-3)
        }
        func width(_ text: String) throws -> Double {
            let bounds = try #require(try TextShape(text, fonts: [font]).path.bounds)
            return bounds.maxX - bounds.minX
        }
        // The advance of an A, then a V. What stands beside their ink is less than the kerning.
        let unkerned = try width("AA") - width("A") + width("V")
        #expect(try width("AV") < unkerned - 0.03)
    }

    @Test func `Lines from right to left stand at the right, others in the middle`() throws {
        guard let font = font() else { return }
        func extents(_ text: String, _ alignment: TextShape.Alignment?) throws -> [(Double, Double)] {
            let path = try TextShape(text, fonts: [font], alignment: alignment).path
            // The second baseline is an em or more below the first.
            return [path.contours.filter { ($0[0].y) < 0.3 }, path.contours.filter { ($0[0].y) >= 0.3 }].map { row in
                let xs = row.joined().map(\.x)
                return (xs.min() ?? 0, xs.max() ?? 0)
            }
        }
        let hebrew = "\u{5E9}\u{5DC}\u{5D5}\u{5DD}\r\n\u{5DB}\u{5DC}"
        let right = try extents(hebrew, nil)
        #expect(abs(right[0].1 - right[1].1) < 1e-9 && right[0].0 < right[1].0 - 0.1)
        let left = try extents(hebrew, .left)
        #expect(abs(left[0].0 - left[1].0) < 1e-9)
        let latin = try extents("wide\nno", nil)
        #expect(abs(latin[0].0 + latin[0].1 - latin[1].0 - latin[1].1) < 1e-9)
    }

    @Test func `A text has a limit`() {
        #expect(throws: Never.self) { try TextShape.check(String(repeating: "a\n", count: 199) + "a") }
        #expect(throws: TextShapeError.tooManyLines(201)) { try TextShape.check(String(repeating: "a\n", count: 200)) }
        #expect(throws: Never.self) { try TextShape.check(String(repeating: "a", count: 2000)) }
        #expect(throws: TextShapeError.tooLong(characters: 2001)) {
            try TextShape.check(String(repeating: "a", count: 2001))
        }
    }

    @Test func `Characters without a glyph are named, and come from the next font`() throws {
        guard let font = font() else { return }
        #expect(TextShape.missingCharacters(of: "a\u{13000}b\u{13000}", in: font) == ["\u{13000}"])
        #expect(try TextShape("a\u{13000}", fonts: [font]).missingCharacters == ["\u{13000}"])
        // Marks that change how others look need no glyph.
        #expect(try TextShape("a\u{200B}\u{FE0F}\u{AD}\tb", fonts: [font]).missingCharacters.isEmpty)
        #expect(TextShape.missingCharacters(of: "ab", in: "/nowhere.ttf") == ["a", "b"])
        let mono = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
        guard FileManager.default.fileExists(atPath: mono) else { return }
        // Mono has no Hebrew: its letters come from the other font, those it has do not.
        let both = try TextShape("a\u{5E9}", fonts: [mono, font])
        #expect(both.missingCharacters.isEmpty)
        let parts =
            try TextShape("a", fonts: [mono]).path.contours.count
            + TextShape("\u{5E9}", fonts: [font]).path.contours.count
        #expect(both.path.contours.count == parts)
        #expect(TextShape.missingCharacters(of: "a\u{5E9}", in: mono) == ["\u{5E9}"])
    }

    /// HarfBuzz's own tool as a reference, where it is installed: the box around the glyphs that it places.
    static let shaped: [(font: String, text: String)] = [
        ("dejavu/DejaVuSans.ttf", "\u{633}\u{644}\u{627}\u{645}"), ("dejavu/DejaVuSans.ttf", "AVATAR fi"),
        ("dejavu/DejaVuSans-Bold.ttf", "\u{5E9}\u{5B8}\u{5DC}\u{5D5}\u{5B9}\u{5DD}"),
        ("noto/NotoSansArabic-Bold.ttf", "\u{645}\u{64F}\u{62D}\u{64E}\u{645}\u{651}\u{64E}\u{62F}"),
        ("noto/NotoNaskhArabic-Regular.ttf", "\u{627}\u{644}\u{62D}\u{645}\u{62F} \u{644}\u{644}\u{647}"),
        ("noto/NotoSansDevanagari-Bold.ttf", "\u{915}\u{94D}\u{937}\u{93F}\u{92A}\u{94D}\u{930}"),
        ("noto/NotoSansThai-Bold.ttf", "\u{E17}\u{E35}\u{E48}\u{E19}\u{E49}\u{E33}"),
    ]

    @Test(arguments: shaped) func `Glyphs stand where HarfBuzz puts them`(name: String, text: String) throws {
        let font = "/usr/share/fonts/truetype/\(name)"
        let tool = "/usr/bin/hb-shape"
        guard [font, tool].allSatisfy(FileManager.default.fileExists(atPath:)) else {
            print("skipped: \(font) or \(tool) is not installed")
            return
        }
        let process = Process()
        process.executableURL = URL(filePath: tool)
        process.arguments = ["--show-extents", "--no-glyph-names", "--font-size=upem", font, text]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // [12=0@5,6+700<x,y,width,height>|…]: offsets where there are any, extents from the glyph's origin, y up.
        let pattern = /(\d+)=\d+(?:@(-?\d+),(-?\d+))?\+(-?\d+)<(-?\d+),(-?\d+),(-?\d+),(-?\d+)>/
        var pen = 0.0
        var box: (left: Double, right: Double, top: Double, bottom: Double)?
        for match in line.matches(of: pattern) {
            func number(_ text: Substring?) -> Double { text.flatMap { Double($0) } ?? 0 }
            let (x, y) = (pen + number(match.2) + number(match.5), number(match.3) + number(match.6))
            let (width, height) = (number(match.7), number(match.8))
            pen += number(match.4)
            if width == 0 { continue }
            let new = (left: x, right: x + width, top: y, bottom: y + height)
            box =
                box.map {
                    (min($0.left, new.left), max($0.right, new.right), max($0.top, new.top), min($0.bottom, new.bottom))
                } ?? new
        }
        let expected = try #require(box, "\(line)")
        let units = name.hasPrefix("dejavu") ? 2048.0 : 1000
        let shape = try TextShape(text, fonts: [font])
        #expect(shape.missingCharacters.isEmpty)
        let found = try #require(shape.path.bounds)
        // Extents are whole units.
        let tolerance = 2.0
        #expect(abs((found.maxX - found.minX) * units - (expected.right - expected.left)) <= tolerance, "\(line)")
        #expect(abs(-found.minY * units - expected.top) <= tolerance, "\(line)")
        #expect(abs(-found.maxY * units - expected.bottom) <= tolerance, "\(line)")
    }
}
