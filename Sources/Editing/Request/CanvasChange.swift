public import Masking
internal import PlainText
public import Raster

/// How an outpaint enlarges the canvas.
public enum CanvasChange: Sendable, Equatable {
    /// Pixels added at each side.
    case margins(Margins)
    /// A canvas of that size.
    case size(PixelSize, anchor: OutpaintPlan.Anchor)
    /// The smallest canvas of the ratio `width : height` that holds the picture.
    case aspect(width: Int, height: Int, anchor: OutpaintPlan.Anchor)
    /// A canvas whose sides are that many times the picture's; above 1.
    case zoomOut(Double, anchor: OutpaintPlan.Anchor)

    /// What may be said of a canvas, one of four ways at a time.
    public struct Words: Sendable, Equatable {
        public var left: Int?
        public var right: Int?
        public var top: Int?
        public var bottom: Int?
        public var size: PixelSize?
        public var aspect: (width: Int, height: Int)?
        public var zoomOut: Double?
        public var anchor: OutpaintPlan.Anchor?

        public init() {}

        public static func == (a: Words, b: Words) -> Bool {
            (a.left, a.right, a.top, a.bottom) == (b.left, b.right, b.top, b.bottom) && a.size == b.size
                && a.aspect?.width == b.aspect?.width && a.aspect?.height == b.aspect?.height
                && a.zoomOut == b.zoomOut && a.anchor == b.anchor
        }
    }

    /// Throws `EditError` for nothing, for several ways at once and for values out of range.
    public init(_ words: Words) throws(EditError) {
        let sides = [words.left, words.right, words.top, words.bottom]
        let hasMargins = sides.contains { $0 != nil }
        if hasMargins, let anchor = words.anchor { throw .anchorOfSides(anchor) }
        let anchor = words.anchor ?? .center
        switch (hasMargins, words.size, words.aspect, words.zoomOut) {
        case (true, nil, nil, nil):
            self = .margins(
                Margins(left: words.left ?? 0, right: words.right ?? 0, top: words.top ?? 0, bottom: words.bottom ?? 0))
        case (false, let size?, nil, nil): self = .size(size, anchor: anchor)
        case (false, nil, let aspect?, nil): self = .aspect(width: aspect.width, height: aspect.height, anchor: anchor)
        case (false, nil, nil, let factor?): self = .zoomOut(factor, anchor: anchor)
        case (false, nil, nil, nil): throw .noCanvas
        default: throw .severalCanvases
        }
        try validate()
    }

    /// The words that say the same: of the sides, those that are enlarged.
    public var words: Words {
        var words = Words()
        switch self {
        case .margins(let margins):
            // One side at least is named.
            (words.left, words.right) = (
                margins.left == 0 ? nil : margins.left, margins.right == 0 ? nil : margins.right
            )
            (words.top, words.bottom) = (
                margins.top == 0 ? nil : margins.top, margins.bottom == 0 ? nil : margins.bottom
            )
        case .size(let size, let anchor): (words.size, words.anchor) = (size, anchor)
        case .aspect(let width, let height, let anchor): (words.aspect, words.anchor) = ((width, height), anchor)
        case .zoomOut(let factor, let anchor): (words.zoomOut, words.anchor) = (factor, anchor)
        }
        if words.anchor == .center { words.anchor = nil }
        return words
    }

    /// Whether a ratio's two numbers are; those with a fraction stand here in hundredths.
    public static func isAspect(_ width: Int, _ height: Int) -> Bool {
        EditSettings.aspectSides.contains(width) && EditSettings.aspectSides.contains(height)
    }

    /// What a ratio may be, in words.
    public static let allowedAspects = "width:height, two numbers from 0.01 to 1000 such as 16:9 or 2.39:1"

    /// Throws `EditError` for values out of range. Whether a canvas fits its picture the plan says.
    public func validate() throws(EditError) {
        switch self {
        case .margins(let margins):
            let sides: [(SettingKey, Int)] = [
                (.left, margins.left), (.right, margins.right), (.top, margins.top), (.bottom, margins.bottom),
            ]
            // How much is too much the picture's size says.
            for (side, value) in sides where value < 0 {
                throw .outOfRange(side, allowed: "0 pixels or more", found: "\(value)")
            }
            guard !margins.isZero else { throw .nothingExtended }
        case .size(let size, _):
            // A side that is too long for most pictures is one that another has already.
            let area = size.width.multipliedReportingOverflow(by: size.height)
            guard size.width > 0, size.height > 0, !area.overflow, area.partialValue <= OutpaintPlan.maximumCanvasArea
            else {
                throw .outOfRange(
                    .size, allowed: "two sides above 0, of at most \(OutpaintPlan.maximumCanvasArea) pixels in all",
                    found: "\(size)")
            }
        case .aspect(let width, let height, _):
            guard Self.isAspect(width, height) else {
                throw .outOfRange(.aspect, allowed: Self.allowedAspects, found: "\(width):\(height)")
            }
        case .zoomOut(let factor, _):
            guard EditSettings.zooms.contains(factor) else {
                throw .outOfRange(
                    .zoomOut, allowed: "from \(EditSettings.zooms.allowed)", found: SettingRange.text(of: factor))
            }
        }
    }

    /// Where a picture of that size stands on the new canvas.
    public func plan(for picture: PixelSize) throws(OutpaintError) -> OutpaintPlan {
        switch self {
        case .margins(let margins): try OutpaintPlan(source: picture, margins: margins)
        case .size(let size, let anchor): try OutpaintPlan(source: picture, size: size, anchor: anchor)
        case .aspect(let width, let height, let anchor):
            try OutpaintPlan(source: picture, aspect: (width, height), anchor: anchor)
        case .zoomOut(let factor, let anchor): try OutpaintPlan(source: picture, zoomOut: factor, anchor: anchor)
        }
    }
}
