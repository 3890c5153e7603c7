internal import Foundation
internal import Masking

/// Finds font files where systems keep them.
enum FontFinder {
    /// The fonts that set a text.
    struct Choice: Equatable {
        /// Paths; each character is set in the first that has it.
        var fonts: [String]
        /// The characters that no font has.
        var missing: [Unicode.Scalar]
    }

    /// The font that was asked for, or a plain bold one that has all characters, and others for what it lacks.
    ///
    /// - Parameter name: as in `path(of:)`.
    /// - Throws: `EditError.noFont`.
    static func fonts(for text: String, named name: String?) throws(EditError) -> Choice {
        let first = try path(of: name)
        var missing = TextShape.missingCharacters(of: text, in: first)
        guard !missing.isEmpty else { return Choice(fonts: [first], missing: []) }
        // The plainest first.
        let others = installed().filter { $0 != first }.sorted { (plainness(of: $1), $0) < (plainness(of: $0), $1) }
        var lacking: [String: Set<Unicode.Scalar>] = [:]
        for other in others {
            lacking[other] = Set(TextShape.missingCharacters(of: text, in: other))
            if name == nil, lacking[other]?.isEmpty == true { return Choice(fonts: [other], missing: []) }
        }
        var fonts = [first]
        while !missing.isEmpty {
            // That which adds most; of equals the plainest.
            let left = others.map { other in missing.count { (lacking[other] ?? []).contains($0) } }
            guard let best = others.indices.min(by: { left[$0] < left[$1] }), left[best] < missing.count else { break }
            let next = others[best]
            fonts.append(next)
            missing.removeAll { !(lacking[next] ?? []).contains($0) }
        }
        return Choice(fonts: fonts, missing: missing)
    }

    /// The path of a font: `name` itself where it is a file, else one of the system's or the user's fonts: the file of
    /// that name, without its ending; the font that calls itself so, by family and style or its PostScript name; or the
    /// plainest of a family of that name. Upper and lower case, spaces and hyphens do not matter. Without a name a plain
    /// bold font, or any.
    ///
    /// - Throws: `EditError.noFont`.
    static func path(of name: String?) throws(EditError) -> String {
        if let name, FileSystem.isFile(name) { return name }
        let files = installed()
        func file(called wanted: String) -> String? {
            files.first { FileSystem.name(of: $0).withoutEnding.lowercased() == wanted.lowercased() }
        }
        if let name {
            guard let found = file(called: name) ?? font(called: name, in: files) else { throw .noFont(name: name) }
            return found
        }
        let plain = ["DejaVuSans-Bold", "LiberationSans-Bold", "NotoSans-Bold", "Arial Bold", "Helvetica"]
        guard let found = plain.lazy.compactMap(file(called:)).first ?? files.first else { throw .noFont(name: nil) }
        return found
    }

    /// A font by what it calls itself. Each file is opened once, and no more than `searchLimit` are.
    private static func font(called name: String, in files: [String]) -> String? {
        let wanted = plain(name)
        guard !wanted.isEmpty else { return nil }
        if let file = files.first(where: { plain(FileSystem.name(of: $0).withoutEnding) == wanted }) { return file }
        var ofFamily: (path: String, oddness: Int)?
        for path in files.prefix(searchLimit) {
            guard let names = FontNames(of: path) else { continue }
            let (family, style) = (plain(names.family), plain(names.style))
            let isRegular = ["regular", "book", "roman", "normal"].contains(style)
            let called = [family + style, plain(names.postScript)] + (isRegular ? [family + "regular"] : [])
            if called.contains(wanted) { return path }
            guard family == wanted else { continue }
            let oddness = (isRegular ? 0 : 1) + (names.isBold ? 2 : 0) + (names.isItalic ? 4 : 0)
            if oddness < ofFamily?.oddness ?? .max { ofFamily = (path, oddness) }
        }
        return ofFamily?.path
    }

    /// Far more files than any machine has fonts; opening one takes some 0.1 ms.
    private static let searchLimit = 20_000

    private static func plain(_ name: some StringProtocol) -> String {
        name.lowercased().filter { !$0.isWhitespace && $0 != "-" && $0 != "_" }
    }

    /// How well a font file, by its name, does where nothing is asked of the font.
    private static func plainness(of path: String) -> Int {
        let name = FileSystem.name(of: path).lowercased()
        func has(_ words: String...) -> Bool { words.contains { name.contains($0) } }
        return (has("bold") && !has("semi", "extra", "demi") ? 2 : 0) + (has("sans", "arial", "helvetica") ? 4 : 0)
            - (has("serif") ? 2 : 0) - (has("mono") ? 4 : 0) - (has("italic", "oblique") ? 8 : 0)
            - (has("condensed", "narrow", "light", "thin", "display", "looped") ? 4 : 0)
    }

    private static func installed() -> [String] {
        let home = FileSystem.environment("HOME") ?? ""
        let folders = [
            home + "/.local/share/fonts", home + "/.fonts", "/usr/local/share/fonts", "/usr/share/fonts",
            home + "/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts",
        ]
        let endings = [".ttf", ".otf", ".ttc", ".pfb"]
        return folders.flatMap { folder in
            guard FileSystem.isFolder(folder), let names = FileManager.default.enumerator(atPath: folder) else {
                return [String]()
            }
            // LastResort has a sign for every character, of its block.
            return names.compactMap { $0 as? String }
                .filter { name in endings.contains { name.lowercased().hasSuffix($0) } && !name.contains("LastResort") }
                .sorted().map { FileSystem.join(folder, $0) }
        }
    }
}

extension String {
    fileprivate var withoutEnding: Substring { lastIndex(of: ".").map { self[..<$0] } ?? self[...] }
}
