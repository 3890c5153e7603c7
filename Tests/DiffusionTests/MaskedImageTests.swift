import Raster
import Testing

@testable import Diffusion

/// What an inpainting denoiser is shown in the hole (`ModelFacts.MaskedImage`).
@Suite struct MaskedImageTests {
    private let sampler: any Sampler
    private let size = PixelSize(width: 16, height: 8)
    private let picture: RGBImage
    /// The right half.
    private let mask: Plane

    init() throws {
        sampler = try SamplerKind.make(.ddim, configuration: SchedulerConfiguration(), steps: 4, schedule: nil)
        picture = RGBImage(size: size, values: (0 ..< 3 * 128).map { Float($0 % 48) / 64 })
        mask = Plane(size: size, values: (0 ..< 128).map { $0 % 16 < 8 ? 0 : 1 })
    }

    /// What the denoiser takes beside the latents, and the pictures that were encoded for it, by an encoder whose latents
    /// are the mean red of each cell.
    private func shown(
        _ maskedImage: ModelFacts.MaskedImage, _ conditioning: DenoiseRequest.Conditioning, strength: Float
    ) throws -> (planes: [Float], encoded: [RGBImage]) {
        var facts = ModelFacts(
            name: "none", family: "made for a test", summary: nil, latentChannels: 1, inputChannels: 3,
            pictureInput: .masked,
            scaleFactor: 8, pixelMultiple: 8, nativeSize: 64, prediction: .epsilon, sampler: .ddim, parameters: 0,
            defaults: EditDefaults())
        facts.maskedImage = maskedImage
        let request = DenoiseRequest(
            conditioning: conditioning, prompt: "", steps: 4, strength: strength, knownLatents: .channels)
        var encoded: [RGBImage] = []
        let known = try KnownPicture(request, facts: facts) { image in
            encoded.append(image)
            return LatentDistribution(
                channels: 1, height: 1, width: 2, mean: Self.reds(of: image), logVariance: nil,
                normalization: LatentNormalization())
        }
        var generator = RandomSource.torch.generator(seed: 1)
        let run = known.start(sampler: sampler, strength: strength, generator: &generator)
        return (run.extraPlanes, encoded)
    }

    private static func reds(of image: RGBImage) -> [Float] {
        (0 ..< 2).map { cell in
            let pixels = (0 ..< 64).map { $0 / 8 * 16 + cell * 8 + $0 % 8 }
            return pixels.reduce(0) { $0 + image.values[3 * $1] } / 64
        }
    }

    @Test(arguments: [Float(0.5), 1])
    func `Published models see grey in the hole`(strength: Float) throws {
        let (planes, _) = try shown(.grey, .masked(picture, mask: mask), strength: strength)
        #expect(planes == [0, 1, Self.reds(of: picture)[0], 0.5])
    }

    @Test(arguments: [Float(0.5), 1])
    func `Others see what fills it, which is encoded once`(strength: Float) throws {
        let (planes, encoded) = try shown(.filled, .masked(picture, mask: mask), strength: strength)
        #expect(planes == [0, 1] + Self.reds(of: picture))
        #expect(encoded == [picture])
    }

    @Test func `Where nothing is known there is nothing but grey`() throws {
        #expect(try shown(.filled, .text(size: size), strength: 1).planes == [1, 1, 0.5, 0.5])
        #expect(try shown(.filled, .picture(picture), strength: 0.5).planes == [1, 1, 0.5, 0.5])
    }
}
