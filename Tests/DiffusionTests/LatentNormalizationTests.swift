import Foundation
import Raster
import Testing

@testable import Diffusion

@Suite struct LatentNormalizationTests {
    private static let model = "\(Fixtures.root)/parity/pipelines/sd1"

    @Test func `Every channel has its mean and deviation`() {
        // Channel by channel: (z − mean) · scale / deviation, as diffusers' pipelines of such models compute it.
        let normalization = LatentNormalization(scale: 0.5, means: [1, -2], deviations: [2, 0.25])
        let normalized = normalization.normalized([3, 1, -1, 0], channels: 2)
        #expect(normalized == [0.5, 0, 2, 4])
        #expect(normalization.restored(normalized, channels: 2) == [3, 1, -1, 0])
        let shifted = LatentNormalization(scale: 4, shift: 0.5)
        #expect(shifted.normalized([1, 0, 0.5, 2], channels: 2) == [2, -2, 0, 6])
        #expect(shifted.restored([2, -2, 0, 6], channels: 2) == [1, 0, 0.5, 2])
    }

    /// The model with other numbers in its autoencoder's configuration.
    private func model(_ scratch: ScratchFolder, _ name: String, _ change: (inout [String: Any]) -> Void) throws
        -> String
    {
        let manager = FileManager.default
        let folder = "\(scratch.path)/\(name)"
        try manager.createDirectory(atPath: folder + "/vae", withIntermediateDirectories: true)
        for part in try manager.contentsOfDirectory(atPath: Self.model) where part != "vae" {
            try manager.createSymbolicLink(atPath: "\(folder)/\(part)", withDestinationPath: "\(Self.model)/\(part)")
        }
        for file in try manager.contentsOfDirectory(atPath: Self.model + "/vae") where file != "config.json" {
            try manager.createSymbolicLink(
                atPath: "\(folder)/vae/\(file)", withDestinationPath: "\(Self.model)/vae/\(file)")
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.model + "/vae/config.json"))
        var members = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        change(&members)
        try JSONSerialization.data(withJSONObject: members).write(
            to: URL(fileURLWithPath: folder + "/vae/config.json"))
        return folder
    }

    private func picture(_ folder: String) throws -> [Float] {
        let request = DenoiseRequest(
            conditioning: .picture(RGBImage(size: PixelSize(width: 32, height: 32), repeating: (0.2, 0.7, 0.4))),
            prompt: "a red fox", seeds: [3], steps: 4, guidance: 3, strength: 0.5)
        return try #require(try DiffusionPipeline(model: .folder(folder), precision: .f32).run(request).first).values
    }

    @Test func `A model's own numbers are heard, and those that change nothing change nothing`() throws {
        let scratch = try ScratchFolder()
        let own = try picture(Self.model)
        let same = try model(scratch, "same") {
            $0["latents_mean"] = [0, 0, 0, 0]
            $0["latents_std"] = [1, 1, 1, 1]
        }
        #expect(try picture(same) == own)
        // Twice the deviation and twice the scale.
        let twice = try model(scratch, "twice") {
            $0["latents_mean"] = [0, 0, 0, 0]
            $0["latents_std"] = [2, 2, 2, 2]
            $0["scaling_factor"] = 2 * ($0["scaling_factor"] as? Double ?? 0.18215)
        }
        #expect(try picture(twice) == own)
        let other = try model(scratch, "other") {
            $0["latents_mean"] = [0, 1.5, 0, 0]
            $0["latents_std"] = [1, 1, 1, 2]
        }
        #expect(try picture(other) != own)
    }

    @Test(arguments: ["one is missing", "too few", "a deviation of nothing"])
    func `Numbers that make no sense are refused`(fault: String) throws {
        let scratch = try ScratchFolder()
        let folder = try model(scratch, "bad") {
            $0["latents_mean"] = fault == "too few" ? [0, 0, 0] : [0, 0, 0, 0]
            $0["latents_std"] = fault == "one is missing" ? nil : fault == "too few" ? [1, 1, 1] : [1, 0, 1, 1]
        }
        let error = #expect(throws: NetworkError.self) { try DiffusionPipeline(model: .folder(folder)) }
        #expect(error?.description.contains("latents_mean and latents_std are not 4 numbers each") == true)
    }
}
