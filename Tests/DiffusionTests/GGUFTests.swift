import Foundation
import PlainText
import Raster
import Tensors
import Testing

@testable import Diffusion

@Suite struct GGUFTests {
    /// Expected: gguf 0.19.0, `quants.dequantize`.
    @Test func `Every type is the numbers that the gguf package makes of it, to the last bit`() throws {
        let file = try GGUFFile(path: "\(Fixtures.root)/gguf/types.gguf")
        let expected = try Fixtures.safetensors("gguf/expected.safetensors")
        #expect(Set(file.names) == Set(expected.names))
        #expect(file.names.count == 14)
        for name in expected.names {
            let tensor = try #require(file.tensor(name))
            let reference = try #require(expected.tensor(name))
            #expect(tensor.shape == reference.shape, "\(name)")
            let bits = reference.floats().map(\.bitPattern)
            #expect(tensor.floats().map(\.bitPattern) == bits, "\(name)")
            // From the midst of a block to the midst of another.
            let range = tensor.count / 5 ..< tensor.count / 5 * 3 + 1
            #expect(tensor.floats(range).map(\.bitPattern) == Array(bits[range]), "\(name)")
        }
    }

    @Test func `Metadata of every kind is read`() throws {
        let metadata = try GGUFFile(path: "\(Fixtures.root)/gguf/types.gguf").metadata
        let expected = [
            "general.architecture": "sd1", "text": "naïve", "u8": "200", "i8": "-3", "u16": "60000", "i16": "-300",
            "i32": "-70000", "u64": "9223372036854775809", "i64": "-1099511627776", "f32": "0.5", "f64": "0.25",
            "flag": "true",
        ]
        #expect(metadata == expected)
    }

    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    private static func picture(_ path: String) throws -> [Float] {
        let pipeline = try DiffusionPipeline(model: .path(path), precision: .f32, clipVocabulary: vocabulary)
        let request = DenoiseRequest(
            conditioning: .text(size: PixelSize(width: 32, height: 32)), prompt: "a red fox", seeds: [7], steps: 3,
            guidance: 5)
        return try #require(try pipeline.run(request).first).values
    }

    private static func tensors(_ table: CheckpointTable) throws -> [(name: String, shape: [Int], values: [Float])] {
        let scratch = try ScratchFolder()
        try table.writeTwins(folder: scratch.path + "/folder", file: scratch.path + "/file")
        let file = try SafetensorsFile(path: scratch.path + "/file")
        return try file.names.sorted().map {
            let tensor = try #require(file.tensor($0))
            return ($0, tensor.shape, tensor.floats())
        }
    }

    @Test(arguments: ["tiny-sd1", "tiny-sd2", "tiny-sdxl"], HandmadeGGUF.Storage.allCases)
    func `A GGUF file gives the bytes that the same weights give as safetensors`(
        name: String, storage: HandmadeGGUF.Storage
    ) throws {
        let scratch = try ScratchFolder()
        var writer = HandmadeGGUF()
        var read: [(name: String, shape: [Int], values: [Float])] = []
        for tensor in try Self.tensors(CheckpointTable(name)) {
            let values = writer.add(tensor.name, shape: tensor.shape, values: tensor.values, as: storage)
            read.append((tensor.name, tensor.shape, values))
        }
        let types = Set(writer.tensors.map(\.type))
        #expect(types == (storage == .f32 ? [0] : storage == .f16 ? [1] : [0, 1, 8]))
        try writer.write(scratch.path + "/model.gguf")
        try CheckpointTable.write(scratch.path + "/model.safetensors", read)
        let picture = try Self.picture(scratch.path + "/model.gguf")
        #expect(Set(picture).count > 500)
        #expect(try picture == Self.picture(scratch.path + "/model.safetensors"))
    }

