import Foundation
import PlainText
import Tensors
import Testing

@testable import Diffusion

/// Numbers in weight files, and amounts, that are there to stop a program.
@Suite struct HostileWeightsTests {
    private static func file(_ tensors: [(name: String, shape: [Int], bytes: Int)]) throws -> SafetensorsFile {
        var offset = 0
        let entries = tensors.map { tensor in
            defer { offset += tensor.bytes }
            return "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
                + "\"data_offsets\":[\(offset),\(offset + tensor.bytes)]}"
        }
        return try SafetensorsTests.open(SafetensorsTests.file("{\(entries.joined(separator: ","))}", data: offset))
    }

    @Test(arguments: [[1 << 62, 8, 0], [0, 1 << 62, 8], [1 << 62, 0, 8]])
    func `Sizes beside a 0 must be ones that can be addressed`(shape: [Int]) {
        #expect(WeightTensor.elementCount(shape) == nil)
        let error = #expect(throws: WeightError.self) { try Self.file([("a", shape, 0)]) }
        #expect(error?.description.contains("too large to address") == true)
    }

    @Test func `Elements are counted`() {
        #expect(WeightTensor.elementCount([]) == 1)
        #expect(WeightTensor.elementCount([3, 4]) == 12)
        #expect(WeightTensor.elementCount([1 << 40, 0]) == 0)
        #expect(WeightTensor.elementCount([2, -1]) == nil)
        #expect(WeightTensor.elementCount([1 << 32, 1 << 32]) == nil)
    }

