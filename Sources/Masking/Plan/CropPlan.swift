internal import Parallel
public import Raster

/// How much of the picture an edit looks at; the raw values are those of `--area`.
public enum EditArea: String, Sendable, Hashable, CaseIterable {
    /// A crop around the mask: cost follows the mask, not the photo.
    case mask
    /// The whole picture, in one pass.
    case whole
}

/// What planning must know of a model. The model owns these facts; planning only receives them.
public struct ModelGeometry: Sendable, Hashable {
    /// The side, in pixels, of the square pictures the model was trained on (SD 1.x: 512).
    public var nativeSide: Int
    /// Picture sides must be multiples of this many pixels (scale factor × the network's own reductions, 64 for SD 1.x;
    /// 8 where odd latent sizes are handled).
    public var multiple: Int

    /// Traps unless both are positive.
    public init(nativeSide: Int, multiple: Int) {
        precondition(nativeSide > 0 && multiple > 0, "a model's native side and multiple are positive")
        self.nativeSide = nativeSide
        self.multiple = multiple
    }

    var nativeArea: Int { nativeSide * nativeSide }

    /// `length` rounded up to the multiple.
    public func roundedUp(_ length: Int) -> Int { (length + multiple - 1) / multiple * multiple }
}

/// What the network will see of a picture: a crop inside it, continued by reflection to the model's multiple, worked
/// in one pass at full resolution or coarse to fine.
///
/// A crop is never resized to fit a model: `extract` pads, `unpadded` takes the padding off again, and both are exact.
/// The coarse pass of a large edit is the one place where pixels are scaled, and its result is refined at full
/// resolution in `tiles`.
public struct CropPlan: Sendable, Equatable {
    public let pictureSize: PixelSize
    /// The part of the picture that is worked on; inside the picture.
    public let crop: PixelRect
    /// Pixels of reflection around the crop that bring it to the model's multiple.
    public let padding: Margins
    /// The coarse pass; `nil` where one pass at full resolution does (then `tiles` is empty).
    public let coarse: CoarsePass?
    /// Refinement windows at full resolution, in `paddedSize` coordinates, in reading order. They cover the mask.
    public let tiles: [RefinementTile]

    /// The first pass of a coarse-to-fine plan: the whole crop, area-averaged to about the model's native area.
    public struct CoarsePass: Sendable, Hashable {
        /// The crop's size after averaging, aspect kept.
        public let size: PixelSize
        /// Pixels of reflection that bring `size` to the model's multiple.
        public let padding: Margins
        public var paddedSize: PixelSize { size.padded(by: padding) }
    }

    /// The largest strength with which tiles may be refined: more would let neighbouring tiles drift apart.
    public static let maximumRefinementStrength: Float = 0.4

    /// The size of what `extract` gives and the network works at in full resolution: multiples of the model's.
    public var paddedSize: PixelSize { crop.size.padded(by: padding) }
    public var isCoarseToFine: Bool { coarse != nil }

    /// Plans an edit.
    ///
    /// Around the mask, the context is `contextPadding` or, by default, max(picture's longest side / 16, mean mask side
    /// / 2) pixels (the rule of krita-ai-diffusion's `compute_bounds`); then the crop is widened, where the picture
    /// allows, to the model's native side, to an aspect of at most 2 : 1, and to the model's multiple. An empty mask
    /// plans the whole picture.
    ///
    /// Around the mask, two passes are planned where the mask's bounds are larger than the model's native area, or the
    /// crop larger than twice that. The whole picture is always one pass, as in diffusers' pipelines.
    /// - Parameters:
    ///   - mask: the mask the network works with (grown and feathered, if it is), of the picture's size.
    ///   - contextPadding: pixels of context on each side (`--padding`); traps when negative.
    public init(mask: Mask, model: ModelGeometry, area: EditArea = .mask, contextPadding: Int? = nil) {
        precondition(contextPadding ?? 0 >= 0, "context padding is not negative")
        let picture = PixelRect(mask.size)
        let bounds = mask.bounds ?? picture
        let crop: PixelRect =
            switch area {
            case .whole: picture
            case .mask: contextCrop(around: bounds, in: mask.size, model: model, contextPadding: contextPadding)
            }
        pictureSize = mask.size
        self.crop = crop
        padding = reflection(for: crop.size, model: model)

        let isLarge = bounds.size.area > model.nativeArea || crop.size.area > 2 * model.nativeArea
        guard isLarge && area == .mask else {
            coarse = nil
            tiles = []
            return
        }
        let scale = (Double(model.nativeArea) / Double(crop.size.area)).squareRoot()
        let size = PixelSize(
            width: max(1, Int((Double(crop.width) * scale).rounded())),
            height: max(1, Int((Double(crop.height) * scale).rounded())))
        coarse = CoarsePass(size: size, padding: reflection(for: size, model: model))
        tiles = RefinementTile.covering(
            bounds.offsetBy(x: padding.left - crop.x, y: padding.top - crop.y),
            in: crop.size.padded(by: padding), model: model)
    }

