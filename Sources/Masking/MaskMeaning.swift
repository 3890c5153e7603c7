public import Raster

/// What the marked part of a mask asks for; the raw values are those of `--mask-means`.
public enum MaskMeaning: String, Sendable, Hashable, CaseIterable {
    /// White (or transparent) repaints, black (or opaque) keeps: the default.
    case repaint
    /// White (or transparent) keeps, black (or opaque) repaints.
    case keep
}

/// What is wrong with a mask that was given for a picture.
public enum MaskError: Error, Equatable, CustomStringConvertible {
    case sizeMismatch(mask: PixelSize, picture: PixelSize)

    public var description: String {
        switch self {
        case .sizeMismatch(let mask, let picture):
            "the mask is \(mask) but the picture is \(picture); they must be the same size (--fit-mask resizes the mask)"
        }
    }
}
