public import PlainText

extension Mask {
    /// How a mask picture was read.
    public struct Reading: Sendable, Hashable {
        /// Where the coverage came from.
        public enum Source: Sendable, Hashable {
            /// Brightness (Rec. 709 luma of the stored samples).
            case luma
            /// Alpha, transparent being marked (the convention of OpenAI's image edits).
            case alpha
            /// What is painted on a transparent layer, in this colour, written #rrggbb.
            case paint(String)
            /// What has this colour, on black.
            case color(String)
        }

        public var source: Source
        /// Whether what is marked is kept and the rest repainted.
        public var isReversed: Bool
        /// What was seen on the way.
        public var findings: [Finding] = []

        public init(_ source: Source, isReversed: Bool = false, findings: [Finding] = []) {
            self.source = source
            self.isReversed = isReversed
            self.findings = findings
        }

        /// "white repaints", "opaque repaints" …
        public var phrase: String {
            switch source {
            case .luma: isReversed ? "black repaints" : "white repaints"
            case .alpha: isReversed ? "opaque repaints" : "transparent repaints"
            case .paint(let color):
                "what is painted in \(Self.name(of: color)) \(isReversed ? "keeps, the rest repaints" : "repaints")"
            case .color(let color):
                "\(Self.name(of: color)) \(isReversed ? "keeps, the rest repaints" : "repaints")"
            }
        }

        /// "white" for #ffffff, "black" for #000000.
        static func name(of color: String) -> String { ["#ffffff": "white", "#000000": "black"][color] ?? color }
    }

    /// Something in a mask picture that was not taken literally, or that contradicts something else in it.
    public enum Finding: Sendable, Hashable, Worded {
        /// Two values that stand for off and on.
        case offAndOn(low: Int, high: Int, maximum: Int)
        /// Samples of 16 bits that hold values of 8.
        case eightBitsInSixteen
        /// A few values, given as they are.
        case values([Int], maximum: Int)
        /// An alpha that differs too little to be meant.
        case steadyAlpha(low: Int, high: Int, maximum: Int)
        /// An alpha that never becomes opaque; its largest value was taken as opaque.
        case thinAlpha(high: Int, maximum: Int)
        /// Values near black and white that lossy compression left.
        case compressionNoise(levels: Int)
        /// A layer painted in one colour: its colour was followed, not its alpha.
        case layer(String)
        /// One colour with a hole: its alpha was followed, not its colour.
        case hole(String)
        /// Greys throughout that vary from pixel to pixel, as those of a photo do.
        case grayPicture

        /// Whether what was meant may be something else.
        public var isWarning: Bool {
            switch self {
            case .layer, .hole, .grayPicture: true
            default: false
            }
        }

        public var sentence: Sentence {
            switch self {
            case .offAndOn(let low, let high, let maximum):
                "its values \(low) and \(high) of \(maximum) are read as off and on"
            case .eightBitsInSixteen: "its 16-bit samples hold values up to 255, which is read as white"
            case .values(let values, let maximum):
                "its \(listed(values)) of \(maximum) \(values.count.verb("is read as a strength", "are read as strengths"))"
            case .steadyAlpha(let low, let high, let maximum):
                "its alpha of \(low) to \(high) of \(maximum) hardly varies and is passed over"
            case .thinAlpha(let high, let maximum):
                "its alpha goes up to \(high) of \(maximum), which is read as opaque"
            case .compressionNoise(let levels):
                "noise of lossy compression, up to \(levels) levels from black and white, is taken off"
            case .layer(let color):
                "it is a transparent layer painted in \(Reading.name(of: color)) alone, so what is painted is marked; \(.maskMeans, "transparent") marks what is transparent"
            case .grayPicture:
                "it looks like a grey photo, not like a mask: every pixel is repainted by its brightness; \(.maskMeans, "white") says that this is meant"
            case .hole(let color):
                "all that is opaque in it is \(Reading.name(of: color)), so the transparent part is marked; \(.maskMeans, "opaque") marks what is \(Reading.name(of: color))"
            }
        }
    }
}
