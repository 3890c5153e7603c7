internal import Raster

/// What a mask asks for, in words.
public struct MaskSummary: Sendable, Equatable {
    /// Share of the picture's pixels with coverage above 0: 0…1.
    public let fraction: Double
    public let reading: Mask.Reading?
    public let warning: Warning?

    /// A mask that is probably not what was meant. None of these is an error.
    public enum Warning: Sendable, Equatable, CustomStringConvertible {
        case empty
        case full
        /// Below 0.1 % of the picture; the value is the fraction.
        case tiny(Double)
        /// Above 95 % of the picture; the value is the fraction.
        case nearlyFull(Double)

        public var description: String {
            switch self {
            case .empty: "the mask is empty: nothing will be repainted (--mask-means keep reads it the other way round)"
            case .full:
                "the mask covers the whole picture: nothing will be kept (--mask-means keep reads it the other way round)"
            case .tiny(let fraction):
                "the mask covers only \(percentage(fraction)) of the picture (--mask-means keep reads it the other way round)"
            case .nearlyFull(let fraction):
                "the mask covers \(percentage(fraction)) of the picture (--mask-means keep reads it the other way round)"
            }
        }
    }

    /// "mask: white repaints, 12.4 % of the picture"
    public var verdict: String {
        "mask: \(reading.map { "\($0.phrase), " } ?? "")\(percentage(fraction)) of the picture"
    }
}

extension Mask {
    public var summary: MaskSummary {
        let touched = coverage.values.count { $0 > 0 }
        let fraction = Double(touched) / Double(size.area)
        let warning: MaskSummary.Warning? =
            if touched == 0 {
                .empty
            } else if touched == size.area {
                .full
            } else if fraction < 0.001 {
                .tiny(fraction)
            } else if fraction > 0.95 {
                .nearlyFull(fraction)
            } else {
                nil
            }
        return MaskSummary(fraction: fraction, reading: reading, warning: warning)
    }
}

/// "12.4 %", with more digits below 0.1 % so that what is not zero does not read so, and never "100.0 %" for less than
/// all.
private func percentage(_ fraction: Double) -> String {
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
