import Foundation
import ImageFiles
import Raster
import Testing

/// Edits with models of other families than Stable Diffusion 1.x and 2.x, by the program.
@Suite struct FamilyEditTests {
    private static let parity = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity")
    private static let sdxl = parity.appending(path: "families/sdxl").path()
    private static let quick = ["--steps", "2", "--seed", "5"]

    /// An editor with pictures, and a family's model in the folder of its name, gathered from where its parts lie.
    private func editor(_ family: String = "families/pix2pix") throws -> Editor {
        let editor = try Editor()
        try editor.writePictures()
        let place = Self.parity.appending(path: family)
        let folder = editor.folder.appending(path: place.lastPathComponent)
        let manager = FileManager.default
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        var parts = try manager.contentsOfDirectory(atPath: place.path()).map { ($0, place.appending(path: $0)) }
        if let json = manager.contents(atPath: place.appending(path: "parts.json").path()) {
            let shared = try #require(JSONSerialization.jsonObject(with: json) as? [String: String])
            parts += shared.map { ($0.key, Self.parity.appending(path: $0.value)) }
        }
        for (name, target) in parts {
            try manager.createSymbolicLink(at: folder.appending(path: name), withDestinationURL: target)
        }
        return editor
    }

    private enum Outside {
        /// The mask `m.png`, or the new panel of 16 columns.
        case mask, panel
        /// All may change.
        case none
    }

    /// What every command makes with a model of every kind of denoiser: exactly the picture outside the mask, something else
    /// inside it.
    @Test(arguments: [
        ("pipelines/sd1", true), ("pipelines/sd2-inpaint", true), ("families/pix2pix", false), ("families/lcm", true),
        ("families/sdxl", true), ("families/sdxl-inpaint", true), ("families/sdxl-pix2pix", false),
        ("families/sdxl-refiner", true),
    ])
    func `Every command edits with every kind of model`(family: String, generates: Bool) throws {
        let editor = try editor(family)
        let model = try #require(family.split(separator: "/").last.map(String.init))
        let picture = try ImageFile.read(path: editor.path("a.png")).picture
        let mask = try ImageFile.read(path: editor.path("m.png")).picture
        let commands: [([String], Outside)] = [
            (["inpaint", "a.png", "m.png", "a fox"], .mask), (["erase", "a.png", "m.png"], .mask),
            (["remix", "a.png", "a fox", "--mask", "m.png"], .mask), (["remix", "a.png", "a fox"], .none),
            (["outpaint", "a.png", "a fox", "--right", "16"], .panel), (["variations", "a.png", "-n", "1"], .none),
            (["generate", "a fox", "--size", "64x48"], .none),
        ]
        for (index, (command, outside)) in commands.enumerated() where generates || command[0] != "generate" {
            let name = "\(index).png"
            let outcome = try editor.run(command + ["--model", model, "-o", name] + Self.quick)
            #expect(outcome.code == 0, "\(family) \(command): \(outcome.error)")
            guard outcome.code == 0 else { continue }
            let result = try ImageFile.read(path: editor.path(name)).picture
            let width = picture.width + (outside == .panel ? 16 : 0)
            #expect(result.width == width && result.height == picture.height, "\(command)")
            let (found, given) = (try Self.bytes(result), try Self.bytes(picture))
            let coverage = try Self.bytes(mask)
            var (inside, beyond, panel) = (0, 0, Set<UInt8>())
            for y in 0 ..< picture.height {
                for x in 0 ..< width {
                    let pixel = found.dropFirst(3 * (y * width + x)).prefix(3)
                    guard x < picture.width else {
                        panel.formUnion(pixel)
                        continue
                    }
                    let place = y * picture.width + x
                    let isChanged = !pixel.elementsEqual(given.dropFirst(3 * place).prefix(3))
                    let isFree = outside == .none || (outside == .mask && coverage[place] > 0)
                    if isChanged, isFree { inside += 1 }
                    if isChanged, !isFree { beyond += 1 }
                }
            }
            #expect(beyond == 0, "\(family) \(command)")
            switch outside {
            case .panel: #expect(panel.count > 16, "\(family) \(command)")
            // Of 400 pixels, and of 3072: more than here and there.
            case .mask: #expect(inside > 200, "\(family) \(command): \(inside)")
            case .none: #expect(inside > 1500, "\(family) \(command): \(inside)")
            }
        }
    }

