internal import PlainText
internal import Tensors

/// An autoencoder that lies by itself, to take the place of a model's own: a folder in the diffusers layout (of it, or of a
/// whole model), a file in the original names or diffusers', or TAESD's pair of files.
struct AutoencoderFiles {
    let autoencoder: any PictureAutoencoder
    /// For errors about its values, and for packed weights.
    let weights: [any WeightSource]

    private init(_ autoencoder: any PictureAutoencoder, weights: [any WeightSource]) {
        self.autoencoder = autoencoder
        self.weights = weights
    }

    /// The scale of latents of Stable Diffusion's own, for models that bring none.
    static func usualScale(isXL: Bool) -> Float { isXL ? 0.13025 : 0.18215 }

    /// - Parameters:
    ///   - modelScale: the scale of latents of the model's own autoencoder, for files that do not state theirs.
    /// - Throws: `ModelError.notAnAutoencoder`, `WeightError`, `ConfigurationError` or `NetworkError`.
    init(path: String, modelScale: Float) throws {
        guard MappedFile.exists(path) else {
            throw ModelError.notAnAutoencoder(path: path, reason: "there is no such file")
        }
        if MappedFile.exists(path + "/.") {
            var folder = path
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            if MappedFile.exists(folder + "/vae/config.json") { folder += "/vae" }
            try self.init(folder: folder)
        } else {
            try self.init(file: path, modelScale: modelScale)
        }
    }

    /// Whether a folder is an autoencoder's own.
    static func isFolderOfOne(_ folder: String) -> Bool {
        if let configuration = try? JSONConfiguration(path: folder + "/config.json") {
            let name = try? configuration.string("_class_name")
            return name == "AutoencoderKL" || name == "AutoencoderTiny"
        }
        return encoderFile(in: folder) != nil
    }

    /// Whether a file with tensors of those names has an autoencoder, or half of a tiny one, and nothing else.
    static func isFileOfOne(_ names: some Collection<String>) -> Bool {
        let others = ["model.diffusion_model.", "cond_stage_model.", "conditioner."]
        guard !names.contains(where: { name in others.contains { name.hasPrefix($0) } }) else { return false }
        let isHalf = names.contains("1.weight") || names.contains("0.weight")
        if isHalf { return names.contains { $0.hasSuffix(".conv.0.weight") } }
        return names.contains { name in
            ["taesd_decoder.", "decoder.layers."].contains { name.hasPrefix($0) }
                || ["encoder.down.0.", "encoder.down_blocks.0."].contains {
                    name.hasPrefix($0) || name.hasPrefix("first_stage_model." + $0)
                }
        }
    }

    /// The encoder's file of a folder that has TAESD's pair.
    private static func encoderFile(in folder: String) -> String? {
        for stem in ["taesd", "taesdxl", "taef2", "taef1", "taesd3"] {
            for ending in [".safetensors", ".pth"] {
                let path = "\(folder)/\(stem)_encoder\(ending)"
                if MappedFile.exists(path) { return path }
            }
        }
        return nil
    }

    /// An autoencoder in the diffusers layout.
    init(configuration: JSONConfiguration, weights: any WeightSource) throws {
        if try configuration.string("_class_name") == "AutoencoderTiny" {
            for (key, expected) in [("act_fn", "relu"), ("upsample_fn", "nearest")] {
                if let value = try configuration.string(key), value != expected {
                    throw NetworkError.unsupported(file: configuration.file, key: key, value: value)
                }
            }
            if let factor = try configuration.integer("upsampling_scaling_factor"), factor != 2 {
                throw NetworkError.unsupported(
                    file: configuration.file, key: "upsampling_scaling_factor", value: "\(factor)")
            }
            let (scale, shift) = (
                Float(try configuration.double("scaling_factor") ?? 1),
                Float(try configuration.double("shift_factor") ?? 0)
            )
            guard scale != 0 else {
                throw NetworkError.impossible(file: configuration.file, reason: "scaling_factor is 0")
            }
            let tiny = try MissingTensors.counted(in: weights) {
                try TinyAutoencoder(
                    encoder: LayerLoader($0, part: "vae.encoder", prefix: "encoder.layers."),
                    decoder: LayerLoader($0, part: "vae.decoder", prefix: "decoder.layers."),
                    decoderStart: 0, latentNormalization: LatentNormalization(scale: scale, shift: shift))
            }
            self.init(tiny, weights: [weights])
            return
        }
        let shape = try AutoencoderConfiguration(configuration)
        let found = try MissingTensors.counted(in: weights) { try Autoencoder(configuration: shape, weights: $0) }
        self.init(found, weights: [weights])
    }

