import Foundation
import ImageFiles
import Raster
import Testing

@testable import Diffusion

/// Steps that are taken again, so that what is painted fits what is held (RePaint).
@Suite struct CoherenceTests {
    private static func sampler(_ kind: Sampler.Kind, steps: Int) throws -> any DenoisingSampler {
        let configuration = try SchedulerConfiguration(
            path: "\(Fixtures.root)/parity/pipelines/sd1/scheduler/scheduler_config.json")
        return try Sampler.make(kind, configuration: configuration, steps: steps, schedule: nil)
    }

    /// f32 sums of squares of numbers up to 15.
    private static let tolerance: Float = 1e-4

    @Test(arguments: Sampler.Kind.allCases) func `Noise added anew leads back to the level before`(kind: Sampler.Kind)
        throws
    {
        let sampler = try Self.sampler(kind, steps: 12)
        var again = 0
        for index in sampler.timesteps.indices {
            func level(_ index: Int) -> (a: Float, b: Float) {
                guard index < sampler.timesteps.count else { return (1, 0) }
                return (
                    sampler.addNoise(to: [1], noise: [0], index: index)[0],
                    sampler.addNoise(to: [0], noise: [1], index: index)[0]
                )
            }
            // The picture, the noise that was there, and the noise that comes in, each alone.
            let after = level(index + 1)
            let found = sampler.renoised([after.a, after.b, 0], index: index) { [0, 0, 1] }
            let before = level(index)
            guard let found else {
                #expect(abs(before.b - after.b) <= Self.tolerance)
                continue
            }
            again += 1
            #expect(abs(found[0] - before.a) <= Self.tolerance)
            let variance = found[1] * found[1] + found[2] * found[2]
            #expect(abs(variance - before.b * before.b) <= Self.tolerance * max(1, before.b * before.b))
        }
        // Some samplers call the network twice at one level.
        #expect(again >= 11)
    }

    @Test(arguments: [Sampler.Kind.ddim, .pndm, .euler, .eulerAncestral, .heun, .dpmpp2M, .dpmpp2MSDE, .unipc, .lcm])
    func `Every sampler can take its steps again`(kind: Sampler.Kind) throws {
        let folder = "\(Fixtures.root)/parity/pipelines/sd1"
        let pipeline = try DiffusionPipeline(model: .folder(folder), precision: .f32)
        let image = RGBImage(try ImageFile.read(path: "\(folder)/picture.png").picture)
        let mask = RGBImage(try ImageFile.read(path: "\(folder)/mask.png").picture)
        let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
        func run(_ coherence: Int) throws -> RGBImage {
            let request = DenoiseRequest(
                conditioning: .masked(image, mask: coverage), prompt: "a fox", seeds: [2], steps: 4, sampler: kind,
                coherence: coherence)
            return try #require(try pipeline.run(request).first)
        }
        let (none, twice) = (try run(0), try run(2))
        #expect(twice.values.allSatisfy { $0.isFinite })
        #expect(try run(2).values == twice.values)
        #expect(twice.values != none.values)
    }
}
