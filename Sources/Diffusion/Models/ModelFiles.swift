internal import CBundledModel

/// The files of a model, by their paths in the diffusers layout, wherever they are.
struct ModelFiles: Sendable {
    /// What errors call the model: its folder, or "the embedded model".
    let name: String
    private let storage: Storage

    private enum Storage: Sendable {
        case folder(String)
        case memory([String: Bytes])
    }

    /// Bytes that live as long as the program.
    private struct Bytes: @unchecked Sendable {
        // Sendable: constant data of the binary.
        let buffer: UnsafeRawBufferPointer
    }

    /// Throws `ModelError` where there is no model.
    init(_ source: ModelSource) throws {
        switch source {
        case .folder(let path):
            var folder = path
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            guard MappedFile.exists(folder) else { throw ModelError.notThere(path: path) }
            guard MappedFile.exists(folder + "/model_index.json") else {
                let reason =
                    MappedFile.exists(folder + "/.") ? "it has no model_index.json" : "it is a file, not a folder"
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
    }

    func configuration(_ path: String) throws -> JSONConfiguration {
        switch storage {
        case .folder(let folder): return try JSONConfiguration(path: "\(folder)/\(path)")
        case .memory: return try JSONConfiguration(parsing: bytes(path), file: "\(name)/\(path)")
        }
    }

    private func has(_ path: String) -> Bool {
        switch storage {
        case .folder(let folder): MappedFile.exists("\(folder)/\(path)")
        case .memory(let files): files[path] != nil
        }
    }

    /// The weights of one part: `unet`, `vae` or `text_encoder`.
    func weights(_ part: String) throws -> any WeightSource {
        switch storage {
        case .folder(let folder): return try WeightFolder(path: "\(folder)/\(part)")
        case .memory(let files):
            for stem in WeightFolder.stems {
                if let bytes = files["\(part)/\(stem).safetensors"] {
                    return try SafetensorsFile(staticBytes: bytes.buffer, name: "\(name)/\(part)")
                }
            }
            throw ModelError.notAModel(path: name, reason: "it has no weights for \(part)")
        }
    }

    func tokenizer() throws -> CLIPTokenizer {
        switch storage {
        case .folder(let folder): return try CLIPTokenizer(path: "\(folder)/tokenizer")
        case .memory:
            let settings = "tokenizer/tokenizer_config.json"
            return try CLIPTokenizer(
                vocabulary: bytes("tokenizer/vocab.json"), merges: bytes("tokenizer/merges.txt"),
                configuration: has(settings) ? TokenizerConfiguration(configuration(settings)) : .init(),
                name: "\(name)/tokenizer")
        }
    }

    private func bytes(_ path: String) throws -> UnsafeRawBufferPointer {
        guard case .memory(let files) = storage, let bytes = files[path] else {
            throw ModelError.notAModel(path: name, reason: "it has no \(path)")
        }
        return bytes.buffer
    }
}
