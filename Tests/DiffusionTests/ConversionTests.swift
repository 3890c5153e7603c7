import Foundation
import PlainText
import Raster
import Tensors
import Testing

@testable import Diffusion

/// One layout made of the other.
@Suite struct ConversionTests {
    private static let vocabulary = "\(Fixtures.root)/parity/tokenizer/merges.txt"

    private static func twins(_ name: String, in scratch: ScratchFolder) throws -> (folder: String, file: String) {
        let (folder, file) = (scratch.path + "/folder", scratch.path + "/model.safetensors")
        try CheckpointTable(name).writeTwins(folder: folder, file: file)
        return (folder, file)
    }

    private static func picture(_ path: String) throws -> [Float] {
        let pipeline = try DiffusionPipeline(model: .path(path), precision: .f32, clipVocabulary: vocabulary)
        let size = PixelSize(width: 32, height: 32)
        let picture = RGBImage(size: size, values: (0 ..< size.area * 3).map { Float($0 % 97) / 96 })
        let mask = Plane(size: size, values: (0 ..< size.area).map { $0 % 32 < 16 ? 1 : 0 })
        let facts = pipeline.facts
        let request = DenoiseRequest(
            conditioning: facts.isInpainting
                ? .masked(picture, mask: mask)
                : facts.isRefiner || facts.followsInstructions ? .picture(picture) : .text(size: size),
            prompt: "a red fox", seeds: [7], steps: 3, guidance: 5)
        return try #require(try pipeline.run(request).first).values
    }

    private static func convert(
        _ path: String, to target: String, _ layout: ModelConversion.Layout, _ weights: ModelConversion.Weights? = nil
    ) throws {
        try ModelConversion(of: .path(path), weights: weights, clipVocabulary: vocabulary)
            .write(layout, to: target) { _ in }
    }

