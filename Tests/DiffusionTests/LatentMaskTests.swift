import Raster
import TestSupport
import Testing

@testable import Diffusion

@Suite struct LatentMaskTests {
    /// Nothing that is marked is frozen by rounding: a latent pixel has the most of the pixels it stands for.
    @Test func latentsLoseNothing() {
        let size = PixelSize(width: 48, height: 40)
        for seed in 0 ..< 20 {
            let values = RandomValues.uniform(size.area, seed: UInt64(seed)).map { $0 > 0.99 ? $0 : 0 }
            let latents = Plane(size: size, values: values).maximum(ofCells: 8)
            #expect(latents.count == 6 * 5)
            for cell in 0 ..< 30 {
                let pixels = (0 ..< 64).map { values[(cell / 6 * 8 + $0 / 8) * 48 + cell % 6 * 8 + $0 % 8] }
                #expect(latents[cell] == pixels.max())
            }
        }
    }
}
