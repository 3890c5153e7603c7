/// What the marked part of a mask asks for; the raw values are those of `--mask-means`.
public enum MaskMeaning: String, Sendable, Hashable, CaseIterable {
    /// What is marked is repainted: white, or what is transparent where the alpha varies. The default.
    case repaint
    /// What is marked is kept, the rest repainted.
    case keep
    /// White repaints, whatever the alpha: brightness, laid over black, is the strength.
    case white
    /// Black repaints, whatever the alpha, as far as it is opaque.
    case black
    /// What is transparent repaints, whatever the colours.
    case transparent
    /// What is opaque repaints, whatever the colours.
    case opaque

    /// The same source (brightness or alpha), never inverted.
    public var unreversed: MaskMeaning {
        switch self {
        case .repaint, .keep: .repaint
        case .white, .black: .white
        case .transparent, .opaque: .transparent
        }
    }

    /// Whether values and colours are taken as they are, without looking for what they may stand for.
    var isLiteral: Bool { self != .repaint && self != .keep }
}
