internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writes a model anew: as a folder in the diffusers layout or as a single file in the original key layout, its weights in
/// f32, f16 or bf16.
public struct ModelConversion: Sendable {
    public enum Layout: String, Sendable, CaseIterable {
        /// A folder in the diffusers layout.
        case folder
        /// One safetensors file.
        case file
    }

    public enum Weights: String, Sendable, CaseIterable {
        case f32, f16, bf16

        var elementType: WeightTensor.ElementType {
            switch self {
            case .f32: .float32
            case .f16: .float16
            case .bf16: .bfloat16
            }
        }
    }

    private let files: ModelFiles
    private let source: ModelSource
    private let weights: Weights?
    private let clipVocabulary: String?
    private let parts: [String: any WeightSource]
    private static let names = ["unet", "vae", "text_encoder"]

    /// - Parameters:
    ///   - weights: `nil` to keep what each tensor is; GGUF's blocks become f16.
    ///   - clipVocabulary: for a single file, which brings no tokenizer.
    /// - Throws: `ModelError` or `WeightError`.
    public init(of source: ModelSource, weights: Weights?, clipVocabulary: String?) throws {
        self.source = source
        self.weights = weights
        self.clipVocabulary = clipVocabulary
        let files = try ModelFiles(source, clipVocabulary: clipVocabulary)
        self.files = files
        guard (try? files.configuration("text_encoder_2/config.json")) == nil else {
            throw ModelError.notConvertible(
                path: files.name,
                reason: "it has a second text encoder, and only Stable Diffusion 1.x and 2.x are written")
        }
        parts = try Dictionary(uniqueKeysWithValues: Self.names.map { ($0, try files.weights($0)) })
    }

    /// Bytes of the weights to be written, nearly.
    public var bytes: Int {
        parts.values.reduce(0) { sum, part in
            part.names.reduce(sum) { sum, name in
                guard let tensor = part.tensor(name) else { return sum }
                return sum + tensor.count * (weights?.elementType.size ?? min(4, max(2, tensor.elementType.size)))
            }
        }
    }

    /// Writes to a path where nothing is. What is written gets its name when it is whole, and was read back.
    ///
    /// - Parameter observe: told of bytes written; what it throws ends the conversion, and nothing is left.
    /// - Throws: `ModelError`, `WeightError`, or what `observe` throws.
    public func write(_ layout: Layout, to path: String, observe: (Int) throws -> Void) throws {
        // Its ending tells nothing of what it is, so that no reader takes a part for a model.
        let temporary = "\(path).\(getpid()).incomplete"
        do {
            switch layout {
            case .folder: try writeFolder(temporary, observe: observe)
            case .file:
                try writeFile(temporary, observe: observe)
                try compare(with: temporary, target: path)
            }
            guard rename(temporary, path) == 0 else {
                throw ModelError.notWritten(path: path, reason: String(cString: strerror(errno)))
            }
        } catch {
            Self.remove(temporary)
            throw error
        }
    }

    private func refusal(_ reason: String) -> ModelError { .notConvertible(path: files.name, reason: reason) }

    /// The tensors of a part that a network computes with; numbers of positions and the like are left out.
    private func tensors(_ part: String) -> [WeightTensor] {
        guard let source = parts[part] else { return [] }
        return source.names.sorted().compactMap { source.tensor($0) }
    }

    // MARK: A single file

