import Raster
import Testing

@testable import Diffusion

/// `DenoiseRequest.guidanceRescale`.
@Suite struct GuidanceRescaleTests {
    /// Of `rescale_noise_cfg`, diffusers 0.42.1, for u = (0.5, −1.25, 2, 0.75), t as below and g = u + 4 (t − u).
    @Test(
        arguments: [
            (0, [4.5, -4.25, 4, -4.25]), (0.7, [2.6426282, -2.4958153, 2.3490028, -2.4958153]),
            (1, [1.8466115, -1.7440219, 1.6414325, -1.7440219]),
        ] as [(Float, [Float])])
    func `Guided predictions are brought back to the spread of the prompt's`(share: Float, expected: [Float]) {
        let guided: [Float] = [4.5, -4.25, 4, -4.25]
        let text: [Float] = [9, 1.5, -2, 2.5, -0.5]
        for (value, other) in zip(guided.rescaled(to: text[1...], by: share), expected) {
            #expect(abs(value - other) < 1e-6)
        }
        let flat: [Float] = [0, 0, 0, 0]
        #expect(flat.rescaled(to: text[1...], by: 1) == flat)
    }

    @Test func `It lessens a picture's contrast, and leaves a run without guidance alone`() throws {
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        func spread(guidance: Float, rescale: Float) throws -> (Float, [Float]) {
            let request = DenoiseRequest(
                conditioning: .text(size: PixelSize(width: 64, height: 64)), prompt: "a brick wall", seeds: [3],
                steps: 4, guidance: guidance, guidanceRescale: rescale)
            let values = try pipeline.run(request)[0].values
            let mean = values.reduce(0, +) / Float(values.count)
            return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }, values)
        }
        #expect(try spread(guidance: 12, rescale: 1).0 < spread(guidance: 12, rescale: 0).0)
        #expect(try spread(guidance: 1, rescale: 1).1 == spread(guidance: 1, rescale: 0).1)
    }
}
