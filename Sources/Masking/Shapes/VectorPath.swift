internal import Foundation

/// Closed outlines in picture coordinates: x to the right and y down, in pixels; pixel (0, 0) spans 0…1 on both axes.
///
/// Curves are flattened as they are added, to within `tolerance` pixels. A contour that is not closed is closed by a
/// straight line when it is filled.
public struct VectorPath: Sendable, Equatable {
    public struct Point: Sendable, Hashable {
        public var x: Double
        public var y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// Which points a path that overlaps itself contains; the raw values are SVG's.
    public enum FillRule: String, Sendable, Hashable, CaseIterable {
        /// Where the path winds around the point at all.
        case nonZero = "nonzero"
        /// Where a ray from the point crosses the path an odd number of times.
        case evenOdd = "evenodd"
    }

    /// How far a flattened curve may lie from the true one, in pixels: a thousandth changes no 8-bit coverage by more
    /// than 1.
    public static let tolerance = 0.001

    /// The outlines, a list of corners each.
    public private(set) var contours: [[Point]] = []

    /// Corners that were added one by one.
    private(set) var cornerCount = 0

    /// More corners than this, those of flattened curves included, are more than a mask can have meant.
    public static let cornerLimit = 4_000_000

    public init() {}

    public static func == (a: VectorPath, b: VectorPath) -> Bool { a.contours == b.contours }

    /// Corners of a stroke through that many points, before it is made.
    static func corners(ofStrokeThrough count: Int, width: Double) -> Int {
        count * (2 * max(2, segments(radius: abs(width) / 2, angle: .pi)) + 2)
    }

    /// One outline with straight sides.
    public init(polygon: [Point]) {
        contours = [polygon]
    }

    /// The bounding box's own corners.
    public init(x: Double, y: Double, width: Double, height: Double) {
        self.init(polygon: [
            Point(x: x, y: y), Point(x: x + width, y: y), Point(x: x + width, y: y + height),
            Point(x: x, y: y + height),
        ])
    }

    /// An ellipse with its axes along the picture's.
    public init(center: Point, radiusX: Double, radiusY: Double) {
        let count = Self.segments(radius: max(abs(radiusX), abs(radiusY)), angle: 2 * .pi)
        self.init(
            polygon: (0 ..< count).map { index in
                let angle = 2 * Double.pi * Double(index) / Double(count)
                return Point(x: center.x + radiusX * cos(angle), y: center.y + radiusY * sin(angle))
            })
    }

    /// A line through `points` as a round brush of `width` pixels draws it, to be filled by `FillRule.nonZero`: one
    /// capsule a stretch, all turning the same way. A single point is a dot.
    public init(strokeThrough points: [Point], width: Double) {
        let radius = abs(width) / 2
        let half = max(2, Self.segments(radius: radius, angle: .pi))
        for (index, start) in points.enumerated() where index + 1 < points.count || points.count == 1 {
            let end = index + 1 < points.count ? points[index + 1] : start
            let direction = atan2(end.y - start.y, end.x - start.x)
            // Half a turn around the end, then half a turn around the start.
            contours.append(
                (0 ... 2 * half + 1).map { step in
                    let isEnd = step <= half
                    let center = isEnd ? end : start
                    let turn = Double(isEnd ? step : step - 1) / Double(half) - 0.5
                    let angle = direction + turn * .pi
                    return Point(x: center.x + radius * cos(angle), y: center.y + radius * sin(angle))
                })
        }
    }

    /// Where the next piece begins; `nil` before the first.
    public var currentPoint: Point? { contours.last?.last }

    /// Begins a contour.
    public mutating func move(to point: Point) {
        contours.append([point])
        cornerCount += 1
    }

    /// A straight line. Traps where no contour was begun.
    public mutating func line(to point: Point) {
        precondition(!contours.isEmpty, "a line begins somewhere")
        contours[contours.count - 1].append(point)
        cornerCount += 1
    }

    /// A quadratic Bézier curve. Traps where no contour was begun.
    public mutating func quadratic(control: Point, to end: Point) {
        guard let start = currentPoint else { preconditionFailure("a curve begins somewhere") }
        let bend = hypot(start.x - 2 * control.x + end.x, start.y - 2 * control.y + end.y)
        let count = Self.steps(0.25 * bend)
        for step in 1 ... count {
            let t = Double(step) / Double(count)
            let s = 1 - t
            line(
                to: Point(
                    x: s * s * start.x + 2 * s * t * control.x + t * t * end.x,
                    y: s * s * start.y + 2 * s * t * control.y + t * t * end.y))
        }
    }

