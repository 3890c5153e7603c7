import Foundation
import PlainText
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Tiny autoencoders, and autoencoders in place of a model's own.
@Suite(.onEngine) struct AutoencoderChoiceTests {
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"
    private static let tiny = "\(Fixtures.root)/parity/families/tiny-vae"

    private static let corpora: String? = {
        let here = Fixtures.root.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        let path =
            (ProcessInfo.processInfo.environment["EDITOR_CORPORA"] ?? here.joined(separator: "/") + "/shared/corpora")
            + "/weights"
        return FileManager.default.fileExists(atPath: path + "/taef2_encoder.pth") ? path : nil
    }()

    /// Encoding and decoding against the reference's.
    private func expectParity(_ autoencoder: any PictureAutoencoder, _ cases: SafetensorsFile, _ prefix: String) throws
    {
        let compute = Compute(type: .float32)
        func picture(_ name: String) throws -> Tensor {
            let tensor = try #require(cases.tensor(prefix + name))
            return try compute.tensor(
                channelsLast(tensor.floats(), channels: tensor.shape[1]),
                shape: [1, tensor.shape[2], tensor.shape[3], tensor.shape[1]])
        }
        let latents = try picture("latents")
        expectClose(
            compute.floats(try autoencoder.encode(try picture("image"), compute)), compute.floats(latents), "latents")
        expectClose(
            compute.floats(try autoencoder.decode(latents, compute)), compute.floats(try picture("decoded")), "decoded")
    }

    @Test func `A tiny autoencoder computes what diffusers computes`() throws {
        let files = try AutoencoderFiles(path: "\(Self.tiny)/vae", modelScale: 0.18215)
        #expect(files.autoencoder.latentScale == 1)
        #expect((files.autoencoder.latentChannels, files.autoencoder.scaleFactor) == (4, 4))
        let configuration = try JSONConfiguration(path: "\(Self.tiny)/vae/config.json")
        #expect(try LatentForm(configuration) == LatentForm(files.autoencoder))
        try expectParity(files.autoencoder, try SafetensorsFile(path: "\(Self.tiny)/results.safetensors"), "vae/")
    }

    @Test(.enabled(if: corpora != nil, "skipped: no corpora"), arguments: ["encoder", "decoder"])
    func `TAEF2's real files, found by either, compute what the reference computes`(half: String) throws {
        let path = "\(try #require(Self.corpora))/taef2_\(half).pth"
        let files = try AutoencoderFiles(path: path, modelScale: 1)
        #expect((files.autoencoder.latentChannels, files.autoencoder.scaleFactor) == (32, 8))
        try expectParity(
            files.autoencoder, try SafetensorsFile(path: "\(Fixtures.root)/parity/families/taef2.safetensors"), "")
    }

    /// Writes the tiny autoencoder in TAESD's own names, one half each.
    private func writeHalves(_ folder: String, prefix: Bool = false) throws {
        let weights = try WeightFolder(path: "\(Self.tiny)/vae")
        for (half, shift) in [("encoder", 0), ("decoder", 1)] {
            let tensors = try weights.names.filter { $0.hasPrefix(half) }.sorted().map { name in
                let parts = name.split(separator: ".")
                let number = try #require(Int(parts[2])) + shift
                let tensor = try #require(weights.tensor(name))
                let rest = parts.dropFirst(3).joined(separator: ".")
                return ((prefix ? "taesd_\(half)." : "") + "\(number).\(rest)", tensor.shape, tensor.floats())
            }
            try CheckpointTable.write("\(folder)/taesd_\(half).safetensors", tensors)
        }
    }

    private func picture(_ pipeline: DiffusionPipeline) throws -> [Float] {
        let request = DenoiseRequest(
            conditioning: .text(size: PixelSize(width: 32, height: 32)), prompt: "a red fox", seeds: [3], steps: 2,
            guidance: 3)
        return try #require(try pipeline.run(request).first).values
    }

