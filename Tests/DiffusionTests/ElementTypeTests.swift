import Foundation
import Raster
import Tensors
import Testing

@testable import Diffusion

/// Files whose elements are of other types than f32, f16 and bf16; and files that are something else than they were
/// given for.
@Suite struct ElementTypeTests {
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"
    private static let adapters = "\(Fixtures.root)/parity/adapters"
    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    /// A tensor as a file has it.
    private struct Stored {
        var name: String
        var type = "F32"
        var shape: [Int]
        var bytes: [UInt8]

        init(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
            (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
        }

        init(_ name: String, _ shape: [Int], _ values: [Float]) {
            self.init(name, "F32", shape, values.withUnsafeBytes { Array($0) })
        }
    }

    private func write(_ path: String, _ tensors: [Stored], metadata: [String: String] = [:]) throws {
        var end = 0
        var members = tensors.map { tensor in
            let start = end
            end += tensor.bytes.count
            return
                #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(start),\#(end)]}"#
        }
        if !metadata.isEmpty {
            members.append(#""__metadata__":"# + String(decoding: try JSONEncoder().encode(metadata), as: UTF8.self))
        }
        let text = Array("{\(members.joined(separator: ","))}".utf8)
        var data = Data(withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text)
        for tensor in tensors { data.append(contentsOf: tensor.bytes) }
        try data.write(to: URL(fileURLWithPath: path))
    }

    /// The 127 finite codes above 0 of E4M3, by the numbers' size.
    private static let codes: [Float] = (0 ..< 127).map { code in
        let (exponent, mantissa) = (code >> 3, Float(code & 7))
        return exponent == 0
            ? mantissa * Float(pow(2.0, -9)) : (1 + mantissa / 8) * Float(pow(2.0, Double(exponent - 7)))
    }

    /// The nearest code of E4M3, and the number that it stands for.
    private func eightBits(_ value: Float) -> (code: UInt8, value: Float) {
        let size = abs(value)
        let above = Self.codes.firstIndex { $0 >= size } ?? 126
        let code = above > 0 && size - Self.codes[above - 1] < Self.codes[above] - size ? above - 1 : above
        return (UInt8(code) | (value < 0 ? 0x80 : 0), value < 0 ? -Self.codes[code] : Self.codes[code])
    }

    private enum Form: String, CaseIterable {
        case whole, inPart, scaled, scaledRows, e5m2, doubles
    }

    /// The tensors in another form, and in f32 with the numbers that this form holds.
    private func stored(_ source: any WeightSource, as form: Form) throws -> (other: [Stored], plain: [Stored]) {
        var (other, plain): ([Stored], [Stored]) = ([], [])
        if form == .scaled { other.append(Stored("model.diffusion_model.scaled_fp8", "F8_E4M3", [0], [])) }
        for name in source.names.sorted() {
            let tensor = try #require(source.tensor(name))
            let values = tensor.floats()
            let isScaled = form == .scaled || form == .scaledRows
            let isMatrix = tensor.shape.count > 1 && name.hasSuffix(".weight")
            switch form {
            case .doubles:
                other.append(
                    Stored(
                        name, "F64", tensor.shape,
                        values.flatMap { value in withUnsafeBytes(of: Double(value).bitPattern) { Array($0) } }))
                plain.append(Stored(name, tensor.shape, values))
            case .e5m2:
                // The upper byte of a half.
                let codes = values.map { UInt8(WeightFileWriter.half($0) >> 8) }
                other.append(Stored(name, "F8_E5M2", tensor.shape, codes))
                plain.append(
                    Stored(
                        name, tensor.shape,
                        codes.map { (code: UInt8) -> Float in
                            let exponent = Int(code >> 2 & 31)
                            let fraction = Double(code & 3) / 4
                            let size: Double =
                                exponent == 0 ? fraction * pow(2, -14) : (1 + fraction) * pow(2, Double(exponent - 15))
                            return Float(code >= 128 ? -size : size)
                        }))
            case .inPart where !isMatrix || !name.contains("attn"):
                other.append(Stored(name, tensor.shape, values))
                plain.append(Stored(name, tensor.shape, values))
            case .scaled, .scaledRows:
                guard isMatrix, isScaled else {
                    other.append(Stored(name, tensor.shape, values))
                    plain.append(Stored(name, tensor.shape, values))
                    continue
                }
                let rows = tensor.shape[0]
                let scales: [Float] = (0 ..< (form == .scaled ? 1 : rows)).map { Float(1 + $0 % 5) / 512 }
                let length = values.count / scales.count
                let pairs = values.enumerated().map { eightBits($1 / scales[$0 / length]) }
                other.append(Stored(name, "F8_E4M3", tensor.shape, pairs.map(\.code)))
                let stem = name.dropLast(".weight".count)
                other.append(
                    Stored(
                        stem + (form == .scaled ? ".scale_weight" : ".weight_scale"),
                        form == .scaled ? [] : [rows, 1], scales))
                other.append(Stored(stem + (form == .scaled ? ".scale_input" : ".input_scale"), [1], [3]))
                plain.append(
                    Stored(name, tensor.shape, pairs.enumerated().map { $1.value * scales[$0 / length] }))
            default:
                let pairs = values.map(eightBits)
                other.append(Stored(name, "F8_E4M3", tensor.shape, pairs.map(\.code)))
                plain.append(Stored(name, tensor.shape, pairs.map(\.value)))
            }
        }
        return (other, plain)
    }

    private func picture(
        _ model: ModelSource, autoencoder: String? = nil, loras: [String] = [], embeddings: [String] = []
    ) throws -> [Float] {
        let pipeline = try DiffusionPipeline(
            model: model, precision: .f32, clipVocabulary: Self.vocabulary, autoencoder: autoencoder,
            adapters: Adapters(
                loras: loras.map { LoRAChoice(path: $0) }, embeddings: embeddings.map { EmbeddingChoice(path: $0) }))
        return try #require(try pipeline.run(Self.request).first).values
    }

    private static let request = DenoiseRequest(
        conditioning: .text(size: PixelSize(width: 32, height: 32)), prompt: "a red fox", seeds: [3], steps: 2,
        guidance: 3)

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch { return "\(error)" }
    }

