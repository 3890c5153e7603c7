public import Raster

/// A person in a red gown that widens down to the lower edge of the picture, where it is cut.
public struct Gown: Sendable {
    /// The middle, as a share of the width.
    public var x: Float
    /// Half the width of the hem, as a share of the picture's.
    public var hem: Float

    public init(x: Float = 0.5, hem: Float) {
        self.x = x
        self.hem = hem
    }

    /// - Parameter background: the colour of a pixel where there is no person.
    public func picture(
        size: PixelSize = PixelSize(width: 128, height: 176), before background: (Int, Int) -> SIMD3<Float>
    ) -> RGBImage {
        var image = RGBImage(size: size)
        let (width, height) = (Float(size.width), Float(size.height))
        for y in 0 ..< size.height {
            for x in 0 ..< size.width {
                let (dx, down) = ((Float(x) + 0.5) / width - self.x, (Float(y) + 0.5) / height)
                var color = background(x, y)
                // From the shoulders to the hem.
                let half = 0.16 + (hem - 0.16) * max(0, down - 0.5) / 0.5
                if down > 0.4, abs(dx) < half {
                    // Folds.
                    let phase = (Float(x) / 6 + Float(y) / 17).truncatingRemainder(dividingBy: 2)
                    color = SIMD3(0.75, 0.11, 0.14) * (0.9 + 0.2 * abs(phase - 1))
                }
                let (a, b) = (dx / 0.12, (down - 0.24) / 0.15)
                if a * a + b * b < 1 { color = SIMD3(0.3, 0.17, 0.1) }
                let (c, d) = (dx / 0.09, (down - 0.27) / 0.1)
                if c * c + d * d < 1 { color = SIMD3(0.88, 0.7, 0.6) }
                for channel in 0 ..< 3 { image.values[(y * size.width + x) * 3 + channel] = color[channel] }
            }
        }
        return image
    }

    /// The share of what was added to a picture that has the gown's colour and is not connected with the gown.
    ///
    /// - Parameter place: where the picture lies on the canvas.
    public static func apart(in canvas: RGBImage, from place: PixelRect) -> Float {
        let size = canvas.size
        let isRed = (0 ..< size.area).map { pixel in
            let (red, green) = (canvas.values[pixel * 3], canvas.values[pixel * 3 + 1])
            return red > 0.4 && red - green > 0.25
        }
        func isInPicture(_ pixel: Int) -> Bool {
            place.contains(PixelRect(x: pixel % size.width, y: pixel / size.width, width: 1, height: 1))
        }
        var isSeen = isRed.indices.map { isRed[$0] && isInPicture($0) }
        var waiting = isSeen.indices.filter { isSeen[$0] }
        while let pixel = waiting.popLast() {
            let (x, y) = (pixel % size.width, pixel / size.width)
            for row in max(0, y - 1) ... min(size.height - 1, y + 1) {
                for column in max(0, x - 1) ... min(size.width - 1, x + 1) {
                    let next = row * size.width + column
                    guard isRed[next], !isSeen[next] else { continue }
                    isSeen[next] = true
                    waiting.append(next)
                }
            }
        }
        return Float(isRed.indices.count { isRed[$0] && !isSeen[$0] }) / Float(size.area - place.size.area)
    }
}
