import Foundation
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Packed weights that one run leaves to the next are those of the same files, whatever else changes.
@Suite struct PackedWeightCacheTests {
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"
    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    private struct Setting {
        var model: ModelSource = .folder(PackedWeightCacheTests.model)
        var precision = Precision.f32
        var autoencoder: String?
        var loras: [LoRAChoice] = []
    }

    /// A picture and whether something was packed for it; everything packed is kept in `cache`.
    private func picture(_ setting: Setting, cache: String?) throws -> (values: [Float], hasNews: Bool) {
        let pipeline = try DiffusionPipeline(
            model: setting.model, precision: setting.precision, packedWeightFolder: cache, parametersWorthKeeping: 0,
            clipVocabulary: Self.vocabulary, autoencoder: setting.autoencoder,
            adapters: Adapters(loras: setting.loras))
        // A picture goes in, so that the encoder counts.
        let size = PixelSize(width: 32, height: 32)
        let source = RGBImage(size: size, values: (0 ..< size.area * 3).map { Float($0 % 97) / 96 })
        let request = DenoiseRequest(
            conditioning: .picture(source), prompt: "a red fox", seeds: [3], steps: 2, guidance: 3, strength: 0.5)
        let values = try #require(try pipeline.run(request).first).values
        return (values, pipeline.keepPackedWeights() != nil)
    }

    /// Runs the settings one after the other with one cache, twice over: each picture is that of a run without.
    private func expectOwnWeights(_ settings: [Setting]) throws {
        let cache = try ScratchFolder()
        let expected = try settings.map { try picture($0, cache: nil).values }
        #expect(Set(expected).count == expected.count, "the settings make no difference")
        for _ in 0 ..< 2 {
            for (setting, expected) in zip(settings, expected) {
                #expect(try picture(setting, cache: cache.path).values == expected, "\(setting)")
            }
        }
    }

    /// The tensors of a safetensors file, those that `isChanged` halved.
    private func write(
        _ source: String, to target: String, pickle: Bool = false, isChanged: (String) -> Bool = { _ in false }
    ) throws {
        let weights = try WeightFile.open(source).weights
        let tensors = try weights.names.sorted().map { name in
            let tensor = try #require(weights.tensor(name))
            let values = tensor.floats()
            return (name: name, shape: tensor.shape, values: isChanged(name) ? values.map { $0 / 2 } : values)
        }
        try pickle ? CheckpointTable.writePickle(target, tensors) : CheckpointTable.write(target, tensors)
    }

    @Test(arguments: ["x.safetensors", "x.ckpt", "x"]) func `Each autoencoder decodes with its own weights`(
        name: String
    )
        throws
    {
        let scratch = try ScratchFolder()
        let (folder, file) = (scratch.path + "/folder", scratch.path + "/model.safetensors")
        try CheckpointTable("tiny-sd1").writeTwins(folder: folder, file: file)
        let isFolder = !name.contains(".")
        let paths = ["one", "two"].map { "\(scratch.path)/\($0)/\(name)" }
        for (path, isChanged) in zip(paths, [false, true]) {
            try FileManager.default.createDirectory(
                atPath: isFolder ? path : (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true)
            if isFolder {
                try FileManager.default.copyItem(atPath: folder + "/vae/config.json", toPath: path + "/config.json")
            }
            let weights = "/diffusion_pytorch_model.safetensors"
            try write(
                isFolder ? folder + "/vae" + weights : file, to: isFolder ? path + weights : path,
                pickle: name.hasSuffix(".ckpt")
            ) { isChanged && $0.contains("decoder.") && $0.hasSuffix("conv1.weight") }
        }
        try expectOwnWeights(paths.map { Setting(model: .folder(folder), autoencoder: $0) })
        // The two of one name, one after the other in the same place.
        let place = "\(scratch.path)/\(name)"
        let cache = try ScratchFolder()
        var pictures: [[Float]] = []
        for path in paths {
            try? FileManager.default.removeItem(atPath: place)
            try FileManager.default.copyItem(atPath: path, toPath: place)
            let setting = Setting(model: .folder(folder), autoencoder: place)
            pictures.append(try picture(setting, cache: nil).values)
            #expect(try picture(setting, cache: cache.path).values == pictures.last)
        }
        #expect(pictures[0] != pictures[1])
    }

    @Test func `The two files of a tiny autoencoder, whose tensors are called alike, are two`() throws {
        let scratch = try ScratchFolder()
        let weights = try WeightFolder(path: "\(Fixtures.root)/parity/families/tiny-vae/vae")
        for (half, shift) in [("encoder", 0), ("decoder", 1)] {
            let tensors = try weights.names.filter { $0.hasPrefix(half) }.sorted().map { name in
                let parts = name.split(separator: ".")
                let tensor = try #require(weights.tensor(name))
                let number = try #require(Int(parts[2])) + shift
                return ("\(number)." + parts.dropFirst(3).joined(separator: "."), tensor.shape, tensor.floats())
            }
            try CheckpointTable.write("\(scratch.path)/taesd_\(half).safetensors", tensors)
        }
        let setting = Setting(autoencoder: scratch.path + "/taesd_encoder.safetensors")
        try expectOwnWeights([Setting(), setting])
        // All of it comes from the cache the second time.
        let cache = try ScratchFolder()
        #expect(try picture(setting, cache: cache.path).hasNews)
        #expect(try !picture(setting, cache: cache.path).hasNews)
    }

    @Test func `Models of the same file name with the same autoencoder are two`() throws {
        let scratch = try ScratchFolder()
        try CheckpointTable("tiny-sd1").writeTwins(
            folder: scratch.path + "/folder", file: scratch.path + "/model.safetensors")
        let paths = ["a", "b"].map { "\(scratch.path)/\($0)/model.safetensors" }
        for (path, isChanged) in zip(paths, [false, true]) {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try write(scratch.path + "/model.safetensors", to: path) {
                isChanged && $0.hasPrefix("model.diffusion_model.") && $0.hasSuffix("in_layers.2.weight")
            }
        }
        let vae = scratch.path + "/vae.ckpt"
        try FileManager.default.copyItem(atPath: scratch.path + "/model.safetensors.ckpt", toPath: vae)
        try expectOwnWeights(paths.map { Setting(model: .file($0), autoencoder: vae) })
        try expectOwnWeights(paths.map { Setting(model: .file($0)) })
    }

    /// The file of each part, one tensor of which is another after the change. The system knows when a file was changed,
    /// so the sum of the content is looked at by itself.
    @Test(arguments: [
        ("unet/diffusion_pytorch_model.safetensors", "resnets.0.conv1.weight"),
        ("text_encoder/model.safetensors", "mlp.fc1.weight"),
        ("vae/diffusion_pytorch_model.safetensors", "encoder.conv_in.weight"),
        ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_in.weight"),
    ]) func `A file that is replaced by one of its size and time is another`(file: String, tensor: String) throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/model"
        try FileManager.default.copyItem(atPath: Self.model, toPath: folder)
        let path = "\(folder)/\(file)"
        let original = "\(Self.model)/\(file)"
        let time = Date(timeIntervalSince1970: 1_600_000_000)
        let setting = Setting(model: .folder(folder))
        let cache = try ScratchFolder()
        var pictures: [[Float]] = []
        var sums: [String] = []
        for isChanged in [false, true, false] {
            // Into the same file, and with the same time.
            let other = scratch.path + "/other"
            try write(original, to: other) { isChanged && $0.hasSuffix(tensor) }
            let handle = try #require(FileHandle(forWritingAtPath: path))
            let bytes = try #require(FileManager.default.contents(atPath: other))
            if pictures.isEmpty { try handle.truncate(atOffset: 0) }
            try handle.write(contentsOf: bytes)
            try handle.close()
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
            sums.append(try MappedFile(path: path).contentSum)
            let expected = try picture(setting, cache: nil).values
            #expect(try picture(setting, cache: cache.path).values == expected)
            pictures.append(expected)
        }
        #expect(pictures[0] == pictures[2] && pictures[0] != pictures[1])
        #expect(sums[0] == sums[2] && sums[0] != sums[1])
    }