    /// A random model without what a file has beside it.
    private func checkpoint(_ name: String, _ scratch: ScratchFolder) throws -> any WeightSource {
        let file = scratch.path + "/\(name).safetensors"
        try CheckpointTable(name).writeTwins(folder: scratch.path + "/\(name)", file: file)
        return try LeftOut(base: WeightFile.open(file).weights) { $0.hasPrefix("model_ema") }
    }

    /// A source without some of its tensors.
    private struct LeftOut: WeightSource {
        let base: any WeightSource
        let isLeftOut: @Sendable (String) -> Bool

        var file: String { base.file }
        var files: [MappedFile] { base.files }
        var names: [String] { base.names.filter { !isLeftOut($0) && base.tensor($0)?.isFinite == true } }
        var unusableNames: [String] { [] }
        func unusableElementType(_ name: String) -> String? { nil }
        func tensor(_ name: String) -> WeightTensor? { base.tensor(name) }
    }

    @Test(arguments: ["tiny-sd1", "tiny-sd2"], [Form.whole, .inPart, .scaled, .scaledRows, .e5m2, .doubles])
    private func `A checkpoint of another element type paints what its numbers paint in f32`(
        name: String, form: Form
    ) throws {
        let scratch = try ScratchFolder()
        let (other, plain) = try stored(checkpoint(name, scratch), as: form)
        let paths = ["other", "plain"].map { "\(scratch.path)/\($0).safetensors" }
        try write(paths[0], other)
        try write(paths[1], plain)
        let expected = try picture(.file(paths[1]))
        #expect(try picture(.file(paths[0])) == expected)
        #expect(Set(expected).count > 500)
        // Written anew with types that every reader has.
        guard name == "tiny-sd1" else { return }
        let converted = scratch.path + "/converted.safetensors"
        try ModelConversion(of: .file(paths[0]), weights: .f32, clipVocabulary: Self.vocabulary).write(
            .file, to: converted
        ) { _ in }
        #expect(try picture(.file(converted)) == expected)
        let kept = scratch.path + "/kept.safetensors"
        try ModelConversion(of: .file(paths[0]), weights: nil, clipVocabulary: Self.vocabulary).write(.file, to: kept) {
            _ in
        }
        let types = Set(try SafetensorsFile(path: kept).header.entries.values.map(\.elementType))
        #expect(types.isSubset(of: ["F32", "F16"]))
        if form == .whole || form == .inPart || form == .doubles { #expect(try picture(.file(kept)) == expected) }
    }

    @Test func `A folder whose shards keep weights and scales apart is read`() throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/model"
        try FileManager.default.copyItem(atPath: Self.model, toPath: folder)
        let own = "\(folder)/unet/diffusion_pytorch_model.safetensors"
        let (other, plain) = try stored(SafetensorsFile(path: own), as: .scaled)
        try write(own, plain)
        let expected = try picture(.folder(folder))
        try FileManager.default.removeItem(atPath: own)
        let shards = ["a.safetensors", "b.safetensors"]
        let isScale: (Stored) -> Bool = { $0.name.hasSuffix(".scale_weight") }
        try write("\(folder)/unet/\(shards[0])", other.filter { !isScale($0) })
        try write("\(folder)/unet/\(shards[1])", other.filter(isScale))
        let map = Dictionary(uniqueKeysWithValues: other.map { ($0.name, shards[isScale($0) ? 1 : 0]) })
        try JSONSerialization.data(withJSONObject: ["weight_map": map]).write(
            to: URL(fileURLWithPath: "\(folder)/unet/diffusion_pytorch_model.safetensors.index.json"))
        #expect(try picture(.folder(folder)) == expected)
    }

