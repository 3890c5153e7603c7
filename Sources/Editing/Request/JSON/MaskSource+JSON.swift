internal import Masking
internal import PlainText

/// A picture as `PictureInput` has it, or one of
///
///     {"box": [10, 20, "50%", 100]}                              left, top, width, height
///     {"ellipse": [300, 200, 120, 80]}                           centre and radii
///     {"polygon": [[10, 10], [200, 40], [120, 160]], "rule": "evenodd"}
///     {"stroke": [[10, 10], [200, 40]], "width": 20}
///     {"path": "M10 10 H90 V90 Z", "rule": "evenodd"}
///     {"ownAlpha": true}
///
/// Lengths are pixels, or texts with % of the side.
extension MaskSource: Codable {
    private enum Kind: String, CaseIterable {
        case box, ellipse, polygon, stroke, path, ownAlpha

        var key: JSONKey { JSONKey(stringValue: rawValue) }
    }

    private static let rule = JSONKey(stringValue: "rule")
    private static let width = JSONKey(stringValue: "width")

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .picture(let input): return try input.encode(to: encoder)
        case .ownAlpha:
            var container = encoder.container(keyedBy: JSONKey.self)
            try container.encode(true, forKey: Kind.ownAlpha.key)
        case .shape(let shape):
            var container = encoder.container(keyedBy: JSONKey.self)
            switch shape {
            case .box(let origin, let width, let height):
                try container.encode([origin.x, origin.y, width, height].map(JSONLength.init), forKey: Kind.box.key)
            case .ellipse(let center, let radiusX, let radiusY):
                try container.encode(
                    [center.x, center.y, radiusX, radiusY].map(JSONLength.init), forKey: Kind.ellipse.key)
            case .polygon(let places, let rule):
                try container.encode(places.map(\.lengths), forKey: Kind.polygon.key)
                try Self.encode(rule, to: &container)
            case .stroke(let places, let width):
                try container.encode(places.map(\.lengths), forKey: Kind.stroke.key)
                try container.encode(width, forKey: Self.width)
            case .path(let path, let rule):
                try container.encode(path.svgData, forKey: Kind.path.key)
                try Self.encode(rule, to: &container)
            }
        }
    }

    private static func encode(
        _ rule: VectorPath.FillRule, to container: inout KeyedEncodingContainer<JSONKey>
    ) throws {
        if rule != .nonZero { try container.encode(rule.rawValue, forKey: Self.rule) }
    }

    public init(from decoder: any Decoder) throws { try self.init(from: decoder, at: "\(.masks)") }

    /// - Parameter place: what errors call it.
    /// - Throws: `EditError.wrongForm`, `.unknownKey` or `.badShape`.
    init(from decoder: any Decoder, at place: Sentence) throws {
        guard let container = try? decoder.container(keyedBy: JSONKey.self),
            container.allKeys.isEmpty
                || !container.allKeys.contains(where: { PictureInput.keys.contains($0.stringValue) })
        else {
            self = .picture(try PictureInput(from: decoder, at: place))
            return
        }
        try container.checkKeys(
            PictureInput.keys + Kind.allCases.map(\.rawValue) + [Self.rule.stringValue, Self.width.stringValue])
        let kinds = Kind.allCases.filter { container.contains($0.key) }
        guard kinds.count == 1 else {
            throw EditError.wrongForm(
                place,
                expected: "a path or an object of one kind: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))",
                found: kinds.isEmpty ? "none" : kinds.map(\.rawValue).joined(separator: " and "))
        }
        let kind = kinds[0]
        let reader = ShapeReader(container: container, place: place)
        if kind != .polygon, kind != .path { try reader.refuse(Self.rule) }
        if kind != .stroke { try reader.refuse(Self.width) }
        switch kind {
        case .ownAlpha:
            guard (try? container.decode(Bool.self, forKey: kind.key)) == true else {
                throw reader.wrong(kind.key, expected: "true")
            }
            self = .ownAlpha
        case .box:
            let text = try reader.lengths(kind.key)
            self = .shape(try reader.shape(kind.key) { () throws(MaskShapeError) in try MaskShape(box: text) })
        case .ellipse:
            let text = try reader.lengths(kind.key)
            self = .shape(try reader.shape(kind.key) { () throws(MaskShapeError) in try MaskShape(ellipse: text) })
        case .polygon:
            let (text, rule) = (try reader.places(kind.key), try reader.fillRule(Self.rule))
            self = .shape(
                try reader.shape(kind.key) { () throws(MaskShapeError) in try MaskShape(polygon: text, rule: rule) })
        case .stroke:
            guard let width = try? container.decode(Double.self, forKey: Self.width),
                MaskShape.strokeWidths.contains(width)
            else {
                let widths = SettingRange("pixels", MaskShape.strokeWidths)
                throw reader.wrong(Self.width, expected: "a number from \(widths.allowed)")
            }
            let text = try reader.places(kind.key)
            self = .shape(
                try reader.shape(kind.key) { () throws(MaskShapeError) in try MaskShape(stroke: text, width: width) })
        case .path:
            guard let data = try? container.decode(String.self, forKey: kind.key) else {
                throw reader.wrong(kind.key, expected: "the data of an SVG path")
            }
            let rule = try reader.fillRule(Self.rule)
            self = .shape(
                try reader.shape(kind.key) { () throws(MaskShapeError) in try MaskShape(svgPath: data, rule: rule) })
        }
    }
}

