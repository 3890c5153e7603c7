internal import Foundation
internal import Raster

/// A colour in CIELAB (CIE 15:2004, 8.2.1) under D65, from display-encoded sRGB (IEC 61966-2-1).
///
/// `lightness` 0…100; `a` and `b` about −110…110. The straight distance of two colours, ΔE*ab (1976), is about 2 where a
/// difference can just be seen, and 100 between black and white.
public struct LabColor: Sendable, Equatable {
    public var lightness: Float
    public var a: Float
    public var b: Float

    public init(lightness: Float, a: Float, b: Float) {
        self.lightness = lightness
        self.a = a
        self.b = b
    }

    /// Components 0…1, display-encoded.
    public init(red: Float, green: Float, blue: Float) {
        self.init(linearRed: Self.linear(red), green: Self.linear(green), blue: Self.linear(blue))
    }

    init(linearRed red: Float, green: Float, blue: Float) {
        // Each row divided by the white that it makes, so that greys have no colour.
        let x = Self.root((0.4123908 * red + 0.3575843 * green + 0.1804808 * blue) / 0.9504559)
        let y = Self.root(0.2126390 * red + 0.7151687 * green + 0.0721923 * blue)
        let z = Self.root((0.0193308 * red + 0.1191948 * green + 0.9505322 * blue) / 1.0890578)
        self.init(lightness: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z))
    }

    /// ΔE*ab.
    public func distance(to other: LabColor) -> Float {
        let (dl, da, db) = (lightness - other.lightness, a - other.a, b - other.b)
        return (dl * dl + da * da + db * db).squareRoot()
    }

    static func linear(_ value: Float) -> Float {
        value <= 0.04045 ? value / 12.92 : powf((value + 0.055) / 1.055, 2.4)
    }

    private static func root(_ value: Float) -> Float {
        value > 216 / 24389 ? cbrtf(value) : (24389 / 27 * value + 16) / 116
    }
}

/// The pixels of a picture as Lab colours, computed when they are asked for. Alpha is ignored; samples are taken as
/// sRGB.
struct LabPixels: Sendable {
    let size: PixelSize
    private let picture: Picture
    /// Linear light of every sample value, at 8 or at 16 bits.
    private let linear: [Float]

    init(_ picture: Picture) {
        self.picture = picture
        size = picture.size
        let maximum = picture.maximum
        linear = (0 ... maximum).map { LabColor.linear(Float($0) / Float(maximum)) }
    }

    subscript(index: Int) -> LabColor {
        let base = index * picture.layout.channels
        let isGray = picture.layout.colorChannels == 1
        func sample(_ channel: Int) -> Float {
            switch picture.samples {
            case .eight(let samples): linear[Int(samples[base + channel])]
            case .sixteen(let samples): linear[Int(samples[base + channel])]
            }
        }
        if isGray {
            let value = sample(0)
            return LabColor(linearRed: value, green: value, blue: value)
        }
        return LabColor(linearRed: sample(0), green: sample(1), blue: sample(2))
    }

    /// The mean colour of a square around a pixel, cut to the picture.
    func mean(x: Int, y: Int, radius: Int) -> LabColor {
        var sum = LabColor(lightness: 0, a: 0, b: 0)
        var count: Float = 0
        for row in max(0, y - radius) ... min(size.height - 1, y + radius) {
            for column in max(0, x - radius) ... min(size.width - 1, x + radius) {
                let color = self[row * size.width + column]
                sum.lightness += color.lightness
                sum.a += color.a
                sum.b += color.b
                count += 1
            }
        }
        return LabColor(lightness: sum.lightness / count, a: sum.a / count, b: sum.b / count)
    }
}
