internal import PlainText
public import Raster

/// A mask given by numbers instead of a picture.
public enum MaskShape: Sendable, Equatable {
    /// A length on the picture: pixels, or a share of its width or height.
    public enum Length: Sendable, Equatable {
        case pixels(Double)
        /// 1 is the whole side.
        case share(Double)

        func resolved(_ side: Int) -> Double {
            switch self {
            case .pixels(let pixels): pixels
            case .share(let share): share * Double(side)
            }
        }
    }

    public struct Place: Sendable, Equatable {
        public var x: Length
        public var y: Length

        public init(x: Length, y: Length) {
            self.x = x
            self.y = y
        }

        /// "120,80", "50%,25%".
        public init(_ text: String) throws(MaskShapeError) {
            let lengths = try MaskShape.lengths(text, count: 2, form: "x,y")
            self.init(x: lengths[0], y: lengths[1])
        }

        func resolved(in size: PixelSize) -> VectorPath.Point {
            VectorPath.Point(x: x.resolved(size.width), y: y.resolved(size.height))
        }

        /// The pixel that holds the point. Throws `MaskShapeError.outside` where that is none of the picture's.
        public func pixel(in size: PixelSize) throws(MaskShapeError) -> (x: Int, y: Int) {
            let point = resolved(in: size)
            let (column, row) = (point.x.rounded(.down), point.y.rounded(.down))
            guard column >= 0, row >= 0, column < Double(size.width), row < Double(size.height) else {
                throw .outside(x: point.x, y: point.y, picture: size)
            }
            return (Int(column), Int(row))
        }
    }

    case box(origin: Place, width: Length, height: Length)
    case ellipse(center: Place, radiusX: Length, radiusY: Length)
    case polygon([Place], VectorPath.FillRule)
    /// A round brush of `width` pixels.
    case stroke([Place], width: Double)
    case path(VectorPath, VectorPath.FillRule)

    /// Coordinates beyond this many pixels are refused.
    public static let farthest = 1e6
    /// More corners than this are refused.
    public static let pointLimit = 100_000
    /// Brushes of a stroke, in pixels.
    public static let strokeWidths = 0.1 ... 10_000.0

    /// "10,20,200,100": left, top, width, height, in pixels or percent. Throws for a side that is not above 0.
    public init(box text: String) throws(MaskShapeError) {
        let lengths = try Self.lengths(text, count: 4, form: "x,y,w,h")
        try Self.checkExtent(lengths, text)
        guard lengths[2].isPositive, lengths[3].isPositive else { throw .notPositive(text, form: "x,y,w,h") }
        self = .box(origin: Place(x: lengths[0], y: lengths[1]), width: lengths[2], height: lengths[3])
    }

    /// "300,200,120,80": centre and the two radii. Throws for a radius that is not above 0.
    public init(ellipse text: String) throws(MaskShapeError) {
        let lengths = try Self.lengths(text, count: 4, form: "cx,cy,rx,ry")
        try Self.checkExtent(lengths, text)
        guard lengths[2].isPositive, lengths[3].isPositive else { throw .notPositive(text, form: "cx,cy,rx,ry") }
        self = .ellipse(center: Place(x: lengths[0], y: lengths[1]), radiusX: lengths[2], radiusY: lengths[3])
    }

    /// "10,10 200,40 120,160": three corners or more.
    public init(polygon text: String, rule: VectorPath.FillRule = .nonZero) throws(MaskShapeError) {
        let places = try Self.places(text)
        guard places.count >= 3 else { throw .tooFewPoints(found: places.count, needed: 3) }
        try Self.checkExtent(places.flatMap { [$0.x, $0.y] }, text)
        self = .polygon(places, rule)
    }

    /// "10,10 200,40": the points that a round brush of `width` pixels goes through, one or more.
    public init(stroke text: String, width: Double) throws(MaskShapeError) {
        let places = try Self.places(text)
        guard !places.isEmpty else { throw .tooFewPoints(found: 0, needed: 1) }
        if places.count > 1 { try Self.checkExtent(places.flatMap { [$0.x, $0.y] }, text) }
        guard VectorPath.corners(ofStrokeThrough: places.count, width: width) <= VectorPath.cornerLimit else {
            throw .tooManyPoints(limit: VectorPath.cornerLimit)
        }
        self = .stroke(places, width: width)
    }

