import Foundation
import ImageFiles
import Raster
import Testing

/// `editor mask text`.
@Suite struct MaskTextTests {
    private static let folder = "/usr/share/fonts/truetype/dejavu/"
    private static let size = PixelSize(width: 300, height: 120)

    private func editor() throws -> Editor {
        let editor = try Editor()
        let samples = [UInt8](repeating: 90, count: Self.size.area * 3)
        try editor.write(Picture(size: Self.size, layout: .rgb, samples: .eight(samples)), "a.png")
        return editor
    }

    private static func isInstalled(_ names: String...) -> Bool {
        names.allSatisfy { FileManager.default.fileExists(atPath: folder + $0) }
    }

    private func samples(_ editor: Editor, _ name: String) throws -> [UInt8] {
        guard case .eight(let samples) = try ImageFile.read(path: editor.path(name)).picture.samples else { return [] }
        return samples
    }

    /// The columns that hold some white.
    private func columns(_ samples: [UInt8]) -> [Int] {
        (0 ..< Self.size.width).filter { x in
            (0 ..< Self.size.height).contains { samples[$0 * Self.size.width + x] > 127 }
        }
    }

    @Test(.enabled(if: isInstalled("DejaVuSans-Bold.ttf"), "skipped: DejaVu Sans Bold is not installed"))
    func `Words become a mask as large as fits`() throws {
        let editor = try editor()
        let font = Self.folder + "DejaVuSans-Bold.ttf"
        let outcome = try editor.run(["mask", "text", "a.png", "HELLO", "--font", font, "--box", "10,10,280,100"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output == "a-mask.png\n")
        #expect(outcome.error.contains("font: \(font)\n"), "\(outcome.error)")
        #expect(!outcome.error.contains("warning"), "\(outcome.error)")
        let found = columns(try samples(editor, "a-mask.png"))
        #expect(found.first == 10 && found.last == 289)
        // Four gaps part five letters.
        #expect(zip(found, found.dropFirst()).count { $1 > $0 + 1 } == 4)
        // A name stands for the file.
        let named = try editor.run(
            ["mask", "text", "a.png", "HELLO", "--font", "dejavusans-bold", "--box", "10,10,280,100", "-o", "n.png"])
        #expect(named.code == 0, "\(named.error)")
        #expect(try samples(editor, "n.png") == samples(editor, "a-mask.png"))
        let none = try editor.run(["mask", "text", "a.png", " \t "])
        #expect(none.code == 64 && none.error.contains("nothing to draw"), "\(none.error)")
    }

    @Test(.enabled(if: isInstalled("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"), "skipped: no DejaVu Sans Mono"))
    func `A font is found by what it calls itself`() throws {
        let editor = try editor()
        for (name, file) in [
            ("DejaVu Sans Mono", "DejaVuSansMono.ttf"), ("dejavu-sans mono", "DejaVuSansMono.ttf"),
            ("DejaVu Sans Mono Bold", "DejaVuSansMono-Bold.ttf"), ("DEJAVU_SANS_MONO-BOLD", "DejaVuSansMono-Bold.ttf"),
            ("DejaVu Sans Mono Regular", "DejaVuSansMono.ttf"), ("DejaVuSansMono", "DejaVuSansMono.ttf"),
        ] {
            let outcome = try editor.run(["mask", "text", "a.png", "hi", "--font", name, "-o", "t.png", "--force"])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("font: \(Self.folder)\(file)\n"), "\(name): \(outcome.error)")
        }
        // Whatever the file is called: fonts of another name inside, the bold one first.
        editor.environment["HOME"] = editor.path("home")
        let fonts = editor.folder.appending(path: "home/.fonts")
        try FileManager.default.createDirectory(at: fonts, withIntermediateDirectories: true)
        try editor.write("no font", "home/.fonts/0.ttf")
        for (file, name) in [("DejaVuSansMono-Bold.ttf", "1.ttf"), ("DejaVuSansMono.ttf", "2.ttf")] {
            var font = try Data(contentsOf: URL(fileURLWithPath: Self.folder + file))
            for encoding in [String.Encoding.utf16BigEndian, .ascii] {
                let (old, new) = try (
                    #require("DejaVu".data(using: encoding)), #require("Zebra7".data(using: encoding))
                )
                while let found = font.firstRange(of: old) { font.replaceSubrange(found, with: new) }
            }
            try font.write(to: fonts.appending(path: name))
        }
        for (name, file) in [
            ("Zebra7 Sans Mono", "2.ttf"), ("zebra7-sans mono", "2.ttf"), ("ZEBRA7 SANS MONO BOOK", "2.ttf"),
            ("Zebra7 Sans Mono Regular", "2.ttf"), ("Zebra7 Sans Mono Bold", "1.ttf"),
            ("Zebra7SansMono-Bold", "1.ttf"),
        ] {
            let own = try editor.run(["mask", "text", "a.png", "hi", "--font", name, "-o", "t.png", "--force"])
            #expect(own.error.contains("home/.fonts/\(file)\n"), "\(name): \(own.error)")
        }
        let none = try editor.run(["mask", "text", "a.png", "hi", "--font", "DejaVu Sans Mono Purple"])
        #expect(none.code == 66 && none.error.contains("the name of an installed font"), "\(none.error)")
    }