    @Test func `Every layout of a tiny autoencoder gives the same picture`() throws {
        let scratch = try ScratchFolder()
        try writeHalves(scratch.path)
        let weights = try WeightFolder(path: "\(Self.tiny)/vae")
        let single = scratch.path + "/single.safetensors"
        try CheckpointTable.write(
            single,
            try weights.names.sorted().map {
                ($0, try #require(weights.tensor($0)).shape, try #require(weights.tensor($0)).floats())
            })
        let paths = [
            "\(Self.tiny)/vae", scratch.path, scratch.path + "/taesd_decoder.safetensors",
            scratch.path + "/taesd_encoder.safetensors", single,
        ]
        let own = try picture(DiffusionPipeline(model: .folder(Self.model), precision: .f32))
        let pictures = try paths.map {
            try picture(DiffusionPipeline(model: .folder(Self.model), precision: .f32, autoencoder: $0))
        }
        #expect(pictures[0] != own)
        for (path, found) in zip(paths, pictures) { #expect(found == pictures[0], "\(path)") }
    }

    @Test func `TAESD's halves are told by their tensors where their names are swapped`() throws {
        let (scratch, swapped) = (try ScratchFolder(), try ScratchFolder())
        try writeHalves(scratch.path)
        let manager = FileManager.default
        for (half, other) in [("encoder", "decoder"), ("decoder", "encoder")] {
            try manager.copyItem(
                atPath: "\(scratch.path)/taesd_\(half).safetensors",
                toPath: "\(swapped.path)/taesd_\(other).safetensors")
        }
        let expected = try picture(
            DiffusionPipeline(model: .folder(Self.model), precision: .f32, autoencoder: scratch.path))
        for path in [swapped.path, swapped.path + "/taesd_encoder.safetensors"] {
            #expect(
                try picture(DiffusionPipeline(model: .folder(Self.model), precision: .f32, autoencoder: path))
                    == expected)
        }
        // Twice the same half makes no autoencoder.
        try manager.removeItem(atPath: "\(swapped.path)/taesd_encoder.safetensors")
        try manager.copyItem(
            atPath: "\(swapped.path)/taesd_decoder.safetensors", toPath: "\(swapped.path)/taesd_encoder.safetensors")
        let error = #expect(throws: ModelError.self) { try AutoencoderFiles(path: swapped.path, modelScale: 1) }
        #expect(error?.description.contains("are both a tiny autoencoder's encoder") == true)
    }

    @Test func `A file of the autoencoder alone gives the picture that the whole model gives`() throws {
        let table = try CheckpointTable("tiny-sd1")
        let scratch = try ScratchFolder()
        let (folder, file) = (scratch.path + "/folder", scratch.path + "/model.safetensors")
        try table.writeTwins(folder: folder, file: file)
        let whole = try SafetensorsFile(path: file)
        let prefix = "first_stage_model."
        let parts = try whole.names.filter { $0.hasPrefix(prefix) }.sorted().map { name in
            let tensor = try #require(whole.tensor(name))
            return (String(name.dropFirst(prefix.count)), tensor.shape, tensor.floats())
        }
        try CheckpointTable.write(scratch.path + "/vae.safetensors", parts)
        try CheckpointTable.writePickle(scratch.path + "/vae.pt", parts)
        // Known for what it is, without a scale; a whole model is not one.
        for path in [scratch.path + "/vae.safetensors", scratch.path + "/vae.pt"] {
            let facts = try #require(try AutoencoderFacts.read(path))
            #expect(!facts.isTiny && facts.latentScale == nil && facts.latentChannels == 4 && facts.halves.isEmpty)
        }
        #expect(try AutoencoderFacts.read(file) == nil)
        let own = try picture(DiffusionPipeline(model: .folder(folder), precision: .f32))
        let paths = [
            scratch.path + "/vae.safetensors", scratch.path + "/vae.pt", file, folder, folder + "/vae",
            folder + "/vae/diffusion_pytorch_model.safetensors",
        ]
        for path in paths {
            let found = try picture(DiffusionPipeline(model: .folder(folder), precision: .f32, autoencoder: path))
            #expect(found == own, "\(path)")
        }
        // Another one is heard.
        let other = try picture(
            DiffusionPipeline(
                model: .folder(folder), precision: .f32, autoencoder: "\(Fixtures.root)/parity/networks/vae-old-names"))
        #expect(other != own)
    }

    @Test func `An autoencoder by itself is known for one`() throws {
        let scratch = try ScratchFolder()
        try writeHalves(scratch.path)
        let single = scratch.path + "/single"
        try FileManager.default.createDirectory(atPath: single, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: "\(Self.tiny)/vae/diffusion_pytorch_model.safetensors", toPath: single + "/any.safetensors")
        let paths = [
            scratch.path, scratch.path + "/taesd_decoder.safetensors", scratch.path + "/taesd_encoder.safetensors",
            single + "/any.safetensors", "\(Self.tiny)/vae",
        ]
        for path in paths {
            let facts = try #require(try AutoencoderFacts.read(path), "\(path)")
            #expect(facts.isTiny && facts.latentChannels == 4 && facts.scaleFactor == 4 && facts.latentScale == 1)
            #expect(facts.parameters > 0)
            #expect(facts.halves.count == (path.hasPrefix(scratch.path) && !path.hasPrefix(single) ? 2 : 0))
        }
        let ordinary = try #require(try AutoencoderFacts.read("\(Self.model)/vae"))
        #expect(!ordinary.isTiny && ordinary.latentScale == 0.18215 && ordinary.latentChannels == 4)
        for path in ["", "/unet", "/text_encoder", "/unet/diffusion_pytorch_model.safetensors"] {
            #expect(try AutoencoderFacts.read(Self.model + path) == nil, "\(path)")
        }
        // One half alone is named in the error.
        try FileManager.default.removeItem(atPath: scratch.path + "/taesd_encoder.safetensors")
        #expect { try AutoencoderFacts.read(scratch.path + "/taesd_decoder.safetensors") } throws: {
            "\($0)".contains("is a tiny autoencoder's decoder alone")
        }
    }

