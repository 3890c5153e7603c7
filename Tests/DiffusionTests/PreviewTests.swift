import Foundation
import ImageFiles
import Raster
import Tensors
import Testing

@testable import Diffusion

/// What a run shows of itself.
@Suite struct PreviewTests {
    private static let folder = "\(Fixtures.root)/parity/pipelines/sd1"

    private func pictures(
        _ interval: Int, autoencoder: String? = nil, preview: String? = nil, coherence: Int = 0
    ) throws -> (result: RGBImage, previews: [(step: Int, picture: RGBImage)]) {
        let pipeline = try DiffusionPipeline(
            model: .folder(Self.folder), precision: .f32, autoencoder: autoencoder, previewAutoencoder: preview)
        let image = RGBImage(try ImageFile.read(path: "\(Self.folder)/picture.png").picture)
        let mask = RGBImage(try ImageFile.read(path: "\(Self.folder)/mask.png").picture)
        let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
        let request = DenoiseRequest(
            conditioning: .masked(image, mask: coverage), prompt: "a fox", seeds: [2], steps: 5, guidance: 3,
            sampler: .eulerAncestral, coherence: coherence, previewInterval: interval)
        var previews: [(Int, RGBImage)] = []
        let result = try pipeline.run(request) { progress in
            if let preview = progress.preview { previews.append((progress.step, preview)) }
        }
        return (try #require(result.first), previews)
    }

    @Test(arguments: [0, 2]) func `Previews come at their steps and change nothing`(coherence: Int) throws {
        let tiny = "\(Fixtures.root)/parity/families/tiny-vae/vae"
        let plain = try pictures(0, coherence: coherence)
        #expect(plain.previews.isEmpty)
        let every = try pictures(1, coherence: coherence)
        let second = try pictures(2, coherence: coherence)
        let small = try pictures(2, preview: tiny, coherence: coherence)
        // The last step's is the result.
        #expect(every.previews.map(\.step) == [1, 2, 3, 4] && second.previews.map(\.step) == [2, 4])
        for shown in [every, second, small] {
            #expect(shown.result.values == plain.result.values)
            #expect(shown.previews.allSatisfy { $0.picture.values.allSatisfy { $0.isFinite } })
            #expect(shown.previews.allSatisfy { $0.picture.size == plain.result.size })
        }
        #expect(second.previews[0].picture.values == every.previews[1].picture.values)
        #expect(small.previews[0].picture.values != second.previews[0].picture.values)
    }

    @Test func `A tiny autoencoder in place of the model's own decodes previews too`() throws {
        let tiny = "\(Fixtures.root)/parity/families/tiny-vae/vae"
        let shown = try pictures(2, autoencoder: tiny)
        #expect(shown.previews.count == 2 && shown.previews[0].picture.size == shown.result.size)
        #expect(shown.result.values == (try pictures(0, autoencoder: tiny)).result.values)
    }

    @Test func `An autoencoder for previews with other latents is refused`() throws {
        #expect {
            try pictures(1, preview: "\(Fixtures.root)/parity/networks/vae-8")
        } throws: {
            "\($0)".contains("is an autoencoder of 8 latent channels at 1/2 of the size")
        }
    }

    /// f32, with noise up to 15 times the picture taken off.
    private static let tolerance: Float = 1e-3

    @Test(
        arguments: SamplerKind.allCases, [SchedulerConfiguration.Prediction.epsilon, .velocity, .sample])
    func `The picture that is expected is the one that noise was added to`(
        kind: SamplerKind, prediction: SchedulerConfiguration.Prediction
    ) throws {
        var configuration = try SchedulerConfiguration(path: "\(Self.folder)/scheduler/scheduler_config.json")
        configuration.prediction = prediction
        let sampler = try SamplerKind.make(kind, configuration: configuration, steps: 10, schedule: nil)
        let (clean, noise): ([Float], [Float]) = ([0.5, -1.5, 2], [1, -0.5, 0.25])
        for index in sampler.timesteps.indices {
            let level = VariancePreserving(sampler.level(index))
            let output =
                switch prediction {
                case .epsilon: noise
                case .sample: clean
                case .velocity: zip(noise, clean).map { level.alpha * $0 - level.sigma * $1 }
                }
            let latents = sampler.addNoise(to: clean, noise: noise, index: index)
            let found = sampler.expected(output, latents: latents, index: index)
            for (found, clean) in zip(found, clean) { #expect(abs(found - clean) <= Self.tolerance) }
        }
    }

    /// Stands for the shape of Stable Diffusion's autoencoders; nothing is computed.
    private struct Shape: PictureAutoencoder {
        var latentChannels = 4
        var scaleFactor = 8
        var latentScale: Float = 0.18215
        var latentNormalization: LatentNormalization { LatentNormalization(scale: latentScale) }
        let givesDistribution = true
        func activationBytes(elementSize: Int) -> Int { 0 }
        func encode(_ pictures: Tensor, _ compute: Compute) throws -> Tensor { pictures }
        func decode(_ latents: Tensor, _ compute: Compute) throws -> Tensor { latents }
    }

    @Test func `Colours of latents lie where the latents lie, for the models that they were measured on`() throws {
        let colors = try #require(LatentColors(Shape()))
        var latents = Latents(channels: 4, height: 2, width: 3, values: [Float](repeating: 0, count: 24))
        // The fourth channel of the second row's first pixel: against blue.
        latents.values[3 * 6 + 3] = -0.5
        let picture = colors.picture(of: latents)
        #expect(picture.size == PixelSize(width: 3, height: 2))
        #expect(picture.values[0] == 0.5)
        let pixel = picture.values[9 ..< 12]
        #expect(pixel[11] > pixel[10] && pixel[10] > pixel[9] && abs(pixel[11] - 0.679425) < 1e-6)
        let xl = try #require(LatentColors(Shape(latentScale: 0.13025)))
        #expect(abs(xl.picture(of: latents).values[0] - 0.5542) < 1e-6)
        #expect(LatentColors(Shape(latentChannels: 8)) == nil && LatentColors(Shape(scaleFactor: 4)) == nil)
    }
}
