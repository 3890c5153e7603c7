/// Reads the path data of SVG's `d` attribute (SVG 2, chapter 9.3): M L H V C S Q T A Z, absolute and relative, commands
/// repeated by their arguments alone, flags of arcs written together.
///
/// Where a browser draws what comes before a mistake, this refuses the whole: a mask that is half there is none.
struct SVGPathParser {
    private let bytes: [UInt8]
    private var position = 0
    private var path = VectorPath()
    private var pen = VectorPath.Point(x: 0, y: 0)
    private var start = VectorPath.Point(x: 0, y: 0)
    private var isOpen = false
    /// The last control point, where the piece before was a curve of that degree.
    private var cubicControl: VectorPath.Point?
    private var quadraticControl: VectorPath.Point?

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// - Throws: `MaskShapeError` with the place of the mistake.
    static func path(from text: String) throws(MaskShapeError) -> VectorPath {
        var parser = SVGPathParser(text)
        try parser.run()
        return parser.path
    }

    private mutating func run() throws(MaskShapeError) {
        skipSpace()
        guard position < bytes.count else { throw .emptyPath }
        while position < bytes.count {
            let letter = bytes[position]
            guard let command = Self.commands.first(where: { $0 == letter | 0x20 }) else {
                throw mistake("a command (one of M L H V C S Q T A Z)")
            }
            if path.contours.isEmpty, command != UInt8(ascii: "m") { throw mistake("the command M at the start") }
            position += 1
            skipSpace()
            let isRelative = letter & 0x20 != 0
            if command == UInt8(ascii: "z") {
                close()
                continue
            }
            var isFirst = true
            repeat {
                // Further pairs behind a move are lines.
                let repeated = command == UInt8(ascii: "m") && !isFirst ? UInt8(ascii: "l") : command
                try draw(repeated, isRelative: isRelative)
                isFirst = false
                guard path.cornerCount <= VectorPath.cornerLimit else {
                    throw .tooManyPoints(limit: VectorPath.cornerLimit)
                }
                skipSpaceAndComma()
            } while startsNumber
        }
    }

    private static let commands = Array("mlhvcsqtaz".utf8)

    private mutating func draw(_ command: UInt8, isRelative: Bool) throws(MaskShapeError) {
        let base = isRelative ? pen : VectorPath.Point(x: 0, y: 0)
        var cubic: VectorPath.Point?
        var quadratic: VectorPath.Point?
        switch command {
        case UInt8(ascii: "m"):
            pen = try point(base)
            start = pen
            path.move(to: pen)
            isOpen = true
        case UInt8(ascii: "l"): line(to: try point(base))
        case UInt8(ascii: "h"): line(to: VectorPath.Point(x: try number() + base.x, y: pen.y))
        case UInt8(ascii: "v"): line(to: VectorPath.Point(x: pen.x, y: try number() + base.y))
        case UInt8(ascii: "c"), UInt8(ascii: "s"):
            let first = command == UInt8(ascii: "c") ? try point(base) : reflected(cubicControl)
            let second = try point(base)
            let end = try point(base)
            reopen()
            path.cubic(first, second, to: end)
            pen = end
            cubic = second
        case UInt8(ascii: "q"), UInt8(ascii: "t"):
            let control = command == UInt8(ascii: "q") ? try point(base) : reflected(quadraticControl)
            let end = try point(base)
            reopen()
            path.quadratic(control: control, to: end)
            pen = end
            quadratic = control
        default:
            let radiusX = try number()
            let radiusY = try number()
            let rotation = try number()
            let isLarge = try flag()
            let isSweep = try flag()
            let end = try point(base)
            reopen()
            path.arc(
                radiusX: radiusX, radiusY: radiusY, rotation: rotation, isLarge: isLarge, isSweep: isSweep, to: end)
            pen = end
        }
        cubicControl = cubic
        quadraticControl = quadratic
    }

    private mutating func line(to end: VectorPath.Point) {
        reopen()
        path.line(to: end)
        pen = end
    }

    private mutating func close() {
        pen = start
        isOpen = false
        cubicControl = nil
        quadraticControl = nil
    }

    /// What is drawn behind a `Z` begins a contour where the closed one began.
    private mutating func reopen() {
        if isOpen { return }
        path.move(to: pen)
        isOpen = true
    }

    private func reflected(_ control: VectorPath.Point?) -> VectorPath.Point {
        control.map { VectorPath.Point(x: 2 * pen.x - $0.x, y: 2 * pen.y - $0.y) } ?? pen
    }

    private mutating func point(_ base: VectorPath.Point) throws(MaskShapeError) -> VectorPath.Point {
        let x = try number()
        let y = try number()
        let point = VectorPath.Point(x: x + base.x, y: y + base.y)
        // Relative steps may add up to more than a single number may be.
        guard abs(point.x) <= MaskShape.farthest, abs(point.y) <= MaskShape.farthest else {
            throw .outOfRange("\(point.x),\(point.y)")
        }
        return point
    }

    /// A number with the separator before it.
    private mutating func number() throws(MaskShapeError) -> Double {
        skipSpaceAndComma()
        let first = position
        var end = position
        func at(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }
        func isDigit(_ byte: UInt8) -> Bool { (0x30 ... 0x39).contains(byte) }
        if at(end) == UInt8(ascii: "+") || at(end) == UInt8(ascii: "-") { end += 1 }
        let whole = end
        while isDigit(at(end)) { end += 1 }
        var digits = end - whole
        if at(end) == UInt8(ascii: ".") {
            let fraction = end + 1
            end = fraction
            while isDigit(at(end)) { end += 1 }
            digits += end - fraction
        }
        guard digits > 0 else { throw mistake("a number") }
        if at(end) | 0x20 == UInt8(ascii: "e") {
            let sign = at(end + 1) == UInt8(ascii: "+") || at(end + 1) == UInt8(ascii: "-") ? 1 : 0
            if isDigit(at(end + 1 + sign)) {
                end += 1 + sign
                while isDigit(at(end)) { end += 1 }
            }
        }
        let text = String(decoding: bytes[first ..< end], as: UTF8.self)
        // Swift reads neither "1." nor ".5" everywhere alike: both ends are completed.
        guard let value = Double(text) ?? Double(text.replacing(suffix: ".", with: ".0")), value.isFinite else {
            throw mistake("a number")
        }
        guard abs(value) <= MaskShape.farthest else { throw .outOfRange(text) }
        position = end
        return value
    }

    /// 0 or 1, which needs no separator behind it.
    private mutating func flag() throws(MaskShapeError) -> Bool {
        skipSpaceAndComma()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "0") || bytes[position] == UInt8(ascii: "1")
        else { throw mistake("a flag, 0 or 1") }
        position += 1
        return bytes[position - 1] == UInt8(ascii: "1")
    }

    private var startsNumber: Bool {
        guard position < bytes.count else { return false }
        return (0x30 ... 0x39).contains(bytes[position])
            || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")]
                .contains(bytes[position])
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func skipSpaceAndComma() {
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
    }

    private func mistake(_ expected: String) -> MaskShapeError {
        let found =
            position < bytes.count
            ? "'\(String(decoding: bytes[position...].prefix(12), as: UTF8.self))'" : "the end of the path"
        return .path(expected: expected, found: found, position: position + 1)
    }
}

extension String {
    fileprivate func replacing(suffix: String, with other: String) -> String {
        hasSuffix(suffix) ? dropLast(suffix.count) + other : self
    }
}