    /// The crop of `picture` with its reflection: `paddedSize`. Traps on a picture of another size.
    public func extract(_ picture: RGBImage) -> RGBImage {
        precondition(picture.size == pictureSize, "planned for \(pictureSize), given \(picture.size)")
        return picture.cropped(to: crop).reflectPadded(by: padding)
    }

    /// The crop of a mask with its reflection: coverage 0…1, `paddedSize`. Traps on a mask of another size.
    public func extract(_ mask: Mask) -> Plane {
        precondition(mask.size == pictureSize, "planned for \(pictureSize), given \(mask.size)")
        return mask.coverage.cropped(to: crop).reflectPadded(by: padding)
    }

    /// What `extract` gave (or the network made of it) without its reflection: `crop.size`.
    public func unpadded(_ padded: RGBImage) -> RGBImage {
        precondition(padded.size == paddedSize, "planned for \(paddedSize), given \(padded.size)")
        return padded.cropped(to: PixelRect(x: padding.left, y: padding.top, width: crop.width, height: crop.height))
    }

    /// What `extract` gave, without its reflection, averaged and padded: `coarse.paddedSize`. Traps on a plan of one pass.
    public func shrunkToCoarse(_ padded: RGBImage) -> RGBImage {
        let pass = requiredCoarsePass
        return unpadded(padded).resized(to: pass.size, filter: .area).reflectPadded(by: pass.padding)
    }

    /// The coarse pass's mask, `coarse.paddedSize`. Averaged coverage that is not 0 is raised to at least that of the
    /// largest pixel under it, so nothing marked is frozen. Traps on a plan of one pass.
    public func extractCoarse(_ mask: Mask) -> Plane {
        let pass = requiredCoarsePass
        let part = mask.cropped(to: crop).coverage
        var reduced = Plane(size: pass.size)
        for y in (0 ..< part.height).untilCancelled {
            let row = y * pass.size.height / part.height
            for x in 0 ..< part.width {
                let column = x * pass.size.width / part.width
                reduced[column, row] = max(reduced[column, row], part.values[y * part.width + x])
            }
        }
        return reduced.reflectPadded(by: pass.padding)
    }

    /// The coarse pass's result (`coarse.paddedSize`) enlarged to full resolution and padded again: `paddedSize`, the
    /// start of refinement. Traps on a plan of one pass.
    public func enlargeCoarse(_ result: RGBImage) -> RGBImage {
        result.cropped(to: coarseInner(of: result.size)).resized(to: crop.size, filter: .lanczos)
            .reflectPadded(by: padding)
    }

    /// The same of values in the coarse pass's pixels that must not overshoot.
    public func enlargeCoarse(_ values: Plane) -> Plane {
        values.cropped(to: coarseInner(of: values.size)).resized(to: crop.size, filter: .bilinear)
            .reflectPadded(by: padding)
    }

    private func coarseInner(of size: PixelSize) -> PixelRect {
        let pass = requiredCoarsePass
        precondition(size == pass.paddedSize, "planned for \(pass.paddedSize), given \(size)")
        return PixelRect(x: pass.padding.left, y: pass.padding.top, width: pass.size.width, height: pass.size.height)
    }

    private var requiredCoarsePass: CoarsePass {
        guard let coarse else { preconditionFailure("the plan has one pass") }
        return coarse
    }
}

/// The padding that brings `size` to the model's multiple, at the right and bottom: the top left corner stays where the
/// latent grid starts.
private func reflection(for size: PixelSize, model: ModelGeometry) -> Margins {
    Margins(right: model.roundedUp(size.width) - size.width, bottom: model.roundedUp(size.height) - size.height)
}

private func contextCrop(around bounds: PixelRect, in size: PixelSize, model: ModelGeometry, contextPadding: Int?)
    -> PixelRect
{
    let context = contextPadding ?? max(max(size.width, size.height) / 16, (bounds.width + bounds.height) / 4)
    let padded = bounds.insetBy(-context).intersection(PixelRect(size))
    var width = max(padded.width, model.nativeSide)
    var height = max(padded.height, model.nativeSide)
    width = model.roundedUp(max(width, height / 2))
    height = model.roundedUp(max(height, width / 2))
    let columns = span(around: padded.x, padded.maxX, length: width, limit: size.width)
    let rows = span(around: padded.y, padded.maxY, length: height, limit: size.height)
    return PixelRect(x: columns.start, y: rows.start, width: columns.length, height: rows.length)
}

/// A stretch of `length` (or `limit`, if less) inside `0 ..< limit` that holds `low ..< high`, centred on it as far as
/// the limits allow.
private func span(around low: Int, _ high: Int, length: Int, limit: Int) -> (start: Int, length: Int) {
    let length = min(length, limit)
    let start = (low + high - length) / 2
    return (min(max(0, start), limit - length), length)
}
