import Foundation
import Tensors
import Testing

@testable import Diffusion

/// One of fixtures/checkpoints: how diffusers' own functions rename the tensors of an original checkpoint.
struct CheckpointTable {
    struct Row {
        var name: String
        var shape: [Int]
        var original: String
        /// Which third of the original tensor; `nil` for all of it.
        var third: Int?
        var isTransposed = false
    }

    /// In the order of the layout.
    let parts: [String]
    /// By part.
    let rows: [String: [Row]]
    /// Shapes of all original tensors.
    var original: [String: [Int]]
    let configurations: [String: JSONValue]
    let name: String

    init(_ name: String) throws {
        self.name = name
        let json = try Fixtures.json("checkpoints/\(name).json")
        func shape(_ value: JSONValue?) throws -> [Int] { try #require(value?.list).compactMap(\.integer) }
        var rows: [String: [Row]] = [:]
        parts = ["unet", "vae", "text_encoder", "text_encoder_2"].filter { json[$0] != nil }
        for part in parts {
            rows[part] = try #require(json[part]?.list).flatMap { row in
                let row = try #require(row.list)
                let third = try #require(row[3].integer)
                let name = try #require(row[0].text)
                let original = try #require(row[2].text)
                let shape = try shape(row[1])
                // A fifth number: so many blocks, told apart by the number in place of the star.
                return (0 ..< (row.count > 4 ? row[4].integer ?? 1 : 1)).map { number in
                    Row(
                        name: name.replacingOccurrences(of: "*", with: "\(number)"), shape: shape,
                        original: original.replacingOccurrences(of: "*", with: "\(number)"),
                        third: third < 0 ? nil : third,
                        isTransposed: third == -2)
                }
            }
        }
        self.rows = rows
        guard case .object(let tensors)? = json["original"], case .object(let members)? = json["configurations"] else {
            throw WeightError.badHeader(file: name, reason: "not a table")
        }
        var shapes = try tensors.mapValues { try shape($0) }
        if case .object(let repeated)? = json["repeated"] {
            for (pattern, value) in repeated {
                let entry = try #require(value.list)
                for number in 0 ..< (entry[0].integer ?? 0) {
                    shapes[pattern.replacingOccurrences(of: "*", with: "\(number)")] = try shape(entry[1])
                }
            }
        }
        original = shapes
        configurations = members
    }

    /// Shapes with the name and the bytes' length of each tensor, as a header.
    static func header(_ shapes: [(String, [Int])], metadata: [String: String] = [:], size: Int) throws -> [UInt8] {
        var end = 0
        var members = shapes.map { name, shape in
            let start = end
            end += shape.reduce(1, *) * size
            return
                #""\#(name)":{"dtype":"\#(size == 2 ? "F16" : "F32")","shape":\#(shape),"data_offsets":[\#(start),\#(end)]}"#
        }
        if !metadata.isEmpty {
            members.append(#""__metadata__":"# + String(decoding: try JSONEncoder().encode(metadata), as: UTF8.self))
        }
        // Filled up as the reference's writer does, so that tensors lie where their elements can be read.
        let text = Array("{\(members.joined(separator: ","))}".utf8)
        return text + [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    }

    /// A safetensors file of the original tensors, all zeros that take no disk, without those that `isLeftOut`, the others
    /// called as `rename` says.
    func writeHollow(
        _ path: String, metadata: [String: String] = [:], leftOut isLeftOut: (String) -> Bool = { _ in false },
        rename: (String) -> String = { $0 }
    ) throws {
        let shapes = original.filter { !isLeftOut($0.key) }.map { (rename($0.key), $0.value) }.sorted { $0.0 < $1.0 }
        let header = try Self.header(shapes, metadata: metadata, size: 2)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try Data(length + header).write(to: URL(fileURLWithPath: path))
        let data = shapes.reduce(0) { $0 + $1.1.reduce(1, *) * 2 }
        #expect(truncate(path, off_t(8 + header.count + data)) == 0)
    }

    /// Random tensors by diffusers' names, of sizes that keep a network's activations of order one.
    func randomTensors(_ part: String) throws -> [String: [Float]] {
        var result: [String: [Float]] = [:]
        var generator: any RandomGenerator = TorchGenerator(seed: UInt64(part.utf8.count))
        for row in try #require(rows[part]) {
            let count = row.shape.reduce(1, *)
            let noise = generator.normal(count: max(count, 16))
            let isNorm = row.shape.count == 1 && row.name.contains("norm") && row.name.hasSuffix("weight")
            let scale: Float =
                row.shape.count < 2
                ? 0.2 : row.name.contains("embedding.weight") ? 0.5 : 1 / Float(count / row.shape[0]).squareRoot()
            result[row.name] = (0 ..< count).map { (isNorm ? 1 : 0) + scale * noise[$0] }
        }
        return result
    }

    /// A safetensors file of f32 tensors.
    static func write(
        _ path: String, _ tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String] = [:]
    ) throws {
        let header = try Self.header(tensors.map { ($0.name, $0.shape) }, metadata: metadata, size: 4)
        var data = Data(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header)
        for tensor in tensors { tensor.values.withUnsafeBytes { data.append(contentsOf: $0) } }
        try data.write(to: URL(fileURLWithPath: path))
    }

