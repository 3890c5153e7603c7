import Foundation
import Tensors
import TestSupport
import Testing

@testable import Diffusion

/// A LoRA that a model brings along (`lora` under `editor` in model_index.json).
@Suite struct OwnLoRATests {
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"
    private static let lora = "\(Fixtures.root)/parity/adapters/peft.safetensors"
    private static let other = "\(Fixtures.root)/parity/adapters/kohya.safetensors"

    /// A copy of a small model that brings a LoRA.
    private func folder(_ scratch: ScratchFolder, lora: String = lora, called name: String = "change.safetensors")
        throws -> String
    {
        let folder = scratch.path + "/model"
        let manager = FileManager.default
        try manager.copyItem(atPath: Self.model, toPath: folder)
        try manager.copyItem(atPath: lora, toPath: "\(folder)/change.safetensors")
        let index = "\(folder)/model_index.json"
        try manager.removeItem(atPath: index)
        let text = try String(contentsOfFile: "\(Self.model)/model_index.json", encoding: .utf8)
        let brace = try #require(text.firstIndex(of: "{"))
        let own = "\"editor\": {\"lora\": \"\(name)\", \"name\": \"mine\"}, "
        try (text[...brace] + own + text[text.index(after: brace)...]).write(
            toFile: index, atomically: true, encoding: .utf8)
        return folder
    }

    /// A LoRA of rank 1 whose layers all have the sizes of the model's first convolution.
    private func written(in scratch: ScratchFolder, layers: [String], metadata: [String: String] = [:]) throws -> String
    {
        let path = scratch.path + "/lora.safetensors"
        let tensors = layers.flatMap { layer -> [(String, [Int], [Float])] in
            [
                ("\(layer).lora_A.weight", [1, 4, 3, 3], [Float](repeating: 0.1, count: 36)),
                ("\(layer).lora_B.weight", [16, 1, 1, 1], [Float](repeating: 0.1, count: 16)),
            ]
        }
        try CheckpointTable.write(path, tensors, metadata: metadata)
        return path
    }

    private func weights(_ folder: String, _ loras: [String] = []) throws -> [String: any WeightSource] {
        let files = try ModelFiles(.folder(folder))
        let stored = try ["unet": files.weights("unet"), "text_encoder": files.weights("text_encoder")]
        let choice = Adapters(loras: loras.map { LoRAChoice(path: $0) })
        let matched = try MatchedAdapters(choice, parts: stored, model: "the model")
        return stored.reduce(into: [:]) { $0[$1.key] = matched.adapted($1.value, part: $1.key) }
    }

    @Test(arguments: [[], [other]]) func `It is in the weights like one of the user's, which come after it`(
        users: [String]
    ) throws {
        let scratch = try ScratchFolder()
        let own = try weights(folder(scratch), users)
        let expected = try weights(Self.model, [Self.lora] + users)
        let plain = try weights(Self.model, users)
        var changed = 0
        for (part, source) in expected {
            for name in source.names {
                let values = try #require(source.tensor(name)).floats()
                #expect(try #require(own[part]?.tensor(name)).floats() == values, "\(name)")
                if try #require(plain[part]?.tensor(name)).floats() != values { changed += 1 }
            }
        }
        #expect(changed > 10)
        // It is the model's, not the user's, and no picture's record names it.
        let pipeline = try DiffusionPipeline(model: .folder(scratch.path + "/model"), precision: .f32)
        #expect(pipeline.facts.adapters.isEmpty && pipeline.facts.name == "model")
    }

    @Test func `An alpha that its metadata state counts`() throws {
        let scratch = try ScratchFolder()
        let path = try written(
            in: scratch, layers: ["unet.conv_in"], metadata: ["lora_adapter_metadata": #"{"unet.lora_alpha": 3}"#])
        func values(_ folder: String, _ loras: [String] = []) throws -> [Float] {
            try #require(weights(folder, loras)["unet"]?.tensor("conv_in.weight")).floats()
        }
        let own = try values(folder(scratch, lora: path))
        let plain = try values(Self.model)
        #expect(try own == values(Self.model, [path]))
        #expect(zip(own, plain).allSatisfy { abs($0 - $1 - 0.03) < 1e-6 })
    }

    @Test func `A converted model has it in its weights and does not name it`() throws {
        let scratch = try ScratchFolder()
        let source = try folder(scratch)
        let target = scratch.path + "/converted"
        try ModelConversion(of: .folder(source), weights: .f32, clipVocabulary: nil).write(.folder, to: target) { _ in }
        #expect(!FileManager.default.fileExists(atPath: "\(target)/change.safetensors"))
        let (expected, found) = (try weights(source), try weights(target))
        for (part, weights) in expected {
            for name in weights.names {
                // A text encoder's tensors get their full names.
                let written = found[part]?.tensor(name) ?? found[part]?.tensor(LDMNames.full(name))
                #expect(try #require(written).floats() == weights.tensor(name)?.floats(), "\(name)")
            }
        }
        #expect(try DiffusionPipeline(model: .folder(target)).facts.name == "converted")
    }

    @Test func `One that is elsewhere, missing, nothing known or for another model is refused`() throws {
        func message(lora: String = Self.lora, called name: String = "change.safetensors") throws -> String {
            let scratch = try ScratchFolder()
            let folder = try folder(scratch, lora: lora, called: name)
            do { _ = try DiffusionPipeline(model: .folder(folder)) } catch { return "\(error)" }
            return "none"
        }
        #expect(try message(called: "../change.safetensors").contains("is not a file beside it"))
        #expect(try message(called: "absent.safetensors").contains("absent.safetensors"))
        #expect(try message(lora: "\(Self.model)/unet/diffusion_pytorch_model.safetensors").contains("is not a LoRA"))
        // One of its layers is none of the denoiser's; one is for a second text encoder, which the model does not have.
        for layer in ["unet.up_blocks.7.resnets.0.conv1", "text_encoder_2.text_model.encoder.layers.0.mlp.fc1"] {
            let scratch = try ScratchFolder()
            let text = try message(lora: written(in: scratch, layers: ["unet.conv_in", layer]))
            #expect(text.contains("1 of its 2 layers is not there, first '\(layer)'"), "\(text)")
        }
    }
}
