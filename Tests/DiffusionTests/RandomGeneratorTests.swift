import Diffusion
import Testing

@Suite struct RandomGeneratorTests {
    /// Every draw of the fixture, calls in sequence, bit for bit.
    @Test func drawsWhatTheReferenceDraws() throws {
        let expected = try Fixtures.safetensors("parity/sampling/random.safetensors")
        for draw in try #require(Fixtures.json("parity/sampling/random.json").list) {
            let source = try #require(draw["source"]?.text.flatMap(RandomSource.init))
            let seed = try #require(draw["seed"]?.text.flatMap { UInt64($0) })
            let sizes = try #require(draw["sizes"]?.list).compactMap(\.integer)
            let tensor = try #require(draw["tensor"]?.text)
            var generator = source.generator(seed: seed)
            let drawn = sizes.flatMap { generator.normal(count: $0) }
            let reference = try expected.floats(tensor)
            #expect(drawn.map(\.bitPattern) == reference.map(\.bitPattern), "\(source) seed \(seed) sizes \(sizes)")
        }
    }

    /// The numbers printed in the documentation of AUTOMATIC1111's modules/rng_philox.py for seed 0.
    @Test func philoxDrawsWhatACUDADeviceDraws() {
        var generator = PhiloxGenerator(seed: 0)
        let drawn = generator.normal(count: 12)
        let documented: [Float] = [
            -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709,
            -1.07454231, -0.36314407, -1.67105067, 2.26550497,
        ]
        for (value, other) in zip(drawn, documented) { #expect(abs(value - other) <= 1e-6) }
    }

    @Test func drawingNothingDrawsNothing() {
        var generator = TorchGenerator(seed: 1)
        var other = generator
        #expect(generator.normal(count: 0).isEmpty)
        #expect(generator.normal(count: 20) == other.normal(count: 20))
    }
}
