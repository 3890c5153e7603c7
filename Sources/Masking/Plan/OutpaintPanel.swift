public import Raster

/// One step of an outpaint that is worked piece by piece: new pixels, and the window of the canvas in which they are
/// painted.
public struct OutpaintPanel: Sendable, Hashable {
    /// The new pixels, in canvas coordinates. Panels of a plan do not overlap; with the picture they cover the canvas.
    public let area: PixelRect
    /// The part of the canvas that is looked at: `area` and, towards what is there by then, context around it. Everything
    /// in it but `area` is the picture or an earlier panel.
    public let window: PixelRect
    /// Pixels of earlier panels beside `area` over which they pass into this one.
    public let overlap: Int
    /// The picture that is extended, in canvas coordinates: never repainted.
    private let picture: PixelRect

    fileprivate init(area: PixelRect, window: PixelRect, picture: PixelRect, overlap: Int = 0) {
        self.area = area
        self.window = window
        self.picture = picture
        self.overlap = overlap
    }

    /// The mask for compositing, of the window's size: 1 in `area`, and from there down to 0 over `overlap` pixels of
    /// what earlier panels painted.
    public var mask: Mask {
        let local = area.offsetBy(x: -window.x, y: -window.y)
        guard overlap > 0 else { return .rectangle(local, size: window.size) }
        func share(_ steps: Int) -> Float {
            let share = max(0, 1 - Float(steps) / Float(overlap + 1))
            return share * share * (3 - 2 * share)
        }
        let columns = (0 ..< window.width).map { share(max(local.x - $0, $0 - local.maxX + 1, 0)) }
        let rows = (0 ..< window.height).map { share(max(local.y - $0, $0 - local.maxY + 1, 0)) }
        let kept = picture.offsetBy(x: -window.x, y: -window.y)
        var coverage = Plane(size: window.size)
        for y in 0 ..< window.height {
            for x in 0 ..< window.width
            where x < kept.x || x >= kept.maxX || y < kept.y || y >= kept.maxY {
                coverage[x, y] = columns[x] * rows[y]
            }
        }
        return Mask(coverage: coverage)
    }
}

extension OutpaintPlan {
    /// How long a panel is for a picture and a model whose native pictures have that side: three quarters of the longer of
    /// that side and the picture's shorter one, so that a panel with its context is about as large as what the model
    /// was made for, or keeps the picture's own proportions where that is larger.
    public static func defaultPanelLength(source: PixelSize, nativeSide: Int) -> Int {
        max(nativeSide, min(source.width, source.height)) * 3 / 4
    }

    /// The new part of the canvas in pieces of at most `length` × `length` new pixels (beside the picture: as high, or
    /// wide, as the picture, up to four times `length`), in an order in which each continues what is there by then: the rows
    /// of the picture first, from it outwards, then the rows above and below, each from its middle outwards. A single
    /// panel, whose window is the canvas, where no side is extended by more than `length` and the picture is no longer than
    /// four times that.
    ///
    /// Traps unless `length` is positive.
    /// - Parameters:
    ///   - length: pixels.
    ///   - context: pixels of what is there that a window has around its panel, as far as there are any.
    ///   - overlap: pixels of earlier panels that a panel repaints in part, so that they pass into each other; at most
    ///     `context`.
    public func panels(length: Int, context: Int, overlap: Int = 0) -> [OutpaintPanel] {
        precondition(length > 0 && context >= 0, "a panel of \(length) pixels with \(context) of context")
        precondition((0 ... context).contains(overlap), "an overlap of \(overlap) pixels, a context of \(context)")
        let canvas = PixelRect(canvasSize)
        let longest = [margins.left, margins.right, margins.top, margins.bottom].max() ?? 0
        guard longest > length || max(sourceSize.width, sourceSize.height) > 4 * length else {
            return [OutpaintPanel(area: canvas, window: canvas, picture: sourceRect)]
        }
        let columns = Self.stretches(before: margins.left, picture: sourceSize.width, after: margins.right, length)
        let rows = Self.stretches(before: margins.top, picture: sourceSize.height, after: margins.bottom, length)
        var painted = Set(
            rows.filter(\.isPicture).flatMap { row in
                columns.filter(\.isPicture).map { Cell(column: $0.index, row: row.index) }
            })
        var panels: [OutpaintPanel] = []
        for row in Self.outwards(rows) {
            for column in Self.outwards(columns) {
                let cell = Cell(column: column.index, row: row.index)
                guard !painted.contains(cell) else { continue }
                // As far as there are painted cells one after the other: beyond them may lie what is not painted yet.
                func reach(_ x: Int, _ y: Int) -> Int {
                    var pixels = 0
                    var next = Cell(column: cell.column + x, row: cell.row + y)
                    while pixels < context, painted.contains(next) {
                        pixels += x == 0 ? rows[next.row].length : columns[next.column].length
                        next = Cell(column: next.column + x, row: next.row + y)
                    }
                    return min(pixels, context)
                }
                let area = PixelRect(x: column.start, y: row.start, width: column.length, height: row.length)
                let (left, right, top, bottom) = (reach(-1, 0), reach(1, 0), reach(0, -1), reach(0, 1))
                let window = PixelRect(
                    x: area.x - left, y: area.y - top, width: area.width + left + right,
                    height: area.height + top + bottom)
                panels.append(OutpaintPanel(area: area, window: window, picture: sourceRect, overlap: overlap))
                painted.insert(cell)
            }
        }
        return panels
    }

    private struct Cell: Hashable {
        let column: Int
        let row: Int
    }

    /// Columns, or rows, of the grid of panels.
    private struct Stretch {
        let index: Int
        let start: Int
        let length: Int
        let isPicture: Bool
    }

    private static func stretches(before: Int, picture: Int, after: Int, _ length: Int) -> [Stretch] {
        var result: [Stretch] = []
        var position = 0
        func add(_ extent: Int, pieces: Int, isPicture: Bool) {
            for piece in 0 ..< pieces {
                let (start, end) = (extent * piece / pieces, extent * (piece + 1) / pieces)
                result.append(
                    Stretch(
                        index: result.count, start: position + start, length: end - start, isPicture: isPicture))
            }
            position += extent
        }
        func pieces(_ extent: Int) -> Int { (extent + length - 1) / length }
        add(before, pieces: pieces(before), isPicture: false)
        add(picture, pieces: picture > 4 * length ? pieces(picture) : 1, isPicture: true)
        add(after, pieces: pieces(after), isPicture: false)
        return result
    }

    /// The stretches of the picture in their order, then those after it, then those before it from the nearest on.
    private static func outwards(_ stretches: [Stretch]) -> [Stretch] {
        guard let first = stretches.firstIndex(where: \.isPicture) else { preconditionFailure("no picture") }
        return stretches[first...] + stretches[..<first].reversed()
    }
}
