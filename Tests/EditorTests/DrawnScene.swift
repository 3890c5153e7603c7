import Foundation
import Masking
import Raster

/// Pictures drawn for tests, with something of a photo: tones that change, and grain.
struct DrawnScene: Sendable {
    let size: PixelSize
    /// Colour of a pixel, 0…1.
    let color: @Sendable (Int, Int) -> SIMD3<Float>

    /// A dahlia of one colour before dark leaves; petals have light and shade.
    static func flower(_ dye: SIMD3<Float>, size: PixelSize = PixelSize(width: 240, height: 200)) -> DrawnScene {
        DrawnScene(size: size) { x, y in
            let grain = grain(x, y, seed: 1) * 0.06
            guard isFlower(x, y, of: size) else {
                return SIMD3(0.08, 0.16 + 0.06 * sin(Float(x + y) / 17), 0.1) + grain
            }
            let (dx, dy) = (Float(x) - Float(size.width) / 2, Float(y) - Float(size.height) / 2)
            let radius = (dx * dx + dy * dy).squareRoot()
            let light = 0.62 + 0.26 * sin(radius / 5 + 3 * sin(atan2(dy, dx) * 5)) + grain
            return dye * light
        }
    }

    static func isFlower(_ x: Int, _ y: Int, of size: PixelSize) -> Bool {
        let (dx, dy) = (Float(x) - Float(size.width) / 2, Float(y) - Float(size.height) / 2)
        return (dx * dx + dy * dy).squareRoot() < Float(min(size.width, size.height)) * 0.38
    }

    /// Sky over a meadow with blades.
    static func meadow(size: PixelSize = PixelSize(width: 240, height: 160)) -> DrawnScene {
        DrawnScene(size: size) { x, y in
            let grain = grain(x, y, seed: 2) * 0.05
            let height = Float(y) / Float(size.height)
            if height < 0.4 { return SIMD3(0.5 + 0.3 * height, 0.65 + 0.2 * height, 0.85) + grain }
            let blade = 0.12 * sin(Float(x) * 0.9 + 2 * sin(Float(y) / 9))
            return SIMD3(0.3, 0.48, 0.16) + blade + grain
        }
    }

    /// A bright wall with a shadow across it.
    static func wall(size: PixelSize = PixelSize(width: 240, height: 160)) -> DrawnScene {
        DrawnScene(size: size) { x, y in
            let grain = grain(x, y, seed: 3) * 0.06
            let joint: Float = y % 20 < 2 || (x + y / 20 % 2 * 20) % 40 < 2 ? -0.12 : 0
            let shadow: Float = x + y > 220 ? -0.35 : 0
            return SIMD3(0.86, 0.8, 0.74) + joint + shadow + grain
        }
    }

    /// Dark water with ripples.
    static func water(size: PixelSize = PixelSize(width: 240, height: 160)) -> DrawnScene {
        DrawnScene(size: size) { x, y in
            let ripple = 0.06 * sin(Float(y) * 0.7 + 2 * sin(Float(x) / 13))
            return SIMD3(0.08, 0.16, 0.26) + ripple + grain(x, y, seed: 4) * 0.04
        }
    }

    /// From −0.5 to 0.5, by a multiplicative hash.
    static func grain(_ x: Int, _ y: Int, seed: Int) -> Float {
        var hash = UInt64(truncatingIfNeeded: (x &* 73_856_093) ^ (y &* 19_349_663) ^ (seed &* 83_492_791))
        hash = (hash ^ (hash >> 13)) &* 0x9E37_79B9_7F4A_7C15
        return Float(hash >> 40) / Float(1 << 24) - 0.5
    }

    func picture(depth: Int = 8, layout: Picture.Layout = .rgb) -> Picture {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let color = color(pixel % size.width, pixel / size.width)
            for channel in 0 ..< 3 { image.values[3 * pixel + channel] = min(1, max(0, color[channel])) }
        }
        return Picture(image, layout: layout, depth: depth)
    }

    /// White where `isMarked`.
    func mask(_ isMarked: (Int, Int) -> Bool) -> Picture {
        let samples = (0 ..< size.area).map { isMarked($0 % size.width, $0 / size.width) ? UInt8(255) : 0 }
        return Picture(size: size, layout: .gray, samples: .eight(samples))
    }
}

extension RGBImage {
    func lab(_ pixel: Int) -> LabColor {
        LabColor(red: values[3 * pixel], green: values[3 * pixel + 1], blue: values[3 * pixel + 2])
    }
}

/// Pearson's coefficient.
func correlation(_ pairs: [(Float, Float)]) -> Float {
    let count = Float(max(1, pairs.count))
    let (meanOne, meanOther) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    var (product, squareOne, squareOther) = (Float(0), Float(0), Float(0))
    for (one, other) in pairs {
        product += (one - meanOne) * (other - meanOther)
        squareOne += (one - meanOne) * (one - meanOne)
        squareOther += (other - meanOther) * (other - meanOther)
    }
    return product / max(1e-9, (squareOne * squareOther).squareRoot())
}
