internal import CleanUp
internal import PlainText
internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writes a model anew: as a folder in the diffusers layout or as a single file in the original key layout, its weights in
/// f32, f16, bf16 or, in a GGUF file, 8 bits.
public struct ModelConversion: Sendable {
    public enum Layout: String, Sendable, CaseIterable {
        /// A folder in the diffusers layout.
        case folder
        /// One safetensors file.
        case file
        /// One GGUF file, tensors called as in `file`, as stable-diffusion.cpp reads and writes it.
        case gguf
    }

    public enum Weights: String, Sendable, CaseIterable {
        case f32, f16, bf16
        /// GGUF's Q8_0 where it fits (`GGUFWriter.eightBitType`).
        case int8
    }

    let files: ModelFiles
    let source: ModelSource
    let weights: Weights?
    let clipVocabulary: String?
    /// By their folders in the diffusers layout.
    let parts: [String: any WeightSource]

    /// - Parameters:
    ///   - weights: `nil` to keep what each tensor is; GGUF's blocks and 8-bit floats become f16, f64 f32.
    ///   - clipVocabulary: for a single file, which brings no tokenizer.
    /// - Throws: `ModelError` or `WeightError`.
    public init(of source: ModelSource, weights: Weights?, clipVocabulary: String?) throws {
        self.source = source
        self.weights = weights
        self.clipVocabulary = clipVocabulary
        let files = try ModelFiles(source, clipVocabulary: clipVocabulary)
        self.files = files
        parts = try Dictionary(
            uniqueKeysWithValues: (["unet", "vae"] + files.textEncoders).map { ($0, try files.weights($0)) })
    }

    /// Bytes of the weights to be written, nearly.
    public var bytes: Int {
        parts.values.reduce(0) { sum, part in
            part.names.reduce(sum) { sum, name in
                guard let tensor = part.tensor(name) else { return sum }
                let type = elementType(name, shape: tensor.shape, own: tensor.elementType)
                return sum + (type.bytes(count: tensor.count) ?? 0)
            }
        }
    }

    /// What a tensor's elements become.
    private func elementType(
        _ name: String, shape: [Int], own: WeightTensor.ElementType
    ) -> WeightTensor.ElementType {
        switch weights {
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        case .int8: GGUFWriter.eightBitType(name: name, shape: shape)
        case nil:
            switch own {
            case .float32, .float16, .bfloat16: own
            case .float64: .float32
            default: .float16
            }
        }
    }

    /// Tensors to be written, and what their elements become.
    func typed(_ entries: some Sequence<WeightFileWriter.Entry>) -> [WeightFileWriter.Typed] {
        entries.map { entry in
            let own = entry.pieces.first?.elementType ?? .float32
            return (entry, elementType(entry.name, shape: entry.shape, own: own))
        }
    }

    /// Writes to a path where nothing is. What is written gets its name when it is whole, and was read back.
    ///
    /// - Parameter observe: told of bytes written; what it throws ends the conversion, and nothing is left.
    /// - Throws: `ModelError`, `WeightError`, or what `observe` throws.
    /// - Returns: where it is: the path, or one beside it where another program took that meanwhile.
    @discardableResult
    public func write(_ layout: Layout, to path: String, observe: (Int) throws -> Void) throws -> String {
        guard weights != .int8 || layout == .gguf else { throw refusal("weights in 8 bits go into a .gguf file") }
        // Its ending tells nothing of what it is, so that no reader takes a part for a model.
        let temporary = "\(path).\(getpid()).incomplete"
        Self.removeAbandoned(beside: path)
        let cleanUp = CleanUp { Self.remove(temporary) }
        defer { cleanUp.finish() }
        do {
            switch layout {
            case .folder: try writeFolder(temporary, observe: observe)
            case .file, .gguf:
                try writeFile(temporary, layout, observe: observe)
                try compare(with: temporary, target: path)
            }
            return try Self.place(temporary, at: path)
        } catch {
            Self.remove(temporary)
            throw error
        }
    }

    /// Gives what was written its name, or the next that is free.
    private static func place(_ temporary: String, at path: String) throws -> String {
        let ending = [".safetensors", ".gguf"].first { path.lowercased().hasSuffix($0) } ?? ""
        var number = 1
        while true {
            let target = number == 1 ? path : "\(path.dropLast(ending.count))-\(number)\(path.suffix(ending.count))"
            number += 1
            var isThere = false
            try CleanUp.whole {
                isThere = try give(temporary, target, path: path)
                if isThere { FinishedWork.add(.model, at: target) }
            }
            if isThere { return target }
        }
    }

    /// Gives what was written a name; false where that is taken.
    private static func give(_ temporary: String, _ target: String, path: String) throws -> Bool {
        // A second name fails where a file is there; a folder, and some disks, have none.
        if link(temporary.nativePath, target.nativePath) == 0 {
            unlink(temporary.nativePath)
            return true
        }
        if errno == EEXIST || MappedFile.exists(target) { return false }
        guard rename(temporary.nativePath, target.nativePath) == 0 else {
            throw ModelError.notWritten(path: path, reason: String(cString: strerror(errno)))
        }
        return true
    }

    func refusal(_ reason: String) -> ModelError { .notConvertible(path: files.name, reason: reason) }

    /// The tensors of a part that a network computes with; numbers of positions and the like are left out.
    func tensors(_ part: String) -> [WeightTensor] {
        guard let source = parts[part] else { return [] }
        return source.names.sorted().compactMap { source.tensor($0) }
    }

    /// Below a model's own.
    private static let folders = [
        "unet", "vae", "text_encoder", "text_encoder_2", "scheduler", "tokenizer", "tokenizer_2",
    ]

    static func put(_ text: String, to path: String) throws {
        try Array(text.utf8).withUnsafeBytes { try put($0, to: path) }
    }

    static func put(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        func failure() -> ModelError { .notWritten(path: path, reason: String(cString: strerror(errno))) }
        guard let file = fopen(path.nativePath, "wb") else { throw failure() }
        let isWritten = fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count
        guard fclose(file) == 0, isWritten else { throw failure() }
    }

    /// Removes what a conversion left unfinished.
    private static func remove(_ path: String) {
        for part in folders + [""] {
            let folder = part.isEmpty ? path : "\(path)/\(part)"
            for name in names(in: folder) { unlink("\(folder)/\(name)".nativePath) }
            rmdir(folder.nativePath)
        }
        unlink(path.nativePath)
    }

    /// Removes what earlier conversions to that path left, which were killed: their processes are gone.
    private static func removeAbandoned(beside path: String) {
        let folder = path.folderOfFile
        let start = (path.split(separator: "/").last.map(String.init) ?? path) + "."
        for name in names(in: folder) where name.hasPrefix(start) && name.hasSuffix(".incomplete") {
            let middle = name.dropFirst(start.count).dropLast(".incomplete".count)
            guard let process = pid_t(middle), process > 0, process != getpid(), kill(process, 0) != 0, errno == ESRCH
            else { continue }
            remove("\(folder)/\(name)")
        }
    }

    /// What a folder holds; nothing where none can be read.
    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder.nativePath) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(nativeBytes: $0.prefix { $0 != 0 }) })
        }
        return names
    }
}
