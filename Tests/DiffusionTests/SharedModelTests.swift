import Foundation
import Raster
import Synchronization
import Testing

@testable import Diffusion
@testable import Tensors

/// Several models in one process: what they have in common, and that it makes no difference to their pictures.
@Suite struct SharedModelTests {
    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    private static func pipeline(
        _ engine: Engine, model: String = "sd1", precision: Precision = .f32, lora: Float? = nil
    ) throws -> DiffusionPipeline {
        let adapters = lora.map {
            [LoRAChoice(path: "\(Fixtures.root)/parity/adapters/kohya.safetensors", weight: $0)]
        }
        return try DiffusionPipeline(
            on: engine, model: .folder("\(Fixtures.root)/parity/pipelines/\(model)"), precision: precision,
            clipVocabulary: vocabulary, adapters: Adapters(loras: adapters ?? []))
    }

    private static func picture(
        _ pipeline: DiffusionPipeline, progress: (DenoiseProgress) throws -> Void = { _ in }
    ) throws -> [Float] {
        let size = PixelSize(width: 32, height: 32)
        let source = RGBImage(size: size, values: (0 ..< size.area * 3).map { Float($0 % 97) / 96 })
        let request = DenoiseRequest(
            conditioning: .picture(source), prompt: "a red fox", seeds: [3], steps: 2, guidance: 3, strength: 0.5)
        return try #require(try pipeline.run(request, progress: progress).first).values
    }

    private static func packings(_ engine: Engine) throws -> Int { try engine.run { engine.resources.store.packings } }

    @Test func `Two pipelines over the same files pack them once`() throws {
        let engine = Engine()
        let one = try Self.pipeline(engine)
        let picture = try Self.picture(one)
        let packed = try Self.packings(engine)
        #expect(packed > 20)
        let two = try Self.pipeline(engine)
        #expect(try Self.picture(two) == picture)
        // The text encoder's are given back after each prompt; nothing else is packed again.
        let again = try Self.packings(engine) - packed
        #expect(again < packed / 3)
        try engine.run {
            let store = engine.resources.store
            #expect(store.count(user: one.compute.number) == store.count(user: two.compute.number))
        }
        // Another model's are its own, also where the layers are called alike and as large.
        let other = try Self.pipeline(engine, model: "sd2-inpaint")
        #expect(try Self.picture(other) == Self.picture(try Self.pipeline(Engine(), model: "sd2-inpaint")))
        if Compute.canMultiply(.bfloat16) {
            let rounded = try Self.picture(try Self.pipeline(engine, precision: .bf16))
            #expect(rounded != picture)
            #expect(try rounded == Self.picture(try Self.pipeline(Engine(), precision: .bf16)))
        }
    }

    /// All weights of products in a network.
    private static func weights(in value: Any) -> [ProductWeights] {
        if let found = value as? ProductWeights { return [found] }
        if value is [Float] || value is WeightTensor { return [] }
        return Mirror(reflecting: value).children.flatMap { weights(in: $0.value) }
    }

    @Test func `A LoRA shares what it leaves as it is`() throws {
        let engine = Engine()
        let plain = try Self.pipeline(engine)
        let picture = try Self.picture(plain)
        var pictures: [[Float]] = []
        for weight: Float in [1, 0.5, 1] {
            let changed = try Self.pipeline(engine, lora: weight)
            pictures.append(try Self.picture(changed))
            let networks: [Any] = [
                try #require(changed.family as? StableDiffusion).unet, changed.autoencoder,
            ]
            let all = networks.flatMap { Self.weights(in: $0) }
            let isChanged = all.map { $0.parts.contains { !$0.corrections.isEmpty } }
            #expect(isChanged.contains(true) && isChanged.contains(false))
            #expect(all.count { changed.compute.slots[$0.number] != nil } > all.count / 2)
            try engine.run {
                for (weights, isChanged) in zip(all, isChanged) {
                    guard let slot = changed.compute.slots[weights.number] else { continue }
                    #expect(!slot.forms.isEmpty)
                    for form in slot.forms {
                        #expect(form.users.contains(plain.compute.number) != isChanged, "\(weights.name)")
                    }
                }
            }
            #expect(pictures.last == (try Self.picture(try Self.pipeline(Engine(), lora: weight))))
        }
        #expect(pictures[0] == pictures[2] && pictures[0] != pictures[1] && pictures[0] != picture)
        #expect(try Self.picture(plain) == picture)
    }

    @Test func `A LoRA at the same weight is packed once`() throws {
        let engine = Engine()
        var packings: [Int] = []
        for weight: Float in [1, 1, 0.5, 1] {
            let before = try Self.packings(engine)
            _ = try Self.picture(try Self.pipeline(engine, lora: weight))
            packings.append(try Self.packings(engine) - before)
        }
        // Again and again the text encoder's alone, which are given back after each prompt.
        #expect(packings[1] == packings[3] && packings[1] < packings[2] && packings[2] < packings[0], "\(packings)")
    }

    @Test func `Two threads that edit at once get what each gets alone`() throws {
        let expected = try [nil, Float(1)].map { try Self.picture(try Self.pipeline(Engine(), lora: $0)) }
        let engine = Engine()
        let pictures = Mutex<[[[Float]]]>([[], []])
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            for _ in 0 ..< 3 {
                // As two programs would: each opens its model, edits, and closes it.
                let made = try? Self.picture(try Self.pipeline(engine, lora: index == 0 ? nil : 1))
                pictures.withLock { $0[index].append(made ?? []) }
            }
        }
        for index in 0 ..< 2 {
            #expect(pictures.withLock { $0[index] } == [[Float]](repeating: expected[index], count: 3))
        }
        try engine.run { #expect(engine.resources.users.isEmpty) }
    }

    private struct Stopped: Error {}

    @Test func `A run that is stopped leaves the next one as it is`() throws {
        let engine = Engine()
        let pipeline = try Self.pipeline(engine)
        let expected = try Self.picture(pipeline)
        for last in 0 ..< 4 {
            var reports = 0
            #expect(throws: Stopped.self) {
                _ = try Self.picture(pipeline) { _ in
                    reports += 1
                    if reports > last { throw Stopped() }
                }
            }
            #expect(try Self.picture(pipeline) == expected)
        }
    }
}