    @Test func `A tensor has no more dimensions than PyTorch knows`() {
        let error = #expect(throws: WeightError.self) {
            try Self.file([("a", [Int](repeating: 1, count: 65), 4)])
        }
        #expect(error?.description.contains("has 65 dimensions, expected at most 64") == true)
    }

    /// A product that wraps around can be any number: here the 2 elements that there are.
    @Test func `A GGUF tensor's former shape must have its elements`() throws {
        let factor = 6_148_914_691_236_517_206
        // 3 × factor is 2 more than 2⁶⁴.
        #expect(3 &* factor == 2)
        for former in [[3, factor], [1 << 32, 1 << 32, 2], [-1, -2]] {
            var writer = HandmadeGGUF()
            let values = former.map { HandmadeGGUF.bytes(Int64($0)) }.reduce(Data(), +)
            let list = HandmadeGGUF.bytes(UInt32(11)) + HandmadeGGUF.bytes(UInt64(former.count)) + values
            writer.values.append(("comfy.gguf.orig_shape.x", 9, list))
            writer.add("x", shape: [2], type: 0, data: Data(count: 8))
            let scratch = try ScratchFolder()
            try writer.write(scratch.path + "/x.gguf")
            let error = #expect(throws: WeightError.self) { try GGUFFile(path: scratch.path + "/x.gguf") }
            #expect(error?.description.contains("which the shape it is said to have had") == true)
        }
    }

    @Test func `A GGUF file with holes announces no billions`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/x.gguf"
        try HandmadeGGUF().bytes(counts: (2_000_000, 0)).write(to: URL(fileURLWithPath: path))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: 1 << 30)
        try handle.close()
        let error = #expect(throws: WeightError.self) { try GGUFFile(path: path) }
        #expect(error?.description.contains("it announces 2000000 tensors, expected at most 1000000") == true)
    }

    /// Nothing is stepped over along one element, but the file may say any step.
    @Test func `A step beside a single element is no number to reckon with`() throws {
        func number(_ value: Int) -> [UInt8] {
            [0x8A, 8] + (0 ..< 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func text(_ value: String) -> [UInt8] { [0x8C, UInt8(value.utf8.count)] + Array(value.utf8) }
        var pickle = Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
        pickle += Array("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu") + number(4) + Array("tQ".utf8)
        pickle += number(0) + number(1) + number(2) + number(1) + [0x87]
        pickle += number(.max) + number(2) + number(.max) + [0x87] + Array("tR.".utf8)
        try pickle.withUnsafeBytes { bytes in
            var reader = Unpickler(bytes, file: "x")
            guard case .tensor(let index) = try reader.load() else {
                Issue.record("no tensor")
                return
            }
            #expect(reader.tensors[index].shape == [1, 2, 1])
            #expect(reader.tensors[index].strides == [0, 2, 0])
        }
    }

    @Test func `A layer's number is one that a network has`() {
        #expect("0".layerNumber == 0)
        #expect("9999"[...].layerNumber == 9999)
        for text in ["", "-1", "x", "10000", "9223372036854775807"] { #expect(text.layerNumber == nil) }
    }

    @Test func `Names with impossible numbers are no layers`() throws {
        let most = Int.max
        let file = try Self.file([
            ("down_blocks.0.resnets.\(most).norm1.weight", [1], 4), ("mid_block.resnets.\(most).conv1.weight", [1], 4),
            ("up_blocks.\(Int.min).upsamplers.0.conv.weight", [1], 4),
            ("down_blocks.1.attentions.1.proj_in.weight", [1], 4),
        ])
        let table = LayerTable(.denoiser, file)
        #expect(table["down_blocks_1_attentions_1_proj_in"] == "down_blocks.1.attentions.1.proj_in")
        #expect(table["input_blocks_4_1_proj_in"] == "down_blocks.1.attentions.1.proj_in")
    }

    /// A tiny autoencoder's layers are known by their names alone, so that a file can have any of them.
    @Test func `Layers of a tiny autoencoder have numbers and change the size within reason`() throws {
        func open(resizes: Int, number: Int? = nil) throws -> TinyAutoencoder {
            var tensors: [(name: String, shape: [Int], bytes: Int)] = []
            func add(_ name: String, _ shape: [Int]) { tensors.append((name, shape, shape.reduce(4, *))) }
            for (half, inChannels, outChannels) in [("encoder", 3, 4), ("decoder", 4, 3)] {
                add("\(half).layers.0.weight", [outChannels, inChannels, 3, 3])
                add("\(half).layers.0.bias", [outChannels])
                // Without a bias: these change the size.
                for index in 0 ..< resizes {
                    add("\(half).layers.\(index + 1).weight", [outChannels, outChannels, 3, 3])
                }
                guard let number else { continue }
                add("\(half).layers.\(number).weight", [outChannels, outChannels, 3, 3])
                add("\(half).layers.\(number).bias", [outChannels])
            }
            let file = try Self.file(tensors)
            return try TinyAutoencoder(
                encoder: LayerLoader(file, part: "vae.encoder", prefix: "encoder.layers."),
                decoder: LayerLoader(file, part: "vae.decoder", prefix: "decoder.layers."), decoderStart: 0)
        }
        #expect(try open(resizes: 1, number: Int.max).scaleFactor == 2)
        #expect(throws: WeightError.self) { try open(resizes: 1, number: 9999) }
        #expect(try open(resizes: 6).scaleFactor == 64)
        for resizes in [7, 63, 64] {
            let error = #expect(throws: WeightError.self) { try open(resizes: resizes) }
            #expect(
                error?.description.contains(
                    "'encoder.layers.0.weight' begins \(resizes) changes of the size by 2, expected at most 6") == true)
        }
    }

    @Test func `Layers without elements or with products beyond any number are no layers`() throws {
        let huge = 1 << 40
        let file = try Self.file([
            ("lora_unet_a.lokr_w1", [huge, 0], 0), ("lora_unet_a.lokr_w2", [huge, 0], 0),
            ("lora_unet_b.hada_w1_a", [2, 0], 0), ("lora_unet_b.hada_w1_b", [0, 2], 0),
            ("lora_unet_b.hada_w2_a", [2, 0], 0), ("lora_unet_b.hada_w2_b", [0, 2], 0),
            ("lora_unet_c.lora_up.weight", [2, 0], 0), ("lora_unet_c.lora_down.weight", [0, 2], 0),
            ("lora_unet_d.lora_up.weight", [2, 1], 8), ("lora_unet_d.lora_down.weight", [1, 2], 8),
        ])
        let lora = try #require(try LoRAFile(file, metadata: [:]))
        #expect(lora.layers.keys.map(\.layer) == ["d"])
        #expect(lora.unknown.count == 8)
    }

    /// A list's names say nothing of their part, which all their shapes decide: once, not for each.
    @Test func `A list of many tensors is read in one pass`() throws {
        let count = 40_000
        let file = try Self.file((0 ..< count).map { ("\($0)", $0 % 2 == 0 ? [2, 1] : [1, 2], 8) })
        let lora = try #require(try LoRAFile(file, metadata: [:]))
        #expect(lora.layers.count == count / 2)
        #expect(lora.layers.keys.allSatisfy { $0.part == .textEncoder })
    }

    @Test func `What is too large for a vector of an embedding is not read`() throws {
        let file = try Self.file([("a", [1 << 17, 1], 4 << 17)])
        let error = #expect(throws: AdapterError.self) { try LearnedToken.read(file) }
        #expect(error?.description.contains("expected vectors") == true)
    }

    @Test func `A LoRA brings no more words than anybody uses`() throws {
        let words = (0 ..< 1200).map { ("bundle_emb.w\($0).string_to_param.*", [1, 1], 4) }
        let file = try Self.file(words + [("lora_unet_d.diff", [1, 1], 4)])
        let lora = try #require(try LoRAFile(file, metadata: [:]))
        #expect(lora.tokens.count == LearnedToken.maximumWords)
        #expect(lora.unknown.count == 200)
    }

    @Test func `A tokenizer has no more added tokens than can be looked for`() throws {
        func tokenizer(_ count: Int) throws -> CLIPTokenizer {
            let letters = BytePairEncoding.letters
            let words = letters + letters.map { $0 + "</w>" } + ["<|startoftext|>", "<|endoftext|>"]
            let numbers = Dictionary(words.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { $1 })
            var configuration = TokenizerConfiguration()
            configuration.add(
                (0 ..< count).map { .init(content: "<\($0)>", number: 600 + $0, isNormalized: false) })
            return try CLIPTokenizer(
                numbers: numbers, merges: [], configuration: configuration, vocabularyFile: "v", mergesFile: "m")
        }
        #expect(try tokenizer(10_000).tokens("<7>") == [607])
        let error = #expect(throws: TokenizerError.self) { try tokenizer(10_001) }
        #expect(error?.description.contains("10001 tokens are added to it, expected at most 10000") == true)
    }

    // MARK: Names

    /// To compare and to hash a run of marks takes the square of its length.
    private static func marks(_ bytes: Int) -> String { String(repeating: "\u{301}\u{323}", count: bytes / 4) }

    @Test(.timeLimit(.minutes(1))) func `A tensor's name has at most 1000 bytes`() throws {
        #expect(try Self.file([(Self.marks(1000), [1], 4)]).names == [Self.marks(1000)])
        let long = #expect(throws: WeightError.self) { try Self.file([(Self.marks(800_000), [1], 4)]) }
        #expect(long?.description.contains("a key has 800000 bytes, expected at most 1000") == true)
        #expect(long?.description.contains("weights.safetensors") == true)
        let type = "{\"a\":{\"dtype\":\"\(Self.marks(400_000))\",\"shape\":[1],\"data_offsets\":[0,4]}}"
        let unknown = #expect(throws: WeightError.self) {
            try SafetensorsTests.open(SafetensorsTests.file(type, data: 4))
        }
        #expect(unknown?.description.contains("unknown dtype") == true)

        let scratch = try ScratchFolder()
        var writer = HandmadeGGUF()
        writer.add(Self.marks(1004), shape: [1], type: 0, data: Data(count: 4))
        try writer.write(scratch.path + "/x.gguf")
        let gguf = #expect(throws: WeightError.self) { try GGUFFile(path: scratch.path + "/x.gguf") }
        #expect(gguf?.description.contains("a tensor's name of 1004 bytes, expected at most 1000") == true)
        #expect(gguf?.description.contains("x.gguf") == true)

        let path = scratch.path + "/x.pth"
        try CheckpointTable.writePickle(path, [(Self.marks(1004), [1], [1]), ("one", [1], [1])])
        let pickle = #expect(throws: WeightError.self) { try PyTorchFile(path: path) }
        #expect(pickle?.description.contains("a tensor's name is longer than 1000 bytes") == true)
    }

    @Test(.timeLimit(.minutes(1))) func `A word of a configuration has at most 1000 bytes`() throws {
        let long = Self.marks(400_000)
        #expect(throws: JSONValue.SyntaxError.self) { try JSONValue(parsing: "{\"\(long)\":1}") }
        let json = try ConfigurationTests.configuration("{\"_class_name\":\"\(long)\",\"list\":[\"\(long)\"]}")
        for read in [{ _ = try json.string("_class_name") }, { _ = try json.strings("list") }] as [() throws -> Void] {
            let error = #expect(throws: ConfigurationError.self) { try read() }
            #expect(error?.description.contains("should be at most 1000 bytes long, it is 400000") == true)
        }
        #expect(try json.text("_class_name")?.utf8.count == 400_000)
    }

    // MARK: Text files

    @Test func `A document has no more values than a model needs`() {
        let values = String(repeating: "0,", count: JSONValue.maximumValues)
        #expect(throws: JSONValue.SyntaxError.self) { try JSONValue(parsing: "[\(values)0]") }
        #expect(throws: Never.self) { try JSONValue(parsing: "[\(values.dropLast(6))0]") }
    }

    @Test func `A configuration, index or vocabulary of gigabytes is refused unread`() throws {
        let scratch = try ScratchFolder()
        func make(_ name: String) throws -> String {
            let path = scratch.path + "/" + name
            try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.truncate(atOffset: 1 << 33)
            try handle.close()
            return path
        }
        let reading: [(String, (String) throws -> Void)] = [
            ("config.json", { _ = try JSONConfiguration(path: $0) }),
            ("model.safetensors.index.json", { _ in _ = try WeightFolder(path: scratch.path) }),
            ("tokenizer.json", { _ in _ = try CLIPTokenizer(path: scratch.path) }),
            ("list.txt", { _ = try CLIPTokenizer(clipVocabulary: $0, size: 49408, padToken: "!") }),
        ]
        for (name, read) in reading {
            let path = try make(name)
            let error = #expect(throws: WeightError.self) { try read(path) }
            #expect(error?.description.contains("8589934592 bytes, at most 67108864 are expected") == true, "\(name)")
        }
    }
}
