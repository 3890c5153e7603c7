import Raster
import Testing

@testable import Diffusion

/// Grey masks: differential diffusion (arXiv 2306.00950).
@Suite struct GreyMaskTests {
    /// At each step a cell of strength s is still held while s is below what is left of the run; black is always held, white
    /// never, and every cell takes the strongest of its pixels.
    @Test(arguments: [DenoiseRequest.KnownLatents.reimpose, .channels], [4, 9])
    func `A cell of strength s is free for the last share s of the steps`(
        known: DenoiseRequest.KnownLatents, inputChannels: Int
    ) throws {
        let facts = ModelFacts(
            name: "none", family: "made for a test", summary: nil, latentChannels: 4, inputChannels: inputChannels,
            pictureInput: inputChannels == 9 ? .masked : .none,
            scaleFactor: 8, pixelMultiple: 8, nativeSize: 64, prediction: .epsilon, sampler: .ddim, parameters: 0,
            defaults: EditDefaults())
        let strengths: [Float] = [0, 0.12, 0.27, 0.52, 0.81, 1]
        let size = PixelSize(width: 8 * strengths.count, height: 8)
        var mask = Plane(size: size)
        // One pixel of each cell.
        for (cell, strength) in strengths.enumerated() { mask[8 * cell + 5, 3] = strength }
        let steps = 20
        let request = DenoiseRequest(
            conditioning: .masked(RGBImage(size: size), mask: mask), prompt: "", steps: steps, strength: 0.9999,
            knownLatents: known)
        let encode: (RGBImage) -> LatentDistribution = { picture in
            let count = 4 * strengths.count
            return LatentDistribution(
                channels: 4, height: 1, width: strengths.count, mean: [Float](repeating: 0.5, count: count),
                logVariance: [Float](repeating: -30, count: count), normalization: LatentNormalization())
        }
        let picture = try KnownPicture(request, facts: facts, encode: encode)
        let sampler = try SamplerKind.make(.ddim, configuration: SchedulerConfiguration(), steps: steps, schedule: nil)
        var generator = RandomSource.torch.generator(seed: 1)
        var run = picture.start(sampler: sampler, strength: 1, generator: &generator)
        let total = sampler.timesteps.count
        let painted: Float = 99
        var held = [Int](repeating: 0, count: strengths.count)
        for index in 0 ..< total {
            run.latents.values = [Float](repeating: painted, count: run.latents.count)
            picture.reimpose(on: &run, after: index, sampler: sampler)
            for cell in strengths.indices {
                let values = (0 ..< 4).map { run.latents.values[$0 * strengths.count + cell] }
                // All channels of a cell are held or free together.
                #expect(Set(values.map { $0 == painted }).count == 1)
                if values[0] != painted { held[cell] += 1 }
            }
        }
        // An inpainting network that is told by its own channels is held by nothing else.
        let isHeld = known == .reimpose || inputChannels == 4
        // Step k of 20 ends with 1 − k / 20 of the run left.
        #expect(held == (isHeld ? [20, 17, 14, 9, 3, 0] : [0, 0, 0, 0, 0, 0]))
    }
}
