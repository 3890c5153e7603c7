internal import CTypeface
internal import PlainText

/// The shape of some words in a font of the machine's.
///
/// Characters stand side by side with the font's advances and kerning (FreeType); scripts whose letters join or change
/// places are not shaped.
public struct TextShape: Sendable, Equatable {
    /// Outlines in ems: x to the right, y down, the first baseline at 0.
    public let path: VectorPath
    /// How many characters the font has no glyph for.
    public let missing: Int

    /// - Parameters:
    ///   - text: lines, each of which is centred.
    ///   - font: the path of a font file with outlines (TrueType, OpenType, Type 1).
    /// - Throws: `TextShapeError`.
    public init(_ text: String, font: String) throws(TextShapeError) {
        var path = VectorPath()
        var missing = 0
        var baseline = 0.0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let scalars = line.unicodeScalars.map(\.value)
            var outlines = unsafe ctypeface_outline_text(font.nativePath, scalars, scalars.count)
            defer { unsafe ctypeface_free_outlines(&outlines) }
            switch unsafe outlines.status {
            case CTYPEFACE_OK: break
            case CTYPEFACE_NO_FONT: throw .notAFont(font)
            case CTYPEFACE_NO_OUTLINES: throw .noOutlines(font)
            default: throw .unavailable
            }
            missing += unsafe outlines.missing
            let row = unsafe Self.path(UnsafeBufferPointer(start: outlines.pieces, count: outlines.count))
            let middle = row.bounds.map { ($0.minX + $0.maxX) / 2 } ?? 0
            path.append(row.transformed(scale: 1, dx: -middle, dy: baseline))
            baseline += unsafe max(outlines.line_height, 1)
        }
        guard path.bounds != nil else { throw .nothingToDraw }
        self.path = path
        self.missing = missing
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
    case unavailable

    public var description: String {
        switch self {
        case .notAFont(let path): "'\(path)' cannot be read as a font"
        case .noOutlines(let path): "'\(path)' holds no outlines, expected a TrueType or OpenType font"
        case .nothingToDraw: "the text has nothing to draw, expected some letters"
        case .unavailable: "FreeType could not be started, or memory ran out"
        }
    }
}