/// Reads the numbers of a shape, as the texts that `MaskShape` takes: its checks are the only ones.
private struct ShapeReader {
    let container: KeyedDecodingContainer<JSONKey>
    let place: Sentence

    func wrong(_ key: JSONKey, expected: Sentence) -> EditError {
        .wrongForm(
            "\(place).\(key.stringValue)", expected: expected,
            found: container.contains(key) ? container.found(key) : "nothing")
    }

    func shape(_ key: JSONKey, _ make: () throws(MaskShapeError) -> MaskShape) throws(EditError) -> MaskShape {
        do {
            return try make()
        } catch {
            throw .badShape("\(place).\(key.stringValue)", error)
        }
    }

    func refuse(_ key: JSONKey) throws {
        if container.contains(key) { throw EditError.unknownKey("\(place).\(key.stringValue)", near: nil) }
    }

    func lengths(_ key: JSONKey) throws -> String {
        guard let lengths = try? container.decode([JSONLength].self, forKey: key) else {
            throw wrong(key, expected: "a list of four lengths, numbers of pixels or texts with %")
        }
        return lengths.map(\.text).joined(separator: ",")
    }

    func places(_ key: JSONKey) throws -> String {
        guard let places = try? container.decode([[JSONLength]].self, forKey: key) else {
            throw wrong(key, expected: "a list of points, each a list of x and y")
        }
        return places.map { $0.map(\.text).joined(separator: ",") }.joined(separator: " ")
    }

    func fillRule(_ key: JSONKey) throws -> VectorPath.FillRule {
        guard container.contains(key) else { return .nonZero }
        let form = SettingForm<VectorPath.FillRule>.word
        guard let rule = form.decode(container, key) else { throw wrong(key, expected: Sentence(form.expected)) }
        return rule
    }
}

/// A length on the picture, as `MaskShape` spells it.
private struct JSONLength: Codable {
    let text: String

    init(_ length: MaskShape.Length) {
        switch length {
        case .pixels(let pixels): text = "\(pixels)"
        case .share(let share):
            // The number of percent that gives the same share again, where there is one.
            let percent = share * 100
            let exact = [percent, percent.nextUp, percent.nextDown].first { $0 / 100 == share }
            text = "\(SettingRange.text(of: exact ?? percent))%"
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let pixels = Double(text) { try container.encode(pixels) } else { try container.encode(text) }
    }

    /// A text is what `MaskShape` makes of it, but no more than one length.
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let pixels = try? container.decode(Double.self) {
            text = "\(pixels)"
            return
        }
        let word = try container.decode(String.self)
        guard !word.contains(where: { $0 == "," || $0 == ";" || $0.isWhitespace }) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "more than one length")
        }
        text = word
    }
}

extension MaskShape.Place {
    fileprivate var lengths: [JSONLength] { [JSONLength(x), JSONLength(y)] }
}

extension VectorPath {
    /// Lines from corner to corner, as SVG's `d` has them.
    fileprivate var svgData: String {
        contours.map { contour in
            "M" + contour.map { "\(SettingRange.text(of: $0.x)),\(SettingRange.text(of: $0.y))" }.joined(separator: "L")
                + "Z"
        }.joined()
    }
}
