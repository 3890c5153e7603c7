internal import Tensors

/// A whole model in one file, with the names of the code it was trained with (CompVis `latent-diffusion`, Stability's
/// `stablediffusion`): Stable Diffusion 1.x and 2.x.
///
/// The parts' configurations are made from the tensors, and the tensors are given the names that diffusers gives them
/// (diffusers 0.42.1, `loaders/single_file_utils.py`: `convert_ldm_unet_checkpoint`, `convert_ldm_vae_checkpoint`,
/// `convert_ldm_clip_checkpoint`, `convert_open_clip_checkpoint`). Weights of `model_ema` are left aside, as there.
struct LDMCheckpoint: Sendable {
    /// By their paths in the diffusers layout.
    let configurations: [String: JSONConfiguration]
    /// By the folders of the diffusers layout.
    let weights: [String: RenamedWeights]
    /// The text encoder's.
    let vocabularySize: Int
    let padToken: String
    /// How it was told what the denoiser predicts.
    let predictionReason: String

    /// Sorts the tensors of a file into parts.
    ///
    /// - Parameter hints: what the file says beside its tensors: a safetensors file's metadata, a pickle's `global_step`.
    /// - Throws: `ModelError.notACheckpoint` where parts are missing or it is something else, `WeightError` where a tensor
    ///   that tells the shape of a part is missing.
    init(_ source: any WeightSource, hints: [String: String]) throws {
        let names = source.names
        try LDMContents(names: names).check(source)
        let denoiser = try LDMDenoiser(LDMTensors(source, names: names, prefix: "model.diffusion_model."))
        let kinds = [5: "a depth-to-image model", 7: "an upscaler", 8: "an InstructPix2Pix model"]
        if let kind = kinds[denoiser.inChannels] {
            throw ModelError.notACheckpoint(
                path: source.file,
                reason: "it is \(kind), whose denoiser takes \(denoiser.inChannels) channels, and that is not read yet")
        }
        let autoencoder = try LDMAutoencoder(LDMTensors(source, names: names, prefix: "first_stage_model."))
        let text = try LDMTextEncoder(source, names: names)

        let prediction = LDMPrediction(source, hints: hints, denoiser: denoiser, usesOpenCLIP: text.isOpenCLIP)
        predictionReason = prediction.reason
        let isLarge = prediction.value == .velocity
        var unet = denoiser.configuration
        unet["sample_size"] = .integer(Self.latentSide(hints) ?? (isLarge ? 96 : 64))
        let isPlain = !text.isOpenCLIP && denoiser.inChannels == 4
        let scheduler: [String: JSONValue] = [
            "_class_name": .string(isPlain ? "PNDMScheduler" : "DDIMScheduler"), "num_train_timesteps": .integer(1000),
            "beta_start": .number(0.00085), "beta_end": .number(0.012), "beta_schedule": .string("scaled_linear"),
            "set_alpha_to_one": .bool(false), "skip_prk_steps": .bool(true), "steps_offset": .integer(1),
            "clip_sample": .bool(false), "prediction_type": .string(prediction.value.rawValue),
        ]
        let parts = [
            "model_index.json": [:], "unet/config.json": unet, "vae/config.json": autoencoder.configuration,
            "text_encoder/config.json": text.configuration, "scheduler/scheduler_config.json": scheduler,
        ]
        configurations = parts.reduce(into: [:]) { result, part in
            result[part.key] = JSONConfiguration(members: part.value, file: source.file)
        }
        weights = [
            "unet": RenamedWeights(source, origins: denoiser.origins),
            "vae": RenamedWeights(source, origins: autoencoder.origins),
            "text_encoder": RenamedWeights(source, origins: text.origins),
        ]
        vocabularySize = text.vocabularySize
        // SD 2.x was trained with the padding of OpenCLIP, token 0.
        padToken = text.isOpenCLIP ? "!" : "<|endoftext|>"
    }

    /// From `modelspec.resolution`, as `768x768` (https://github.com/Stability-AI/ModelSpec).
    private static func latentSide(_ hints: [String: String]) -> Int? {
        guard let side = hints["modelspec.resolution"]?.split(separator: "x").first.flatMap({ Int($0) }),
            (64 ... 4096).contains(side)
        else { return nil }
        return side / 8
    }
}

/// The tensors of one part by what follows its prefix.
struct LDMTensors {
    let source: any WeightSource
    let prefix: String
    /// Without the prefix.
    let names: [Substring]
    private let known: Set<Substring>

    init(_ source: any WeightSource, names: [String], prefix: String) {
        self.source = source
        self.prefix = prefix
        self.names = names.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        known = Set(self.names)
    }

    func has(_ name: String) -> Bool { known.contains(name[...]) }

    /// Throws `WeightError` where the tensor is not there or has fewer dimensions.
    func shape(_ name: String, dimensions: Int) throws(WeightError) -> [Int] {
        guard let tensor = source.tensor(prefix + name) else {
            throw .missingTensors(file: source.file, count: 1, first: [prefix + name])
        }
        guard tensor.shape.count >= dimensions else {
            throw .badTensor(
                file: source.file, tensor: prefix + name,
                reason: "has \(tensor.shape.count) dimensions, expected \(dimensions)")
        }
        return tensor.shape
    }

    /// How many numbers follow each other from `start` in names that begin with `stem`, a number and a dot.
    func count(_ stem: String, from start: Int = 0) -> Int {
        var numbers: Set<Int> = []
        for name in names where name.hasPrefix(stem) {
            if let number = Int(name.dropFirst(stem.count).prefix { $0 != "." }) { numbers.insert(number) }
        }
        var end = start
        while numbers.contains(end) { end += 1 }
        return end - start
    }
}