    /// The names of the released models' tensors among them.
    @Test(arguments: [
        "sd15", "sd21-inpaint", "sdxl", "sdxl-refiner", "tiny-pix2pix", "tiny-lcm", "tiny-sdxl-inpaint",
    ])
    func `Every tensor gets the name back that diffusers knows it by`(name: String) throws {
        let table = try CheckpointTable(name)
        func configuration(_ part: String) throws -> JSONConfiguration {
            let value = try #require(table.configurations[part])
            return try Array(value.line.utf8).withUnsafeBytes { try JSONConfiguration(parsing: $0, file: part) }
        }
        let encoders = table.parts.filter { $0.hasPrefix("text_encoder") }
        let names = LDMNames(
            unet: try UNetConfiguration(configuration("unet")),
            autoencoder: try AutoencoderConfiguration(configuration("vae")),
            texts: try Dictionary(
                uniqueKeysWithValues: encoders.map { ($0, try TextEncoderConfiguration(configuration($0))) }))
        for part in table.parts {
            for row in try #require(table.rows[part]) {
                switch part {
                case "unet": #expect(names.denoiser(row.name) == row.original)
                case "vae": #expect(names.autoencoder(row.name) == row.original)
                default:
                    let expected = LDMNames.Text(name: row.original, third: row.third, isTransposed: row.isTransposed)
                    #expect(names.text(row.name, part: part) == expected)
                }
            }
        }
        #expect(names.denoiser("down_blocks.9.resnets.0.conv1.weight") == nil)
        #expect(names.text("text_projection.weight", part: "text_encoder") == nil)
    }

    @Test(arguments: [
        "tiny-sd1", "tiny-sd1-inpaint", "tiny-sd2", "tiny-sd2-inpaint", "tiny-pix2pix", "tiny-lcm", "tiny-sdxl",
        "tiny-sdxl-inpaint", "tiny-sdxl-pix2pix", "tiny-sdxl-refiner",
    ])
    func `There and back gives the same bytes`(name: String) throws {
        let scratch = try ScratchFolder()
        let (folder, file) = try Self.twins(name, in: scratch)
        let expected = try Self.picture(folder)
        #expect(Set(expected).count > 500)
        // From the folder, the original file, its pickle, and what was made of the folder.
        let steps: [(String, String, ModelConversion.Layout)] = [
            (folder, "a.safetensors", .file), (file, "b", .folder), (file + ".ckpt", "c.safetensors", .file),
            (scratch.path + "/a.safetensors", "d", .folder), (folder, "e", .folder), (folder, "f.gguf", .gguf),
            (scratch.path + "/f.gguf", "g", .folder), (scratch.path + "/f.gguf", "h.safetensors", .file),
        ]
        for (source, target, layout) in steps {
            try Self.convert(source, to: "\(scratch.path)/\(target)", layout)
            #expect(try Self.picture("\(scratch.path)/\(target)") == expected, "\(target)")
        }
        // Every tensor that the original file had, but for those that are left aside there too.
        let made = try SafetensorsFile(path: scratch.path + "/a.safetensors")
        let original = try SafetensorsFile(path: file)
        let missing = Set(original.names).subtracting(made.names)
        let isExpected = missing.allSatisfy { name in
            ["model_ema", "logit_scale", "position_ids"].contains { name.contains($0) }
                || name == "cond_stage_model.model.text_projection"
        }
        #expect(isExpected, "\(missing)")
        #expect(Set(made.names).subtracting(original.names).isEmpty)
        for name in made.names { #expect(made.tensor(name)?.shape == original.tensor(name)?.shape, "\(name)") }
    }

    @Test(arguments: ["tiny-sd1", "tiny-sdxl"], [(ModelConversion.Weights.f16, 55.0), (.bf16, 35), (.f32, 200)])
    func `Other number formats take their size and cost what they round`(
        name: String, format: (weights: ModelConversion.Weights, decibels: Double)
    ) throws {
        let (weights, decibels) = format
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins(name, in: scratch)
        let (single, target) = (scratch.path + "/made.safetensors", scratch.path + "/made")
        try Self.convert(folder, to: single, .file, weights)
        try Self.convert(single, to: target, .folder)
        let file = try SafetensorsFile(path: target + "/unet/diffusion_pytorch_model.safetensors")
        let types = Set(file.names.compactMap { file.tensor($0)?.elementType })
        #expect(types == [weights == .f32 ? .float32 : weights == .f16 ? .float16 : .bfloat16])
        let (expected, found) = (try Self.picture(folder), try Self.picture(target))
        let error = zip(expected, found).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let psnr = -10 * log10(error / Double(expected.count))
        #expect(psnr > decibels, "\(psnr) dB")
    }

    /// Linear layers in blocks, convolutions in f16, single rows in f32, within what that rounds.
    @Test(arguments: [("tiny-sd1", 40.0), ("tiny-sd2", 40), ("tiny-sdxl", 40)])
    func `8 bits go into GGUF`(name: String, decibels: Double) throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins(name, in: scratch)
        let target = scratch.path + "/made.gguf"
        try Self.convert(folder, to: target, .gguf, .int8)
        let file = try GGUFFile(path: target)
        var counts: [WeightTensor.ElementType: Int] = [:]
        for name in file.names {
            let tensor = try #require(file.tensor(name))
            counts[tensor.elementType, default: 0] += 1
            switch tensor.shape.count {
            case 0, 1: #expect(tensor.elementType == .float32, "\(name)")
            case 2: #expect(tensor.elementType != .float32, "\(name)")
            default: #expect(tensor.elementType == .float16, "\(name)")
            }
        }
        #expect(counts.keys.count == 3 && (counts[.q80] ?? 0) > 20, "\(counts)")
        #expect(file.metadata["general.architecture"] == String(name.dropFirst(5)))
        #expect(file.metadata["general.quantization_version"] == "2")
        let (expected, found) = (try Self.picture(folder), try Self.picture(target))
        let error = zip(expected, found).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let psnr = -10 * log10(error / Double(expected.count))
        #expect(psnr > decibels && psnr < 80, "\(psnr) dB")
        let error8 = #expect(throws: ModelError.self) {
            try Self.convert(folder, to: scratch.path + "/made", .folder, .int8)
        }
        #expect("\(try #require(error8))".contains("weights in 8 bits go into a .gguf file"))
    }

    /// Against the gguf package 0.19.0 (`quants.quantize`).
    @Test func `Blocks of 8 bits are ggml's, byte for byte`() throws {
        let values = (0 ..< 64).map { Float($0 * $0 % 97 - 48) / 37 }
        let expected: [UInt8] = [
            59, 33, 129, 132, 140, 153, 171, 195, 224, 3, 42, 87, 137, 192, 253, 64, 134, 211, 37, 124,
            216, 58, 161, 13, 127, 245, 114, 243, 122, 5, 150, 45, 200, 106, 231, 32, 17, 183, 116, 37,
            219, 152, 107, 51, 0, 211, 171, 137, 127, 104, 87, 76, 71, 71, 76, 87, 104, 127, 137, 171,
            211, 0, 51, 107, 152, 219, 37, 116,
        ]
        let blocks = [values[..<32], values[32...]].map { WeightFileWriter.q80($0) }
        #expect(blocks[0].map { $0 + (blocks[1] ?? []) } == expected)
        // Nothing, next to nothing, too much, and what is no number.
        func block(of value: Float) -> [UInt8]? { WeightFileWriter.q80([Float](repeating: value, count: 32)[...]) }
        #expect(block(of: 0) == [UInt8](repeating: 0, count: 34))
        #expect(block(of: 0x1p-149) == [UInt8](repeating: 0, count: 34))
        #expect(block(of: 1e7) == nil)
        #expect(block(of: .nan)?.prefix(2) == [0x00, 0x7E])
    }

    @Test func `GGUF becomes a file that gives the same picture`() throws {
        let scratch = try ScratchFolder()
        let (_, file) = try Self.twins("tiny-sd1", in: scratch)
        let source = try SafetensorsFile(path: file)
        var writer = HandmadeGGUF()
        for name in source.names.sorted() {
            let tensor = try #require(source.tensor(name))
            _ = writer.add(name, shape: tensor.shape, values: tensor.floats(), as: .q80)
        }
        try writer.write(scratch.path + "/model.gguf")
        try Self.convert(scratch.path + "/model.gguf", to: scratch.path + "/made.safetensors", .file, .f32)
        #expect(try Self.picture(scratch.path + "/made.safetensors") == Self.picture(scratch.path + "/model.gguf"))
    }

    @Test func `What a single file cannot hold is refused, and nothing is left`() throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins("tiny-sd1", in: scratch)
        let target = scratch.path + "/made.safetensors"
        let vae = folder + "/vae/config.json"
        let text = try String(contentsOfFile: vae, encoding: .utf8)
        try text.replacing("{", with: #"{"scaling_factor": 0.5, "#, maxReplacements: 1)
            .replacing(#""scaling_factor":0.18215,"#, with: "").write(toFile: vae, atomically: true, encoding: .utf8)
        let before = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        let error = #expect(throws: ModelError.self) { try Self.convert(folder, to: target, .file) }
        #expect(
            error?.description.contains(
                "the configuration of its autoencoder cannot be told from the tensors of a single file") == true,
            "\(String(describing: error))")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == before)
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try ModelConversion(of: .path(folder), weights: .f16, clipVocabulary: nil)
                .write(.folder, to: scratch.path + "/stopped") { _ in throw Stop() }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == before)
    }

    @Test func `What a killed conversion left is removed by the next to the same name`() throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins("tiny-sd1", in: scratch)
        let manager = FileManager.default
        // No process has a number as large (Linux ends at 2²², macOS at 99,999); the test's own parent is there.
        let (gone, alive) = ("\(scratch.path)/made.99999999.incomplete", "\(scratch.path)/made.\(getppid()).incomplete")
        let other = "\(scratch.path)/others.99999999.incomplete"
        for path in [gone, alive, other] {
            try manager.createDirectory(atPath: path + "/unet", withIntermediateDirectories: true)
            try Data("part".utf8).write(to: URL(fileURLWithPath: path + "/unet/weights"))
        }
        try Self.convert(folder, to: scratch.path + "/made", .folder)
        #expect(!manager.fileExists(atPath: gone))
        #expect(manager.fileExists(atPath: alive + "/unet/weights") && manager.fileExists(atPath: other))
        #expect(manager.fileExists(atPath: scratch.path + "/made/model_index.json"))
    }

    @Test(arguments: [ModelConversion.Layout.file, .folder])
    func `A name that is taken meanwhile gives way to the next`(layout: ModelConversion.Layout) throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins("tiny-sd1", in: scratch)
        let target = scratch.path + (layout == .file ? "/made.safetensors" : "/made")
        let conversion = try ModelConversion(of: .path(folder), weights: nil, clipVocabulary: Self.vocabulary)
        var isTaken = false
        let place = try conversion.write(layout, to: target) { _ in
            if isTaken { return }
            isTaken = true
            try Data("somebody's".utf8).write(to: URL(fileURLWithPath: target))
        }
        #expect(place == scratch.path + (layout == .file ? "/made-2.safetensors" : "/made-2"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: target)) == Data("somebody's".utf8))
        #expect(FileManager.default.fileExists(atPath: place))
    }

    @Test(arguments: [
        ("model_index.json", #"{"force_zeros_for_empty_prompt": false}"#, "what an empty prompt means to it"),
        (
            "tokenizer_2/tokenizer_config.json", #"{"pad_token": "<|endoftext|>"}"#,
            "the token that fills up the prompts of its text_encoder_2"
        ),
        ("tokenizer/added_tokens.json", #"{"<s1>": 914}"#, "the word '<s1>' of its tokenizer"),
    ])
    func `What else a single file of SDXL does not tell is refused`(file: String, text: String, says: String) throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins("tiny-sdxl", in: scratch)
        try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
        let error = #expect(throws: ModelError.self) {
            try Self.convert(folder, to: scratch.path + "/made.safetensors", .file)
        }
        #expect(error?.description.contains(says + " cannot be told") == true, "\(String(describing: error))")
    }

    /// Velocity and zero terminal SNR by marks that other programs know too; distillation by the title.
    @Test func `What a scheduler says goes with a single file`() throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try Self.twins("tiny-sdxl", in: scratch)
        let path = folder + "/scheduler/scheduler_config.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        func converted(_ name: String, _ changes: [(String, String)]) throws -> String {
            let changed = changes.reduce(text) { $0.replacing($1.0, with: $1.1) }
            #expect(changed != text)
            try changed.write(toFile: path, atomically: true, encoding: .utf8)
            let target = "\(scratch.path)/\(name).safetensors"
            try Self.convert(folder, to: target, .file)
            return target
        }
        let velocity = try converted(
            "velocity", [("\"epsilon\"", "\"v_prediction\",\"rescale_betas_zero_snr\":true"), ("leading", "trailing")])
        let names = try SafetensorsFile(path: velocity).header.entries.keys
        #expect(names.contains("v_pred") && names.contains("ztsnr"))
        let scheduler = try SchedulerConfiguration(
            ModelFiles(.file(velocity)).configuration("scheduler/scheduler_config.json"))
        #expect(scheduler.prediction == .velocity && scheduler.rescaleBetasZeroSNR == true)
        #expect(try Self.picture(velocity) == Self.picture(folder))
        let turbo = try converted("turbo", [("leading", "trailing"), ("EulerD", "EulerAncestralD")])
        let facts = try DiffusionPipeline(
            model: .file(turbo), precision: .f32, clipVocabulary: Self.vocabulary
        ).facts
        #expect(facts.fewSteps?.kind == .turbo)
        #expect(try Self.picture(turbo) == Self.picture(folder))
        // And with what is made of that.
        try Self.convert(turbo, to: scratch.path + "/again.safetensors", .file, .f32)
        #expect(try Self.picture(scratch.path + "/again.safetensors") == Self.picture(folder))
    }

    @Test func `A number beyond f16 is named`() throws {
        let scratch = try ScratchFolder()
        try CheckpointTable.write(scratch.path + "/x", [("large", [3], [1, 70000, .infinity])])
        let tensor = try #require(try SafetensorsFile(path: scratch.path + "/x").tensor("large"))
        let entry = WeightFileWriter.Entry(name: "large", shape: [3], pieces: [tensor])
        let writer = SafetensorsWriter(path: scratch.path + "/y")
        let error = #expect(throws: ModelError.self) {
            try writer.write([(entry, .float16)], metadata: [:]) { _ in }
        }
        #expect(error == .outOfRange(path: scratch.path + "/y", tensor: "large", value: 70000))
        try writer.write([(entry, .bfloat16)], metadata: [:]) { _ in }
        #expect(try SafetensorsFile(path: scratch.path + "/y").tensor("large")?.floats() == [1, 70144, .infinity])
    }

    @Test func `Halves and bfloat16 are rounded as the processor rounds them`() throws {
        var generator = TorchGenerator(seed: 1)
        var values = (-30 ... 18).flatMap { exponent in
            generator.normal(count: 500).map { $0 * Float(sign: .plus, exponent: exponent, significand: 1) }
        }
        values += [0, -0.0, 65519, 65520, -65520, .infinity, -.infinity, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.ffep-15]
        for value in values {
            #expect(WeightFileWriter.half(value) == Float16(value).bitPattern, "\(value)")
            let upper = Float(bitPattern: UInt32(WeightFileWriter.bfloat16(value)) << 16)
            #expect(upper == value || abs(upper - value) <= abs(value) / 256, "\(value)")
        }
        #expect(Float16(bitPattern: WeightFileWriter.half(.nan)).isNaN)
        #expect(WeightFileWriter.bfloat16(1 + 0x1p-8) == 0x3F80)
        #expect(WeightFileWriter.bfloat16(1 + 0x1.8p-7) == 0x3F82)
    }
}
