import Tensors
import Testing

@testable import Diffusion

/// Each network against what transformers and diffusers compute with the same weights (fixtures/parity/networks).
@Suite(.onEngine) struct NetworkParityTests {
    private struct Network {
        let folder: String
        let configuration: JSONConfiguration
        let weights: WeightFolder
        let cases: SafetensorsFile

        init(_ name: String) throws {
            folder = "\(Fixtures.root)/parity/networks/\(name)"
            configuration = try JSONConfiguration(path: folder + "/config.json")
            weights = try WeightFolder(path: folder)
            cases = try SafetensorsFile(path: folder + "/cases.safetensors")
        }

        var caseNames: [String] {
            Set(cases.header.entries.keys.map { String($0.prefix(while: { $0 != "/" })) }).sorted()
        }

        func tensor(_ name: String) throws -> WeightTensor { try #require(cases.tensor(name), "\(name)") }

        /// `[batch, channels, height, width]` as an NHWC tensor.
        func picture(_ name: String, _ compute: Compute) throws -> Tensor {
            let tensor = try tensor(name)
            let batch = tensor.shape[0]
            let size = tensor.count / batch
            let values = (0 ..< batch).flatMap {
                channelsLast(tensor.floats($0 * size ..< ($0 + 1) * size), channels: tensor.shape[1])
            }
            return try compute.tensor(values, shape: [batch, tensor.shape[2], tensor.shape[3], tensor.shape[1]])
        }
    }

    @Test(arguments: ["text-quick-gelu", "text-gelu"]) func textEncoder(name: String) throws {
        let network = try Network(name)
        let compute = Compute(type: .float32)
        let encoder = try TextEncoder(
            configuration: TextEncoderConfiguration(network.configuration), weights: network.weights)
        for name in network.caseNames {
            let entry = try #require(network.cases.header.entries["\(name)/input_ids"])
            let file = try MappedFile(path: network.cases.file)
            defer { withExtendedLifetime(file) {} }
            let ids = file.bytes[entry.range].chunks(of: 4).map {
                $0.enumerated().reduce(0) { $0 | Int($1.1) << (8 * $1.0) }
            }
            let length = entry.shape[1]
            let sequences = stride(from: 0, to: ids.count, by: length).map { Array(ids[$0 ..< $0 + length]) }
            for (skipped, output) in [(0, "last_hidden_state"), (1, "penultimate")] {
                let found = compute.floats(try encoder(sequences, skippedLayers: skipped, compute))
                expectClose(found, try network.tensor("\(name)/\(output)").floats(), "\(name) \(output)")
            }
        }
    }

    @Test(arguments: ["vae-4", "vae-8", "vae-old-names"]) func autoencoder(name: String) throws {
        let network = try Network(name)
        let compute = Compute(type: .float32)
        let autoencoder = try Autoencoder(
            configuration: AutoencoderConfiguration(network.configuration), weights: network.weights)
        let channels = autoencoder.configuration.latentChannels
        for name in network.caseNames {
            let moments = try autoencoder.encode(try network.picture("\(name)/image", compute), compute)
            let found = compute.floats(moments)
            let mean = compute.floats(try network.picture("\(name)/mean", compute))
            let logvar = compute.floats(try network.picture("\(name)/logvar", compute))
            let pixels = mean.count / channels
            expectClose(
                (0 ..< pixels).flatMap { found[$0 * 2 * channels ..< $0 * 2 * channels + channels] }, mean,
                "\(name) mean")
            expectClose(
                (0 ..< pixels).flatMap { found[$0 * 2 * channels + channels ..< ($0 + 1) * 2 * channels] }, logvar,
                "\(name) logvar")
            let decoded = try autoencoder.decode(try network.picture("\(name)/latent", compute), compute)
            let expected = compute.floats(try network.picture("\(name)/decoded", compute))
            expectClose(compute.floats(decoded), expected, "\(name) decoded")
        }
    }

    @Test(arguments: ["unet-sd1", "unet-sd2-inpaint", "unet-17", "unet-lists", "unet-no-middle"])
    func denoiser(name: String) throws {
        let network = try Network(name)
        let compute = Compute(type: .float32)
        let unet = try UNet(configuration: UNetConfiguration(network.configuration), weights: network.weights)
        for name in network.caseNames {
            let sample = try network.tensor("\(name)/sample")
            let text = try network.tensor("\(name)/text")
            let timestep = try network.tensor("\(name)/timestep").floats()[0]
            let output = try network.tensor("\(name)/output")
            let batch = sample.shape[0]
            let guidance = network.cases.tensor("\(name)/timestep_cond")
            // The engine gives one guidance embedding to a whole batch; the fixtures differ within one.
            let calls = guidance == nil ? [0 ..< batch] : (0 ..< batch).map { $0 ..< $0 + 1 }
            for call in calls {
                func part(_ tensor: WeightTensor) -> [Float] {
                    let size = tensor.count / tensor.shape[0]
                    return tensor.floats(call.lowerBound * size ..< call.upperBound * size)
                }
                func channelsLastBatch(_ tensor: WeightTensor) -> [Float] {
                    let size = tensor.count / tensor.shape[0]
                    return call.flatMap {
                        channelsLast(tensor.floats($0 * size ..< ($0 + 1) * size), channels: tensor.shape[1])
                    }
                }
                let latents = try compute.tensor(
                    channelsLastBatch(sample), shape: [call.count, sample.shape[2], sample.shape[3], sample.shape[1]])
                let context = TextContext(
                    states: try compute.tensor(part(text), shape: [call.count, text.shape[1], text.shape[2]]))
                var deepFeatures: Tensor?
                let found = try unet(
                    latents, timestep: timestep, context: context, guidance: guidance.map(part),
                    deepFeatures: &deepFeatures, compute)
                expectClose(compute.floats(found), channelsLastBatch(output), "\(name) \(call)")
                // With the deep features of the same call the finest level alone gives the same.
                let again = try unet(
                    latents, timestep: timestep, context: context, guidance: guidance.map(part),
                    deepFeatures: &deepFeatures, compute)
                #expect(compute.floats(again) == compute.floats(found), "\(name) \(call), deep features reused")
            }
        }
    }
}

extension Collection {
    fileprivate func chunks(of size: Int) -> [SubSequence] {
        var rest = self[...]
        var result: [SubSequence] = []
        while !rest.isEmpty {
            result.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return result
    }
}
