import ImageFiles
import Masking
import Raster
import TestSupport
import Testing

@testable import Editing

/// A preview of a mask is little work beside writing it.
@Suite struct OverlaySpeedTests {
    /// Without optimisation times mean nothing.
    private static let isOptimised: Bool = {
        var isDebug = false
        assert(
            {
                isDebug = true
                return true
            }())
        return !isDebug
    }()

    @Test(.enabled(if: isOptimised, "skipped: the build is not optimised"))
    func `Laying a mask over a photo takes no longer than writing it`() throws {
        let size = PixelSize(width: 2400, height: 1600)
        var generator = SplitMix(seed: 9)
        let samples = (0 ..< size.area * 3).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 58) }
        let report = MaskReport(
            path: "m.png", mask: .uniform(0.5, size: size), seconds: 0,
            picture: Picture(size: size, layout: .rgb, samples: .eight(samples)))
        let clock = ContinuousClock()
        var overlay = report.picture
        let laying = clock.measure { overlay = report.overlay }
        let writing = try clock.measure { _ = try ImageFile.encode(overlay, format: .png) }
        #expect(laying < writing * 2, "\(laying) to lay, \(writing) to write")
        #expect(overlay != report.picture)
    }
}
