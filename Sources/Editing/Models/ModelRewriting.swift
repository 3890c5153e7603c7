public import Diffusion
internal import PlainText

/// Writes a model to a place of the user's choice, in another layout or number format.
public struct ModelRewriting: Sendable {
    private let model: ModelLibrary.Model
    private let weights: ModelConversion.Weights?

    /// - Parameter weights: `nil` to keep what each tensor is.
    public init(of model: ModelLibrary.Model, weights: ModelConversion.Weights?) {
        self.model = model
        self.weights = weights
    }

    /// A single file where the path ends in `.safetensors` or `.gguf`, else a folder.
    ///
    /// - Parameter observe: told of bytes written, and of how many there will be, nearly. What it throws ends the conversion,
    ///   and nothing is left.
    /// - Returns: where it is, which is beside the path where another program took that meanwhile, the bytes that it takes
    ///   on disk, and what is to be said of its values: those that are no numbers are written as they are.
    /// - Throws: `ModelStoreError`, `ModelError`, `WeightError`, or what `observe` throws.
    public func run(
        _ path: String, observe: (Int, Int) throws -> Void
    ) throws -> (path: String, bytes: Int, warnings: [String]) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard !FileSystem.exists(path) else {
            throw ModelStoreError.exists(path: path, instead: "choose another output name")
        }
        let folder = FileSystem.folder(of: path)
        guard FileSystem.isFolder(folder) else { throw EditError.outputFolderMissing(path: path) }
        // One that is opened whole has all its tensors.
        _ = try ModelChoice(source: model.source).open()
        let conversion = try ModelConversion(
            of: model.source, weights: weights, clipVocabulary: DataFolder.clipVocabulary)
        let size = conversion.bytes
        if let free = FileSystem.freeBytes(of: folder), free < size {
            throw ModelStoreError.diskTooSmall(folder: folder, needed: size, free: free)
        }
        let layout: ModelConversion.Layout =
            path.lowercased().hasSuffix(".safetensors") ? .file : Self.isGGUF(path) ? .gguf : .folder
        let place = try conversion.write(layout, to: path) { try observe($0, size) }
        // Nothing is written meanwhile; a stop is seen all the same.
        let warnings = try ModelContents(model.source).notFinite { _ in try observe(0, size) }
        return (place, FileSystem.size(below: place), warnings)
    }

    /// Whether a model of that name is written as a GGUF file.
    public static func isGGUF(_ path: String) -> Bool { path.lowercased().hasSuffix(".gguf") }
}
