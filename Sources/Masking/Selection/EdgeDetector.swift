internal import Foundation
internal import Parallel
public import Raster

/// Lines along the edges of a picture.
///
/// J. Canny, "A computational approach to edge detection", PAMI 8(6), 1986: the gradient of the smoothed lightness
/// (CIELAB L*), thinned to its crest, kept where it is strong or hangs together with what is.
public struct EdgeDetector: Sendable, Equatable {
    /// Standard deviation of the smoothing, in pixels, above 0.
    public var sigma: Float
    /// Change of lightness, in L* a pixel, above which an edge is kept.
    public var threshold: Float
    /// Share of the threshold, 0…1, above which what hangs together with an edge is kept as well.
    public var continuation: Float

    public init(sigma: Float = 1.4, threshold: Float = 4, continuation: Float = 0.4) {
        self.sigma = sigma
        self.threshold = threshold
        self.continuation = continuation
    }

    /// Coverage 1 on edges, a pixel wide, 0 elsewhere.
    public func mask(of picture: Picture) -> Mask {
        let pixels = LabPixels(picture)
        let size = picture.size
        let (width, height) = (size.width, size.height)
        var lightness = Plane(size: size)
        for index in (0 ..< size.area).untilCancelled { lightness.values[index] = pixels[index].lightness }
        lightness = gaussianBlurred(lightness, sigma: sigma)
        func value(_ x: Int, _ y: Int) -> Float {
            lightness.values[min(height - 1, max(0, y)) * width + min(width - 1, max(0, x))]
        }
        var across = [Float](repeating: 0, count: size.area)
        var down = across
        var strength = across
        for y in (0 ..< height).untilCancelled {
            for x in 0 ..< width {
                let index = y * width + x
                across[index] = (value(x + 1, y) - value(x - 1, y)) / 2
                down[index] = (value(x, y + 1) - value(x, y - 1)) / 2
                strength[index] = (across[index] * across[index] + down[index] * down[index]).squareRoot()
            }
        }
        func interpolated(_ x: Float, _ y: Float) -> Float {
            let left = Int(x.rounded(.down))
            let top = Int(y.rounded(.down))
            let (u, v) = (x - Float(left), y - Float(top))
            func at(_ column: Int, _ row: Int) -> Float {
                strength[min(height - 1, max(0, row)) * width + min(width - 1, max(0, column))]
            }
            return (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top))
                + v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1))
        }
        // Crests: at least as strong as before, and stronger than behind, along the gradient.
        let low = threshold * continuation
        var isCrest = [Bool](repeating: false, count: size.area)
        var waiting: [Int] = []
        var plane = Plane(size: size)
        for y in (0 ..< height).untilCancelled {
            for x in 0 ..< width {
                let index = y * width + x
                let own = strength[index]
                guard own >= low, own > 0 else { continue }
                let (dx, dy) = (across[index] / own, down[index] / own)
                guard own >= interpolated(Float(x) - dx, Float(y) - dy),
                    own > interpolated(Float(x) + dx, Float(y) + dy)
                else { continue }
                isCrest[index] = true
                if own >= threshold {
                    plane.values[index] = 1
                    waiting.append(index)
                }
            }
        }
        while let index = waiting.popLast(), !Cancellation.isCancelled {
            let (x, y) = (index % width, index / width)
            for row in max(0, y - 1) ... min(height - 1, y + 1) {
                for column in max(0, x - 1) ... min(width - 1, x + 1) {
                    let neighbour = row * width + column
                    guard isCrest[neighbour], plane.values[neighbour] == 0 else { continue }
                    plane.values[neighbour] = 1
                    waiting.append(neighbour)
                }
            }
        }
        return Mask(coverage: plane)
    }
}
