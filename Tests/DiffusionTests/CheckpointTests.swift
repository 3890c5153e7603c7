import Foundation
import PlainText
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Single files in the original key layout.
@Suite struct CheckpointTests {
    /// Merges of the tokenizer that the fixtures have, which are the first of CLIP's.
    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    @Test(arguments: [
        "sd15", "sd21-inpaint", "sdxl", "sdxl-refiner", "tiny-sd1", "tiny-sd1-inpaint", "tiny-sd2", "tiny-sd2-inpaint",
        "tiny-pix2pix", "tiny-lcm", "tiny-sdxl", "tiny-sdxl-inpaint", "tiny-sdxl-pix2pix", "tiny-sdxl-refiner",
    ])
    func `Every tensor is renamed as diffusers renames it`(name: String) throws {
        let table = try CheckpointTable(name)
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(path)
        let checkpoint = try LDMCheckpoint(try SafetensorsFile(path: path), hints: [:]).parts
        for part in table.parts {
            let weights = try #require(checkpoint.weights[part] as? RenamedWeights)
            let rows = try #require(table.rows[part])
            #expect(Set(weights.names) == Set(rows.map(\.name)))
            #expect(rows.count >= 36)
            for row in rows {
                let expected = RenamedWeights.Origin(
                    row.original, part: row.third.map { .init(index: $0, count: 3) }, isTransposed: row.isTransposed)
                #expect(weights.origins[row.name] == expected, "\(row.name)")
                // A convolution of one pixel may stay one: a layer takes either.
                let found = try #require(weights.tensor(row.name)).shape
                #expect(found == row.shape || found == row.shape + [1, 1], "\(row.name) \(found)")
            }
        }
    }