    @Test(.enabled(if: corpora != nil, "skipped: no corpora")) func `TAEF2's real files are known`() throws {
        let corpora = try #require(Self.corpora)
        let facts = try #require(try AutoencoderFacts.read("\(corpora)/taef2_encoder.pth"))
        #expect(facts.isTiny && facts.latentChannels == 32 && facts.scaleFactor == 8 && facts.halves.count == 2)
    }

    @Test func `What is no autoencoder for the model is refused in a sentence`() throws {
        let scratch = try ScratchFolder()
        try writeHalves(scratch.path)
        try FileManager.default.removeItem(atPath: scratch.path + "/taesd_encoder.safetensors")
        let cases = [
            (
                "\(Fixtures.root)/parity/networks/vae-8",
                "is an autoencoder of 8 latent channels at 1/2 of the size, but \(Self.model) works in 4 at 1/4."
            ),
            (scratch.path + "/taesd_decoder.safetensors", "is a tiny autoencoder's decoder alone"),
            (scratch.path, "has neither config.json nor taesd_encoder.safetensors"),
            (scratch.path + "/none", "there is no such file"),
            ("\(Self.model)/text_encoder/model.safetensors", "it is a text encoder, a part of a model"),
            ("\(Self.model)/unet", "it is a denoiser (a UNet), a part of a model (UNet2DConditionModel)"),
        ]
        for (path, says) in cases {
            do {
                _ = try DiffusionPipeline(model: .folder(Self.model), precision: .f32, autoencoder: path)
                Issue.record("\(path) was taken")
            } catch {
                #expect("\(error)".contains(says), "\(error)")
            }
        }
    }
}
