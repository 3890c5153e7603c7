internal import PlainText
internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ModelConversion {
    func writeFolder(_ path: String, observe: (Int) throws -> Void) throws {
        let tokenizers = files.textEncoders.map { ($0, $0.replacing("text_encoder", with: "tokenizer")) }
        for part in [""] + (parts.keys.sorted() + ["scheduler"] + tokenizers.map(\.1)).map({ "/" + $0 }) {
            guard mkdir((path + part).nativePath, 0o755) == 0 else {
                throw ModelError.notWritten(path: path + part, reason: String(cString: strerror(errno)))
            }
        }
        for part in parts.keys.sorted() {
            let isText = part.hasPrefix("text_encoder")
            let stem = isText ? "model" : "diffusion_pytorch_model"
            let entries = tensors(part).map { tensor in
                // The autoencoder's attention is linear layers there, convolutions of one pixel in a single file.
                let isFlat = part == "vae" && tensor.name.contains("attentions") && tensor.shape.suffix(2) == [1, 1]
                let name = isText ? LDMNames.full(tensor.name) : tensor.name
                return WeightFileWriter.Entry(
                    name: name, shape: isFlat ? tensor.shape.dropLast(2) : tensor.shape, pieces: [tensor])
            }
            try SafetensorsWriter(path: "\(path)/\(part)/\(stem).safetensors").write(
                typed(entries), metadata: ["format": "pt"], observe: observe)
        }
        if hasLayout {
            let ofTokenizer = [
                "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                "added_tokens.json",
            ]
            let others =
                ["model_index.json", "scheduler/scheduler_config.json", "README.md"]
                + parts.keys.map { "\($0)/config.json" }
                + tokenizers.flatMap { part in ofTokenizer.map { "\(part.1)/\($0)" } }
            for file in others where files.has(file) {
                try files.withBytes(of: file) { bytes in
                    if file == "model_index.json", let index = Self.indexWithoutLoRA(bytes) {
                        try Self.put(index.line + "\n", to: "\(path)/\(file)")
                    } else {
                        try Self.put(bytes, to: "\(path)/\(file)")
                    }
                }
            }
            return
        }
        for (file, members) in try configurations() {
            try Self.put(JSONValue.object(members).line + "\n", to: "\(path)/\(file)")
        }
        guard let clipVocabulary, MappedFile.exists(clipVocabulary) else {
            throw ModelError.noVocabulary(model: files.name, lookedFor: clipVocabulary ?? "its usual place")
        }
        for (encoder, folder) in tokenizers {
            let size = try files.configuration("\(encoder)/config.json").integer("vocab_size") ?? 49408
            let (words, merges) = try CLIPTokenizer.words(clipVocabulary: clipVocabulary, size: size)
            let numbers = Dictionary(
                words.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
            try Self.put(
                JSONValue.object(numbers.mapValues { .integer($0) }).line, to: "\(path)/\(folder)/vocab.json")
            try Self.put(
                "#version: 0.2\n" + String(decoding: merges, as: UTF8.self), to: "\(path)/\(folder)/merges.txt")
        }
    }

    /// Whether the model has the files of the diffusers layout already.
    var hasLayout: Bool {
        switch source {
        case .folder, .embedded: true
        case .file: false
        }
    }

    /// A `model_index.json` without its word of a LoRA, which is in the weights that are written; `nil` where it has
    /// none.
    private static func indexWithoutLoRA(_ bytes: UnsafeRawBufferPointer) -> JSONValue? {
        guard case .object(var members)? = try? JSONValue(parsing: bytes),
            case .object(var editor)? = members["editor"], editor.removeValue(forKey: "lora") != nil
        else { return nil }
        members["editor"] = .object(editor)
        return .object(members)
    }

    /// The configurations of a single file as diffusers and transformers write them, with what their readers ask for beside
    /// what was told from the tensors.
    private func configurations() throws -> [(String, [String: JSONValue])] {
        func members(_ path: String) throws -> [String: JSONValue] {
            let configuration = try files.configuration(path)
            return Dictionary(
                uniqueKeysWithValues: configuration.keys.compactMap { key in
                    configuration.value(key).map { (key, $0) }
                })
        }
        func strings(_ text: String, count: Int) -> JSONValue {
            .array([JSONValue](repeating: .string(text), count: count))
        }
        var unet = try members("unet/config.json")
        unet["_class_name"] = .string("UNet2DConditionModel")
        // transformers of one depth are one number there.
        if case .array(let layers)? = unet["layers_per_block"], let first = layers.first,
            layers.allSatisfy({ $0 == first })
        {
            unet["layers_per_block"] = first
        }
        if case .array(let layers)? = unet["transformer_layers_per_block"], let first = layers.first,
            layers.allSatisfy({ $0 == first })
        {
            unet["transformer_layers_per_block"] = first
        }
        var vae = try members("vae/config.json")
        let levels = try AutoencoderConfiguration(files.configuration("vae/config.json")).blockChannels.count
        vae["_class_name"] = .string("AutoencoderKL")
        vae["down_block_types"] = strings("DownEncoderBlock2D", count: levels)
        vae["up_block_types"] = strings("UpDecoderBlock2D", count: levels)
        let scheduler = try members("scheduler/scheduler_config.json")
        var result = [
            ("model_index.json", try index(scheduler: scheduler)), ("unet/config.json", unet), ("vae/config.json", vae),
            ("scheduler/scheduler_config.json", scheduler),
        ]
        for part in files.textEncoders {
            var text = try members("\(part)/config.json")
            text["architectures"] = .array([.string(Self.textClass(part))])
            text["model_type"] = .string("clip_text_model")
            let vocabulary = try files.configuration("\(part)/config.json").integer("vocab_size") ?? 49408
            text["bos_token_id"] = .integer(vocabulary - 2)
            text["eos_token_id"] = .integer(vocabulary - 1)
            let own = try files.tokenizer(of: part).configuration
            let tokenizer: [String: JSONValue] = [
                "tokenizer_class": .string("CLIPTokenizer"), "bos_token": .string(own.beginToken),
                "eos_token": .string(own.endToken), "pad_token": .string(own.padToken),
                "unk_token": .string(own.unknownToken), "model_max_length": .integer(own.windowLength),
            ]
            result.append(("\(part)/config.json", text))
            result.append(("\(part.replacing("text_encoder", with: "tokenizer"))/tokenizer_config.json", tokenizer))
        }
        return result
    }

    private static func textClass(_ part: String) -> String {
        part == ModelFiles.secondTextEncoder ? "CLIPTextModelWithProjection" : "CLIPTextModel"
    }

    /// `model_index.json`: the pipeline's class and those of its parts.
    private func index(scheduler: [String: JSONValue]) throws -> [String: JSONValue] {
        guard case .string(let schedulerClass)? = scheduler["_class_name"] else {
            throw refusal("its scheduler has no class")
        }
        let unet = try UNetConfiguration(files.configuration("unet/config.json"))
        let isXL = files.textEncoders.contains(ModelFiles.secondTextEncoder)
        let isRefiner = isXL && files.textEncoders.count == 1
        let kind: String
        switch unet.inChannels {
        case 4 where unet.guidanceChannels != nil && !isXL: kind = "LatentConsistencyModel"
        case 4: kind = "StableDiffusion" + (isRefiner ? "XLImg2Img" : isXL ? "XL" : "")
        case 8: kind = "StableDiffusion" + (isXL ? "XL" : "") + "InstructPix2Pix"
        case 9: kind = "StableDiffusion" + (isXL ? "XL" : "") + "Inpaint"
        default: throw refusal("its denoiser takes \(unet.inChannels.of("channel")), expected 4, 8 or 9")
        }
        func pair(_ library: String, _ name: String) -> JSONValue { .array([.string(library), .string(name)]) }
        let none = JSONValue.array([.null, .null])
        var index: [String: JSONValue] = [
            "_class_name": .string(kind + "Pipeline"), "unet": pair("diffusers", "UNet2DConditionModel"),
            "vae": pair("diffusers", "AutoencoderKL"), "scheduler": pair("diffusers", schedulerClass),
            "text_encoder": none, "tokenizer": none,
        ]
        for part in files.textEncoders {
            index[part] = pair("transformers", Self.textClass(part))
            index[part.replacing("text_encoder", with: "tokenizer")] = pair("transformers", "CLIPTokenizer")
        }
        if isXL {
            index["force_zeros_for_empty_prompt"] = .bool(
                try files.configuration("model_index.json").bool("force_zeros_for_empty_prompt") ?? true)
            if isRefiner { index["requires_aesthetics_score"] = .bool(true) }
        } else {
            index["safety_checker"] = none
            index["feature_extractor"] = none
            index["requires_safety_checker"] = .bool(false)
        }
        return index
    }
}
