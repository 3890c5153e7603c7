public import PlainText
public import Raster

/// Where a picture stands on a larger canvas that is to be filled around it.
public struct OutpaintPlan: Sendable, Equatable {
    public let sourceSize: PixelSize
    /// New pixels on each side.
    public let margins: Margins

    /// The largest canvas that is planned, in pixels: 2²⁸, as for decoding.
    public static let maximumCanvasArea = 1 << 28
    /// The longest side of a canvas along which a picture is extended.
    public static let maximumCanvasSide = 32768

    /// Where the picture stays when a canvas is given by its size.
    public enum Anchor: String, Sendable, Hashable, CaseIterable {
        case center, left, right, top, bottom
        case topLeft = "top-left"
        case topRight = "top-right"
        case bottomLeft = "bottom-left"
        case bottomRight = "bottom-right"

        /// The share of new columns to the left and of new rows above: 0, ½ or 1.
        var share: (x: Double, y: Double) {
            switch self {
            case .center: (0.5, 0.5)
            case .left: (0, 0.5)
            case .right: (1, 0.5)
            case .top: (0.5, 0)
            case .bottom: (0.5, 1)
            case .topLeft: (0, 0)
            case .topRight: (1, 0)
            case .bottomLeft: (0, 1)
            case .bottomRight: (1, 1)
            }
        }
    }

    /// - Throws: `OutpaintError` for a negative margin, no margin at all, or a canvas beyond `maximumCanvasSide` or
    ///   `maximumCanvasArea`.
    public init(source: PixelSize, margins: Margins) throws(OutpaintError) {
        for (side, value) in [
            (SettingKey.left, margins.left), (.right, margins.right), (.top, margins.top), (.bottom, margins.bottom),
        ] where value < 0 {
            throw .negative(side: side, value: value)
        }
        guard !margins.isZero else { throw .nothingToAdd(source: source) }
        let canvas = PixelSize(
            width: Self.length(source.width, margins.left, margins.right),
            height: Self.length(source.height, margins.top, margins.bottom))
        // A picture that is longer already may be extended along its other side.
        guard canvas.width <= max(source.width, Self.maximumCanvasSide),
            canvas.height <= max(source.height, Self.maximumCanvasSide)
        else { throw .sideTooLong(canvas: canvas) }
        guard canvas.area <= Self.maximumCanvasArea else { throw .tooLarge(canvas: canvas) }
        sourceSize = source
        self.margins = margins
    }

    /// Of a side and what is added to it; at most `longestLength`.
    private static func length(_ side: Int, _ before: Int, _ behind: Int) -> Int {
        side + min(before, longestLength) + min(behind, longestLength)
    }

    /// Far beyond any canvas, and nowhere near an overflow.
    private static let longestLength = 1 << 40

    private static func length(_ value: Double) -> Int { Int(min(value, Double(longestLength))) }

    /// A canvas of `size` with the picture at `anchor`.
    ///
    /// - Throws: `OutpaintError` where the canvas is smaller than the picture on a side, or not larger on any.
    public init(source: PixelSize, size: PixelSize, anchor: Anchor = .center) throws(OutpaintError) {
        guard size.width > 0 && size.height > 0 else { throw .badSize(size) }
        guard size.width >= source.width && size.height >= source.height else {
            throw .smallerThanSource(source: source, canvas: size)
        }
        let columns = size.width - source.width
        let rows = size.height - source.height
        let left = Int(Double(columns) * anchor.share.x)
        let top = Int(Double(rows) * anchor.share.y)
        try self.init(source: source, margins: Margins(left: left, right: columns - left, top: top, bottom: rows - top))
    }

