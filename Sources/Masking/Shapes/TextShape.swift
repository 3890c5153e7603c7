internal import CTypeface
internal import PlainText

/// The shape of some words in fonts of the machine's.
///
/// Lines are laid out by Raqm: FriBidi orders what runs from right to left (Unicode Standard Annex 9), HarfBuzz joins,
/// places and kerns the glyphs as script and font ask.
public struct TextShape: Sendable, Equatable {
    /// How lines stand above each other; the raw values are those of `--align`.
    public enum Alignment: String, Sendable, CaseIterable {
        case left
        case center
        case right
    }

    /// Outlines in ems: x to the right, y down, the first baseline at 0.
    public let path: VectorPath
    /// The characters that none of the fonts has a glyph for, each once.
    public let missingCharacters: [Unicode.Scalar]

    /// - Parameters:
    ///   - text: lines.
    ///   - fonts: the paths of font files with outlines (TrueType, OpenType, Type 1), at least one; each character is set in
    ///     the first that has it.
    ///   - alignment: `nil` for right where the text runs from right to left, else centred.
    /// - Throws: `TextShapeError`.
    public init(_ text: String, fonts: [String], alignment: Alignment? = nil) throws(TextShapeError) {
        precondition(!fonts.isEmpty, "text is set in a font")
        try Self.check(text)
        let paths = fonts.flatMap(\.nativePath)
        var rows: [(path: VectorPath, baseline: Double, isRightToLeft: Bool)] = []
        var missing: [Unicode.Scalar] = []
        var isNamed: Set<Unicode.Scalar> = []
        var baseline = 0.0
        for line in Self.lines(of: text) {
            let scalars = line.map(\.value)
            var isMissing = [Bool](repeating: false, count: line.count)
            var outlines = unsafe ctypeface_outline_text(paths, fonts.count, scalars, scalars.count, &isMissing)
            defer { unsafe ctypeface_free_outlines(&outlines) }
            switch unsafe outlines.status {
            case CTYPEFACE_OK: break
            case CTYPEFACE_NO_FONT: throw .notAFont(fonts[unsafe outlines.font])
            case CTYPEFACE_NO_OUTLINES: throw .noOutlines(fonts[unsafe outlines.font])
            default: throw .unavailable
            }
            for (scalar, isMissing) in zip(line, isMissing) where isMissing && isNamed.insert(scalar).inserted {
                missing.append(scalar)
            }
            let row = unsafe Self.path(UnsafeBufferPointer(start: outlines.pieces, count: outlines.count))
            unsafe rows.append((row, baseline, outlines.right_to_left))
            baseline += unsafe max(outlines.line_height, 1)
        }
        let firstLine = rows.first { $0.path.bounds != nil }
        let alignment = alignment ?? (firstLine?.isRightToLeft == true ? .right : .center)
        var path = VectorPath()
        for row in rows {
            guard let bounds = row.path.bounds else { continue }
            let anchor =
                switch alignment {
                case .left: bounds.minX
                case .center: (bounds.minX + bounds.maxX) / 2
                case .right: bounds.maxX
                }
            path.append(row.path.transformed(scale: 1, dx: -anchor, dy: row.baseline))
        }
        guard path.bounds != nil else { throw .nothingToDraw }
        self.path = path
        missingCharacters = missing
    }

    /// The most characters (Unicode scalars, line breaks included) of a text.
    public static let maximumCharacters = 2000
    /// The most lines of a text.
    public static let maximumLines = 200

    /// Throws `TextShapeError` for a text of more characters or lines than are set.
    public static func check(_ text: String) throws(TextShapeError) {
        let characters = text.unicodeScalars.count
        guard characters <= maximumCharacters else { throw .tooLong(characters: characters) }
        let lines = lines(of: text).count
        guard lines <= maximumLines else { throw .tooManyLines(lines) }
    }

    /// The characters of `text` that the font file at `font` has no glyph for, each once; all of them where it is no font.
    public static func missingCharacters(of text: String, in font: String) -> [Unicode.Scalar] {
        var found: [Unicode.Scalar] = []
        var isNamed: Set<Unicode.Scalar> = []
        // The font is opened once for all lines. A break keeps a mark from joining the line above; none is drawn.
        let all = Array(lines(of: text).joined(separator: ["\n" as Unicode.Scalar]))
        var isMissing = [Bool](repeating: true, count: all.count)
        _ = unsafe ctypeface_find_glyphs(font, all.map(\.value), all.count, &isMissing)
        for (scalar, isMissing) in zip(all, isMissing)
        where isMissing && scalar != "\n" && isNamed.insert(scalar).inserted {
            found.append(scalar)
        }
        return found
    }

    /// The words as large as fit into a box of pixels, in its middle.
    public func fitted(x: Double, y: Double, width: Double, height: Double) -> VectorPath {
        guard let bounds = path.bounds else { return path }
        let scale = min(
            width / max(1e-6, bounds.maxX - bounds.minX), height / max(1e-6, bounds.maxY - bounds.minY))
        return path.transformed(
            scale: scale, dx: x + width / 2 - scale * (bounds.minX + bounds.maxX) / 2,
            dy: y + height / 2 - scale * (bounds.minY + bounds.maxY) / 2)
    }

    /// The characters of each line; tabs and other controls are spaces.
    private static func lines(of text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = [[]]
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where previous == "\r": break
            case "\n", "\r", "\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}": lines.append([])
            default: lines[lines.count - 1].append(scalar.properties.generalCategory == .control ? " " : scalar)
            }
            previous = scalar
        }
        return lines
    }

    /// Flattened at 4096 pixels an em, then taken back to ems: finer than any picture shows.
    private static func path(_ pieces: UnsafeBufferPointer<ctypeface_piece>) -> VectorPath {
        let resolution = 4096.0
        var path = VectorPath()
        for index in pieces.indices {
            let piece = unsafe pieces[index]
            func point(_ x: Double, _ y: Double) -> VectorPath.Point {
                VectorPath.Point(x: x * resolution, y: -y * resolution)
            }
            let first = point(piece.x.0, piece.y.0)
            if piece.kind != CTYPEFACE_MOVE, path.currentPoint == nil { continue }
            switch piece.kind {
            case CTYPEFACE_MOVE: path.move(to: first)
            case CTYPEFACE_LINE: path.line(to: first)
            case CTYPEFACE_CONIC: path.quadratic(control: first, to: point(piece.x.1, piece.y.1))
            default: path.cubic(first, point(piece.x.1, piece.y.1), to: point(piece.x.2, piece.y.2))
            }
        }
        return path.transformed(scale: 1 / resolution, dx: 0, dy: 0)
    }
}

/// Why words could not be drawn.
public enum TextShapeError: Error, Equatable, CustomStringConvertible {
    case notAFont(String)
    case noOutlines(String)
    case nothingToDraw
    case tooLong(characters: Int)
    case tooManyLines(Int)
    case unavailable

    public var description: String {
        switch self {
        case .notAFont(let path): "'\(path)' cannot be read as a font"
        case .noOutlines(let path): "'\(path)' holds no outlines, expected a TrueType or OpenType font"
        case .nothingToDraw: "the text has nothing to draw, expected some letters"
        case .tooLong(let characters):
            "the text has \(characters) characters, expected at most \(TextShape.maximumCharacters)"
        case .tooManyLines(let lines): "the text has \(lines) lines, expected at most \(TextShape.maximumLines)"
        case .unavailable: "FreeType or Raqm could not be started, or memory ran out"
        }
    }
}
