import Foundation
import Raster
import Testing

@testable import Masking

@Suite struct RecoloringTests {
    static let blue = Recoloring.Shade(lightness: 0.52, chroma: 0.2, hue: 258, lightnessRange: 0.32 ... 0.7)
    static let black = Recoloring.Shade(lightness: 0.16, chroma: 0, hue: 270, lightnessRange: 0 ... 0.26)
    static let white = Recoloring.Shade(lightness: 0.97, chroma: 0, hue: 90, lightnessRange: 0.9 ... 1)

    @Test func `Oklab and back is the same colour`() {
        for red in stride(from: Float(0), through: 1, by: 0.25) {
            for green in stride(from: Float(0), through: 1, by: 0.25) {
                for blue in stride(from: Float(0), through: 1, by: 0.25) {
                    let back = OKLabColor(red: red, green: green, blue: blue).encoded
                    // Rounding of cube roots and of the published matrices.
                    #expect(abs(back.x - red) + abs(back.y - green) + abs(back.z - blue) < 2e-3)
                }
            }
        }
        let white = OKLabColor(red: 1, green: 1, blue: 1)
        #expect(abs(white.lightness - 1) < 1e-4 && white.chroma < 1e-3)
    }

    @Test func `What no screen shows is brought to the gamut, with its lightness and hue`() {
        let wild = OKLabColor(lightness: 0.8, chroma: 0.4, hue: 4.5)
        let shown = wild.inGamut
        #expect(shown.encoded.min() >= -0.001 && shown.encoded.max() <= 1.001)
        #expect(shown.lightness == 0.8 && abs(remainder(shown.hue - wild.hue, 2 * .pi)) < 1e-4)
        #expect(shown.chroma > 0.08)
    }

    /// Orange with folds of light and shade, and a grey.
    private func folds(_ size: PixelSize, isGrey: Bool = false) -> RGBImage {
        var image = RGBImage(size: size)
        for pixel in 0 ..< size.area {
            let light = 0.5 + 0.4 * sin(Float(pixel % size.width) * 0.37) * cos(Float(pixel / size.width) * 0.21)
            let dye: [Float] = isGrey ? [0.8, 0.8, 0.8] : [1, 0.55, 0.2]
            for channel in 0 ..< 3 { image.values[3 * pixel + channel] = light * dye[channel] }
        }
        return image
    }

    @Test(arguments: [(blue, false), (black, false), (white, false), (blue, true)])
    func `Hue is the shade's, light and shade are the picture's`(shade: Recoloring.Shade, isGrey: Bool) {
        let size = PixelSize(width: 60, height: 40)
        let start = folds(size, isGrey: isGrey)
        let mask = Mask.rectangle(PixelRect(x: 10, y: 5, width: 40, height: 30), size: size)
        let result = Recoloring.applied(shade, to: start, coverage: mask.coverage)
        var pairs: [(Float, Float)] = []
        for pixel in 0 ..< size.area {
            let old = Array(start.values[3 * pixel ..< 3 * pixel + 3])
            let new = Array(result.values[3 * pixel ..< 3 * pixel + 3])
            guard mask.coverage.values[pixel] > 0 else {
                #expect(old == new)
                continue
            }
            let color = OKLabColor(red: new[0], green: new[1], blue: new[2])
            pairs.append((OKLabColor(red: old[0], green: old[1], blue: old[2]).lightness, color.lightness))
            if shade.isChromatic {
                #expect(color.chroma > 0.02)
                #expect(abs(remainder(color.hue * 180 / .pi - shade.hue, 360)) < 16)
            } else {
                #expect(color.chroma < 0.01)
            }
        }
        // The order of lightness stays: what was brighter is brighter.
        let sorted = pairs.sorted { $0.0 < $1.0 }
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.1 <= $1.1 + 0.003 })
        let median = pairs.map(\.1).sorted()[pairs.count / 2]
        #expect(shade.lightnessRange.lowerBound - 0.02 ... shade.lightnessRange.upperBound + 0.02 ~= median)
        #expect((sorted.last?.1 ?? 0) - (sorted.first?.1 ?? 0) > 0.1)
    }

    @Test func `A picture gives its colours pixel by pixel`() {
        let size = PixelSize(width: 40, height: 20)
        let start = folds(size, isGrey: true)
        var colors = RGBImage(size: size, repeating: (0.8, 0.1, 0.1))
        for pixel in 0 ..< size.area where pixel % 40 >= 20 {
            for channel in 0 ..< 3 { colors.values[3 * pixel + channel] = [0.1, 0.6, 0.1][channel] }
        }
        let result = Recoloring.applied(colors, to: start, coverage: Plane(size: size, repeating: 1))
        for pixel in 0 ..< size.area {
            let (red, green) = (result.values[3 * pixel], result.values[3 * pixel + 1])
            #expect(pixel % 40 >= 20 ? green > red : red > green)
        }
    }

    @Test func `A shade is taken as a picture shows it, where it shows it`() {
        let size = PixelSize(width: 10, height: 10)
        let all = Plane(size: size, repeating: 1)
        let azure = RGBImage(size: size, repeating: (0.1, 0.45, 0.95))
        let seen = Recoloring.shade(Self.blue, seenIn: azure, coverage: all)
        let hue = OKLabColor(red: 0.1, green: 0.45, blue: 0.95).hue * 180 / .pi
        #expect(abs(remainder(seen.hue - hue, 360)) < 0.1 && seen.lightnessRange == Self.blue.lightnessRange)
        let red = RGBImage(size: size, repeating: (0.9, 0.1, 0.1))
        #expect(Recoloring.shade(Self.blue, seenIn: red, coverage: all) == Self.blue)
        #expect(Recoloring.shade(Self.black, seenIn: azure, coverage: all) == Self.black)
    }
}
