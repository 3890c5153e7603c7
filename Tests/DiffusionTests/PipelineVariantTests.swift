import Foundation
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Whole folders whose weights are sharded or of a variant.
@Suite struct PipelineVariantTests {
    private static let stems = [
        "unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model",
    ]

    private static func picture(_ folder: String) throws -> [Float] {
        let request = DenoiseRequest(
            conditioning: .text(size: PixelSize(width: 32, height: 32)), prompt: "a fox", seeds: [3], steps: 2,
            guidance: 4)
        return try #require(
            try DiffusionPipeline(model: .folder(folder), precision: .f32).run(request).first
        ).values
    }

    /// A model's tensors in two files a part, and the index that says which is where.
    private static func shard(_ folder: String, variant: String?, isIndexNamedFirst: Bool) throws {
        for (part, stem) in stems {
            let path = "\(folder)/\(part)/\(stem).safetensors"
            let file = try SafetensorsFile(path: path)
            var map: [String: String] = [:]
            let names = file.names.sorted()
            for shard in 0 ..< 2 {
                let number = "-0000\(shard + 1)-of-00002"
                // diffusers puts the number behind the variant, and once put it before.
                let name =
                    isIndexNamedFirst
                    ? "\(stem)\(variant.map { ".\($0)" } ?? "")\(number).safetensors"
                    : "\(stem)\(number)\(variant.map { ".\($0)" } ?? "").safetensors"
                let own = names.enumerated().filter { $0.offset % 2 == shard }.map(\.element)
                try CheckpointTable.write(
                    "\(folder)/\(part)/\(name)",
                    try own.map {
                        let tensor = try #require(file.tensor($0))
                        return ($0, tensor.shape, tensor.floats())
                    })
                for tensor in own { map[tensor] = name }
            }
            let index =
                variant.map {
                    isIndexNamedFirst ? "\(stem).safetensors.index.\($0).json" : "\(stem).\($0).safetensors.index.json"
                } ?? "\(stem).safetensors.index.json"
            try JSONSerialization.data(withJSONObject: ["metadata": [:], "weight_map": map])
                .write(to: URL(fileURLWithPath: "\(folder)/\(part)/\(index)"))
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private static func copy(_ scratch: ScratchFolder, _ name: String) throws -> String {
        let folder = "\(scratch.path)/\(name)"
        try FileManager.default.copyItem(atPath: "\(Fixtures.root)/parity/pipelines/sd1", toPath: folder)
        return folder
    }

    @Test func `The same weights give the same bytes however they are laid out`() throws {
        let scratch = try ScratchFolder()
        let expected = try Self.picture("\(Fixtures.root)/parity/pipelines/sd1")
        #expect(Set(expected).count > 500)
        for (variant, isFirst) in [(nil, true), ("fp16", true), ("fp16", false), ("bf16", true)] as [(String?, Bool)] {
            let folder = try Self.copy(scratch, "sharded-\(variant ?? "plain")-\(isFirst)")
            try Self.shard(folder, variant: variant, isIndexNamedFirst: isFirst)
            #expect(try Self.picture(folder) == expected, "\(variant ?? "plain")")
        }
        for variant in ["fp16", "bf16"] {
            let alone = try Self.copy(scratch, variant)
            let beside = try Self.copy(scratch, "beside-\(variant)")
            for (part, stem) in Self.stems {
                try FileManager.default.moveItem(
                    atPath: "\(alone)/\(part)/\(stem).safetensors",
                    toPath: "\(alone)/\(part)/\(stem).\(variant).safetensors")
                // The plain weights come first.
                try Data("not read".utf8).write(
                    to: URL(fileURLWithPath: "\(beside)/\(part)/\(stem).\(variant).safetensors"))
            }
            #expect(try Self.picture(alone) == expected)
            #expect(try Self.picture(beside) == expected)
        }
    }

    @Test func `A shard that is missing is named`() throws {
        let scratch = try ScratchFolder()
        let folder = try Self.copy(scratch, "sharded")
        try Self.shard(folder, variant: nil, isIndexNamedFirst: true)
        let shard = "\(folder)/unet/diffusion_pytorch_model-00002-of-00002.safetensors"
        try FileManager.default.removeItem(atPath: shard)
        let error = #expect(throws: WeightError.self) { try Self.picture(folder) }
        #expect(error == .unreadable(file: shard, reason: "there is no such file"))
    }
}
