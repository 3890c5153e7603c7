import Foundation
import ImageFiles
import PlainText
import Raster
import Tensors
import TestSupport
import Testing

@testable import Diffusion

/// LoRAs and embeddings against what diffusers, LyCORIS and cloneofsimo/lora make of the same files
/// (fixtures/parity/adapters).
@Suite struct AdapterTests {
    private static let folder = "\(Fixtures.root)/parity/adapters"
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"
    /// The same sums in another order, in f32, relative to the largest value.
    private static let roundingTolerance: Float = 2e-6

    private struct Painted {
        let size: PixelSize
        let samples: [UInt8]

        init(_ file: SafetensorsFile, _ name: String) throws {
            let entry = try #require(file.header.entries["\(name)/picture"], "\(name)")
            size = PixelSize(width: entry.shape[1], height: entry.shape[0])
            let mapping = try MappedFile(path: file.file)
            samples = withExtendedLifetime(mapping) { Array(mapping.bytes[entry.range]) }
        }

        func psnr(_ other: [UInt8]) -> Double {
            let sum = zip(samples, other).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            return sum == 0 ? .infinity : 10 * log10(255 * 255 * Double(samples.count) / sum)
        }
    }

    private static func lora(_ text: String, in folder: String) throws -> LoRAChoice {
        let parts = text.split(separator: ":")
        return LoRAChoice(path: "\(folder)/\(parts[0])", weight: try #require(Float(String(parts[1]))))
    }

    /// Of SDXL with both of its text encoders.
    @Test(arguments: [("adapters", "pipelines/sd1", 10), ("adapters-xl", "families/sdxl", 4)])
    func `Pictures are those of diffusers`(fixture: String, model: String, count: Int) throws {
        let folder = "\(Fixtures.root)/parity/\(fixture)"
        let results = try SafetensorsFile(path: "\(folder)/results.safetensors")
        let cases = try #require(try Fixtures.json("parity/\(fixture)/cases.json")["cases"]?.list)
        let plain = try Painted(results, "plain")
        #expect(cases.count == count)
        for item in cases {
            let name = try #require(item["name"]?.text)
            let expected = try Painted(results, name)
            let adapters = Adapters(
                loras: try #require(item["loras"]?.list).compactMap(\.text).map { try Self.lora($0, in: folder) },
                embeddings: try #require(item["embeddings"]?.list).compactMap(\.text).map {
                    EmbeddingChoice(path: "\(folder)/\($0)")
                })
            let pipeline = try DiffusionPipeline(
                model: .folder("\(Fixtures.root)/parity/\(model)"), precision: .f32, adapters: adapters)
            let request = DenoiseRequest(
                conditioning: .text(size: expected.size), prompt: try #require(item["prompt"]?.text),
                negativePrompt: try #require(item["negative"]?.text),
                seeds: [UInt64(try #require(item["seed"]?.integer))], steps: try #require(item["steps"]?.integer),
                guidance: Float(try #require(item["guidance"]?.double)),
                sampler: item["sampler"]?.text.flatMap { SamplerKind(rawValue: $0) })
            let found = try #require(try pipeline.run(request).first)
            let samples = found.values.map { UInt8((min(max($0, 0), 1) * 255).rounded()) }
            let psnr = expected.psnr(samples)
            #expect(psnr >= PipelineParityTests.minimumPSNR, "\(name)")
            // Without the adapter it would not pass.
            if name != "plain" { #expect(plain.psnr(expected.samples) < 30, "\(name)") }
            #expect(pipeline.facts.adapters.allSatisfy { $0.unusedLayers.isEmpty && $0.unknownTensors.isEmpty })
        }
    }

    private struct Parts {
        let weights: [String: any WeightSource]

        init(_ folder: String = AdapterTests.model) throws {
            weights = [
                "unet": try WeightFolder(path: folder + "/unet"),
                "text_encoder": try WeightFolder(path: folder + "/text_encoder"),
            ]
        }

        func adapted(_ files: [String], weight: Float = 1) throws -> [String: any WeightSource] {
            let loras = files.map { LoRAChoice(path: "\(AdapterTests.folder)/\($0)", weight: weight) }
            let matched = try MatchedAdapters(Adapters(loras: loras), parts: weights, model: "the model")
            return weights.reduce(into: [:]) { $0[$1.key] = matched.adapted($1.value, part: $1.key) }
        }
    }

    private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).map { abs($0 - $1) }.max() ?? 0
    }

    @Test func `LoHa, LoKr, LoCon and DoRA merge as in LyCORIS`() throws {
        let parts = try Parts()
        let unet = try #require(try parts.adapted(["lycoris.safetensors"])["unet"])
        let merged = try SafetensorsFile(path: "\(Self.folder)/merged.safetensors")
        #expect(merged.names.count == 13)
        for name in merged.names {
            let expected = try #require(merged.tensor(name))
            let tensor = try #require(unet.tensor(name))
            #expect(tensor.shape == expected.shape)
            let values = expected.floats()
            let scale = values.map(abs).max() ?? 0
            #expect(largestDifference(tensor.floats(), values) <= Self.roundingTolerance * scale, "\(name)")
            let base = try #require(parts.weights["unet"]?.tensor(name)).floats()
            #expect(largestDifference(base, values) > 0.05 * scale, "\(name)")
            // Some of a tensor's elements are the same.
            #expect(tensor.floats(3 ..< 7) == Array(tensor.floats()[3 ..< 7]))
        }
        let facts = try #require(try AdapterFacts.read("\(Self.folder)/lycoris.safetensors"))
        #expect(facts.algorithms == ["LoCon", "LoCon with DoRA", "LoHa", "LoKr", "LoRA with DoRA"])
        #expect(facts.layers == ["unet": 13])
    }

    @Test(arguments: [
        (["kohya.safetensors"], ["original-names.safetensors"], ["unet"]),
        (["numbered.safetensors"], ["numbered.pt", "numbered.text_encoder.pt"], ["unet", "text_encoder"]),
    ]) func `The same changes in two layouts are the same weights`(one: [String], other: [String], names: [String])
        throws
    {
        let parts = try Parts()
        let (first, second) = (try parts.adapted(one), try parts.adapted(other))
        var changed = 0
        for part in names {
            let base = try #require(parts.weights[part])
            for name in base.names {
                let values = try #require(first[part]?.tensor(name)).floats()
                #expect(try #require(second[part]?.tensor(name)).floats() == values, "\(name)")
                if try #require(base.tensor(name)).floats() != values { changed += 1 }
            }
        }
        #expect(changed > 40)
    }

    @Test func `A weight of 0 changes nothing, and two of the same file add up`() throws {
        let parts = try Parts()
        let none = try #require(try parts.adapted(["kohya.safetensors"], weight: 0)["unet"])
        let twice = try #require(try parts.adapted(["kohya.safetensors", "kohya.safetensors"], weight: 0.5)["unet"])
        let once = try #require(try parts.adapted(["kohya.safetensors"])["unet"])
        for name in none.names {
            #expect(none.tensor(name)?.floats() == parts.weights["unet"]?.tensor(name)?.floats())
            let (a, b) = (try #require(twice.tensor(name)).floats(), try #require(once.tensor(name)).floats())
            #expect(largestDifference(a, b) <= Self.roundingTolerance * (b.map(abs).max() ?? 0))
        }
    }

    @Test func `Names of every age are told`() throws {
        let stem = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0"
        let attention = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
        for name in [
            "lora_unet_\(stem).lora_down.weight", "unet.\(attention).to_out.0.lora_A.weight",
            "unet.\(attention).to_out.0.lora.down.weight", "\(attention).processor.to_out_lora.down.weight",
            "unet.\(attention).processor.to_out_lora.down.weight",
            "base_model.model.\(attention).to_out.0.lora_A.weight",
            "lycoris_\(stem).lora_down.weight", "unet.\(attention).to_out.0.lora_A.default.weight",
        ] {
            let key = try #require(LoRAKey(name), "\(name)")
            #expect(key.part == .denoiser && key.layer == stem && key.role == .down, "\(name)")
        }
        for name in [
            "lora_te_text_model_encoder_layers_3_self_attn_q_proj.alpha",
            "lora_te1_text_model_encoder_layers_3_self_attn_q_proj.alpha",
            "text_encoder.text_model.encoder.layers.3.self_attn.q_proj.alpha",
            "text_encoder.text_model.encoder.layers.3.self_attn.to_q.alpha",
        ] {
            let key = try #require(LoRAKey(name), "\(name)")
            #expect(key.part == .textEncoder && key.layer == "encoder_layers_3_self_attn_q_proj" && key.role == .alpha)
        }
        #expect(LoRAKey("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight")?.part == .secondTextEncoder)
        #expect(LoRAKey("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight")?.part == .transformer)
        #expect(LoRAKey("lora_unet_double_blocks_0_img_attn_proj.lora_up.weight")?.part == .transformer)
        #expect(LoRAKey("unet:12:up")?.layer == "12")
        #expect(LoRAKey("model.diffusion_model.input_blocks.0.0.weight") == nil)
    }

    // MARK: Real files and real shapes

    /// Stable Diffusion 1.5 or 2.1 of zeros: what is merged is the change alone.
    private func hollow(_ table: String, in scratch: ScratchFolder) throws -> [String: any WeightSource] {
        let path = "\(scratch.path)/\(table).safetensors"
        try CheckpointTable(table).writeHollow(path)
        let checkpoint = try LDMCheckpoint(try SafetensorsFile(path: path), hints: [:]).parts
        return checkpoint.weights.filter { $0.key != "vae" }
    }

    private static let corpus: String? = {
        let root = Fixtures.root.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(
            separator: "/")
        let places = [ProcessInfo.processInfo.environment["EDITOR_CORPORA"], "\(root)/shared/corpora"].compactMap { $0 }
        return places.map { $0 + "/weights" }.first {
            FileManager.default.fileExists(atPath: $0 + "/lora_disney.safetensors")
        }
    }()

    @Test(
        .enabled(if: corpus != nil, "skipped: no corpora (set EDITOR_CORPORA)"),
        arguments: [("lora_disney", 1, ["<s1>", "<s2>"]), ("analog_svd_rank4", 4, [])])
    func `cloneofsimo's own LoRAs fit Stable Diffusion 1.5 layer by layer`(
        name: String, rank: Int, words: [String]
    ) throws {
        let path = "\(try #require(Self.corpus))/\(name).safetensors"
        let facts = try #require(try AdapterFacts.read(path))
        #expect(facts.family == "Stable Diffusion 1.x" && facts.layout == "cloneofsimo")
        #expect(facts.layers == ["unet": 144, "text_encoder": 48] && facts.ranks == rank ... rank)
        #expect(Set(facts.words.map(\.word)) == Set(words) && facts.unknownTensors.isEmpty)

        let scratch = try ScratchFolder()
        let parts = try hollow("sd15", in: scratch)
        let choice = Adapters(loras: [LoRAChoice(path: path, weight: 0.75)])
        let matched = try MatchedAdapters(choice, parts: parts, model: "sd15")
        #expect(matched.facts.first?.unusedLayers == [])
        #expect(Set(try matched.words(part: "text_encoder", channels: 768).map(\.word)) == Set(words))
        // Modules in the order of their construction, by hand: down, up, middle; attention, feed-forward, attention.
        let file = try SafetensorsFile(path: path)
        func block(_ place: String) -> String { "\(place).transformer_blocks.0" }
        let expected: [(String, String, String)] = [
            ("unet", "0", block("down_blocks.0.attentions.0") + ".attn1.to_q"),
            ("unet", "4", block("down_blocks.0.attentions.0") + ".ff.net.0.proj"),
            ("unet", "6", block("down_blocks.0.attentions.0") + ".attn2.to_k"),
            ("unet", "52", block("down_blocks.2.attentions.1") + ".attn2.to_v"),
            ("unet", "54", block("up_blocks.1.attentions.0") + ".attn1.to_q"),
            ("unet", "108", block("up_blocks.3.attentions.0") + ".attn1.to_q"),
            ("unet", "134", block("up_blocks.3.attentions.2") + ".attn2.to_out.0"),
            ("unet", "143", block("mid_block.attentions.0") + ".attn2.to_out.0"),
            ("text_encoder", "0", "text_model.encoder.layers.0.self_attn.k_proj"),
            ("text_encoder", "46", "text_model.encoder.layers.11.self_attn.q_proj"),
        ]
        for (part, index, layer) in expected {
            let up = try #require(file.tensor("\(part):\(index):up"))
            let down = try #require(file.tensor("\(part):\(index):down"))
            let (left, right) = (up.floats(), down.floats())
            let columns = down.shape[1]
            let weights = matched.adapted(try #require(parts[part]), part: part)
            let tensor = try #require(weights.tensor("\(layer).weight"), "\(layer)")
            #expect(tensor.shape.droppingSmallKernel == [up.shape[0], columns], "\(layer)")
            let product = (0 ..< up.shape[0] * columns).map { place -> Float in
                var sum = 0.0
                for inner in 0 ..< rank {
                    sum +=
                        Double(left[place / columns * rank + inner]) * Double(right[inner * columns + place % columns])
                }
                return Float(0.75 * sum)
            }
            let scale = product.map(abs).max() ?? 0
            #expect(scale > 0)
            #expect(largestDifference(tensor.floats(), product) <= Self.roundingTolerance * scale, "\(layer)")
        }
    }

    @Test(.enabled(if: corpus != nil, "skipped: no corpora (set EDITOR_CORPORA)"))
    func `A LoRA for Stable Diffusion 1 is refused by 2, with the sizes of a layer`() throws {
        let scratch = try ScratchFolder()
        let path = "\(try #require(Self.corpus))/lora_disney.safetensors"
        #expect(throws: AdapterError.self) {
            try MatchedAdapters(
                Adapters(loras: [LoRAChoice(path: path)]), parts: hollow("sd21-inpaint", in: scratch), model: "sd21")
        }
    }

    // MARK: Refusals

    private func write(_ tensors: [(String, [Int])], metadata: [String: String] = [:], to path: String) throws {
        try CheckpointTable.write(
            path, tensors.map { ($0.0, $0.1, [Float](repeating: 0.5, count: $0.1.reduce(1, *))) }, metadata: metadata)
    }

    @Test func `What does not fit is said with counts and first names`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/lora.safetensors"
        let parts = try Parts().weights
        func match() throws -> MatchedAdapters {
            try MatchedAdapters(Adapters(loras: [LoRAChoice(path: path)]), parts: parts, model: "tiny")
        }
        func message() -> String? {
            do { _ = try match() } catch { return "\(error)" }
            return nil
        }
        let stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
        try write([("\(stem).lora_down.weight", [2, 1024]), ("\(stem).lora_up.weight", [16, 2])], to: path)
        #expect(
            message()
                == "\(path) is a LoRA for Stable Diffusion 2.x and does not fit tiny: 1 of its 1 layer has other sizes, first "
                + "'\(stem)', [16, 1024] where the model has [16, 16].")

        let flux = "transformer.single_transformer_blocks.0.attn.to_q"
        try write([("\(flux).lora_A.weight", [2, 64]), ("\(flux).lora_B.weight", [64, 2])], to: path)
        #expect(
            message()
                == "\(path) is a LoRA for a model with a transformer for denoiser, and none of its 1 layer is one of tiny's; "
                + "the first are '\(flux)'.")

        try write([("something.weight", [2, 2])], to: path)
        #expect(
            message()
                == "\(path) is not a LoRA: none of its 1 tensor is a layer's change; the first are 'something.weight'."
        )

