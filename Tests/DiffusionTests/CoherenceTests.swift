import Foundation
import ImageFiles
import Raster
import Testing

@testable import Diffusion

/// What makes what is painted fit what is held: RePaint's steps that are taken again, LanPaint's inner iterations.
@Suite(.onEngine) struct CoherenceTests {
    private static func sampler(_ kind: SamplerKind, steps: Int) throws -> any Sampler {
        let configuration = try SchedulerConfiguration(
            path: "\(Fixtures.root)/parity/pipelines/sd1/scheduler/scheduler_config.json")
        return try SamplerKind.make(kind, configuration: configuration, steps: steps, schedule: nil)
    }

    /// f32 sums of squares of numbers up to 15.
    private static let tolerance: Float = 1e-4

    @Test(arguments: SamplerKind.allCases) func `Noise added anew leads back to the level before`(kind: SamplerKind)
        throws
    {
        let sampler = try Self.sampler(kind, steps: 12)
        var again = 0
        for index in sampler.timesteps.indices {
            // The picture, the noise that was there, and the noise that comes in, each alone.
            let after = sampler.level(index + 1)
            let found = sampler.renoised([after.a, after.b, 0], index: index) { [0, 0, 1] }
            let before = sampler.level(index)
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

    /// A picture of many pairs of normal numbers, each of variance 1 and with this correlation. Of each the first is the hole and
    /// the second known to be `knownValue`: the first is then normal around 0.96 with variance 0.36.
    private static let correlation: Float = 0.8
    private static let knownValue: Float = 1.2
    private static let pairs = 8000

    /// What a network that knows the pairs perfectly says of latents of a sampler: E[x₀ | x], in the sampler's terms.
    private static func exactOutput(_ latents: [Float], sampler: any Sampler, index: Int) -> [Float] {
        let level = VariancePreserving(sampler.level(index))
        let scale = 1 / (sampler.level(index).a.squared + sampler.level(index).b.squared).squareRoot()
        // With C = ᾱ·Σ + (1 − ᾱ)·1, x̂₀ = √ᾱ·Σ·C⁻¹·x. Sum and difference of a pair are independent.
        func clean(_ z: Float, variance: Float) -> Float {
            level.alpha * variance / (level.alpha.squared * variance + level.sigma.squared) * z
        }
        var output = [Float](repeating: 0, count: latents.count)
        for pair in 0 ..< latents.count / 2 {
            let (x, y) = (latents[pair] * scale, latents[latents.count / 2 + pair] * scale)
            let sum = clean((x + y) / 2, variance: 1 + correlation)
            let difference = clean((x - y) / 2, variance: 1 - correlation)
            for (place, z, clean) in [(pair, x, sum + difference), (latents.count / 2 + pair, y, sum - difference)] {
                let noise = (z - level.alpha * clean) / level.sigma
                output[place] =
                    switch sampler.path {
                    case .variancePreserving(.epsilon): noise
                    case .variancePreserving(.sample): clean
                    case .variancePreserving(.velocity): level.alpha * noise - level.sigma * clean
                    case .flow: noise - clean
                    }
            }
        }
        return output
    }

    /// Mean and variance of what is painted into the holes.
    private static func painted(
        _ kind: SamplerKind, _ prediction: SchedulerConfiguration.Prediction = .epsilon,
        method: DenoiseRequest.CoherenceMethod = .lanpaint, coherence: Int
    ) throws -> (mean: Float, variance: Float) {
        var configuration = try SchedulerConfiguration(
            path: "\(Fixtures.root)/parity/pipelines/sd1/scheduler/scheduler_config.json")
        configuration.prediction = prediction
        configuration.clipSample = false
        return try painted(
            SamplerKind.make(kind, configuration: configuration, steps: 20, schedule: nil), method: method,
            coherence: coherence)
    }

    private static func painted(
        _ fresh: any Sampler, method: DenoiseRequest.CoherenceMethod, coherence: Int
    ) throws -> (mean: Float, variance: Float) {
        var sampler = fresh
        var generator: any RandomGenerator = RandomSource.torch.generator(seed: 5)
        let start = generator.normal(count: 2 * pairs)
        let clean = [Float](repeating: knownValue, count: 2 * pairs)
        var latents = start.map { $0 * sampler.initialNoiseScale }
        func hold(before index: Int) {
            let held = index < fresh.timesteps.count ? fresh.addNoise(to: clean, noise: start, index: index) : clean
            latents.replaceSubrange(pairs..., with: held[pairs...])
        }
        for index in fresh.timesteps.indices {
            hold(before: index)
            if method == .lanpaint, index + 1 < fresh.timesteps.count, !sampler.isWithinStep, coherence > 0 {
                sampler.forgetLatents()
                var inner = try #require(
                    InnerLangevin(sampler: fresh, index: index, clean: clean) { $0 >= pairs })
                for _ in 0 ..< coherence {
                    latents = inner.latentsToAsk(latents) { generator.normal(count: 2 * pairs) }
                    latents = inner.finished(
                        latents, modelOutput: exactOutput(latents, sampler: fresh, index: index)
                    ) { generator.normal(count: 2 * pairs) }
                }
            }
            for round in 0 ... (method == .repaint ? coherence : 0) {
                let before = sampler
                latents = sampler.step(
                    modelOutput: exactOutput(latents, sampler: fresh, index: index), latents: latents, index: index
                ) { generator.normal(count: 2 * pairs) }
                hold(before: index + 1)
                guard method == .repaint, round < coherence,
                    let again = fresh.renoised(latents, index: index, noise: { generator.normal(count: 2 * pairs) })
                else { break }
                latents = again
                hold(before: index)
                sampler = before
                sampler.forgetLatents()
            }
        }
        let holes = latents[..<pairs].map(Double.init)
        let mean = holes.reduce(0, +) / Double(pairs)
        let variance = holes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pairs)
        return (Float(mean), Float(variance))
    }

