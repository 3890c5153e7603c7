internal import Parallel
internal import Raster

/// What makes a patch meet the picture around the mask without a seam.
///
/// 1. Colour fit per channel in linear light on a band of known pixels around the mask (`ColorFit`).
/// 2. The difference source − patch on those known pixels, split in two: its smooth part goes into the mask as a
///    membrane (`Membrane`); the rest, which is texture that does not line up and would draw streaks into the patch,
///    fades within a few pixels. Together they meet the source's value at the rim.
struct SeamlessPatch {
    /// Pixels of the known band.
    static let bandWidth = 24
    /// σ, in pixels, of the blur along the band that separates tint from texture.
    static let smoothing: Float = 6
    /// Pixels over which what is not smooth fades inside the mask.
    static let fadeLength = 3

    /// `patch` corrected where `coverage` is above 0; unchanged elsewhere. All three are of one size. A mask that
    /// covers everything leaves nothing to meet: the patch comes back as it is.
    ///
    /// - Parameter wraps: the axes along which all three repeat.
    static func corrected(
        patch: RGBImage, source: RGBImage, coverage: Plane, wraps: WrappedAxes = []
    ) -> RGBImage {
        let mask = Mask(coverage: coverage)
        guard let bounds = mask.bounds else { return patch }
        var region = bounds.insetBy(-bandWidth - 1).intersection(PixelRect(patch.size))
        if wraps.contains(.x) { region = PixelRect(x: 0, y: region.y, width: patch.width, height: region.height) }
        if wraps.contains(.y) { region = PixelRect(x: region.x, y: 0, width: region.width, height: patch.height) }
        let part = Mask(coverage: coverage.cropped(to: region))
        let band = Mask(coverage: Plane(size: region.size, values: part.coverage.values.map { $0 > 0 ? 1 : 0 }))
            .repeating(along: wraps, reach: bandWidth) { $0.grown(by: bandWidth) }.coverage
        let roles = [Membrane.Role](parallel: region.size.area, filler: .outside) { index in
            part.coverage.values[index] > 0 ? .free : band.values[index] > 0 ? .fixed : .outside
        }
        guard roles.contains(.fixed), !Cancellation.isCancelled else { return patch }
        let membrane = Membrane(size: region.size, roles: roles, wraps: wraps)
        // How much of the neighbourhood under the blur is known, for normalised convolution.
        let known = Plane(size: region.size, values: roles.map { $0 == .fixed ? 1 : 0 })
        let knownShare = blurred(known, wraps: wraps)

        let local = patch.cropped(to: region)
        let reference = source.cropped(to: region)
        var result = patch
        for channel in (0 ..< 3).untilCancelled {
            let samples = roles.indices.filter { roles[$0] == .fixed }
            let step = max(1, samples.count / 20_000)
            let chosen = stride(from: 0, to: samples.count, by: step).map { samples[$0] }
            let fit = ColorFit(
                patch: chosen.map { linearFromEncoded(local.values[$0 * 3 + channel]) },
                source: chosen.map { linearFromEncoded(reference.values[$0 * 3 + channel]) })
            let fitted = [Float](parallel: region.size.area, filler: 0) {
                fit.applied(to: local.values[$0 * 3 + channel])
            }
            var difference = Plane(size: region.size)
            for index in samples { difference.values[index] = reference.values[index * 3 + channel] - fitted[index] }
            var smooth = blurred(difference, wraps: wraps)
            for index in samples { smooth.values[index] /= max(1e-6, knownShare.values[index]) }
            var rest = difference
            for index in samples { rest.values[index] -= smooth.values[index] }
            let correction = membrane.solved(smooth.values)
            let fade = faded(rest, roles: roles, wraps: wraps)
            for y in (0 ..< region.height).untilCancelled {
                for x in 0 ..< region.width where roles[y * region.width + x] == .free {
                    let index = y * region.width + x
                    let target = ((region.y + y) * patch.width + region.x + x) * 3 + channel
                    result.values[target] = fitted[index] + correction[index] + fade[index]
                }
            }
        }
        return result
    }

    /// `faded` of values that repeat along `wraps`.
    private static func faded(_ values: Plane, roles: [Membrane.Role], wraps: WrappedAxes) -> [Float] {
        let margins = wraps.margins(6 * fadeLength)
        let padded = values.wrapPadded(by: margins)
        let result = faded(
            padded.values, roles: wrapPaddedSamples(roles, of: values.size, channels: 1, by: margins),
            size: padded.size)
        return wrapPaddedSamples(result, of: padded.size, channels: 1, by: margins.negated)
    }

    private static func blurred(_ values: Plane, wraps: WrappedAxes) -> Plane {
        let margins = wraps.margins(Int(3 * smoothing))
        return gaussianBlurred(values.wrapPadded(by: margins), sigma: smoothing).wrapPadded(by: margins.negated)
    }

    /// The screened membrane `Δf = f / fadeLength²`: meets `values` on the fixed pixels and falls to 0 within a few
    /// `fadeLength`. Its range is so short that plain Gauss–Seidel converges.
    private static func faded(_ values: [Float], roles: [Membrane.Role], size: PixelSize) -> [Float] {
        let screening = 1 / Float(fadeLength * fadeLength)
        var result = values
        for index in roles.indices where roles[index] != .fixed { result[index] = 0 }
        let width = size.width
        // Only pixels near the rim can be touched within the sweeps.
        let known = Plane(size: size, values: roles.map { $0 == .fixed ? 1 : 0 })
        let near = Mask(coverage: known).grown(by: 5 * fadeLength).coverage.values
        let active = roles.indices.filter { roles[$0] == .free && near[$0] > 0 }
        for sweep in 0 ..< 16 {
            for order in active.indices.untilCancelled {
                let index = active[sweep.isMultiple(of: 2) ? order : active.count - 1 - order]
                let x = index % width
                var sum: Float = 0
                var count: Float = 0
                if x > 0, roles[index - 1] != .outside {
                    sum += result[index - 1]
                    count += 1
                }
                if x + 1 < width, roles[index + 1] != .outside {
                    sum += result[index + 1]
                    count += 1
                }
                if index >= width, roles[index - width] != .outside {
                    sum += result[index - width]
                    count += 1
                }
                if index + width < roles.count, roles[index + width] != .outside {
                    sum += result[index + width]
                    count += 1
                }
                result[index] = sum / (count + screening)
            }
        }
        return result
    }
}
