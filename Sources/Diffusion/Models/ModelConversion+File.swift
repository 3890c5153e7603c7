internal import Tensors

extension ModelConversion {
    private func textEncoder(_ files: ModelFiles, _ part: String) throws -> TextEncoderConfiguration {
        try TextEncoderConfiguration(files.configuration("\(part)/config.json"))
    }

    private func scheduler(_ files: ModelFiles) throws -> SchedulerConfiguration {
        try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
    }

    func writeFile(_ path: String, _ layout: Layout, observe: (Int) throws -> Void) throws {
        let unet = try UNetConfiguration(files.configuration("unet/config.json"))
        let autoencoder = try AutoencoderConfiguration(files.configuration("vae/config.json"))
        let texts = try Dictionary(
            uniqueKeysWithValues: files.textEncoders.map { ($0, try textEncoder(files, $0)) })
        let names = LDMNames(unet: unet, autoencoder: autoencoder, texts: texts)
        var entries: [String: WeightFileWriter.Entry] = [:]
        func nameless(_ tensor: WeightTensor) -> ModelError {
            refusal("its tensor '\(tensor.name)' has no name in a single file")
        }
        func place(_ tensor: WeightTensor, _ name: String?) throws {
            guard let name else { throw nameless(tensor) }
            entries[name] = .init(name: name, shape: tensor.shape, pieces: [tensor])
        }
        for tensor in tensors("unet") { try place(tensor, names.denoiser(tensor.name)) }
        for tensor in tensors("vae") {
            let name = names.autoencoder(tensor.name)
            try place(tensor, name)
            // Linear layers in the folder, convolutions of one pixel in the file.
            if let name, name.contains(".attn_1."), tensor.shape.count == 2 { entries[name]?.shape += [1, 1] }
        }
        var thirds: [String: [Int: WeightTensor]] = [:]
        for part in files.textEncoders {
            for tensor in tensors(part) {
                guard let text = names.text(tensor.name, part: part), !text.isTransposed || tensor.shape.count == 2
                else {
                    throw nameless(tensor)
                }
                if let third = text.third {
                    thirds[text.name, default: [:]][third] = tensor
                } else {
                    try place(text.isTransposed ? tensor.transposed : tensor, text.name)
                }
            }
        }
        for (name, pieces) in thirds {
            let ordered = (0 ..< 3).compactMap { pieces[$0] }
            guard ordered.count == 3, Set(ordered.map(\.shape)).count == 1, Set(ordered.map(\.elementType)).count == 1,
                let first = ordered.first, let rows = first.shape.first
            else { throw refusal("the pieces of '\(name)' do not belong together") }
            entries[name] = .init(name: name, shape: [3 * rows] + first.shape.dropFirst(), pieces: ordered)
        }
        if let (part, place) = names.places.first(where: { $0.value == .second }), let layers = texts[part]?.layers {
            // Readers expect a last layer, of which nothing is taken: the one before stands in for it.
            let stem = place.rawValue + "transformer.resblocks."
            for (name, entry) in entries where name.hasPrefix("\(stem)\(layers - 1).") {
                let copy = name.replacing("\(stem)\(layers - 1).", with: "\(stem)\(layers).")
                entries[copy] = .init(name: copy, shape: entry.shape, pieces: entry.pieces)
            }
        }
        let schedule = try scheduler(files)
        // As ComfyUI marks them, empty.
        var marks = schedule.rescaleBetasZeroSNR == true ? ["ztsnr"] : []
        if schedule.prediction == .velocity, unet.addedCondition != nil { marks.append("v_pred") }
        for mark in marks { entries[mark] = .init(name: mark, shape: [0], pieces: []) }
        let metadata = metadata(unet: unet, scheduler: schedule)
        guard layout == .gguf else {
            try SafetensorsWriter(path: path).write(
                typed(entries.values), metadata: metadata, observe: observe)
            return
        }
        // As ComfyUI-GGUF calls them; its sd1 has CLIP's names for the text encoder, SD 2.x those of OpenCLIP.
        let isSecond = entries.keys.contains { $0.hasPrefix("cond_stage_model.model.") }
        let architecture = unet.addedCondition != nil ? "sdxl" : isSecond ? "sd2" : "sd1"
        try GGUFWriter(path: path).write(
            typed(entries.values), architecture: architecture, metadata: metadata, observe: observe)
    }