    /// Twenty steps of ten iterations come this close; 8000 pairs tell a mean to 0.007 and a variance to 0.006.
    private static let conditionalTolerance: Float = 0.05
    private static let trueMean = correlation * knownValue
    private static let trueVariance = 1 - correlation * correlation

    @Test(
        arguments: SamplerKind.allCases.filter { $0 != .lcm },
        [SchedulerConfiguration.Prediction.epsilon, .velocity, .sample])
    func `LanPaint's iterations come to the true conditional distribution`(
        kind: SamplerKind, prediction: SchedulerConfiguration.Prediction
    ) throws {
        let held = try Self.painted(kind, prediction, coherence: 0)
        let found = try Self.painted(kind, prediction, coherence: 10)
        #expect(abs(found.mean - Self.trueMean) < Self.conditionalTolerance)
        #expect(abs(found.variance - Self.trueVariance) < Self.conditionalTolerance)
        // What is only held leaves the holes too free.
        #expect(held.mean < Self.trueMean - 0.3 && held.variance > Self.trueVariance + 0.1)
    }

    @Test func `Both methods fit hole and known part on a flow path, too`() throws {
        let sampler = FlowSampler(FlowSchedule(steps: 20, to: 0.05, shift: 3))
        let none = try Self.painted(sampler, method: .lanpaint, coherence: 0)
        let repaint = try Self.painted(sampler, method: .repaint, coherence: 5)
        let lanpaint = try Self.painted(sampler, method: .lanpaint, coherence: 10)
        #expect(abs(lanpaint.mean - Self.trueMean) < Self.conditionalTolerance)
        #expect(abs(lanpaint.variance - Self.trueVariance) < Self.conditionalTolerance)
        #expect(none.mean < repaint.mean - 0.1 && repaint.mean < Self.trueMean + Self.conditionalTolerance)
    }

    @Test(arguments: SamplerKind.allCases.filter { $0 != .lcm })
    func `LanPaint is closer to the truth than RePaint, and both than neither`(kind: SamplerKind) throws {
        let none = try Self.painted(kind, coherence: 0)
        let repaint = try Self.painted(kind, method: .repaint, coherence: 5)
        let lanpaint = try Self.painted(kind, coherence: 5)
        func miss(_ found: (mean: Float, variance: Float)) -> Float { abs(found.mean - Self.trueMean) }
        #expect(miss(none) > miss(repaint) && miss(repaint) > miss(lanpaint))
    }

