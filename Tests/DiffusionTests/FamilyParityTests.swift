import Foundation
import ImageFiles
import PlainText
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Further families against what diffusers' networks and pipelines make with the same models (fixtures/parity/families).
@Suite(.onEngine) struct FamilyParityTests {
    private static let families = [
        "sdxl", "sdxl-inpaint", "sdxl-refiner", "pix2pix", "sdxl-pix2pix", "lcm", "tiny-vae",
    ]

    /// A family's fixture, its parts gathered from where they lie.
    private final class Family {
        let fixture: String
        let scratch: ScratchFolder
        let cases: [JSONValue]
        let results: SafetensorsFile

        init(_ name: String) throws {
            fixture = "\(Fixtures.root)/parity/families/\(name)"
            scratch = try ScratchFolder()
            results = try SafetensorsFile(path: "\(fixture)/results.safetensors")
            cases = try #require(try Fixtures.json("parity/families/\(name)/cases.json")["cases"]?.list)
            guard case .object(let shared) = try Fixtures.json("parity/families/\(name)/parts.json") else {
                throw WeightError.badHeader(file: fixture, reason: "no parts")
            }
            let manager = FileManager.default
            for part in try manager.contentsOfDirectory(atPath: fixture) {
                try manager.createSymbolicLink(
                    atPath: "\(scratch.path)/\(part)", withDestinationPath: "\(fixture)/\(part)")
            }
            for (part, place) in shared {
                try manager.createSymbolicLink(
                    atPath: "\(scratch.path)/\(part)",
                    withDestinationPath: "\(Fixtures.root)/parity/\(try #require(place.text))")
            }
        }

        func pipeline() throws -> DiffusionPipeline {
            try DiffusionPipeline(model: .folder(scratch.path), precision: .f32)
        }

