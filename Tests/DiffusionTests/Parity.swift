import Foundation
import Raster
import Testing

@testable import Diffusion

/// Relative RMS after one network call in f32 (docs/numerics.md): both sides sum in f32 in another order.
let relativeTolerance: Float = 1e-4
/// The same for the worst element, against the largest.
let maximumTolerance: Float = 1e-3

/// Expects what the engine computed to be what the reference did, but for rounding.
func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
    #expect(found.count == expected.count, "\(what)")
    guard found.count == expected.count else { return }
    var difference: Double = 0
    var energy: Double = 0
    var worst: Float = 0
    var largest: Float = 0
    for (a, b) in zip(found, expected) {
        difference += Double(a - b) * Double(a - b)
        energy += Double(b) * Double(b)
        worst = max(worst, abs(a - b))
        largest = max(largest, abs(b))
    }
    #expect(!found.contains { !$0.isFinite }, "\(what)")
    #expect(Float((difference / energy).squareRoot()) <= relativeTolerance, "\(what)")
    #expect(worst <= largest * maximumTolerance, "\(what)")
}

/// An 8-bit RGB picture of `[height, width, 3]` that the fixtures keep as U8.
struct ReferencePicture {
    let size: PixelSize
    let samples: [UInt8]

    init(_ file: SafetensorsFile, _ name: String) throws {
        let entry = try #require(file.header.entries[name], "\(name)")
        size = PixelSize(width: entry.shape[1], height: entry.shape[0])
        let mapping = try MappedFile(path: file.file)
        samples = withExtendedLifetime(mapping) { Array(mapping.bytes[entry.range]) }
    }

    func psnr(_ image: RGBImage) -> Double {
        var sum = 0.0
        for (value, sample) in zip(image.values, samples) {
            let found = (min(max(value, 0), 1) * 255).rounded()
            sum += Double((found - Float(sample)) * (found - Float(sample)))
        }
        let mean = sum / Double(samples.count)
        return mean == 0 ? .infinity : 10 * Scalar.log(255 * 255 / mean) / Scalar.log(10.0)
    }
}

/// How near two pictures are in `rect`: PSNR, their peak being 1.
func decibels(_ a: RGBImage, _ b: RGBImage, in rect: PixelRect) -> Double {
    let differences = zip(a.cropped(to: rect).values, b.cropped(to: rect).values).map { Double($0 - $1) }
    return -10 * log10(differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count) + 1e-20)
}
