import Foundation
import ImageFiles
import Testing

/// Packed weights that are kept between runs, in the program as a whole.
@Suite struct PackedWeightCommandTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")

    /// A model of more parameters than it takes for its weights to be kept: nearly all are vectors of tokens that no
    /// prompt has, which take no room on disk.
    private func writeLargeModel(_ folder: URL) throws {
        try TinyModel.write(to: folder)
        let (vocabulary, width) = (6_400_000, 16)
        let configuration = folder.appending(path: "text_encoder/config.json")
        let text = try String(contentsOf: configuration, encoding: .utf8)
        try #require(text.contains("\"vocab_size\": 96"))
        try Data(text.replacingOccurrences(of: "\"vocab_size\": 96", with: "\"vocab_size\": \(vocabulary)").utf8)
            .write(to: configuration)
        // The table goes last, and on beyond what is written.
        let path = folder.appending(path: "text_encoder/model.safetensors")
        let file = try Data(contentsOf: path)
        let start = 8 + file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = try #require(try JSONSerialization.jsonObject(with: file[8 ..< start]) as? [String: [String: Any]])
        header["__metadata__"] = nil
        let name = try #require(header.keys.first { $0.hasSuffix("token_embedding.weight") })
        let offsets = try #require(header[name]?["data_offsets"] as? [Int])
        let table = file[start + offsets[0] ..< start + offsets[1]]
        var data = Data()
        for (other, entry) in header where other != name {
            let offsets = try #require(entry["data_offsets"] as? [Int])
            let bytes = file[start + offsets[0] ..< start + offsets[1]]
            header[other]?["data_offsets"] = [data.count, data.count + bytes.count]
            data.append(bytes)
        }
        let end = data.count + vocabulary * width * 2
        header[name]?["data_offsets"] = [data.count, end]
        header[name]?["shape"] = [vocabulary, width]
        var json = try JSONSerialization.data(withJSONObject: header)
        json.append(Data(repeating: 0x20, count: (8 - json.count % 8) % 8))
        var whole = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json + data
        whole.append(table)
        try whole.write(to: path)
        try #require(truncate(path.path(), off_t(8 + json.count + end)) == 0)
    }

    /// The model's autoencoder, where `isOther` with the elements of a convolution in reverse.
    private func writeAutoencoder(_ folder: URL, isOther: Bool) throws {
        try FileManager.default.copyItem(at: Self.fixtures.appending(path: "networks/vae-4"), to: folder)
        guard isOther else { return }
        let path = folder.appending(path: "diffusion_pytorch_model.safetensors")
        var file = try Data(contentsOf: path)
        let start = 8 + file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try #require(try JSONSerialization.jsonObject(with: file[8 ..< start]) as? [String: [String: Any]])
        let offsets = try #require(header["decoder.conv_in.weight"]?["data_offsets"] as? [Int])
        let range = start + offsets[0] ..< start + offsets[1]
        let elements = stride(from: range.lowerBound, to: range.upperBound, by: 4).map { Data(file[$0 ..< $0 + 4]) }
        file.replaceSubrange(range, with: elements.reversed().joined())
        try file.write(to: path)
    }

    @Test func `Another --vae decodes with its own weights, also beside a second run`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try writeLargeModel(editor.folder.appending(path: "model"))
        for (name, isOther) in [("x", false), ("y", true)] {
            try writeAutoencoder(editor.folder.appending(path: name), isOther: isOther)
        }
        let common = ["--model", "model", "--steps", "1", "--seed", "3", "--precision", "f32"]
        func run(_ vae: String, _ output: String, _ options: [String] = []) throws -> [UInt8] {
            let made = try editor.run(
                ["inpaint", "a.png", "m.png", "fox", "--vae", vae, "-o", output] + common + options)
            #expect(made.code == 0, "\(made.error)")
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: editor.path(output))))
        }
        let expected = try ["x", "y"].map { try run($0, "plain-\($0).png", ["--no-weight-cache"]) }
        #expect(expected[0] != expected[1])
        for round in 0 ..< 2 {
            for (vae, expected) in zip(["x", "y"], expected) {
                #expect(try run(vae, "\(round)-\(vae).png") == expected)
            }
        }
        let kept = editor.folder.appending(path: ".cache/editor/weights")
        #expect(try FileManager.default.contentsOfDirectory(atPath: kept.path()).count == 2)
        // Two at once, without a file of either.
        try FileManager.default.removeItem(at: kept)
        let both = try ["x", "y", "x", "y"].enumerated().map { number, vae in
            try editor.start(
                ["inpaint", "a.png", "m.png", "fox", "--vae", vae, "-o", "both-\(number).png"] + common)
        }
        for (number, run) in both.enumerated() {
            let outcome = Editor.outcome(of: run.0, run.1, run.2)
            #expect(outcome.code == 0, "\(outcome.error)")
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: editor.path("both-\(number).png"))))
            #expect(bytes == expected[number % 2])
        }
        for (vae, expected) in zip(["x", "y"], expected) { #expect(try run(vae, "again-\(vae).png") == expected) }
    }
}