        func request(_ item: JSONValue) throws -> DenoiseRequest {
            let pictures = "\(Fixtures.root)/parity/pipelines/sd1"
            let image = RGBImage(try ImageFile.read(path: "\(pictures)/picture.png").picture)
            let mask = RGBImage(try ImageFile.read(path: "\(pictures)/mask.png").picture)
            let coverage = Plane(size: mask.size, values: (0 ..< mask.size.area).map { mask.values[3 * $0] })
            func number(_ key: String) throws -> Float { Float(try #require(item[key]?.double)) }
            let conditioning: DenoiseRequest.Conditioning =
                switch try #require(item["mode"]?.text) {
                case "generate": .text(size: image.size)
                case "remix": .picture(image)
                default: .masked(image, mask: coverage)
                }
            return DenoiseRequest(
                conditioning: conditioning, prompt: try #require(item["prompt"]?.text),
                negativePrompt: try #require(item["negative"]?.text),
                seeds: [UInt64(try #require(item["seed"]?.integer))], steps: try #require(item["steps"]?.integer),
                guidance: try number("guidance"), imageGuidance: try number("image_guidance"),
                strength: try number("strength"),
                sampler: SamplerKind(rawValue: try #require(item["sampler"]?.text)), knownLatents: .channels)
        }
    }

    @Test(arguments: families) func everyCase(name: String) throws {
        let family = try Family(name)
        let pipeline = try family.pipeline()
        #expect(family.cases.count >= 2)
        for item in family.cases {
            let name = try #require(item["name"]?.text)
            let expected = try ReferencePicture(family.results, "\(name)/picture")
            let found = try #require(try pipeline.run(try family.request(item)).first)
            #expect(found.size == expected.size)
            #expect(expected.psnr(found) >= PipelineParityTests.minimumPSNR, "\(family.fixture) \(name)")
        }
    }

    /// What the first network call of a family's first case is given and gives.
    @Test(arguments: families) func firstCall(name: String) throws {
        let family = try Family(name)
        let pipeline = try family.pipeline()
        let request = try family.request(family.cases[0])
        func tensor(_ name: String) throws -> WeightTensor {
            try #require(family.results.tensor("call/\(name)"), "\(name)")
        }
        let text = try tensor("prompt_embeds")
        let sample = try tensor("sample")
        let (batch, height, width) = (sample.shape[0], sample.shape[2], sample.shape[3])
        let isXL = family.results.tensor("call/text_embeds") != nil
        let isNone = request.negativePrompt.isEmpty && isXL && name != "sdxl-refiner"
        let negative: String? = isNone ? nil : request.negativePrompt
        let prompts: [String?] =
            switch batch {
            case 1: [request.prompt]
            case 2: [negative, request.prompt]
            default: [request.prompt, negative, negative]
            }
        let diffusion = try #require(pipeline.family as? StableDiffusion)
        let context = try diffusion.context(of: prompts, size: request.conditioning.size)
        expectClose(pipeline.compute.floats(context.states), text.floats(), "\(name) text")
        if isXL {
            let pooled = try tensor("text_embeds")
            let width = pooled.shape[1]
            expectClose(context.added.flatMap { $0.prefix(width) }, pooled.floats(), "\(name) pooled text")
            let numbers = try tensor("time_ids").floats()
            let added = try #require(diffusion.unet.configuration.addedCondition)
            let waves = numbers.flatMap {
                TimeEmbedding.wave($0, channels: added.channelsOfNumber, flip: true, shift: 0)
            }
            #expect(context.added.flatMap { $0.dropFirst(width) } == waves, "\(name) numbers")
        }
        let size = sample.count / batch
        let values = (0 ..< batch).flatMap {
            channelsLast(sample.floats($0 * size ..< ($0 + 1) * size), channels: sample.shape[1])
        }
        var deepFeatures: Tensor?
        let guidance = family.results.tensor("call/timestep_cond")?.floats()
        let output = try diffusion.unet(
            try pipeline.compute.tensor(values, shape: [batch, height, width, sample.shape[1]]),
            timestep: try tensor("timestep").floats()[0], context: context, guidance: guidance,
            deepFeatures: &deepFeatures, pipeline.compute)
        let expected = try tensor("output")
        let count = expected.count / batch
        expectClose(
            pipeline.compute.floats(output),
            (0 ..< batch).flatMap {
                channelsLast(expected.floats($0 * count ..< ($0 + 1) * count), channels: expected.shape[1])
            }, "\(name) denoiser")
    }

    /// Several candidates that share what is known, of a denoiser whose prompts part before its first block.
    @Test(arguments: ["sdxl", "pix2pix"]) func `Candidates computed in a window are those computed whole`(name: String)
        throws
    {
        let family = try Family(name)
        var request = try family.request(try #require(family.cases.last))
        guard case .masked(let image, _) = try Family("sdxl").request(Family("sdxl").cases[5]).conditioning else {
            Issue.record("the case is not one with a mask")
            return
        }
        let mask = Plane(
            size: image.size,
            values: (0 ..< image.size.area).map { $0 % image.width < 16 && $0 / image.width < 16 ? 1 : 0 })
        request.conditioning = .masked(image, mask: mask)
        request.knownLatents = .reimpose
        request.strength = 1
        request.seeds = [1, 2, 3]
        request.reusesKnown = true
        let pipeline = try family.pipeline()
        let inWindow = try pipeline.run(request)
        pipeline.followsInWindow = false
        let whole = try pipeline.run(request)
        for (a, b) in zip(inWindow, whole) {
            // What a window does not see is the first's: an approximation, and small (KnownReuseTests).
            #expect(decibels(a, b, in: PixelRect(a.size)) > Self.windowTolerance, "\(name)")
            let worst = zip(a.values, b.values).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(worst < Self.worstInWindow, "\(name)")
        }
        #expect(inWindow[0] == whole[0])
        // Of the other candidates, the noise alone differs.
        #expect(decibels(inWindow[0], inWindow[1], in: PixelRect(whole[0].size)) < Self.windowTolerance - 8)
    }
    /// Decibels: 44.9 was measured, of the worst candidate.
    private static let windowTolerance = 42.0
    /// Of a range of 1: 0.056 was measured.
    private static let worstInWindow: Float = 0.08

    @Test func `A model that follows instructions makes nothing from text alone`() throws {
        let family = try Family("pix2pix")
        let pipeline = try family.pipeline()
        #expect(pipeline.facts.followsInstructions)
        var request = try family.request(family.cases[0])
        request.conditioning = .text(size: PixelSize(width: 64, height: 48))
        let error = #expect(throws: ModelError.self) { try pipeline.run(request) }
        #expect(error?.description.contains("reworks a picture and makes none from text alone") == true)
    }

    @Test func `Facts of a family`() throws {
        func facts(_ name: String) throws -> ModelFacts {
            let family = try Family(name)
            return try withExtendedLifetime(family) { try family.pipeline().facts }
        }
        let base = try facts("sdxl")
        #expect(base.family == "Stable Diffusion XL")
        #expect(base.defaults.guidance == 5)
        #expect(base.fewSteps == nil)
        #expect(base.textParameters > 0 && base.textParameters < base.parameters)
        #expect(try facts("sdxl-inpaint").family == "Stable Diffusion XL inpainting")
        let refiner = try facts("sdxl-refiner")
        #expect(refiner.family == "Stable Diffusion XL refiner")
        #expect(refiner.isRefiner)
        #expect(refiner.defaults.settings(forMode: "remix").strength == 0.3)
        #expect(try facts("pix2pix").defaults.settings(forMode: "remix").strength == 1)
        #expect(try facts("sdxl-pix2pix").family == "Stable Diffusion XL InstructPix2Pix")
        let lcm = try facts("lcm")
        #expect(lcm.fewSteps?.kind == .lcm)
        #expect((lcm.defaults.steps, lcm.defaults.guidance) == (4, 8.5))
    }

    @Test(arguments: [
        ("EulerAncestralDiscreteScheduler", "trailing", "epsilon", FewSteps.Kind?.some(.turbo)),
        ("EulerDiscreteScheduler", "trailing", "epsilon", .some(.turbo)),
        ("EulerDiscreteScheduler", "leading", "epsilon", nil),
        ("EulerDiscreteScheduler", "trailing", "v_prediction", nil),
        ("DDIMScheduler", "trailing", "epsilon", nil), ("LCMScheduler", "leading", "epsilon", .some(.lcm)),
        ("TCDScheduler", "leading", "epsilon", .some(.hyper)),
    ])
    func `Distilled models are told by their scheduler`(
        scheduler: String, spacing: String, prediction: String, kind: FewSteps.Kind?
    ) throws {
        let unet = try UNetConfiguration(
            JSONConfiguration(path: "\(Fixtures.root)/parity/families/sdxl/unet/config.json"))
        let configuration = try SchedulerConfiguration(
            JSONConfiguration(
                members: [
                    "_class_name": .string(scheduler), "timestep_spacing": .string(spacing),
                    "prediction_type": .string(prediction),
                ], file: "scheduler"))
        let found = FewSteps(unet: unet, scheduler: configuration, hints: [:])
        #expect(found?.kind == kind)
        // The metadata of a file say it before the scheduler does.
        let hints = ["modelspec.title": "Somebody's XL (Lightning, 4 steps)"]
        #expect(FewSteps(unet: unet, scheduler: configuration, hints: hints)?.kind == .lightning)
        #expect(FewSteps(unet: unet, scheduler: configuration, hints: ["modelspec.title": "Hyperreal"])?.kind == kind)
    }
}
