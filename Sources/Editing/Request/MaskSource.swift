public import Masking

/// Where a mask comes from.
public enum MaskSource: Sendable, Equatable {
    /// A picture of the edited picture's size.
    case picture(PictureInput)
    /// Numbers.
    case shape(MaskShape)
    /// The edited picture's own transparency.
    case ownAlpha

    /// The picture's origin, where it is one.
    var input: PictureInput? {
        if case .picture(let input) = self { input } else { nil }
    }
}