    /// A cubic Bézier curve. Traps where no contour was begun.
    public mutating func cubic(_ first: Point, _ second: Point, to end: Point) {
        guard let start = currentPoint else { preconditionFailure("a curve begins somewhere") }
        let bend = max(
            hypot(start.x - 2 * first.x + second.x, start.y - 2 * first.y + second.y),
            hypot(first.x - 2 * second.x + end.x, first.y - 2 * second.y + end.y))
        let count = Self.steps(0.75 * bend)
        for step in 1 ... count {
            let t = Double(step) / Double(count)
            let s = 1 - t
            let (a, b, c, d) = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
            line(
                to: Point(
                    x: a * start.x + b * first.x + c * second.x + d * end.x,
                    y: a * start.y + b * first.y + c * second.y + d * end.y))
        }
    }

    /// An elliptical arc as SVG's `A` draws it (SVG 2, 9.5.1 and B.2: endpoint to centre parameterization). Radii too
    /// small are enlarged; a radius of 0 is a straight line. `rotation` in degrees. Traps where no contour was begun.
    public mutating func arc(
        radiusX: Double, radiusY: Double, rotation: Double, isLarge: Bool, isSweep: Bool, to end: Point
    ) {
        guard let start = currentPoint else { preconditionFailure("an arc begins somewhere") }
        if start == end { return }
        var (rx, ry) = (abs(radiusX), abs(radiusY))
        guard rx > 0, ry > 0 else { return line(to: end) }
        let phi = rotation * .pi / 180
        let (cosine, sine) = (cos(phi), sin(phi))
        let (dx, dy) = ((start.x - end.x) / 2, (start.y - end.y) / 2)
        let (x, y) = (cosine * dx + sine * dy, cosine * dy - sine * dx)
        let lambda = x * x / (rx * rx) + y * y / (ry * ry)
        if lambda > 1 {
            rx *= lambda.squareRoot()
            ry *= lambda.squareRoot()
        }
        let denominator = rx * rx * y * y + ry * ry * x * x
        let numerator = max(0, rx * rx * ry * ry - denominator)
        let factor = (isLarge == isSweep ? -1 : 1) * (denominator > 0 ? (numerator / denominator).squareRoot() : 0)
        let (cx, cy) = (factor * rx * y / ry, -factor * ry * x / rx)
        let middle = Point(
            x: cosine * cx - sine * cy + (start.x + end.x) / 2, y: sine * cx + cosine * cy + (start.y + end.y) / 2)
        let from = atan2((y - cy) / ry, (x - cx) / rx)
        var sweep = atan2((-y - cy) / ry, (-x - cx) / rx) - from
        if isSweep, sweep < 0 { sweep += 2 * .pi }
        if !isSweep, sweep > 0 { sweep -= 2 * .pi }
        let count = Self.segments(radius: max(rx, ry), angle: abs(sweep))
        for step in 1 ..< max(1, count) {
            let angle = from + sweep * Double(step) / Double(count)
            let (u, v) = (rx * cos(angle), ry * sin(angle))
            line(to: Point(x: middle.x + cosine * u - sine * v, y: middle.y + sine * u + cosine * v))
        }
        line(to: end)
    }

    /// Adds another path's contours.
    public mutating func append(_ other: VectorPath) { contours += other.contours }

    /// Every point scaled, then moved.
    public func transformed(scale: Double, dx: Double, dy: Double) -> VectorPath {
        var result = VectorPath()
        result.contours = contours.map { $0.map { Point(x: $0.x * scale + dx, y: $0.y * scale + dy) } }
        return result
    }

    /// The smallest box that holds every corner; `nil` for a path without any.
    public var bounds: (minX: Double, minY: Double, maxX: Double, maxY: Double)? {
        guard let first = contours.lazy.joined().first(where: { _ in true }) else { return nil }
        var box = (minX: first.x, minY: first.y, maxX: first.x, maxY: first.y)
        for point in contours.lazy.joined() {
            box = (
                min(box.minX, point.x), min(box.minY, point.y), max(box.maxX, point.x), max(box.maxY, point.y)
            )
        }
        return box
    }

    /// Chords of a circle's arc whose sagitta stays within the tolerance.
    private static func segments(radius: Double, angle: Double) -> Int {
        guard radius > tolerance else { return 4 }
        let step = 2 * acos(max(-1, 1 - tolerance / radius))
        return min(1 << 14, max(4, Int((angle / step).rounded(.up))))
    }

    /// Chords of a Bézier curve by Wang's formula (1984), given d(d − 1)/8 times the largest second difference.
    private static func steps(_ bend: Double) -> Int {
        min(1 << 12, max(1, Int((bend / tolerance).squareRoot().rounded(.up))))
    }
}