    /// The data of an SVG path, "M 10 10 H 90 V 90 Z", in pixels.
    public init(svgPath text: String, rule: VectorPath.FillRule = .nonZero) throws(MaskShapeError) {
        let path = try SVGPathParser.path(from: text)
        if let bounds = path.bounds {
            let ends = [bounds.minX, bounds.minY, bounds.maxX, bounds.maxY]
            let isWithin = ends.allSatisfy { 0 ... 1 ~= $0 } && ends.contains { $0 != $0.rounded() }
            guard !isWithin else { throw .pathWithinPixel }
        }
        // An arc may lead further than its ends.
        if let bounds = path.bounds,
            let far = [bounds.minX, bounds.minY, bounds.maxX, bounds.maxY].first(where: { abs($0) > Self.farthest })
        {
            throw .outOfRange("\(far)")
        }
        self = .path(path, rule)
    }

    /// The shape on a picture of that size, anti-aliased by exact area. What lies outside the picture is cut off.
    public func mask(size: PixelSize) -> Mask {
        let (path, rule) = outline(in: size)
        return Mask(path, rule: rule, size: size)
    }

    /// Whether some of the shape lies outside a picture of that size. Throws `MaskShapeError.beyond` where all of it
    /// does.
    public func reachesBeyond(_ size: PixelSize) throws(MaskShapeError) -> Bool {
        guard let bounds = outline(in: size).path.bounds else { return false }
        let (width, height) = (Double(size.width), Double(size.height))
        guard bounds.minX < width, bounds.minY < height, bounds.maxX > 0, bounds.maxY > 0 else {
            throw .beyond(
                kind, x: bounds.minX ... bounds.maxX, y: bounds.minY ... bounds.maxY, picture: size)
        }
        // Less than this is rounding, of a share or of a curve.
        let slack = 0.01
        return bounds.minX < -slack || bounds.minY < -slack || bounds.maxX > width + slack
            || bounds.maxY > height + slack
    }

    /// "box", "ellipse" …
    public var kind: String {
        switch self {
        case .box: "box"
        case .ellipse: "ellipse"
        case .polygon: "polygon"
        case .stroke: "stroke"
        case .path: "path"
        }
    }

    private func outline(in size: PixelSize) -> (path: VectorPath, rule: VectorPath.FillRule) {
        switch self {
        case .box(let origin, let width, let height):
            let corner = origin.resolved(in: size)
            return (
                VectorPath(
                    x: corner.x, y: corner.y, width: width.resolved(size.width), height: height.resolved(size.height)),
                .nonZero
            )
        case .ellipse(let center, let radiusX, let radiusY):
            return (
                VectorPath(
                    center: center.resolved(in: size), radiusX: radiusX.resolved(size.width),
                    radiusY: radiusY.resolved(size.height)), .nonZero
            )
        case .polygon(let places, let rule): return (VectorPath(polygon: places.map { $0.resolved(in: size) }), rule)
        case .stroke(let places, let width):
            return (VectorPath(strokeThrough: places.map { $0.resolved(in: size) }, width: width), .nonZero)
        case .path(let path, let rule): return (path, rule)
        }
    }

    /// The smallest pixel rectangle around a box, cut to the picture; `nil` for another shape or where nothing is left.
    public func pixelRect(in size: PixelSize) -> PixelRect? {
        guard case .box(let origin, let width, let height) = self else { return nil }
        let corner = origin.resolved(in: size)
        let left = max(0, corner.x.rounded(.down))
        let top = max(0, corner.y.rounded(.down))
        let right = min(Double(size.width), (corner.x + width.resolved(size.width)).rounded(.up))
        let bottom = min(Double(size.height), (corner.y + height.resolved(size.height)).rounded(.up))
        guard right > left, bottom > top else { return nil }
        return PixelRect(x: Int(left), y: Int(top), width: Int(right - left), height: Int(bottom - top))
    }

    private static func places(_ text: String) throws(MaskShapeError) -> [Place] {
        let words = text.split { $0.isWhitespace || $0 == ";" }
        guard words.count <= pointLimit else { throw .tooManyPoints(limit: pointLimit) }
        var places: [Place] = []
        for word in words { places.append(try Place(String(word))) }
        return places
    }

    /// Throws `MaskShapeError.sharesMeant` for numbers that are all pixels from 0 to 1, one with a fraction: they mark a
    /// part of one pixel, which nobody means.
    private static func checkExtent(_ lengths: [Length], _ text: String) throws(MaskShapeError) {
        var hasFraction = false
        for length in lengths {
            guard case .pixels(let value) = length, 0 ... 1 ~= value else { return }
            hasFraction = hasFraction || value != value.rounded()
        }
        guard hasFraction else { return }
        throw .sharesMeant(text)
    }