    /// Also from the middle of a schedule, where PNDM's first step is two calls.
    @Test(
        arguments: [SamplerKind.ddim, .pndm, .euler, .eulerAncestral, .heun, .dpmpp2M, .dpmpp2MSDE, .unipc, .lcm],
        [1, 0.5] as [Float])
    func `Every sampler knows both methods`(kind: SamplerKind, strength: Float) throws {
        let folder = "\(Fixtures.root)/parity/pipelines/sd1"
        let pipeline = try DiffusionPipeline(model: .folder(folder), precision: .f32)
        let image = RGBImage(try ImageFile.read(path: "\(folder)/picture.png").picture)
        let mask = RGBImage(try ImageFile.read(path: "\(folder)/mask.png").picture)
        let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
        func run(_ coherence: Int, _ method: DenoiseRequest.CoherenceMethod = .repaint) throws -> RGBImage {
            let request = DenoiseRequest(
                conditioning: .masked(image, mask: coverage), prompt: "a fox", seeds: [2], steps: strength < 1 ? 8 : 4,
                strength: strength, sampler: kind, coherence: coherence, coherenceMethod: method)
            return try #require(try pipeline.run(request).first)
        }
        let (none, twice) = (try run(0), try run(2))
        #expect(twice.values.allSatisfy { $0.isFinite })
        #expect(try run(2).values == twice.values)
        #expect(twice.values != none.values)
        let inner = try run(2, .lanpaint)
        #expect(inner.values.allSatisfy { $0.isFinite })
        #expect(try run(2, .lanpaint).values == inner.values)
        #expect(inner.values != none.values && inner.values != twice.values)
        #expect(try run(0, .lanpaint).values == none.values)
    }

    /// A run step by step, with the whole network at every call.
    @Test func `A step taken again asks the whole network`() throws {
        let folder = "\(Fixtures.root)/parity/pipelines/sd1"
        let pipeline = try DiffusionPipeline(model: .folder(folder), precision: .f32)
        let image = RGBImage(try ImageFile.read(path: "\(folder)/picture.png").picture)
        let mask = RGBImage(try ImageFile.read(path: "\(folder)/mask.png").picture)
        let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
        let request = DenoiseRequest(
            conditioning: .masked(image, mask: coverage), prompt: "a fox", seeds: [2], steps: 2, guidance: 1,
            sampler: .ddim, coherence: 1, coherenceMethod: .repaint)
        let found = try #require(try pipeline.run(request).first)

        let sampler = try Self.sampler(.ddim, steps: 2)
        let known = try KnownPicture(request, facts: pipeline.facts) { try pipeline.encode($0) }
        var generator: any RandomGenerator = RandomSource.torch.generator(seed: 2)
        var run = known.start(sampler: sampler, strength: 1, generator: &generator)
        let family = try #require(pipeline.family as? StableDiffusion)
        let text = try family.context(of: ["a fox"], size: image.size)
        for index in 0 ... 1 {
            for round in 0 ... 1 {
                var reused = ReusedFeatures()
                let output = try family.predict(
                    DenoiserInput(
                        candidates: [run.latents.values], height: run.latents.height, width: run.latents.width,
                        timestep: sampler.timesteps[index]),
                    conditioning: StableDiffusion.Conditioning(text: text), reused: &reused)
                var taken = sampler
                run.latents.values = taken.step(modelOutput: output[0], latents: run.latents.values, index: index) {
                    []
                }
                known.reimpose(on: &run, after: index, sampler: sampler)
                guard round == 0 else { break }
                run.latents.values = try #require(
                    sampler.renoised(run.latents.values, index: index) {
                        generator.normal(count: run.latents.values.count)
                    })
                known.reimpose(on: &run, after: index - 1, sampler: sampler)
            }
        }
        #expect(found.values == (try pipeline.decode(run.latents)).values)
    }
}

extension Float {
    fileprivate var squared: Float { self * self }
}