    private static func bytes(_ picture: Picture) throws -> [UInt8] {
        guard case .eight(let samples) = picture.samples else {
            Issue.record("not 8 bits a sample")
            return []
        }
        return samples
    }

    @Test func `SDXL generates, remixes and inpaints`() throws {
        let editor = try editor()
        let commands = [
            ["generate", "a fox", "--size", "64x48", "-o", "g.png"], ["remix", "a.png", "a fox", "-o", "r.png"],
            ["inpaint", "a.png", "m.png", "a fox", "-o", "i.png"],
        ]
        for command in commands {
            let outcome = try editor.run(command + ["--model", Self.sdxl] + Self.quick)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("model: sdxl, Stable Diffusion XL\n"))
            let file = try ImageFile.read(path: editor.path(try #require(command.last)))
            let infotext = try #require(file.provenance?.infotext)
            #expect(infotext["CFG scale"] == "5")
            #expect(infotext["Sampler"] == "Euler")
            #expect(infotext["Image CFG scale"] == nil)
        }
    }

    @Test func `InstructPix2Pix remixes by an instruction and generates nothing`() throws {
        let editor = try editor()
        let options = ["--model", "pix2pix"] + Self.quick
        let outcome = try editor.run(["remix", "a.png", "make it winter", "--image-guidance", "1.2"] + options)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("InstructPix2Pix"))
        #expect(outcome.error.contains("step 2/2"))
        let infotext = try #require(try ImageFile.read(path: editor.path("a-remix.png")).provenance?.infotext)
        #expect(infotext["Image CFG scale"] == "1.2")
        #expect(infotext["Denoising strength"] == "1")

        let generate = try editor.run(["generate", "a fox"] + options)
        #expect(generate.code == 69)
        #expect(generate.error.contains("reworks a picture and makes none from text alone; use remix"))
    }

    @Test func `--image-guidance that is not heard is said`() throws {
        let editor = try editor()
        let outcome = try editor.run(
            ["generate", "a fox", "--size", "32x32", "--image-guidance", "2", "--model", Self.sdxl, "-q"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("warning: --image-guidance has no effect: sdxl does not follow instructions"))
        let wrong = try editor.run(["generate", "a fox", "--image-guidance", "-1"])
        #expect(wrong.code == 64)
        #expect(wrong.error.contains("--image-guidance"))
    }

    @Test func `--vae takes the place of the model's own, or is refused in a sentence`() throws {
        let editor = try editor()
        let model = Self.parity.appending(path: "pipelines/sd1").path()
        let tiny = Self.parity.appending(path: "families/tiny-vae/vae").path()
        let outcome = try editor.run(
            ["generate", "a fox", "--size", "32x32", "--model", model, "--vae", tiny, "-o", "t.png"] + Self.quick)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("autoencoder: tiny-vae, in place of the model's own"))
        #expect(try ImageFile.read(path: editor.path("t.png")).provenance?.infotext?["VAE"] == "tiny-vae")
        let other = Self.parity.appending(path: "networks/vae-8").path()
        let refused = try editor.run(["generate", "a fox", "--model", model, "--vae", other] + Self.quick)
        #expect(refused.code == 69)
        #expect(refused.error.contains("is an autoencoder of 8 latent channels at 1/2 of the size"))
        let none = try editor.run(["generate", "a fox", "--vae", "none.safetensors"] + Self.quick)
        #expect(none.code == 69)
        #expect(none.error.contains("none.safetensors cannot be used as an autoencoder: there is no such file"))
    }
}