    private static func lengths(_ text: String, count: Int, form: String) throws(MaskShapeError) -> [Length] {
        // Commas part the numbers, or where there is none spaces do.
        let words =
            text.contains(",")
            ? text.split(separator: ",", omittingEmptySubsequences: false) : text.split { $0.isWhitespace }
        guard words.count == count else { throw .malformed(text, form: form) }
        var lengths: [Length] = []
        for word in words {
            var number = word.trimmed
            let isShare = number.hasSuffix("%")
            let unit = isShare ? 1 : number.hasSuffix("px") ? 2 : 0
            number.removeLast(unit)
            // "10 %" is one number, "10 20" is two.
            if unit > 0, number.last == " " { number.removeLast() }
            // Neither "nan" nor "0x10".
            guard number.allSatisfy({ "+-.0123456789eE".contains($0) }), let value = Double(number), value.isFinite
            else {
                throw .malformed(text, form: form)
            }
            guard abs(value) <= farthest else { throw .outOfRange(number) }
            lengths.append(isShare ? .share(value / 100) : .pixels(value))
        }
        return lengths
    }
}

extension MaskShape.Length {
    fileprivate var isPositive: Bool {
        switch self {
        case .pixels(let value), .share(let value): value > 0
        }
    }
}

/// What is wrong with a shape that was given in numbers.
public enum MaskShapeError: Error, Equatable, CustomStringConvertible {
    case malformed(String, form: String)
    case notPositive(String, form: String)
    case outOfRange(String)
    /// Numbers that mark a part of one pixel.
    case sharesMeant(String)
    /// The same of an SVG path.
    case pathWithinPixel
    case tooFewPoints(found: Int, needed: Int)
    case tooManyPoints(limit: Int)
    case emptyPath
    /// `position` counts bytes from 1.
    case path(expected: String, found: String, position: Int)
    case outside(x: Double, y: Double, picture: PixelSize)
    /// A whole shape, between these coordinates.
    case beyond(String, x: ClosedRange<Double>, y: ClosedRange<Double>, picture: PixelSize)

    private static func example(of form: String) -> String {
        switch form {
        case "x,y": "120,80"
        case "cx,cy,rx,ry": "300,200,120,80"
        default: "10,20,200,100"
        }
    }

    /// The numbers of a text as percentages: "0.1,0.25" as "10%,25%".
    private static func percentages(_ text: some StringProtocol) -> String {
        var result = ""
        var number = ""
        func flush() {
            result += Double(number).map { rounded($0 * 100) + "%" } ?? number
            number = ""
        }
        for character in text {
            if character == "," || character == ";" || character.isWhitespace {
                flush()
                result.append(character)
            } else {
                number.append(character)
            }
        }
        flush()
        return result
    }

    public var description: String {
        switch self {
        case .malformed(let text, let form):
            "'\(text.prefix(60))' is not of the form \(form), numbers in pixels or with % of the picture's side, for example \(Self.example(of: form))"
        case .notPositive(let text, let form):
            "'\(text.prefix(60))' has no extent: the last two of \(form) must be above 0"
        case .outOfRange(let text):
            "'\(text.prefix(60))' is too far away, expected at most \(Int(MaskShape.farthest)) pixels"
        case .sharesMeant(let text):
            "'\(text.prefix(60))' lies within one pixel; shares of the picture's sides are written with %: \(Self.percentages(text.prefix(60)))"
        case .pathWithinPixel:
            "the path lies within one pixel; its numbers are pixels, and shares are for boxes, ellipses and polygons (10%)"
        case .tooFewPoints(let found, let needed):
            "\(found.of("point")) \(found == 1 ? "was" : "were") found, expected at least \(needed), for example \"10,10 200,40 120,160\""
        case .tooManyPoints(let limit): "there are more than \(limit) points"
        case .emptyPath: "the path is empty, expected for example \"M 10 10 H 90 V 90 Z\""
        case .path(let expected, let found, let position):
            "the path is wrong at character \(position): expected \(expected), found \(found)"
        case .outside(let x, let y, let picture):
            "the point \(x),\(y) lies outside the picture of \(picture)"
        case .beyond(let shape, let x, let y, let picture):
            "the \(shape) lies outside the picture of \(picture): it reaches from \(rounded(x.lowerBound)),\(rounded(y.lowerBound)) to \(rounded(x.upperBound)),\(rounded(y.upperBound))"
        }
    }
}

/// To a hundredth, whole numbers without a fraction.
private func rounded(_ value: Double) -> String {
    let hundredths = (value * 100).rounded() / 100
    return hundredths == hundredths.rounded() ? "\(Int(hundredths))" : "\(hundredths)"
}