    /// The same random model as a folder in the diffusers layout and as single files beside it: `file`, and a pickle with
    /// `.ckpt` behind that name. The scheduler is that which such a file is taken to have.
    func writeTwins(folder: String, file: String) throws {
        let isXL = name.contains("sdxl")
        let schedulers = ["tiny-sd1": "PNDMScheduler", "tiny-lcm": "LCMScheduler"]
        var scheduler: [String: Any] = [
            "_class_name": isXL ? "EulerDiscreteScheduler" : schedulers[name] ?? "DDIMScheduler",
            "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "set_alpha_to_one": false,
            "skip_prk_steps": true, "steps_offset": 1, "clip_sample": false, "num_train_timesteps": 1000,
            // The norms of tiny-sd2 are spread by 0.1, as those of models that predict velocity.
            "prediction_type": name == "tiny-sd2" ? "v_prediction" : "epsilon",
        ]
        if isXL { scheduler["timestep_spacing"] = "leading" }
        let padToken = name.contains("sd2") ? "!" : "<|endoftext|>"
        let index = name == "tiny-sdxl-refiner" ? ["force_zeros_for_empty_prompt": false] : [:]
        var original: [(name: String, shape: [Int], values: [Float])] = []
        var pieces: [String: [Int: [Float]]] = [:]
        for part in parts {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
            let values = try randomTensors(part)
            let partRows = try #require(rows[part])
            try Self.write(
                "\(folder)/\(part)/\(part.hasPrefix("text_encoder") ? "model" : "diffusion_pytorch_model").safetensors",
                try partRows.map { ($0.name, $0.shape, try #require(values[$0.name])) })
            for row in partRows {
                var piece = try #require(values[row.name])
                if row.isTransposed {
                    let (rows, columns) = (row.shape[0], row.shape[1])
                    let matrix = piece
                    piece = (0 ..< piece.count).map { matrix[$0 % rows * columns + $0 / rows] }
                }
                pieces[row.original, default: [:]][row.third ?? 0] = piece
            }
            let configuration = try #require(configurations[part])
            try Data(configuration.line.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(part)/config.json"))
        }
        for (name, shape) in self.original.sorted(by: { $0.key < $1.key }) {
            // What is left aside is not a number, so that reading it would be seen.
            let found = (0 ..< 3).flatMap { pieces[name]?[$0] ?? [] }
            let count = shape.reduce(1, *)
            original.append((name, shape, found.isEmpty ? [Float](repeating: .nan, count: count) : found))
            #expect(original[original.count - 1].values.count == count, "\(name)")
        }
        original.append(("model_ema.diffusion_modelout2weight", [2], [.nan, .nan]))
        try Self.write(file, original)
        try Self.writePickle(file + ".ckpt", original)
        var objects = [("model_index.json", index), ("scheduler/scheduler_config.json", scheduler)]
        var tokenizers: [String] = []
        if parts.contains("text_encoder") {
            objects.append(("tokenizer/tokenizer_config.json", ["pad_token": padToken]))
            tokenizers.append("tokenizer")
        }
        if parts.contains("text_encoder_2") {
            objects.append(("tokenizer_2/tokenizer_config.json", ["pad_token": "!"]))
            tokenizers.append("tokenizer_2")
        }
        for (path, object) in objects {
            let url = URL(fileURLWithPath: "\(folder)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try JSONSerialization.data(withJSONObject: object).write(to: url)
        }
        for name in ["vocab.json", "merges.txt"] {
            for tokenizer in tokenizers {
                try FileManager.default.copyItem(
                    atPath: "\(Fixtures.root)/parity/tokenizer/\(name)", toPath: "\(folder)/\(tokenizer)/\(name)")
            }
        }
    }
}

/// A folder that is gone with the object.
final class ScratchFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
