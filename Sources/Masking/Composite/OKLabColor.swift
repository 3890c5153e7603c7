internal import Foundation

/// A colour in Oklab (B. Ottosson 2020, "A perceptual color space for image processing",
/// https://bottosson.github.io/posts/oklab/, matrices of 25 January 2021), from display-encoded sRGB.
///
/// `lightness` is 0 for black and 1 for white; `a` and `b` are about −0.4…0.4. Values beyond the sRGB gamut are carried
/// through, both ways.
struct OKLabColor: Equatable {
    var lightness: Float
    var a: Float
    var b: Float

    init(lightness: Float, a: Float, b: Float) {
        self.lightness = lightness
        self.a = a
        self.b = b
    }

    /// - Parameter hue: in radians.
    init(lightness: Float, chroma: Float, hue: Float) {
        self.init(lightness: lightness, a: chroma * cosf(hue), b: chroma * sinf(hue))
    }

    /// Components display-encoded, nominally 0…1.
    init(red: Float, green: Float, blue: Float) {
        let (r, g, b) = (linearFromEncoded(red), linearFromEncoded(green), linearFromEncoded(blue))
        let long = cbrtf(0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_993 * b)
        let medium = cbrtf(0.211_903_5 * r + 0.680_699_55 * g + 0.107_396_96 * b)
        let short = cbrtf(0.088_302_46 * r + 0.281_718_84 * g + 0.629_978_7 * b)
        self.init(
            lightness: 0.210_454_26 * long + 0.793_617_8 * medium - 0.004_072_047 * short,
            a: 1.977_998_5 * long - 2.428_592_2 * medium + 0.450_593_7 * short,
            b: 0.025_904_037 * long + 0.782_771_77 * medium - 0.808_675_77 * short)
    }

    var chroma: Float { (a * a + b * b).squareRoot() }
    /// In radians.
    var hue: Float { atan2f(b, a) }

    func distance(to other: OKLabColor) -> Float {
        let (dl, da, db) = (lightness - other.lightness, a - other.a, b - other.b)
        return (dl * dl + da * da + db * db).squareRoot()
    }

    /// Linear light, beyond 0…1 where the colour is outside the gamut.
    private var linear: SIMD3<Float> {
        func cube(_ value: Float) -> Float { value * value * value }
        let long = cube(lightness + 0.396_337_78 * a + 0.215_803_76 * b)
        let medium = cube(lightness - 0.105_561_346 * a - 0.063_854_17 * b)
        let short = cube(lightness - 0.089_484_18 * a - 1.291_485_5 * b)
        return SIMD3(
            4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short,
            -1.268_438 * long + 2.609_757_4 * medium - 0.341_319_4 * short,
            -0.004_196_086 * long - 0.703_418_6 * medium + 1.707_614_7 * short)
    }

    private var isInGamut: Bool {
        let linear = linear
        return linear.min() >= -1e-4 && linear.max() <= 1.0001
    }

    /// Display-encoded.
    var encoded: SIMD3<Float> {
        let linear = linear
        return SIMD3(encodedFromLinear(linear.x), encodedFromLinear(linear.y), encodedFromLinear(linear.z))
    }

    /// The colour of this lightness and hue with as much of its chroma as sRGB can show.
    var inGamut: OKLabColor {
        if isInGamut { return self }
        let lightness = min(max(lightness, 0), 1)
        var (low, high) = (Float(0), Float(1))
        for _ in 0 ..< 10 {
            let middle = (low + high) / 2
            if OKLabColor(lightness: lightness, a: a * middle, b: b * middle).isInGamut {
                low = middle
            } else {
                high = middle
            }
        }
        return OKLabColor(lightness: lightness, a: a * low, b: b * low)
    }
}
