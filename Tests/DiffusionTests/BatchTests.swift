import Raster
import Testing

@testable import Diffusion

/// Candidates that are computed at once (`DenoiseRequest.batchSize`).
@Suite struct BatchTests {
    private func request(_ conditioning: DenoiseRequest.Conditioning, seeds: [UInt64], sampler: SamplerKind)
        -> DenoiseRequest
    {
        DenoiseRequest(
            conditioning: conditioning, prompt: "a lake", seeds: seeds, batchSize: 2, steps: 3, guidance: 4,
            sampler: sampler)
    }

    /// Samplers with noise of their own and with memory, and a last batch that is not full.
    @Test(arguments: [SamplerKind.eulerAncestral, .dpmpp2M])
    func `A picture of a batch is that of its seed alone but for rounding`(sampler: SamplerKind) throws {
        let size = PixelSize(width: 64, height: 64)
        var mask = Plane(size: size)
        for y in 16 ..< 48 { for x in 8 ..< 40 { mask[x, y] = 1 } }
        let picture = RGBImage(size: size, repeating: (0.3, 0.5, 0.7))
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        for conditioning in [DenoiseRequest.Conditioning.text(size: size), .masked(picture, mask: mask)] {
            let together = try pipeline.run(request(conditioning, seeds: [5, 6, 7], sampler: sampler))
            let alone = try [5, 6, 7].map {
                try pipeline.run(request(conditioning, seeds: [$0], sampler: sampler))[0]
            }
            #expect(together.count == 3)
            for (one, other) in zip(together, alone) { #expect(decibels(one, other, in: PixelRect(size)) > 70) }
            #expect(decibels(together[0], together[1], in: PixelRect(size)) < 50)
        }
    }

    @Test func `Each picture of a batch tells its steps`() throws {
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        var steps: [Int: [Int]] = [:]
        var request = request(
            .text(size: PixelSize(width: 64, height: 64)), seeds: [1, 2, 3], sampler: .ddim)
        request.steps = 2
        _ = try pipeline.run(request) { progress in
            if progress.part == .denoise { steps[progress.picture, default: []].append(progress.step) }
        }
        #expect(steps == [0: [0, 1, 2], 1: [0, 1, 2], 2: [0, 1, 2]])
    }
}
