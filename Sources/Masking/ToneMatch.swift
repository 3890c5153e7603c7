internal import Foundation
internal import Raster

/// Brings a copied texture to the tone of what it meets.
///
/// PatchMatch copies whole patches, and a sky that is right in texture may be a shade off at the hole's edge. Along the edge
/// the means of both sides over some pixels are compared, and the difference is carried into the hole by a membrane
/// (Pérez et al. 2003, as in Darabi et al. 2012, "Image Melding", which blends gains and biases of patches).
enum ToneMatch {
    /// σ, in pixels, of the means that are compared.
    private static let smoothing: Float = 5
    /// Differences well above this (display-encoded) are another thing beginning at the edge, not another shade of the same.
    private static let largestShade: Float = 0.2

    /// `filled` with its hole brought to the tone of the known pixels around; known pixels come back unchanged.
    static func applied(to filled: RGBImage, hole: [Bool]) -> RGBImage {
        let size = filled.size
        let known = Plane(size: size, values: hole.map { $0 ? 0 : 1 })
        let inside = Plane(size: size, values: hole.map { $0 ? 1 : 0 })
        let rim = Mask(coverage: known).grown(by: 2).coverage.values
        let roles: [Membrane.Role] = hole.indices.map { !hole[$0] ? .outside : rim[$0] > 0 ? .fixed : .free }
        guard roles.contains(.fixed) else { return filled }
        let membrane = Membrane(size: size, roles: roles)
        let knownShare = gaussianBlurred(known, sigma: smoothing).values
        let insideShare = gaussianBlurred(inside, sigma: smoothing).values
        var result = filled
        for channel in 0 ..< 3 {
            func mean(of part: Plane, share: [Float]) -> [Float] {
                var masked = part
                for index in masked.values.indices { masked.values[index] *= filled.values[index * 3 + channel] }
                return zip(gaussianBlurred(masked, sigma: smoothing).values, share).map { $0 / max(1e-6, $1) }
            }
            let outer = mean(of: known, share: knownShare)
            let inner = mean(of: inside, share: insideShare)
            let steps = roles.indices.map { index -> Float in
                guard roles[index] == .fixed else { return 0 }
                let step = outer[index] - inner[index]
                return step * exp(-(step / largestShade) * (step / largestShade))
            }
            let correction = membrane.solved(steps)
            for index in roles.indices where hole[index] {
                let value = result.values[index * 3 + channel] + correction[index]
                result.values[index * 3 + channel] = min(1, max(0, value))
            }
        }
        return result
    }
}
