internal import Foundation

/// One channel's correction in linear light: `gain · x + offset`.
struct ColorFit: Equatable {
    var gain: Float = 1
    var offset: Float = 0

    static let identity = ColorFit()
    /// A correction is mild by design: what is left over is the membrane's.
    static let gainRange: ClosedRange<Float> = 0.8 ... 1.25
    static let offsetRange: ClosedRange<Float> = -0.1 ... 0.1
    /// How many imaginary samples vote for "no correction", so that few or dark samples cannot blow it up.
    static let priorSamples = 64.0

    /// The gain and offset that bring `patch` to `source` (linear light, same pixels): ridge regression of the
    /// difference towards gain 1 and offset 0, reweighted four times by Huber's weights with the scale taken from the
    /// median absolute residual, so that what the network changed on purpose does not pull it.
    init(patch: [Float], source: [Float]) {
        precondition(patch.count == source.count, "the samples do not pair up")
        guard !patch.isEmpty else { return }
        var slope = 0.0
        var shift = 0.0
        for _ in 0 ..< 4 {
            let residuals = patch.indices.map {
                abs(Double(source[$0] - patch[$0]) - slope * Double(patch[$0]) - shift)
            }
            let scale = max(1e-4, 1.345 * 1.4826 * residuals.sorted()[residuals.count / 2])
            // Normal equations of source − patch = slope · patch + shift.
            var (xx, x, count, xd, d) = (Self.priorSamples, 0.0, Self.priorSamples, 0.0, 0.0)
            for index in patch.indices {
                let weight = residuals[index] <= scale ? 1 : scale / residuals[index]
                let value = Double(patch[index])
                let difference = Double(source[index] - patch[index])
                xx += weight * value * value
                x += weight * value
                count += weight
                xd += weight * value * difference
                d += weight * difference
            }
            let determinant = xx * count - x * x
            slope = (xd * count - x * d) / determinant
            shift = (d * xx - x * xd) / determinant
        }
        gain = min(Self.gainRange.upperBound, max(Self.gainRange.lowerBound, Float(1 + slope)))
        offset = min(Self.offsetRange.upperBound, max(Self.offsetRange.lowerBound, Float(shift)))
    }

    private init() {}

    /// The correction of a display-encoded value, extended beyond 0…1 by symmetry and by the curve itself.
    func applied(to encoded: Float) -> Float {
        self == .identity ? encoded : encodedFromLinear(gain * linearFromEncoded(encoded) + offset)
    }
}

/// The sRGB transfer curve (IEC 61966-2-1) to linear light; odd about 0.
func linearFromEncoded(_ value: Float) -> Float {
    let magnitude = abs(value)
    let linear = magnitude <= 0.04045 ? magnitude / 12.92 : pow((magnitude + 0.055) / 1.055, 2.4)
    return value < 0 ? -linear : linear
}

/// The inverse of `linearFromEncoded`.
func encodedFromLinear(_ value: Float) -> Float {
    let magnitude = abs(value)
    let encoded = magnitude <= 0.0031308 ? magnitude * 12.92 : 1.055 * pow(magnitude, 1 / 2.4) - 0.055
    return value < 0 ? -encoded : encoded
}