    /// The smallest canvas of aspect `width : height` that holds the picture.
    ///
    /// - Throws: `OutpaintError` where the aspect is not positive or is the picture's already.
    public init(source: PixelSize, aspect: (width: Int, height: Int), anchor: Anchor = .center) throws(OutpaintError) {
        guard aspect.width > 0 && aspect.height > 0 else {
            throw .badAspect(width: aspect.width, height: aspect.height)
        }
        let ratio = Double(aspect.width) / Double(aspect.height)
        let width = max(Double(source.width), (Double(source.height) * ratio).rounded())
        let height = max(Double(source.height), (Double(source.width) / ratio).rounded())
        try self.init(
            source: source, size: PixelSize(width: Self.length(width), height: Self.length(height)), anchor: anchor)
    }

    /// A canvas whose sides are `zoomOut` times the picture's, rounded: as if the camera went back. The picture keeps its
    /// pixels, so the canvas grows.
    ///
    /// - Throws: `OutpaintError` where the factor is not above 1, or so little that nothing is added.
    public init(source: PixelSize, zoomOut factor: Double, anchor: Anchor = .center) throws(OutpaintError) {
        guard factor > 1 else { throw .badZoom(factor) }
        let width = (Double(source.width) * factor).rounded()
        let height = (Double(source.height) * factor).rounded()
        try self.init(
            source: source, size: PixelSize(width: Self.length(width), height: Self.length(height)), anchor: anchor)
    }

    public var canvasSize: PixelSize { sourceSize.padded(by: margins) }
    /// Where the picture lies on the canvas.
    public var sourceRect: PixelRect {
        PixelRect(x: margins.left, y: margins.top, width: sourceSize.width, height: sourceSize.height)
    }

    /// `picture` on the canvas, samples unchanged; the new panels are black and opaque. Traps on a picture of another
    /// size.
    public func canvas(of picture: Picture) -> Picture {
        precondition(picture.size == sourceSize, "planned for \(sourceSize), given \(picture.size)")
        return picture.padded(by: margins)
    }

    /// A mask of the picture on the canvas, 0 in the new panels. Traps on a mask of another size.
    public func canvas(of mask: Mask) -> Mask {
        precondition(mask.size == sourceSize, "planned for \(sourceSize), given \(mask.size)")
        var plane = Plane(size: canvasSize)
        plane.paste(mask.coverage, x: margins.left, y: margins.top)
        return Mask(coverage: plane)
    }

    /// The mask for compositing: 1 in the new panels, 0 on the picture, which therefore comes back byte for byte.
    public var mask: Mask {
        var plane = Plane(size: canvasSize, repeating: 1)
        plane.paste(Plane(size: sourceSize), x: margins.left, y: margins.top)
        return Mask(coverage: plane)
    }
}

/// Why a canvas cannot be planned.
public enum OutpaintError: Error, Equatable, Worded {
    case negative(side: SettingKey, value: Int)
    case nothingToAdd(source: PixelSize)
    case badSize(PixelSize)
    case badAspect(width: Int, height: Int)
    case badZoom(Double)
    case smallerThanSource(source: PixelSize, canvas: PixelSize)
    case sideTooLong(canvas: PixelSize)
    case tooLarge(canvas: PixelSize)

    public var sentence: Sentence {
        switch self {
        case .negative(let side, let value): "\(side) must be 0 or more pixels, got \(value)"
        case .nothingToAdd(let source):
            "nothing to add: the canvas would be the picture's own \(source); give \(.left), \(.right), \(.top) or \(.bottom), \(.size), \(.aspect) or \(.zoomOut)"
        case .badSize(let size): "a canvas needs a positive width and height, got \(size)"
        case .badAspect(let width, let height): "an aspect needs two positive numbers, got \(width):\(height)"
        case .badZoom(let factor): "zooming out takes a factor above 1, got \(factor)"
        case .smallerThanSource(let source, let canvas):
            "the canvas \(canvas) is smaller than the picture \(source); outpainting only adds"
        case .sideTooLong(let canvas):
            "the canvas would be \(canvas), expected sides of at most \(OutpaintPlan.maximumCanvasSide) pixels"
        case .tooLarge(let canvas):
            "the canvas would be \(canvas), expected at most \(OutpaintPlan.maximumCanvasArea) pixels in all"
        }
    }
}