    @Test func `LoRAs of the user, their weights and the model's own change what they should`() throws {
        let adapters = "\(Fixtures.root)/parity/adapters"
        let scratch = try ScratchFolder()
        let own = scratch.path + "/model"
        try FileManager.default.copyItem(atPath: Self.model, toPath: own)
        try FileManager.default.copyItem(
            atPath: "\(adapters)/peft.safetensors", toPath: own + "/change.safetensors")
        let index = try String(contentsOfFile: own + "/model_index.json", encoding: .utf8)
        let brace = try #require(index.firstIndex(of: "{"))
        try FileManager.default.removeItem(atPath: own + "/model_index.json")
        try ("{\"editor\": {\"lora\": \"change.safetensors\"}, " + index[index.index(after: brace)...]).write(
            toFile: own + "/model_index.json", atomically: true, encoding: .utf8)
        func lora(_ name: String, _ weight: Float) -> [LoRAChoice] {
            [LoRAChoice(path: "\(adapters)/\(name)", weight: weight)]
        }
        try expectOwnWeights([
            Setting(), Setting(loras: lora("kohya.safetensors", 1)), Setting(loras: lora("kohya.safetensors", 0.5)),
            Setting(loras: lora("peft.safetensors", 0.7)), Setting(model: .folder(own)),
            Setting(model: .folder(own), loras: lora("kohya.safetensors", 1)),
        ])
    }

    @Test func `Each precision has its own`() throws {
        let all = Precision.allCases.filter { Compute.canMultiply($0.elementType) }
        try expectOwnWeights(all.map { Setting(precision: $0) })
    }

    @Test func `Weights that are in no file are not kept`() throws {
        let files = try ModelFiles(.embedded)
        let weights = try files.weights("unet")
        let other = try WeightFolder(path: Self.model + "/vae")
        let cache = try ScratchFolder()
        #expect(
            files.packedWeightFile(
                in: cache.path, weights: [("denoiser", weights), ("autoencoder", other)], precision: .f32) == nil)
    }

    @Test func `Two text encoders with layers of the same names and sizes are two`() throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/folder"
        try CheckpointTable("tiny-sdxl").writeTwins(folder: folder, file: scratch.path + "/model.safetensors")
        try expectOwnWeights([Setting(model: .folder(folder))])
        let cache = try ScratchFolder()
        #expect(try picture(Setting(model: .folder(folder)), cache: cache.path).hasNews)
        #expect(try !picture(Setting(model: .folder(folder)), cache: cache.path).hasNews)
    }
}