    private init(folder: String) throws {
        if MappedFile.exists(folder + "/config.json") {
            if let kind = WeightKind(folder: folder), case .part(let name) = kind,
                !["Autoencoder", "VAE", "VQModel"].contains(where: name.contains)
            {
                throw ModelError.notAnAutoencoder(path: folder, reason: kind.clause)
            }
            try self.init(
                configuration: JSONConfiguration(path: folder + "/config.json"), weights: WeightFolder.open(folder))
            return
        }
        if let path = Self.encoderFile(in: folder) {
            try self.init(file: path, modelScale: 1)
            return
        }
        if let kind = WeightKind(folder: folder) {
            throw ModelError.notAnAutoencoder(path: folder, reason: kind.clause)
        }
        throw ModelError.notAnAutoencoder(
            path: folder, reason: "it has neither config.json nor taesd_encoder.safetensors")
    }

    private init(file path: String, modelScale: Float) throws {
        let weights = try WeightFile.open(path) {
            ModelError.notAnAutoencoder(path: path, reason: "\($0)\(WeightKind.advice(on: path))")
        }.weights
        let names = weights.allNames
        func has(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
        if has("taesd_decoder.") {
            let tiny = try MissingTensors.counted(in: weights) {
                try TinyAutoencoder(
                    encoder: LayerLoader($0, part: "vae.encoder", prefix: "taesd_encoder."),
                    decoder: LayerLoader($0, part: "vae.decoder", prefix: "taesd_decoder."),
                    decoderStart: 1)
            }
            self.init(tiny, weights: [weights])
        } else if has("decoder.layers.") {
            try self.init(
                configuration: JSONConfiguration(
                    members: ["_class_name": .string("AutoencoderTiny")], file: path), weights: weights)
        } else if names.contains("1.weight") || names.contains("0.weight") {
            try self.init(half: path, weights)
        } else {
            let prefix = has("first_stage_model.") ? "first_stage_model." : ""
            guard has(prefix + "encoder.down.0.") || has(prefix + "encoder.down_blocks.0.") else {
                if let kind = WeightKind(weights), kind != .autoencoder {
                    throw ModelError.notAnAutoencoder(path: path, reason: kind.clause)
                }
                let first = names.sorted().prefix(3).map { "'\($0.prefix(60))'" }.joined(separator: ", ")
                throw ModelError.notAnAutoencoder(
                    path: path,
                    reason: "none of its \(names.count.of("tensor")) is one of an autoencoder's; the first are \(first)"
                )
            }
            do {
                let tensors = LDMTensors(weights, names: names, prefix: prefix)
                let parts = try LDMAutoencoder(tensors, scale: modelScale)
                try self.init(
                    configuration: JSONConfiguration(members: parts.configuration, file: path),
                    weights: RenamedWeights(weights, origins: parts.origins))
            } catch  where Self.isFolderOfOne(path.folderOfFile) {
                // Its tensors alone do not tell all.
                throw ModelError.notAnAutoencoder(
                    path: path,
                    reason: "its configuration lies beside it; give the folder, '\(path.folderOfFile)'")
            }
        }
    }

    /// One of TAESD's two files; the other lies beside it and is called alike.
    private init(half path: String, _ weights: any WeightSource) throws {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        let name = String(path.dropFirst(folder.count))
        func other(_ word: String, for stated: String) -> String? {
            guard let range = name.firstRange(of: stated) else { return nil }
            return folder + name[..<range.lowerBound] + word + name[range.upperBound...]
        }
        // The decoder begins with a clamp, which has no tensors.
        let isEncoder = weights.has("0.weight")
        // What each is its tensors tell: the names may be the wrong way round.
        guard let otherPath = other("decoder", for: "encoder") ?? other("encoder", for: "decoder"),
            MappedFile.exists(otherPath)
        else {
            let (here, there) = isEncoder ? ("encoder", "decoder") : ("decoder", "encoder")
            throw ModelError.notAnAutoencoder(
                path: path,
                reason:
                    "it is a tiny autoencoder's \(here) alone, and no file called alike, with '\(there)' in place of "
                    + "'\(here)', lies beside it")
        }
        let second = try WeightFile.open(otherPath).weights
        guard second.has("0.weight") != isEncoder else {
            throw ModelError.notAnAutoencoder(
                path: path,
                reason: "it and '\(otherPath)' are both a tiny autoencoder's \(isEncoder ? "encoder" : "decoder")")
        }
        let (encoder, decoder) = isEncoder ? (weights, second) : (second, weights)
        let tiny = try TinyAutoencoder(
            encoder: LayerLoader(encoder, part: "vae.encoder"), decoder: LayerLoader(decoder, part: "vae.decoder"),
            decoderStart: 1)
        self.init(tiny, weights: [encoder, decoder])
    }
}