    @Test func `Files of the first months, without text_model, read the same`() throws {
        let table = try CheckpointTable("tiny-sd1")
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(
            path,
            rename: { name in
                name.replacingOccurrences(of: "transformer.text_model.", with: "transformer.")
            })
        let text = try #require(
            try LDMCheckpoint(try SafetensorsFile(path: path), hints: [:]).parts.weights["text_encoder"])
        #expect(Set(text.names) == Set(try #require(table.rows["text_encoder"]).map(\.name)))
        let tokens = text.nameInFile("text_model.embeddings.token_embedding.weight")
        #expect(tokens == "cond_stage_model.transformer.embeddings.token_embedding.weight")
    }

    @Test func `Parts of a fused tensor are views of its bytes`() throws {
        let table = try CheckpointTable("tiny-sd2")
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(path)
        let file = try SafetensorsFile(path: path)
        let text = try #require(try LDMCheckpoint(file, hints: [:]).parts.weights["text_encoder"])
        let whole = try #require(
            file.tensor("cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight")?.bytes.baseAddress)
        let keys = try #require(text.tensor("text_model.encoder.layers.1.self_attn.k_proj.weight"))
        #expect(keys.shape == [64, 64])
        #expect(keys.isMapped)
        #expect(try #require(keys.bytes.baseAddress) - whole == 64 * 64 * 2)
    }

    @Test(arguments: [
        ("sd15", "Stable Diffusion 1.x", "epsilon", 512, 1_066_235_307),
        ("sd21-inpaint", "Stable Diffusion 2.x inpainting", "epsilon", 512, 1_289_966_827),
        ("sdxl", "Stable Diffusion XL", "epsilon", 1024, 3_468_837_867),
        ("sdxl-refiner", "Stable Diffusion XL refiner", "epsilon", 1024, 3_037_840_363),
    ])
    func `A file of real shapes is told by its tensors and opens`(
        name: String, family: String, prediction: String, native: Int, parameters: Int
    ) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable(name).writeHollow(path)
        let bpe = scratch.path + "/bpe.txt"
        try Data(
            (["#version"] + (0 ..< 48894).map { "\(Self.letter($0 / 256))\(Self.letter($0 % 256)) x" }).joined(
                separator: "\n"
            ).utf8
        ).write(to: URL(fileURLWithPath: bpe))
        // Its merges are of tokens that no vocabulary has: what is wrong is said of that file alone.
        let error = #expect(throws: TokenizerError.self) {
            try DiffusionPipeline(model: .file(path), precision: .f32, clipVocabulary: bpe)
        }
        #expect(error?.description.contains(bpe) == true)
        let files = try ModelFiles(.file(path))
        let unet = try UNetConfiguration(files.configuration("unet/config.json"))
        let autoencoder = try AutoencoderFiles(
            configuration: files.configuration("vae/config.json"), weights: files.weights("vae")
        ).autoencoder
        let facts = try ModelFacts(
            files: files, index: files.configuration("model_index.json"), unet: unet,
            latentChannels: autoencoder.latentChannels, scaleFactor: autoencoder.scaleFactor,
            scheduler: SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json")),
            predictionReason: files.predictionReason,
            parameters: try CheckpointTable(name).parts.reduce(0) { try $0 + files.weights($1).parameterCount })
        #expect(facts.family == family)
        #expect(facts.prediction.rawValue == prediction)
        #expect(facts.nativeSize == native)
        #expect(facts.parameters == parameters)
        let heads = [
            "sd15": [8, 8, 8, 8], "sd21-inpaint": [5, 10, 20, 20], "sdxl": [5, 10, 20],
            "sdxl-refiner": [6, 12, 24, 24],
        ]
        #expect(unet.heads == heads[name])
        #expect(unet.addedCondition?.channels == (name == "sdxl" ? 2816 : name == "sdxl-refiner" ? 2560 : nil))
        _ = try UNet(configuration: unet, weights: files.weights("unet"))
        _ = try Autoencoder(
            configuration: AutoencoderConfiguration(files.configuration("vae/config.json")),
            weights: files.weights("vae"))
        for part in files.textEncoders {
            _ = try TextEncoder(
                configuration: TextEncoderConfiguration(files.configuration("\(part)/config.json")),
                weights: files.weights(part), isPooled: part == ModelFiles.secondTextEncoder)
        }
    }

    @Test func `Parts in files of their own join to the model that one file holds`() throws {
        let scratch = try ScratchFolder()
        let (whole, rest) = (scratch.path + "/whole.safetensors", scratch.path + "/rest.safetensors")
        try CheckpointTable("tiny-sd1").writeHollow(whole)
        try CheckpointTable("tiny-sd1").writeHollow(rest, leftOut: { $0.hasPrefix("first_stage_model.") })
        let all = try LDMCheckpoint(SafetensorsFile(path: whole), hints: ["a": "whole"]).parts
        let first = try LDMCheckpoint(
            SafetensorsFile(path: rest), hints: ["b": "rest"], needsAutoencoder: false
        ).parts
        #expect(first.weights["vae"] == nil && first.configurations["vae/config.json"] == nil)
        let joined = first.joined(with: all)
        #expect(Set(joined.weights.keys) == Set(all.weights.keys))
        #expect(Set(joined.configurations.keys) == Set(all.configurations.keys))
        #expect(joined.vocabularies == all.vocabularies && joined.hints == ["a": "whole", "b": "rest"])
        // What both have is the first's.
        #expect(joined.weights["unet"]?.file == rest && joined.weights["vae"]?.file == whole)
    }

    private static func letter(_ index: Int) -> Character { Character(Unicode.Scalar(UInt16(0x4E00 + index)) ?? "x") }

    @Test(arguments: [
        "tiny-sd1", "tiny-sd1-inpaint", "tiny-sd2", "tiny-sd2-inpaint", "tiny-pix2pix", "tiny-lcm", "tiny-sdxl",
        "tiny-sdxl-inpaint", "tiny-sdxl-pix2pix", "tiny-sdxl-refiner",
    ])
    func `A single file gives the bytes that the folder gives`(name: String) throws {
        let scratch = try ScratchFolder()
        let (folder, file) = (scratch.path + "/folder", scratch.path + "/model.safetensors")
        try CheckpointTable(name).writeTwins(folder: folder, file: file)
        let isXL = name.contains("sdxl")
        let isReworked = name == "tiny-sdxl-refiner" || name.hasSuffix("pix2pix")
        let size = PixelSize(width: 32, height: 32)
        let picture = RGBImage(size: size, values: (0 ..< size.area * 3).map { Float($0 % 97) / 96 })
        let mask = Plane(size: size, values: (0 ..< size.area).map { $0 % 32 < 16 ? 1 : 0 })
        var conditionings: [DenoiseRequest.Conditioning] = [.picture(picture), .masked(picture, mask: mask)]
        if !isReworked { conditionings.append(.text(size: size)) }
        var results: [[[Float]]] = []
        for source in [ModelSource.path(folder), .path(file), .path(file + ".ckpt")] {
            let pipeline = try DiffusionPipeline(model: source, precision: .f32, clipVocabulary: Self.vocabulary)
            #expect(pipeline.facts.isInpainting == name.hasSuffix("inpaint"))
            results.append(
                try conditionings.map { conditioning in
                    let request = DenoiseRequest(
                        conditioning: conditioning, prompt: "a red fox, painted", negativePrompt: isXL ? "" : "blue",
                        seeds: [7], steps: 3, guidance: 5, strength: 0.8, knownLatents: .channels)
                    return try #require(try pipeline.run(request).first).values
                })
        }
        for (mode, expected) in results[0].enumerated() {
            let isFinite = expected.allSatisfy { $0.isFinite }
            #expect(isFinite)
            #expect(Set(expected).count > 500)
            #expect(expected == results[1][mode])
            #expect(expected == results[2][mode])
        }
    }

    @Test func `The prediction is told by metadata before weights`() throws {
        let table = try CheckpointTable("tiny-sd2")
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        func prediction(_ metadata: [String: String]) throws -> String {
            try table.writeHollow(path, metadata: metadata)
            let files = try ModelFiles(.file(path))
            let scheduler = try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
            return "\(try #require(scheduler.prediction).rawValue), \(try #require(files.predictionReason))"
        }
        // All norms of a hollow file are 0, which no spread is.
        #expect(try prediction([:]) == "epsilon, judged by its weights, as the file does not say")
        #expect(
            try prediction(["modelspec.prediction_type": "v"]) == "v_prediction, as the file's metadata says")
        #expect(try prediction(["modelspec.predict_key": "epsilon"]) == "epsilon, as the file's metadata says")
    }

    @Test(arguments: [
        (
            "cond_stage_model.",
            "206 tensors of the denoiser and 120 tensors of the autoencoder, and lacks the text encoder"
        ),
        ("first_stage_model.", "lacks the autoencoder (no tensor's name begins with first_stage_model.)"),
        ("model.diffusion_model.", "lacks the denoiser"),
        ("model.diffusion_model.input_blocks.1.0.in_layers.", "lacks 4 tensors that the model needs, first "),
        (
            "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.bias",
            "lacks the tensor 'cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.bias'"
        ),
        ("", "it has no tensors"),
    ])
    func `A file that holds only a part says what is missing`(prefix: String, says: String) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable("tiny-sd1").writeHollow(path) { $0.hasPrefix(prefix) }
        #expect("\(Self.failure(path))".contains(says), "\(Self.failure(path))")
        #expect("\(Self.failure(path))".contains(path))
    }

    private static func failure(_ path: String) -> String {
        do {
            _ = try DiffusionPipeline(model: .file(path), precision: .f32, clipVocabulary: vocabulary)
            return "no error"
        } catch { return "\(error)" }
    }

    @Test(arguments: [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "a LoRA of 1 tensor"),
        ("conditioner.embedders.1.model.ln_final.bias", "lacks the denoiser"),
        ("edm_mean", "an SDXL checkpoint with the noise levels of EDM"),
        ("model.diffusion_model.joint_blocks.0.x_block.attn.proj.bias", "a Stable Diffusion 3 checkpoint"),
        ("double_blocks.0.img_attn.proj.bias", "a Flux checkpoint"),
        ("something.else", "none of its 1 tensor is one of Stable Diffusion's; the first are 'something.else'"),
    ])
    func `What is no Stable Diffusion is named`(tensor: String, says: String) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable.write(path, [(tensor, [1], [0])])
        #expect(Self.failure(path).contains(says), "\(Self.failure(path))")
    }

    @Test(arguments: [(5, "a depth-to-image model"), (7, "an upscaler")])
    func `A denoiser of other channels is named`(channels: Int, says: String) throws {
        var table = try CheckpointTable("tiny-sd1")
        table.original["model.diffusion_model.input_blocks.0.0.weight"] = [32, channels, 3, 3]
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(path)
        #expect(Self.failure(path).contains("\(says), whose denoiser takes \(channels) channels"))
    }

    @Test(arguments: [
        ("conditioner.embedders.0.", "it lacks the first text encoder"),
        ("conditioner.embedders.1.", "it lacks the second text encoder"),
        (
            "conditioner.embedders.1.model.text_projection",
            "lacks the tensor 'conditioner.embedders.1.model.text_projection'"
        ),
    ])
    func `An SDXL file that holds only a part says what is missing`(prefix: String, says: String) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable("tiny-sdxl").writeHollow(path) { $0.hasPrefix(prefix) }
        #expect(Self.failure(path).contains(says), "\(Self.failure(path))")
    }

    @Test(arguments: [
        (["modelspec.title": "XL Turbo"], FewSteps.Kind?.some(.turbo), "EulerAncestralDiscreteScheduler"),
        (["modelspec.architecture": "stable-diffusion-xl-v1-base"], nil, "EulerDiscreteScheduler"),
    ])
    func `A distilled single file is told by its metadata`(
        metadata: [String: String], kind: FewSteps.Kind?, scheduler: String
    ) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable("tiny-sdxl").writeHollow(path, metadata: metadata)
        let pipeline = try DiffusionPipeline(model: .file(path), precision: .f32, clipVocabulary: Self.vocabulary)
        #expect(pipeline.facts.fewSteps?.kind == kind)
        #expect(pipeline.facts.defaults.steps == (kind == nil ? nil : 4))
        let configuration = try ModelFiles(.file(path)).configuration("scheduler/scheduler_config.json")
        #expect(try configuration.string("_class_name") == scheduler)
    }

    @Test func `Parts of different families are refused`() throws {
        var table = try CheckpointTable("tiny-sd1")
        for name in table.original.keys where name.hasSuffix("attn2.to_k.weight") || name.hasSuffix("attn2.to_v.weight")
        {
            table.original[name] = [32, 96]
        }
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(path)
        #expect(Self.failure(path).contains("the text encoder gives 64 channels, the denoiser takes [96, 96]"))
    }

    @Test func `A configuration of impossible size with nothing in its file takes no memory`() throws {
        let scratch = try ScratchFolder()
        try CheckpointTable.write(scratch.path + "/model.safetensors", [("x", [1], [0])])
        let weights = try WeightFolder(path: scratch.path)
        let huge = (1 << 20) - 32
        let json = JSONConfiguration(
            members: [
                "block_out_channels": .array([.integer(huge), .integer(huge)]), "attention_head_dim": .integer(1),
                "down_block_types": .array([.string("DownBlock2D"), .string("DownBlock2D")]),
                "up_block_types": .array([.string("UpBlock2D"), .string("UpBlock2D")]),
            ], file: "config.json")
        let configuration = try UNetConfiguration(json)
        let error = #expect(throws: WeightError.self) {
            try MissingTensors.counted(in: weights) { try UNet(configuration: configuration, weights: $0) }
        }
        #expect(error?.description.contains("lacks") == true)
    }

    @Test func `Without CLIP's vocabulary a sentence says how to get it`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        try CheckpointTable("tiny-sd1").writeHollow(path)
        let error = #expect(throws: ModelError.self) {
            try DiffusionPipeline(model: .file(path), precision: .f32, clipVocabulary: "/nowhere/bpe.txt")
        }
        #expect(error?.description.contains("scripts/setup") == true)
        #expect(error?.description.contains("/nowhere/bpe.txt") == true)
    }

    @Test func `CLIP's list of merges makes the tokenizer that a folder has`() throws {
        let made = try CLIPTokenizer(clipVocabulary: Self.vocabulary, size: 914, padToken: "<|endoftext|>")
        let folder = try CLIPTokenizer(path: "\(Fixtures.root)/parity/tokenizer")
        for text in ["a red fox", "It's 1234 cafés, naïve — 🦊!", "", "<|endoftext|> twice"] {
            #expect(made.tokens(text) == folder.tokens(text))
        }
        #expect((made.begin, made.end, made.pad) == (folder.begin, folder.end, folder.end))
        #expect(try CLIPTokenizer(clipVocabulary: Self.vocabulary, size: 914, padToken: "!").pad == 0)
        #expect(throws: TokenizerError.self) {
            try CLIPTokenizer(clipVocabulary: Self.vocabulary, size: 49408, padToken: "!")
        }
    }
}

/// CLIP's real vocabulary, where `scripts/setup` put it.
@Suite struct RealVocabularyTests {
    private static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["XDG_DATA_HOME"] ?? (environment["HOME"] ?? "") + "/.local/share"
        let path = environment["EDITOR_CLIP_VOCABULARY"] ?? home + "/editor/bpe_simple_vocab_16e6.txt"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// Expected: transformers 5.23.0.
    @Test(.enabled(if: path != nil, "skipped: no vocabulary (run scripts/setup)"))
    func `Prompts become the tokens that transformers makes of them`() throws {
        let tokenizer = try CLIPTokenizer(
            clipVocabulary: try #require(Self.path), size: 49408, padToken: "<|endoftext|>")
        #expect(tokenizer.tokens("a photo of a cat") == [320, 1125, 539, 320, 2368])
        #expect(
            tokenizer.tokens("Ünïcode façade, 4k (masterpiece) 🦊") == [
                6522, 77, 35689, 3217, 778, 10067, 1928, 267, 275, 330, 263, 12066, 264, 6040, 488,
            ])
        #expect(tokenizer.tokens("it's") == [585, 568])
        #expect((tokenizer.begin, tokenizer.end) == (49406, 49407))
    }
}