    /// SD 2.x as stable-diffusion.cpp writes it with `--convert-name`: OpenCLIP under CLIP's names, queries, keys and values
    /// apart, the last layer there.
    @Test func `OpenCLIP under the names of CLIP is told by its width`() throws {
        let scratch = try ScratchFolder()
        var table = try CheckpointTable("sd21-inpaint")
        let prefix = "cond_stage_model."
        for name in table.original.keys where name.hasPrefix(prefix) { table.original[name] = nil }
        for row in try #require(table.rows["text_encoder"]) {
            table.original[prefix + "transformer." + row.name] = row.shape
            let last = row.name.replacing("layers.22.", with: "layers.23.")
            table.original[prefix + "transformer." + last] = row.shape
        }
        let path = scratch.path + "/model.safetensors"
        try table.writeHollow(path)
        let checkpoint = try LDMCheckpoint(try SafetensorsFile(path: path), hints: [:]).parts
        let text = try #require(checkpoint.weights["text_encoder"])
        #expect(Set(text.names) == Set(try #require(table.rows["text_encoder"]).map(\.name)))
        let configuration = try #require(checkpoint.configurations["text_encoder/config.json"])
        #expect(try configuration.string("hidden_act") == "gelu")
        #expect(checkpoint.vocabularies["text_encoder"]?.padToken == "!")
    }

    @Test func `A denoiser alone, as ComfyUI-GGUF writes it, is named`() throws {
        let scratch = try ScratchFolder()
        var writer = HandmadeGGUF()
        writer.add("general.architecture", "sd1")
        let prefix = "model.diffusion_model."
        for tensor in try Self.tensors(CheckpointTable("tiny-sd1")) where tensor.name.hasPrefix(prefix) {
            _ = writer.add(
                String(tensor.name.dropFirst(prefix.count)), shape: tensor.shape, values: tensor.values, as: .f16)
        }
        let path = scratch.path + "/unet.gguf"
        try writer.write(path)
        let error = #expect(throws: ModelError.self) { try DiffusionPipeline(model: .file(path), precision: .f32) }
        #expect(
            error?.description.contains(
                "it is a denoiser alone (206 tensors), as ComfyUI-GGUF writes it, whose text encoder and autoencoder lie in other files"
            ) == true, "\(String(describing: error))")
    }

    private static func failure(_ bytes: Data) throws -> String {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/x.gguf"
        try bytes.write(to: URL(fileURLWithPath: path))
        do throws(WeightError) {
            _ = try GGUFFile(path: path)
            return "no error"
        } catch {
            #expect(error.description.contains(path))
            return error.description
        }
    }

    @Test func `What a header lies about is refused`() throws {
        func one(shape: [Int], type: UInt32 = 0, data: Int = 64) -> HandmadeGGUF {
            var writer = HandmadeGGUF()
            writer.add("x", shape: shape, type: type, data: Data(count: data))
            return writer
        }
        let good = one(shape: [16])
        #expect(try Self.failure(good.bytes()) == "no error")
        let huge = 1 << 62
        let cases: [(Data, String)] = [
            (good.bytes(version: 1), "it is GGUF version 1, expected 2 or 3"),
            (good.bytes(version: 3 << 24), "its numbers are big-endian"),
            (good.bytes(counts: (1 << 40, 0)), "it announces 1099511627776 tensors, more than fit in it"),
            (good.bytes(counts: (1, .max)), "it announces 18446744073709551615 values, more than fit in it"),
            (good.bytes(shift: 1 << 40), "is truncated"), (good.bytes(shift: 8), "which is no multiple of 32"),
            (good.bytes(shift: .max - 31), "lies beyond what can be addressed"),
            (one(shape: [huge, 8]).bytes(), "has a shape too large to address"),
            (one(shape: [-1]).bytes(), "has a size that cannot be addressed"),
            (one(shape: [3, 16], type: 8).bytes(), "has a shape that Q8_0 cannot have, [3, 16]"),
            (one(shape: [33]).bytes(), "is truncated"),
            (one(shape: [1, 1, 1, 1, 1, 1, 1, 1, 1]).bytes(), "a tensor has 9 dimensions, expected at most 8"),
        ]
        for (bytes, says) in cases { #expect(try Self.failure(bytes).contains(says), "\(says)") }
        for length in stride(from: 0, to: good.bytes().count, by: 3) {
            #expect(try Self.failure(good.bytes().prefix(length)) != "no error")
        }
        var twice = good
        twice.add("x", shape: [16], type: 0, data: Data(count: 64))
        #expect(try Self.failure(twice.bytes()).contains("is there twice"))
        var nested = good
        let array = HandmadeGGUF.bytes(UInt32(9)) + HandmadeGGUF.bytes(UInt64(1))
        nested.values.append(("a", 9, array + array + array + array + array + array))
        #expect(try Self.failure(nested.bytes()).contains("it nests arrays deeper than 4"))
        var aligned = good
        aligned.values.append(("general.alignment", 4, HandmadeGGUF.bytes(UInt32(0))))
        #expect(try Self.failure(aligned.bytes()).contains("its alignment is 0, expected a multiple of 8"))
        var reshaped = good
        let shape = HandmadeGGUF.bytes(UInt32(5)) + HandmadeGGUF.bytes(UInt64(1)) + HandmadeGGUF.bytes(Int32(15))
        reshaped.values.append(("comfy.gguf.orig_shape.x", 9, shape))
        #expect(try Self.failure(reshaped.bytes()).contains("has 16 elements, which the shape it is said to have had"))
    }

    @Test func `A type that is not read is named`() throws {
        let scratch = try ScratchFolder()
        var writer = HandmadeGGUF()
        writer.add("x", shape: [256], type: 23, data: Data(count: 136))
        try writer.write(scratch.path + "/x.gguf")
        let file = try GGUFFile(path: scratch.path + "/x.gguf")
        #expect(file.names.isEmpty)
        #expect(file.unusableElementType("x") == "IQ4_XS")
    }
}
