public import PlainText
internal import Raster

/// What a mask asks for, in words.
public struct MaskSummary: Sendable, Equatable {
    /// Share of the picture's pixels with coverage above 0: 0…1.
    public let fraction: Double
    public let reading: Mask.Reading?
    /// What of it is probably not what was meant, the worst first.
    public let warnings: [Warning]

    /// A mask that is probably not what was meant. None of these is an error.
    public enum Warning: Sendable, Equatable, Worded {
        case empty
        case full
        /// All pixels have some coverage, and some well below 1.
        case everywhere
        /// Below 0.1 % of the picture; the value is the fraction.
        case tiny(Double)
        /// Above 95 % of the picture; the value is the fraction.
        case nearlyFull(Double)
        /// No pixel has more coverage than this, which is well below 1.
        case weak(Float)
        /// More pixels have next to no coverage than have some; the value is their share of the picture.
        case faint(Double)

        public var sentence: Sentence {
            switch self {
            case .empty: "the mask is empty: nothing will be repainted"
            case .full: "the mask covers the whole picture: nothing will be kept"
            case .everywhere: "the mask covers the whole picture: every pixel will be changed to some extent"
            case .tiny(let fraction): "the mask covers only \(percentage(fraction)) of the picture"
            case .nearlyFull(let fraction): "the mask covers \(percentage(fraction)) of the picture"
            case .weak(let peak):
                "the mask is grey: its strength is \(percentage(Double(peak))) at most, so nothing is repainted in full; \(command: "mask threshold", []) makes it black and white"
            case .faint(let fraction):
                "\(percentage(fraction)) of the picture is nearly black in the mask but not quite, and will be changed a little; \(command: "mask threshold", []) makes it black and white"
            }
        }

        /// Whether another polarity may be what was meant.
        var isOfExtent: Bool {
            switch self {
            case .empty, .full, .everywhere, .tiny, .nearlyFull: true
            case .weak, .faint: false
            }
        }
    }

    /// The worst of `warnings`.
    public var warning: Warning? { warnings.first }

    /// "mask: white repaints, 12.4 % of the picture; its values 0 and 1 of 255 are read as off and on"
    public var verdict: Sentence { "mask: \(finding)" }

    /// "white repaints, 12.4 % of the picture"
    public var finding: Sentence {
        let seen = reading?.findings.filter { !$0.isWarning } ?? []
        return seen.reduce(
            "\(reading.map { "\($0.phrase), " } ?? "")\(percentage(fraction)) of the picture" as Sentence
        ) {
            $0 + "; \($1)"
        }
    }

    /// What of the mask, and of how it was read, is probably not what was meant, in sentences.
    public var advice: [Sentence] {
        let ofReading = reading?.findings.filter(\.isWarning).map { "the mask: \($0)" as Sentence } ?? []
        return ofReading
            + warnings.map { warning -> Sentence in
                guard warning.isOfExtent, let reading, ofReading.isEmpty else { return warning.sentence }
                return
                    "\(warning) (\(.maskMeans, reading.isReversed ? "repaint" : "keep") reads it the other way round)"
            }
    }
}

extension Mask {
    public var summary: MaskSummary {
        // Coverage that shows in 8 bits hardly or not at all, and such as does.
        let faintest: Float = 16.5 / 255
        var (touched, faint, strong) = (0, 0, 0)
        var (peak, least) = (Float(0), Float(1))
        for value in coverage.values where value > 0 {
            touched += 1
            if value < faintest { faint += 1 } else if value > 1 - faintest { strong += 1 }
            peak = max(peak, value)
            least = min(least, value)
        }
        let fraction = Double(touched) / Double(size.area)
        var warnings: [MaskSummary.Warning] = []
        if touched == 0 {
            warnings.append(.empty)
        } else if touched == size.area {
            warnings.append(least < 0.75 ? .everywhere : .full)
        } else if fraction < 0.001 {
            warnings.append(.tiny(fraction))
        } else if fraction > 0.95 {
            warnings.append(.nearlyFull(fraction))
        }
        if touched > 0, peak < 0.75 {
            warnings.append(.weak(peak))
        } else if faint > strong, faint > 4 * (touched - faint - strong) {
            // A soft edge has as many pixels between.
            warnings.append(.faint(Double(faint) / Double(size.area)))
        }
        return MaskSummary(fraction: fraction, reading: reading, warnings: warnings)
    }
}

/// "12.4 %", with more digits below 0.1 % so that what is not zero does not read so, and never "100.0 %" for less than
/// all.
func percentage(_ fraction: Double) -> String {
    var decimals = 1
    var scale = 10.0
    while decimals < 6 && fraction > 0 && fraction * 100 * scale < 1 {
        decimals += 1
        scale *= 10
    }
    var units = Int((fraction * 100 * scale).rounded())
    if fraction < 1 { units = min(units, Int(100 * scale) - 1) }
    let digits = String(units % Int(scale))
    return "\(units / Int(scale)).\(String(repeating: "0", count: decimals - digits.count))\(digits) %"
}
