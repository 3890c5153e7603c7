public import Masking

/// What `editor mask` does, a case a verb. Makers start from a picture, repairs from a mask.
public enum MaskTask: Sendable {
    // Makers.
    case shape(MaskShape)
    /// Words as large as fit into the box; `font` as in `FontFinder`, `alignment` as in `TextShape`.
    case text(String, font: String?, alignment: TextShape.Alignment?, box: MaskShape)
    /// Colours, and those found at places of the picture.
    case color(ColorSelection, colors: [LabColor], places: [MaskShape.Place], radius: Int)
    case wand(ColorSelection, places: [MaskShape.Place], radius: Int, diagonal: Bool)
    /// What is transparent, or what is opaque.
    case alpha(isOpaque: Bool)
    /// L*, 0…100.
    case luminance(ClosedRange<Float>, softness: Float)
    /// Lines, grown by `radius`.
    case edges(EdgeDetector, radius: Int)
    case select(GrabCut, box: MaskShape, include: [MaskSource], exclude: [MaskSource])
    // Repairs.
    case grow(Int)
    case shrink(Int)
    /// Standard deviation in pixels.
    case feather(Float)
    case fillHoles
    case invert
    /// What is as bright as that becomes white, the rest black, in values of the mask's samples.
    case threshold(from: Int?, to: Int?)
    case combine(MaskCombination, [MaskSource])

    /// Whether it starts from a mask.
    public var isRepair: Bool {
        switch self {
        case .shape, .text, .color, .wand, .alpha, .luminance, .edges, .select: false
        case .grow, .shrink, .feather, .fillHoles, .invert, .threshold, .combine: true
        }
    }

    /// Whether it finds something by the colours of its input.
    var looksAtColors: Bool {
        switch self {
        case .color, .wand, .luminance, .edges, .select: true
        case .shape, .text, .alpha: false
        case .grow, .shrink, .feather, .fillHoles, .invert, .threshold, .combine: false
        }
    }

    /// What a name made from the input's ends in.
    var suffix: String {
        switch self {
        case .shape, .text, .color, .wand, .alpha, .luminance, .edges, .select: "mask"
        case .grow: "grow"
        case .shrink: "shrink"
        case .feather: "feather"
        case .fillHoles: "filled"
        case .invert: "inverted"
        case .threshold: "threshold"
        case .combine: "combined"
        }
    }

    /// Masks it reads besides its input.
    var others: [MaskSource] {
        switch self {
        case .select(_, _, let include, let exclude): include + exclude
        case .combine(_, let masks): masks
        default: []
        }
    }
}

/// How several masks become one.
public enum MaskCombination: String, Sendable, CaseIterable {
    /// What any of them covers.
    case union
    /// What all of them cover.
    case intersect
    /// What the first covers and no other.
    case subtract
}
