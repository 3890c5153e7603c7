import ImageFiles
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Whole runs against the pictures that diffusers' pipelines make with the same model, seed and settings
/// (fixtures/parity/pipelines).
@Suite struct PipelineParityTests {
    /// 8-bit pictures that agree but for rounding (docs/numerics.md).
    static let minimumPSNR = 50.0

    @Test(arguments: ["sd1", "sd2-inpaint"]) func everySampler(model: String) throws {
        let folder = "\(Fixtures.root)/parity/pipelines/\(model)"
        let pipeline = try DiffusionPipeline(model: .folder(folder), precision: .f32)
        let results = try SafetensorsFile(path: "\(folder)/results.safetensors")
        let cases = try #require(try Fixtures.json("parity/pipelines/\(model)/cases.json")["cases"]?.list)
        let image = RGBImage(try ImageFile.read(path: "\(folder)/picture.png").picture)
        let mask = RGBImage(try ImageFile.read(path: "\(folder)/mask.png").picture)
        let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
        #expect(cases.count >= 11)
        for item in cases {
            let name = try #require(item["name"]?.text)
            let expected = try ReferencePicture(results, "\(name)/picture")
            let conditioning: DenoiseRequest.Conditioning =
                switch try #require(item["mode"]?.text) {
                case "generate": .text(size: expected.size)
                case "remix": .picture(image)
                default: .masked(image, mask: coverage)
                }
            let request = DenoiseRequest(
                conditioning: conditioning, prompt: try #require(item["prompt"]?.text),
                negativePrompt: try #require(item["negative"]?.text),
                seeds: [UInt64(try #require(item["seed"]?.integer))], steps: try #require(item["steps"]?.integer),
                guidance: Float(try #require(item["guidance"]?.double)),
                strength: Float(try #require(item["strength"]?.double)),
                sampler: SamplerKind(rawValue: try #require(item["sampler"]?.text)), knownLatents: .channels)
            let found = try #require(try pipeline.run(request).first)
            #expect(found.size == expected.size)
            let psnr = expected.psnr(found)
            #expect(psnr >= Self.minimumPSNR, "\(model) \(name)")
        }
    }
}
