internal import CBundledModel
internal import PlainText

/// The files of a model, by their paths in the diffusers layout, wherever they are.
struct ModelFiles: Sendable {
    /// What errors call the model: its folder, or "the embedded model".
    let name: String
    let storage: Storage
    /// The LoRA that belongs to the model: a file beside `model_index.json`, which names it as `lora` under `editor`.
    private(set) var ownLoRA: LoRAFile?

    enum Storage: Sendable {
        case folder(String)
        /// - vocabulary: the path of CLIP's `bpe_simple_vocab_16e6.txt`, for parts that bring no tokenizer.
        case parts(ModelParts, vocabulary: String?)
        case memory([String: Bytes])
    }

    /// Bytes that live as long as the program.
    struct Bytes: @unchecked Sendable {
        // Sendable: constant data of the binary.
        let buffer: UnsafeRawBufferPointer
    }

    /// What the user calls the model.
    var title: String {
        switch storage {
        case .folder(let folder): folder.titleOfFolder
        case .parts: name.withoutWeightEnding.titleOfFile
        case .memory: "embedded"
        }
    }

    /// What a single file says beside its tensors.
    var hints: [String: String] {
        if case .parts(let parts, _) = storage { parts.hints } else { [:] }
    }

    /// How it was told what the denoiser predicts, where no configuration says so.
    var predictionReason: String? {
        if case .parts(let parts, _) = storage { parts.predictionReason } else { nil }
    }

    /// - Parameters:
    ///   - clipVocabulary: the path of CLIP's `bpe_simple_vocab_16e6.txt`, for a model that brings none.
    ///   - needsAutoencoder: whether a single file must have one.
    /// - Throws: `ModelError` where there is no model; `WeightError` where a file cannot be read; `AdapterError` where the
    ///   model's own LoRA is not one, or changes parts that the model does not have.
    init(_ source: ModelSource, clipVocabulary: String? = nil, needsAutoencoder: Bool = true) throws {
        switch source {
        case .file(let path):
            let (weights, hints) = try WeightFile.open(path) {
                ModelError.notACheckpoint(path: path, reason: "\($0)\(WeightKind.advice(on: path))")
            }
            name = path
            storage = .parts(
                try LDMCheckpoint(weights, hints: hints, needsAutoencoder: needsAutoencoder).parts,
                vocabulary: clipVocabulary)
        case .folder(let path):
            var folder = path
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            guard MappedFile.exists(folder) else { throw ModelError.notThere(path: path) }
            guard MappedFile.exists(folder + "/model_index.json") else {
                let isFolder = MappedFile.exists(folder + "/.")
                let kind = isFolder ? WeightKind(folder: folder) : nil
                let reason = kind?.clause ?? (isFolder ? "it has no model_index.json" : "it is a file, not a folder")
                throw ModelError.notAModel(path: path, reason: reason)
            }
            name = folder
            storage = .folder(folder)
        case .embedded:
            var files: [String: Bytes] = [:]
            let list = UnsafeBufferPointer(start: cbundledmodel_list(), count: cbundledmodel_file_count)
            for file in list {
                files[String(cString: file.path)] = Bytes(
                    buffer: UnsafeRawBufferPointer(start: file.bytes, count: file.size))
            }
            guard files["model_index.json"] != nil else { throw ModelError.noEmbeddedModel }
            name = "the embedded model"
            storage = .memory(files)
        }
        ownLoRA = try openOwnLoRA(parts: ModelFamilies.family(of: self).parts(of: self))
    }

    func configuration(_ path: String) throws -> JSONConfiguration {
        switch storage {
        case .folder(let folder): return try JSONConfiguration(path: "\(folder)/\(path)")
        case .parts(let parts, _):
            guard let configuration = parts.configurations[path] else {
                throw ModelError.notACheckpoint(path: name, reason: "it has no \(path)")
            }
            return configuration
        case .memory: return try JSONConfiguration(parsing: bytes(path), file: "\(name)/\(path)")
        }
    }

    func has(_ path: String) -> Bool {
        switch storage {
        case .folder(let folder): MappedFile.exists("\(folder)/\(path)")
        case .parts(let parts, _): parts.configurations[path] != nil
        case .memory(let files): files[path] != nil
        }
    }

    /// The weights of one part, by its folder in the diffusers layout, with the LoRA in them that the model brings along.
    func weights(_ part: String) throws -> any WeightSource {
        let stored = try storedWeights(part)
        guard let ownLoRA else { return stored }
        return try MatchedAdapters.adapted(stored, part: part, by: ownLoRA, model: name)
    }

    private func openOwnLoRA(parts: FamilyParts) throws -> LoRAFile? {
        guard has("model_index.json"),
            let file = try configuration("model_index.json").object("editor")?.string("lora")
        else { return nil }
        let (source, hints): (any WeightSource, [String: String])
        switch storage {
        case .folder(let folder):
            guard file.isPlainFileName else {
                throw ModelError.notAModel(path: name, reason: "its LoRA '\(file.prefix(80))' is not a file beside it")
            }
            (source, hints) = try WeightFile.open("\(folder)/\(file)")
        case .memory:
            let opened = try SafetensorsFile(staticBytes: bytes(file), name: "\(name)/\(file)")
            (source, hints) = (opened, opened.header.metadata)
        case .parts: return nil
        }
        let lora = try LoRAFile.open(source, metadata: hints)
        let parts = Set([parts.denoiser] + parts.textEncoders)
        let foreign = lora.places.filter { !parts.contains($0.part.rawValue) }
        guard foreign.isEmpty else { throw lora.unknownLayers(foreign, of: lora.places, model: name) }
        return lora
    }

    private func storedWeights(_ part: String) throws -> any WeightSource {
        switch storage {
        case .folder(let folder): return try WeightFolder.open("\(folder)/\(part)")
        case .parts(let parts, _):
            guard let weights = parts.weights[part] else {
                throw ModelError.notACheckpoint(path: name, reason: "it has no weights for \(part)")
            }
            return weights
        case .memory(let files):
            for stem in WeightFolder.stems {
                if let bytes = files["\(part)/\(stem).safetensors"] {
                    return try SafetensorsFile(staticBytes: bytes.buffer, name: "\(name)/\(part)")
                }
            }
            throw ModelError.notAModel(path: name, reason: "it has no weights for \(part)")
        }
    }

    /// Calls `body` with a file of a model in the diffusers layout, as it is.
    func withBytes<Result>(of path: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard case .folder(let folder) = storage else { return try body(bytes(path)) }
        let mapping = try MappedFile(path: "\(folder)/\(path)")
        defer { withExtendedLifetime(mapping) {} }
        return try body(mapping.bytes)
    }

    /// A small file of a model in memory.
    func bytes(_ path: String) throws -> UnsafeRawBufferPointer {
        guard case .memory(let files) = storage, let bytes = files[path] else {
            throw ModelError.notAModel(path: name, reason: "it has no \(path)")
        }
        return bytes.buffer
    }
}