    @Test func `A text has at most 2000 characters and 200 lines`() throws {
        let editor = try editor()
        let long = try editor.run(["mask", "text", "a.png", String(repeating: "a", count: 2001)])
        #expect(long.code == 64, "\(long.error)")
        #expect(long.error.contains("the text has 2001 characters, expected at most 2000"), "\(long.error)")
        let lines = try editor.run(["mask", "text", "a.png", String(repeating: "a\n", count: 200)])
        #expect(lines.code == 64, "\(lines.error)")
        #expect(lines.error.contains("the text has 201 lines, expected at most 200"), "\(lines.error)")
        #expect(editor.names == ["a.png"])
    }

    /// A Hebrew word is the mirror order of its letters, an Arabic one hangs together.
    @Test(.enabled(if: isInstalled("DejaVuSans.ttf"), "skipped: DejaVu Sans is not installed"))
    func `Hebrew runs from right to left, Arabic is joined`() throws {
        let editor = try editor()
        func found(_ text: String) throws -> [Int] {
            let outcome = try editor.run(
                ["mask", "text", "a.png", text, "--font", Self.folder + "DejaVuSans.ttf", "-o", "t.png", "--force"])
            #expect(outcome.code == 0, "\(outcome.error)")
            return columns(try samples(editor, "t.png"))
        }
        // Yod is narrow, shin is wide: it comes first, so it stands right.
        let hebrew = try found("\u{5E9}\u{5D9}")
        let gap = try #require(zip(hebrew, hebrew.dropFirst()).first { $1 > $0 + 1 })
        #expect(gap.0 - hebrew[0] < hebrew[hebrew.count - 1] - gap.1)
        // Sin, lam and alif are one piece, mim another.
        let arabic = try found("\u{633}\u{644}\u{627}\u{645}")
        #expect(zip(arabic, arabic.dropFirst()).count { $1 > $0 + 1 } <= 1)
    }

    @Test(
        .enabled(
            if: isInstalled("DejaVuSans.ttf", "DejaVuSansMono.ttf"),
            "skipped: DejaVu Sans or DejaVu Sans Mono is not installed"))
    func `A font is found for the characters, or they are named`() throws {
        let editor = try editor()
        let missing = try editor.run(["mask", "text", "a.png", "a\u{F8FF5}"])
        #expect(missing.code == 66, "\(missing.error)")
        #expect(missing.error.contains("U+F8FF5") && missing.error.contains("--font"), "\(missing.error)")
        #expect(editor.names == ["a.png"])
        // Mono has no Hebrew.
        let mono = Self.folder + "DejaVuSansMono.ttf"
        let mixed = try editor.run(["mask", "text", "a.png", "x\u{5E9}", "--font", mono])
        #expect(mixed.code == 0, "\(mixed.error)")
        #expect(mixed.error.contains("has no glyph for '\u{5E9}' (U+05E9)"), "\(mixed.error)")
        let chosen = try editor.run(["mask", "text", "a.png", "\u{5E9}", "-o", "c.png"])
        #expect(chosen.code == 0 && !chosen.error.contains("warning"), "\(chosen.error)")
        try editor.write("no font", "no.ttf")
        let broken = try editor.run(["mask", "text", "a.png", "x", "--font", "no.ttf"])
        #expect(broken.code == 65 && broken.error.contains("cannot be read as a font"), "\(broken.error)")
    }
}