        // Some layers fit, some are not there, one lacks its half.
        try write(
            [
                ("\(stem).lora_down.weight", [2, 16]), ("\(stem).lora_up.weight", [16, 2]),
                ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", [2, 16]),
                ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", [16, 2]),
                ("lora_unet_conv_out.lora_up.weight", [4, 2, 1, 1]), ("surprise", [1]),
            ], metadata: ["ss_output_name": "my-LCM-style"], to: path)
        let facts = try #require(try match().facts.first)
        #expect(facts.unusedLayers == ["lora_te2_text_model_encoder_layers_0_mlp_fc1"])
        #expect(facts.unknownTensors.sorted() == ["lora_unet_conv_out.lora_up.weight", "surprise"])
        #expect(facts.isLatentConsistency)

        // Factors that cannot be multiplied.
        try write([("\(stem).lora_down.weight", [3, 16]), ("\(stem).lora_up.weight", [16, 2])], to: path)
        #expect(message()?.contains("is not a LoRA: none of its 2 tensors is a layer's change") == true)
    }

    @Test func `Numbered layers that make no order are refused`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/lora.safetensors"
        for (count, says) in [(1, "its 1 numbered layer for unet does"), (2, "its 2 numbered layers for unet do")] {
            try write(
                (0 ..< count).flatMap { [("unet:\($0):down", [1, 16]), ("unet:\($0):up", [16, 1])] }, to: path)
            let error = #expect(throws: AdapterError.self) {
                try MatchedAdapters(Adapters(loras: [LoRAChoice(path: path)]), parts: Parts().weights, model: "tiny")
            }
            #expect(
                error?.description.contains("\(says) not fit the order of those of tiny.") == true,
                "\(String(describing: error))")
        }
    }

    // MARK: Words

    @Test func `Embeddings of every layout are read`() throws {
        let pickle = try LearnedToken.read("\(Self.folder)/words.pt")
        let tensors = try LearnedToken.read("\(Self.folder)/words.safetensors")
        #expect(pickle == tensors && pickle.map(\.word) == ["words"])
        #expect(pickle[0].vectors[.textEncoder]?.count == 2)
        let learned = try LearnedToken.read("\(Self.folder)/learned_embeds.bin")
        #expect(learned.map(\.word) == ["<cat>"] && learned[0].vectors[.textEncoder]?.count == 1)
        #expect(try LearnedToken.read("\(Self.folder)/learned_embeds.bin", word: "mog").map(\.word) == ["mog"])

        let scratch = try ScratchFolder()
        let path = scratch.path + "/pair.safetensors"
        try write([("clip_l", [3, 768]), ("clip_g", [3, 1280])], to: path)
        let pair = try LearnedToken.read(path)
        #expect(pair[0].vectors[.textEncoder]?.count == 3 && pair[0].vectors[.secondTextEncoder]?[0].count == 1280)
        #expect(try EmbeddingFacts.read(path)?.widths == [768, 1280])
        #expect(throws: AdapterError.otherWidth(file: path, word: "pair", found: 768, model: "tiny", expected: 16)) {
            let choice = Adapters(embeddings: [EmbeddingChoice(path: path)])
            _ = try MatchedAdapters(choice, parts: [:], model: "tiny").words(part: "text_encoder", channels: 16)
        }
        #expect(throws: AdapterError.self) { try LearnedToken.read("\(Self.folder)/kohya.safetensors") }
        #expect(throws: AdapterError.repeatedWord(word: "words")) {
            let both = [
                EmbeddingChoice(path: "\(Self.folder)/words.pt"), .init(path: "\(Self.folder)/words.safetensors"),
            ]
            _ = try MatchedAdapters(Adapters(embeddings: both), parts: [:], model: "tiny")
        }
    }

    @Test func `A learned word is found where it stands by itself`() throws {
        var tokenizer = try CLIPTokenizer(path: "\(Self.model)/tokenizer")
        let (cat, style) = ([50000], [50001, 50002])
        tokenizer.learn("<cat>", as: cat)
        tokenizer.learn("bad-Style2", as: style)
        let plain = { (text: String) in tokenizer.tokens(text) }
        #expect(plain("a <cat> by") == plain("a") + cat + plain("by"))
        #expect(plain("big<CAT>'s") == plain("big") + cat + plain("'s"))
        #expect(plain("Bad-style2, x") == style + plain(", x"))
        #expect(!plain("abad-style2").contains(50001))
        #expect(!plain("bad-style22").contains(50001))
        #expect(plain("bad-style2 bad-style2") == style + style)
    }
}