    private func writeFile(_ path: String, observe: (Int) throws -> Void) throws {
        let unet = try UNetConfiguration(files.configuration("unet/config.json"))
        let autoencoder = try AutoencoderConfiguration(files.configuration("vae/config.json"))
        let text = try TextEncoderConfiguration(files.configuration("text_encoder/config.json"))
        let names = LDMNames(unet: unet, autoencoder: autoencoder, text: text)
        var entries: [String: SafetensorsWriter.Entry] = [:]
        func place(_ tensor: WeightTensor, _ name: String?) throws {
            guard let name else { throw refusal("its tensor '\(tensor.name)' has no name in a single file") }
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
        for tensor in tensors("text_encoder") {
            guard let (name, third) = names.text(tensor.name) else {
                throw refusal("its tensor '\(tensor.name)' has no name in a single file")
            }
            if let third { thirds[name, default: [:]][third] = tensor } else { try place(tensor, name) }
        }
        for (name, pieces) in thirds {
            let ordered = (0 ..< 3).compactMap { pieces[$0] }
            guard ordered.count == 3, Set(ordered.map(\.shape)).count == 1, Set(ordered.map(\.elementType)).count == 1,
                let first = ordered.first, let rows = first.shape.first
            else { throw refusal("the pieces of '\(name)' do not belong together") }
            entries[name] = .init(name: name, shape: [3 * rows] + first.shape.dropFirst(), pieces: ordered)
        }
        if names.isOpenCLIP {
            // Readers expect a last layer, of which nothing is taken: the one before stands in for it.
            let stem = LDMTextEncoder.Place.second.rawValue + "transformer.resblocks."
            for (name, entry) in entries where name.hasPrefix("\(stem)\(names.textLayers - 1).") {
                let copy = name.replacing("\(stem)\(names.textLayers - 1).", with: "\(stem)\(names.textLayers).")
                entries[copy] = .init(name: copy, shape: entry.shape, pieces: entry.pieces)
            }
        }
        let scheduler = try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
        var metadata = ["format": "pt"]
        if let prediction = scheduler.prediction {
            metadata["modelspec.prediction_type"] = prediction == .velocity ? "v" : prediction.rawValue
        }
        // In pixels at 1/8, which is what `LDMCheckpoint` divides by.
        if let side = unet.sampleSize.map({ $0 * 8 }) {
            metadata["modelspec.resolution"] = "\(side)x\(side)"
        }
        try SafetensorsWriter(path: path).write(
            Array(entries.values), metadata: metadata, as: weights?.elementType, observe: observe)
    }

    /// Reads a single file back: it must be told to be the same model by its tensors alone.
    private func compare(with path: String, target: String) throws {
        let written = try ModelFiles(.file(path))
        func check<Value: Equatable>(_ what: String, _ make: (ModelFiles) throws -> Value) throws {
            guard try make(files) == make(written) else {
                throw refusal("\(what) cannot be told from the tensors of a single file")
            }
        }
        try check("the configuration of its denoiser") {
            try UNetConfiguration($0.configuration("unet/config.json"))
        }
        try check("the configuration of its autoencoder") {
            try AutoencoderConfiguration($0.configuration("vae/config.json"))
        }
        try check("the configuration of its text encoder") {
            var text = try TextEncoderConfiguration($0.configuration("text_encoder/config.json"))
            // The pooled text is SDXL's.
            (text.projectionChannels, text.endToken) = (0, 0)
            return text
        }
        try check("its noise schedule") { files in
            let scheduler = try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
            return
                "\(scheduler.prediction ?? .epsilon) \(scheduler.trainTimesteps ?? 1000) \(scheduler.betaStart ?? 0.0001) "
                + "\(scheduler.betaEnd ?? 0.02) \(scheduler.betaSchedule ?? .linear)"
        }
        for part in Self.names {
            let found = Set(try written.weights(part).names)
            let names = tensors(part).map { part == "text_encoder" ? LDMNames.full($0.name) : $0.name }
            let missing = names.filter { !found.contains($0) }
            // Old files call the layers of the autoencoder's attention otherwise.
            guard missing.allSatisfy({ $0.contains("mid_block.attentions") }) else {
                throw refusal("its tensor '\(missing[0])' is not found again in \(target)")
            }
        }
    }

    // MARK: A folder

    private func writeFolder(_ path: String, observe: (Int) throws -> Void) throws {
        for part in ["", "/unet", "/vae", "/text_encoder", "/scheduler", "/tokenizer"] {
            guard mkdir(path + part, 0o755) == 0 else {
                throw ModelError.notWritten(path: path + part, reason: String(cString: strerror(errno)))
            }
        }
        for part in Self.names {
            let stem = part == "text_encoder" ? "model" : "diffusion_pytorch_model"
            let entries = tensors(part).map { tensor in
                // The autoencoder's attention is linear layers there, convolutions of one pixel in a single file.
                let isFlat = part == "vae" && tensor.name.contains("attentions") && tensor.shape.suffix(2) == [1, 1]
                let name = part == "text_encoder" ? LDMNames.full(tensor.name) : tensor.name
                return SafetensorsWriter.Entry(
                    name: name, shape: isFlat ? tensor.shape.dropLast(2) : tensor.shape, pieces: [tensor])
            }
            try SafetensorsWriter(path: "\(path)/\(part)/\(stem).safetensors").write(
                entries, metadata: ["format": "pt"], as: weights?.elementType, observe: observe)
        }
        if case .folder(let folder) = source {
            for file in [
                "model_index.json", "unet/config.json", "vae/config.json", "text_encoder/config.json",
                "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt",
                "tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json", "README.md",
            ] where MappedFile.exists("\(folder)/\(file)") {
                let mapping = try MappedFile(path: "\(folder)/\(file)")
                try Self.put(mapping.bytes, to: "\(path)/\(file)")
                withExtendedLifetime(mapping) {}
            }
            return
        }
        for (file, members) in try configurations() {
            try Self.put(JSONValue.object(members).text + "\n", to: "\(path)/\(file)")
        }
        guard let clipVocabulary, MappedFile.exists(clipVocabulary) else {
            throw ModelError.noVocabulary(model: files.name, lookedFor: clipVocabulary ?? "its usual place")
        }
        let size = try files.configuration("text_encoder/config.json").integer("vocab_size") ?? 49408
        let (words, merges) = try CLIPTokenizer.words(clipVocabulary: clipVocabulary, size: size)
        let numbers = Dictionary(
            words.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        try Self.put(JSONValue.object(numbers.mapValues { .integer($0) }).text, to: path + "/tokenizer/vocab.json")
        try Self.put("#version: 0.2\n" + String(decoding: merges, as: UTF8.self), to: path + "/tokenizer/merges.txt")
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
        var text = try members("text_encoder/config.json")
        text["architectures"] = .array([.string("CLIPTextModel")])
        text["model_type"] = .string("clip_text_model")
        let vocabulary = try files.configuration("text_encoder/config.json").integer("vocab_size") ?? 49408
        text["bos_token_id"] = .integer(vocabulary - 2)
        text["eos_token_id"] = .integer(vocabulary - 1)
        let scheduler = try members("scheduler/scheduler_config.json")
        guard case .string(let schedulerClass)? = scheduler["_class_name"] else {
            throw refusal("its scheduler has no class")
        }
        let channels = try UNetConfiguration(files.configuration("unet/config.json")).inChannels
        guard channels == 4 || channels == 9 else {
            throw refusal("its denoiser takes \(channels) channels, expected 4 or 9")
        }
        let isInpainting = channels == 9
        func pair(_ library: String, _ name: String) -> JSONValue { .array([.string(library), .string(name)]) }
        let index: [String: JSONValue] = [
            "_class_name": .string(isInpainting ? "StableDiffusionInpaintPipeline" : "StableDiffusionPipeline"),
            "unet": pair("diffusers", "UNet2DConditionModel"), "vae": pair("diffusers", "AutoencoderKL"),
            "text_encoder": pair("transformers", "CLIPTextModel"), "tokenizer": pair("transformers", "CLIPTokenizer"),
            "scheduler": pair("diffusers", schedulerClass), "safety_checker": .array([.null, .null]),
            "feature_extractor": .array([.null, .null]), "requires_safety_checker": .bool(false),
        ]
        let pad = try files.tokenizer(of: "text_encoder").configuration
        let tokenizer: [String: JSONValue] = [
            "tokenizer_class": .string("CLIPTokenizer"), "bos_token": .string(pad.beginToken),
            "eos_token": .string(pad.endToken), "pad_token": .string(pad.padToken),
            "unk_token": .string(pad.unknownToken),
            "model_max_length": .integer(pad.windowLength),
        ]
        return [
            ("model_index.json", index), ("unet/config.json", unet), ("vae/config.json", vae),
            ("text_encoder/config.json", text), ("scheduler/scheduler_config.json", scheduler),
            ("tokenizer/tokenizer_config.json", tokenizer),
        ]
    }

    private static func put(_ text: String, to path: String) throws {
        try Array(text.utf8).withUnsafeBytes { try put($0, to: path) }
    }

    private static func put(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        func failure() -> ModelError { .notWritten(path: path, reason: String(cString: strerror(errno))) }
        guard let file = fopen(path, "wb") else { throw failure() }
        let isWritten = fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count
        guard fclose(file) == 0, isWritten else { throw failure() }
    }

    /// Removes what a conversion left unfinished.
    private static func remove(_ path: String) {
        for part in names + ["scheduler", "tokenizer", ""] {
            let folder = part.isEmpty ? path : "\(path)/\(part)"
            guard let directory = opendir(folder) else { continue }
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                unlink("\(folder)/\(name)")
            }
            closedir(directory)
            rmdir(folder)
        }
        unlink(path)
    }
}
