import Raster
import Tensors
import Testing

@testable import Diffusion

/// Candidates that are computed only where the mask lets them change (`DenoiseRequest.reusesKnown`).
@Suite(.onEngine) struct KnownReuseTests {
    private static let side = 256
    private static let hole = PixelRect(x: 96, y: 64, width: 64, height: 72)

    private func request(seeds: [UInt64], reusesKnown: Bool = true, sampler: SamplerKind? = nil) -> DenoiseRequest {
        let size = PixelSize(width: Self.side, height: Self.side)
        var picture = RGBImage(size: size, repeating: (0.5, 0.5, 0.5))
        var mask = Plane(size: size)
        for y in 0 ..< Self.side {
            for x in 0 ..< Self.side {
                let wave = Float(0.1) * Float(((x / 7) ^ (y / 5)) % 8) / 8
                picture.values[3 * (y * Self.side + x)] = Float(y) / 400 + wave
                picture.values[3 * (y * Self.side + x) + 1] = 0.3 + wave
                picture.values[3 * (y * Self.side + x) + 2] = 0.8 - Float(y) / 500
                if Self.hole.contains(PixelRect(x: x, y: y, width: 1, height: 1)) { mask[x, y] = 1 }
            }
        }
        return DenoiseRequest(
            conditioning: .masked(picture, mask: mask), prompt: "a lake", seeds: seeds, steps: 4, guidance: 4,
            reusesKnown: reusesKnown, sampler: sampler)
    }

    private func pictures(
        _ request: DenoiseRequest, precision: Precision = .f32, whole: Bool = false
    ) throws -> [RGBImage] {
        let pipeline = try DiffusionPipeline(model: .embedded, precision: precision)
        pipeline.followsInWindow = !whole
        return try pipeline.run(request)
    }

    @Test func `The first candidate is the picture of its seed alone`() throws {
        let alone = try pictures(request(seeds: [5], reusesKnown: false))
        let candidates = try pictures(request(seeds: [5, 6, 7]))
        #expect(candidates[0] == alone[0])
        #expect(candidates[1] != candidates[0] && candidates[2] != candidates[1])
    }

    /// What the next candidate changes is its own, and what is known is the first's.
    @Test func `Pixels far from the hole are the first candidate's`() throws {
        let candidates = try pictures(request(seeds: [5, 6]))
        let band = PixelRect(x: 0, y: 0, width: Self.side, height: 24)
        #expect(candidates[1].cropped(to: band) == candidates[0].cropped(to: band))
        #expect(decibels(candidates[0], candidates[1], in: Self.hole) < 40)
    }

    /// Followers whose window is the whole map must come out as networks that know of no window.
    @Test func `A window of everything is a whole run`() throws {
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        let (height, width, channels) = (16, 24, 17)
        func input(_ seed: Int) -> [Float] {
            (0 ..< height * width * channels).map { Float(($0 * 31 + seed * 77) % 101) / 50 - 1 }
        }
        let family = try #require(pipeline.family as? StableDiffusion)
        let text = try family.context(of: ["", "a lake"], size: PixelSize(width: 512, height: 512))
        let everything = MapRegion(
            height: height, width: width, inner: MapWindow(rows: 0 ..< height, columns: 0 ..< width))
        func run(_ inputs: [[Float]], _ region: MapRegion?) throws -> [[Float]] {
            var reused = ReusedFeatures()
            return try family.predict(
                DenoiserInput(candidates: inputs, height: height, width: width, timestep: 400, region: region),
                conditioning: StableDiffusion.Conditioning(text: text), reused: &reused)
        }
        let apart = try run([input(1), input(2)], nil)
        let together = try run([input(1), input(2)], everything)
        #expect(apart == together)
        #expect(apart[0] != apart[1])
    }

    /// With equal inputs nothing is approximated but the order of sums: the ring and the rest hold what is computed anew.
    @Test func `A window of an equal input gives what is known`() throws {
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        let (height, width, channels) = (32, 40, 17)
        let input = (0 ..< height * width * channels).map { Float(($0 * 31) % 101) / 50 - 1 }
        let family = try #require(pipeline.family as? StableDiffusion)
        let text = try family.context(of: ["", "a lake"], size: PixelSize(width: 512, height: 512))
        let region = MapRegion(height: height, width: width, inner: MapWindow(rows: 5 ..< 16, columns: 26 ..< 39))
        var reused = ReusedFeatures()
        let outputs = try family.predict(
            DenoiserInput(
                candidates: [input, input, input], height: height, width: width, timestep: 400, region: region),
            conditioning: StableDiffusion.Conditioning(text: text), reused: &reused)
        for output in outputs.dropFirst() {
            let worst = zip(output, outputs[0]).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < Self.sumTolerance)
        }
    }
    /// Sums in another order, through a whole network.
    private static let sumTolerance: Float = 1e-3

    /// The price of the approximation, against the same noise with everything computed.
    @Test(
        arguments: [Precision.f32, .bf16].filter { Compute.canMultiply($0.elementType) },
        [nil, SamplerKind.eulerAncestral])
    func `Candidates are close to what a whole run makes of the same noise`(
        precision: Precision, sampler: SamplerKind?
    ) throws {
        var request = request(seeds: [5, 6], sampler: sampler)
        // The model's own recommendations. Fewer, longer steps carry the candidates' difference far beyond the hole, and so
        // does noise at each step where it alone decides of the horizon ("a lake").
        request.prompt = "a desert"
        request.steps = 20
        request.guidanceRescale = 0.7
        request.negativePrompt = "a drawing"
        let windowed = try pictures(request, precision: precision)
        let whole = try pictures(request, precision: precision, whole: true)
        #expect(windowed[0] == whole[0])
        #expect(decibels(windowed[1], whole[1], in: Self.hole) > Self.reuseTolerance)
    }
    /// Decibels in the hole. Two candidates are some 20 apart.
    private static let reuseTolerance = 30.0

    @Test func `A mask of everything is not reused`() throws {
        var request = request(seeds: [5, 6])
        request.conditioning = .picture(RGBImage(size: PixelSize(width: 64, height: 64), repeating: (0.2, 0.5, 0.7)))
        request.strength = 0.5
        let candidates = try pictures(request)
        request.seeds = [6]
        #expect(try pictures(request)[0] == candidates[1])
    }
}