    /// What the tensors do not tell; and what the source said of itself.
    private func metadata(unet: UNetConfiguration, scheduler: SchedulerConfiguration) -> [String: String] {
        var metadata = files.hints.filter { $0.key.hasPrefix("modelspec.") && !$0.key.contains("hash") }
        metadata["format"] = "pt"
        if let prediction = scheduler.prediction {
            metadata["modelspec.prediction_type"] = prediction == .velocity ? "v" : prediction.rawValue
        }
        // In pixels at 1/8, which is what `LDMCheckpoint` divides by.
        if let side = unet.sampleSize.map({ $0 * 8 }) {
            metadata["modelspec.resolution"] = "\(side)x\(side)"
        }
        // A scheduler alone tells of distillation in a folder.
        if unet.guidanceChannels == nil, FewSteps.Kind(stated: metadata) == nil,
            let kind = FewSteps(unet: unet, scheduler: scheduler, hints: [:])?.kind
        {
            let name = files.name.split(separator: "/").last.map(String.init) ?? files.name
            metadata["modelspec.title"] = "\(metadata["modelspec.title"] ?? name) (\(kind.rawValue))"
        }
        return metadata
    }

    /// Reads a single file back: it must be told to be the same model by its tensors alone.
    func compare(with path: String, target: String) throws {
        let written = try ModelFiles(.file(path))
        func check<Value: Equatable>(_ what: String, _ make: (ModelFiles) throws -> Value) throws {
            guard try make(files) == make(written) else {
                throw refusal("\(what) cannot be told from the tensors of a single file")
            }
        }
        try check("the configuration of its denoiser") {
            var unet = try UNetConfiguration($0.configuration("unet/config.json"))
            // Of levels without attention a folder may say any number; the middle has the coarsest level's.
            let last = unet.blockChannels.count - 1
            for level in 0 ..< last where !unet.downAttention[level] && !unet.upAttention[last - level] {
                unet.transformerLayers[level] = 1
                unet.upTransformerLayers[last - level] = 1
            }
            return unet
        }
        try check("the configuration of its autoencoder") {
            try AutoencoderConfiguration($0.configuration("vae/config.json"))
        }
        guard Set(files.textEncoders) == Set(written.textEncoders) else {
            throw refusal("its text encoders cannot be told from the tensors of a single file")
        }
        for part in files.textEncoders {
            try check("the configuration of its \(part)") {
                var text = try textEncoder($0, part)
                // Only SDXL's second has a pooled text; its end token is said wrongly by old files.
                let isPooled = part == ModelFiles.secondTextEncoder
                text.projectionChannels = isPooled ? text.projectionChannels : 0
                text.endToken = isPooled ? (text.endToken == 2 ? text.vocabularySize - 1 : text.endToken) : 0
                return text
            }
            try check("the token that fills up the prompts of its \(part)") { try $0.padToken(of: part) }
            if hasLayout, let word = try files.tokenizer(of: part).configuration.furtherTokens.first {
                throw refusal(
                    "the word '\(word.content.prefix(60))' of its tokenizer cannot be told from the tensors of a single file"
                )
            }
        }
        try check("its noise schedule") { files in
            let scheduler = try scheduler(files)
            return
                "\(scheduler.prediction ?? .epsilon) \(scheduler.trainTimesteps ?? 1000) \(scheduler.betaStart ?? 0.0001) "
                + "\(scheduler.betaEnd ?? 0.02) \(scheduler.betaSchedule ?? .linear) \(scheduler.rescaleBetasZeroSNR ?? false)"
        }
        if files.textEncoders.contains(ModelFiles.secondTextEncoder) {
            try check("what an empty prompt means to it") {
                try $0.configuration("model_index.json").bool("force_zeros_for_empty_prompt") ?? true
            }
        }
        for part in parts.keys.sorted() {
            let found = Set(try written.weights(part).names)
            let names = tensors(part).map { part.hasPrefix("text_encoder") ? LDMNames.full($0.name) : $0.name }
            let missing = names.filter { !found.contains($0) }
            // Old files call the layers of the autoencoder's attention otherwise.
            guard missing.allSatisfy({ $0.contains("mid_block.attentions") }) else {
                throw refusal("its tensor '\(missing[0])' is not found again in \(target)")
            }
        }
    }
}
