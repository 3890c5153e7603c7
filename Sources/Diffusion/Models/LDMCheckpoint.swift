internal import PlainText
internal import Tensors

/// A whole model in one file, with the names of the code it was trained with (CompVis `latent-diffusion`, Stability's
/// `stablediffusion`, `generative-models`): Stable Diffusion 1.x, 2.x and XL.
///
/// The parts' configurations are made from the tensors, and the tensors are given the names that diffusers gives them
/// (diffusers 0.42.1, `loaders/single_file_utils.py`: `convert_ldm_unet_checkpoint`, `convert_ldm_vae_checkpoint`,
/// `convert_ldm_clip_checkpoint`, `convert_open_clip_checkpoint`). Weights of `model_ema` are left aside, as there.
struct LDMCheckpoint: Sendable {
    let parts: ModelParts

    /// Sorts the tensors of a file into parts.
    ///
    /// - Parameters:
    ///   - hints: what the file says beside its tensors: a safetensors file's metadata, a pickle's `global_step`.
    ///   - needsAutoencoder: whether one must be there; else a file may lack it.
    /// - Throws: `ModelError.notACheckpoint` where parts are missing or it is something else, `WeightError` where a tensor
    ///   that tells the shape of a part is missing.
    init(_ source: any WeightSource, hints: [String: String], needsAutoencoder: Bool = true) throws {
        // Also those of types that are not computed with: whoever needs one says so by its name.
        let names = source.allNames
        try LDMContents(names: names).check(source, needsAutoencoder: needsAutoencoder)
        let denoiser = try LDMDenoiser(LDMTensors(source, names: names, prefix: "model.diffusion_model."))
        let kinds = [5: "a depth-to-image model", 7: "an upscaler"]
        if let kind = kinds[denoiser.inChannels] {
            throw ModelError.notACheckpoint(
                path: source.file,
                reason:
                    "it is \(kind), whose denoiser takes \(denoiser.inChannels.of("channel")), and that is not read yet"
            )
        }
        let encoders = try LDMTextEncoder.all(source, names: names)
        let isXL = encoders.contains { $0.place.isXL }
        let isSecond = encoders.contains { $0.place == .second }
        let isRefiner = encoders.contains { $0.place == .refiner }
        let stage = LDMTensors(source, names: names, prefix: "first_stage_model.")
        let autoencoder =
            stage.names.isEmpty && !needsAutoencoder
            ? nil : try LDMAutoencoder(stage, scale: AutoencoderFiles.usualScale(isXL: isXL))

        let prediction = LDMPrediction(source, hints: hints, denoiser: denoiser, isSecondFamily: isSecond)
        let isLarge = prediction.value == .velocity
        var unet = denoiser.configuration
        unet["sample_size"] = .integer(Self.latentSide(hints) ?? (isXL ? 128 : isLarge ? 96 : 64))
        let isPlain = !isSecond && denoiser.inChannels == 4
        var scheduler: [String: JSONValue] = [
            "_class_name": .string(isXL ? "EulerDiscreteScheduler" : isPlain ? "PNDMScheduler" : "DDIMScheduler"),
            "num_train_timesteps": .integer(1000),
            "beta_start": .number(0.00085), "beta_end": .number(0.012), "beta_schedule": .string("scaled_linear"),
            "set_alpha_to_one": .bool(false), "skip_prk_steps": .bool(true), "steps_offset": .integer(1),
            "clip_sample": .bool(false), "prediction_type": .string(prediction.value.rawValue),
        ]
        if isXL { scheduler["timestep_spacing"] = .string("leading") }
        if names.contains("ztsnr") {
            scheduler["rescale_betas_zero_snr"] = .bool(true)
            scheduler["timestep_spacing"] = .string("trailing")
        }
        FewSteps.Kind(denoiser: denoiser, hints: hints)?.amend(&scheduler)
        var configurations = [
            "model_index.json": isXL ? ["force_zeros_for_empty_prompt": .bool(!isRefiner)] : [:],
            "unet/config.json": unet, "scheduler/scheduler_config.json": scheduler,
        ]
        if let autoencoder { configurations["vae/config.json"] = autoencoder.configuration }
        for encoder in encoders { configurations["\(encoder.part)/config.json"] = encoder.configuration }
        var weights = ["unet": RenamedWeights(source, origins: denoiser.origins)]
        if let autoencoder { weights["vae"] = RenamedWeights(source, origins: autoencoder.origins) }
        for encoder in encoders { weights[encoder.part] = RenamedWeights(source, origins: encoder.origins) }
        self.parts = ModelParts(
            configurations: configurations.mapValues { JSONConfiguration(members: $0, file: source.file) },
            weights: weights,
            vocabularies: Dictionary(
                encoders.map { ($0.part, ModelParts.Vocabulary(size: $0.vocabularySize, padToken: $0.padToken)) },
                uniquingKeysWith: { first, _ in first }), hints: hints, predictionReason: prediction.reason)
    }

    /// From `modelspec.resolution`, as `768x768` (https://github.com/Stability-AI/ModelSpec).
    private static func latentSide(_ hints: [String: String]) -> Int? {
        guard let resolution = hints["modelspec.resolution"], !resolution.isTooLongForName,
            let side = resolution.split(separator: "x").first.flatMap({ Int($0) }),
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
            if let found = source.unusableElementType(prefix + name) {
                throw .unsupportedElementType(file: source.file, tensor: prefix + name, found: found)
            }
            throw .missingTensors(file: source.file, count: 1, first: [prefix + name])
        }
        guard tensor.shape.count >= dimensions else {
            throw .badTensor(
                file: source.file, tensor: prefix + name,
                reason: "has \(tensor.shape.count.of("dimension")), expected \(dimensions)")
        }
        return tensor.shape
    }

    /// How many numbers follow each other from `start` in names that begin with `stem`, a number and a dot.
    func count(_ stem: String, from start: Int = 0) -> Int {
        var numbers: Set<Int> = []
        for name in names where name.hasPrefix(stem) {
            let text = name.dropFirst(stem.count).prefix { $0 != "." }
            if let number = text.layerNumber { numbers.insert(number) }
        }
        var end = start
        while numbers.contains(end) { end += 1 }
        return end - start
    }
}