    @Test func `Scaled weights are kept packed between runs`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        let tensors = try stored(checkpoint("tiny-sd1", scratch), as: .scaled).other
        // The scales are in what is packed: a file with others does not take it.
        let changed = tensors.map { tensor in
            tensor.name.hasSuffix("in_layers.2.scale_weight") ? Stored(tensor.name, [], [0.001]) : tensor
        }
        let cache = try ScratchFolder()
        var pictures: [[Float]] = []
        for tensors in [tensors, changed] {
            try write(path, tensors)
            let expected = try picture(.file(path))
            pictures.append(expected)
            for isFirst in [true, false] {
                let pipeline = try DiffusionPipeline(
                    model: .file(path), precision: .f32, packedWeightFolder: cache.path, parametersWorthKeeping: 0,
                    clipVocabulary: Self.vocabulary)
                #expect(try pipeline.run(Self.request).first?.values == expected)
                #expect((pipeline.keepPackedWeights() != nil) == isFirst)
            }
        }
        #expect(pictures[0] != pictures[1])
    }

    @Test func `Two scales of one tensor are refused`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/model.safetensors"
        var tensors = try stored(checkpoint("tiny-sd1", scratch), as: .scaled).other
        let scale = try #require(tensors.first { $0.name.hasSuffix(".scale_weight") })
        let second = scale.name.dropLast(".scale_weight".count) + ".weight_scale"
        tensors.append(Stored(String(second), [1], [0.5]))
        try write(path, tensors)
        let text = message { _ = try picture(.file(path)) }
        #expect(text.contains(path) && text.contains("'\(second)' is a second scale of one tensor"), "\(text)")
    }

    @Test func `A LoRA in 8-bit floats or doubles changes what its numbers change`() throws {
        let scratch = try ScratchFolder()
        let lora = try SafetensorsFile(path: "\(Self.adapters)/kohya.safetensors")
        var pictures: [[Float]] = [try picture(.folder(Self.model))]
        for form in [Form.whole, .doubles, .e5m2] {
            let (other, plain) = try stored(lora, as: form)
            let paths = ["other", "plain"].map { "\(scratch.path)/\($0)-\(form.rawValue).safetensors" }
            try write(paths[0], other)
            try write(paths[1], plain)
            pictures.append(try picture(.folder(Self.model), loras: [paths[1]]))
            #expect(try picture(.folder(Self.model), loras: [paths[0]]) == pictures.last, "\(form)")
        }
        #expect(Set(pictures).count == pictures.count)
    }

    /// `_rebuild_tensor_v3`, which PyTorch writes for types that have no storage class, and a storage of doubles.
    @Test func `Pickles of 8-bit floats are read`() throws {
        let scratch = try ScratchFolder()
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func text(_ value: String) -> [UInt8] { [UInt8(ascii: "X")] + little(value.utf8.count, 4) + Array(value.utf8) }
        func number(_ value: Int) -> [UInt8] { [UInt8(ascii: "J")] + little(value, 4) }
        func file(_ type: String, bytes: Int, shape: [Int], offset: Int = 0) throws -> String {
            var program: [UInt8] = [0x80, 2] + Array("}(".utf8) + text("x")
            program += Array("ctorch._utils\n_rebuild_tensor_v3\n((".utf8) + text("storage")
            program += Array("ctorch.storage\nUntypedStorage\n".utf8) + text("0") + text("cpu") + number(bytes)
            program += Array("tQ".utf8) + number(offset)
            program += Array("(".utf8) + shape.flatMap(number) + Array("t(".utf8) + shape.map { _ in 1 }.flatMap(number)
            program += Array("t".utf8) + [0x89] + Array("ccollections\nOrderedDict\n)R".utf8)
            program += Array("ctorch\n\(type)\ntRu.".utf8)
            let path = "\(scratch.path)/\(type)-\(bytes)-\(offset).pt"
            try CheckpointTable.writeZip(
                path,
                [
                    ("model/data.pkl", Data(program)),
                    ("model/data/0", Data((0 ..< bytes).map { UInt8(truncatingIfNeeded: $0 * 8) })),
                ])
            return path
        }
        let found = try #require(
            try PyTorchFile(path: file("float8_e4m3fn", bytes: 12, shape: [10], offset: 1)).tensor("x"))
        #expect(found.elementType == .float8E4M3 && found.shape == [10])
        #expect(found.floats() == (1 ... 10).map { Self.codes[$0 * 8] })
        #expect(
            try PyTorchFile(path: file("float8_e5m2", bytes: 4, shape: [4])).tensor("x")?.elementType == .float8E5M2)
        let other = try PyTorchFile(path: file("float8_e4m3fnuz", bytes: 4, shape: [4]))
        #expect(other.unusableElementType("x") == "F8_E4M3FNUZ" && other.names.isEmpty)
        #expect(try PyTorchFile(path: file("uint16", bytes: 8, shape: [4])).unusableElementType("x") == "U16")
        // Bytes hold fewer elements of a larger type.
        #expect(
            message { _ = try PyTorchFile(path: file("float32", bytes: 8, shape: [3])) }.contains("beyond its storage"))
        #expect(try PyTorchFile(path: file("float32", bytes: 12, shape: [3])).tensor("x")?.count == 3)
        #expect(message { _ = try PyTorchFile(path: file("qint8", bytes: 8, shape: [3])) }.contains("torch.qint8"))
    }

    @Test func `Positions and marks of whole numbers do no harm`() throws {
        let scratch = try ScratchFolder()
        let source = try checkpoint("tiny-sd1", scratch)
        var tensors = try stored(source, as: .doubles).plain
        let expected = try {
            try write(scratch.path + "/plain.safetensors", tensors)
            return try picture(.file(scratch.path + "/plain.safetensors"))
        }()
        let ids = (0 ..< 77).flatMap { value in withUnsafeBytes(of: Int64(value)) { Array($0) } }
        tensors.append(
            Stored("cond_stage_model.transformer.text_model.embeddings.position_ids", "I64", [1, 77], ids))
        tensors.append(Stored("model_ema.num_updates", "I32", [], [1, 0, 0, 0]))
        tensors.append(Stored("model.diffusion_model.is_trained", "BOOL", [1], [1]))
        tensors.append(Stored("first_stage_model.counter", "U8", [2], [1, 2]))
        let path = scratch.path + "/marked.safetensors"
        try write(path, tensors)
        #expect(try picture(.file(path)) == expected)
    }

    @Test func `A tensor of a type that is not read is named with its file and type`() throws {
        let scratch = try ScratchFolder()
        let tensors = try stored(checkpoint("tiny-sd1", scratch), as: .doubles).plain
        func replaced(_ tensors: [Stored], _ name: String, type: String, bits: Int) -> [Stored] {
            tensors.map { tensor in
                tensor.name == name
                    ? Stored(name, type, tensor.shape, [UInt8](repeating: 1, count: tensor.bytes.count / 4 * bits / 8))
                    : tensor
            }
        }
        let vae = tensors.filter { $0.name.hasPrefix("first_stage_model.") }
        let lora = try stored(SafetensorsFile(path: "\(Self.adapters)/kohya.safetensors"), as: .doubles).plain
        let layer = try #require(lora.first { $0.name.hasSuffix("lora_up.weight") }).name
        let alpha = try #require(lora.first { $0.name.hasSuffix(".alpha") }).name
        for (type, bits) in [("I8", 8), ("U8", 8), ("F8_E8M0", 8), ("I32", 32), ("F8_E4M3FNUZ", 8), ("C64", 64)] {
            for name in [
                "model.diffusion_model.input_blocks.0.0.weight",
                "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight",
                "first_stage_model.decoder.conv_in.weight",
                "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight",
            ] {
                let path = scratch.path + "/model.safetensors"
                try write(path, replaced(tensors, name, type: type, bits: bits))
                let text = message { _ = try picture(.file(path)) }
                #expect([path, name, type].allSatisfy(text.contains), "\(text)")
            }
            let path = scratch.path + "/part.safetensors"
            try write(path, replaced(vae, "first_stage_model.decoder.conv_in.weight", type: type, bits: bits))
            var text = message { _ = try picture(.folder(Self.model), autoencoder: path) }
            #expect([path, "decoder.conv_in.weight", type].allSatisfy(text.contains), "\(text)")
            for name in [layer, alpha] {
                try write(path, replaced(lora, name, type: type, bits: bits))
                text = message { _ = try picture(.folder(Self.model), loras: [path]) }
                #expect([path, name, type].allSatisfy(text.contains), "\(text)")
            }
            try write(path, [Stored("emb_params", type, [2, 8], [UInt8](repeating: 1, count: 16 * bits / 8))])
            text = message { _ = try picture(.folder(Self.model), embeddings: [path]) }
            #expect([path, "emb_params", type].allSatisfy(text.contains), "\(text)")
        }
    }

    @Test func `A LoRA with values that are not numbers is named, and its tensor`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/lora.safetensors"
        let tensors = try stored(SafetensorsFile(path: "\(Self.adapters)/kohya.safetensors"), as: .doubles).plain
        let names = tensors.map(\.name)
        let ends = ["lora_up.weight", "lora_down.weight", ".alpha"]
        for name in ends.compactMap({ end in names.first { $0.hasSuffix(end) } }) {
            for value in [Float.nan, .infinity] {
                try write(
                    path,
                    tensors.map { tensor in
                        guard tensor.name == name else { return tensor }
                        var bytes = tensor.bytes
                        bytes.replaceSubrange(
                            bytes.count - 4 ..< bytes.count, with: withUnsafeBytes(of: value) { Array($0) })
                        return Stored(name, "F32", tensor.shape, bytes)
                    })
                let text = message { _ = try picture(.folder(Self.model), loras: [path]) }
                #expect(
                    text == "\(path) cannot be used: its tensor '\(name)' holds values that are not finite numbers.")
            }
        }
    }

    @Test(arguments: ["tiny-sd1", "tiny-sdxl"]) func `A model without an autoencoder takes one that is named`(
        name: String
    )
        throws
    {
        let scratch = try ScratchFolder()
        let tensors = try stored(checkpoint(name, scratch), as: .doubles).plain
        let prefix = "first_stage_model."
        let (whole, without, vae) = ("whole", "without", "vae")
        for (path, chosen) in [
            (whole, tensors), (without, tensors.filter { !$0.name.hasPrefix(prefix) }),
            (vae, tensors.filter { $0.name.hasPrefix(prefix) }),
        ] { try write("\(scratch.path)/\(path).safetensors", chosen) }
        let expected = try picture(.file("\(scratch.path)/whole.safetensors"))
        let given = "\(scratch.path)/vae.safetensors"
        #expect(try picture(.file("\(scratch.path)/without.safetensors"), autoencoder: given) == expected)
        let text = message { _ = try picture(.file("\(scratch.path)/without.safetensors")) }
        #expect(text.contains("lacks the autoencoder") && text.contains("; vae can name one"), "\(text)")
        // A folder likewise.
        let folder = "\(scratch.path)/\(name)"
        let own = try picture(.folder(folder))
        let moved = scratch.path + "/moved"
        try FileManager.default.moveItem(atPath: folder + "/vae", toPath: moved)
        #expect(try picture(.folder(folder), autoencoder: moved) == own)
        #expect(message { _ = try picture(.folder(folder)) } != "no error")
        // The configuration says what the latents are like, with weights or without.
        try FileManager.default.createDirectory(atPath: folder + "/vae", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: moved + "/config.json", toPath: folder + "/vae/config.json")
        #expect(try picture(.folder(folder), autoencoder: moved) == own)
        #expect(message { _ = try picture(.folder(folder)) }.contains("holds no weights"))
    }

    @Test func `A file given to the wrong option is told what takes it`() throws {
        let scratch = try ScratchFolder()
        let model = scratch.path + "/tiny-sd1.safetensors"
        let tensors = try stored(checkpoint("tiny-sd1", scratch), as: .doubles).plain
        let vae = scratch.path + "/vae.safetensors"
        try write(vae, tensors.filter { $0.name.hasPrefix("first_stage_model.") })
        let bare = scratch.path + "/bare.safetensors"
        try write(
            bare,
            tensors.filter { $0.name.hasPrefix("first_stage_model.") }.map {
                Stored(String($0.name.dropFirst("first_stage_model.".count)), $0.type, $0.shape, $0.bytes)
            })
        let embedding = scratch.path + "/word.safetensors"
        try write(embedding, [Stored("emb_params", [2, 64], [Float](repeating: 0.5, count: 128))])
        let folder = Self.model
        let autoencoders = [vae, bare, folder + "/vae", folder + "/vae/diffusion_pytorch_model.safetensors"]
        let loras = ["kohya", "peft", "processors", "numbered", "original-names", "lycoris"].map {
            "\(Self.adapters)/\($0).safetensors"
        }
        func checkAll(_ paths: [String], _ option: String, _ use: (String) throws -> Void) {
            for path in paths {
                let text = message { try use(path) }
                #expect(text.contains(path) && text.contains("which \(option)"), "\(text)")
            }
        }
        checkAll(autoencoders, "vae takes") { _ = try picture(.path($0)) }
        checkAll(loras, "lora takes") { _ = try picture(.path($0)) }
        checkAll([embedding, "\(Self.adapters)/words.pt"], "embedding takes") { _ = try picture(.path($0)) }
        checkAll(loras, "lora takes") { _ = try picture(.folder(folder), autoencoder: $0) }
        checkAll([embedding], "embedding takes") { _ = try picture(.folder(folder), autoencoder: $0) }
        for use: ([String]) throws -> [Float] in [
            { try self.picture(.folder(folder), loras: $0) }, { try self.picture(.folder(folder), embeddings: $0) },
        ] {
            checkAll([model, model + ".ckpt", folder], "model takes") { _ = try use([$0]) }
            checkAll(autoencoders, "vae takes") { _ = try use([$0]) }
        }
        checkAll([embedding], "embedding takes") { _ = try picture(.folder(folder), loras: [$0]) }
        checkAll(loras, "lora takes") { _ = try picture(.folder(folder), embeddings: [$0]) }
        let part = message { _ = try picture(.path(folder + "/unet")) }
        #expect(
            part.contains(
                "it is a denoiser (a UNet), a part of a model (UNet2DConditionModel); model takes the folder around it"
            ))
    }
}
