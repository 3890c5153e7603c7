public import PlainText
public import Raster

/// What is wrong with a mask that was given for a picture. The descriptions continue "the mask 'm.png' …".
public enum MaskError: Error, Equatable, Worded {
    case sizeMismatch(mask: PixelSize, picture: PixelSize)
    /// Small values of several kinds, as a map of classes has them.
    case classes(values: [Int], maximum: Int)
    /// Areas of several colours, written #rrggbb.
    case colors([String])
    /// Colours throughout, a share of what is not black.
    case picture(colored: Double)
    /// Black, white and transparent at once.
    case contradictory
    /// Transparency was asked for, and there is none.
    case noAlpha

    public var sentence: Sentence {
        switch self {
        case .sizeMismatch(let mask, let picture):
            "is \(mask) but the picture is \(picture), expected the same size; \(.fitMask) scales the mask"
        case .classes(let values, let maximum):
            "holds the \(listed(values)) of \(maximum), as a map of classes does, expected black and white; choose what is repainted, for example with \(command: "mask threshold MASK", [.choice(.from, "\(values.last ?? 1)"), .choice(.to, "\(values.last ?? 1)")]), or take the values as strengths with \(.maskMeans, "white")"
        case .colors(let colors):
            "holds areas of several colours (\(colors.joined(separator: ", "))), expected black and white; make a mask of one of them with \(command: "mask color MASK", [.plain(colors.last ?? "#ffffff")]), or take the brightness as strength with \(.maskMeans, "white")"
        case .picture(let colored):
            "looks like a picture, not like a mask: \(percentage(colored)) of what is not black is coloured, expected black, white and greys, or transparency; \(.maskMeans, "white") takes its brightness as strength all the same"
        case .contradictory:
            "has black, white and transparent parts, so it can be read in two ways: give \(.maskMeans, "white") to repaint what is white, or \(.maskMeans, "transparent") to repaint what is transparent"
        case .noAlpha:
            "has no transparency, which \(.maskMeans, "transparent") and opaque need"
        }
    }
}

/// "value 1", "values 0, 1 and 2", "values 0, 1, 2, 3, 4 and 7 more".
func listed(_ values: [Int]) -> String {
    guard values.count > 1 else { return "value \(values.first ?? 0)" }
    if values.count > 6 {
        return "values \(values.prefix(5).map(String.init).joined(separator: ", ")) and \(values.count - 5) more"
    }
    return "values \(values.dropLast().map(String.init).joined(separator: ", ")) and \(values[values.count - 1])"
}
