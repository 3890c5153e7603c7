internal import ImageFiles

/// Reads the pictures that requests name.
enum PictureFile {
    /// Throws `ImageFileError`, which names the input.
    ///
    /// - Parameter maximumPixels: width times height beyond which it is refused.
    static func read(
        _ input: PictureInput, maximumPixels: Int = EditSettings.defaultMaximumPixels
    ) throws(ImageFileError) -> LoadedImage {
        let limits = limits(maximumPixels: maximumPixels)
        return switch input {
        case .file(let path): try ImageFile.read(path: path, limits: limits)
        case .bytes(let bytes, let name): try ImageFile.read(bytes: bytes, name: name, limits: limits)
        }
    }

    /// The input, with the bytes of a pipe in the place of its path: they come once. Throws `ImageFileError`.
    static func held(_ input: PictureInput, maximumPixels: Int) throws(ImageFileError) -> PictureInput {
        guard let path = input.path, FileSystem.isPipe(path) else { return input }
        return .bytes(try ImageFile.bytes(path: path, limits: limits(maximumPixels: maximumPixels)), name: path)
    }

    private static func limits(maximumPixels: Int) -> DecodeLimits {
        DecodeLimits(
            maximumPixels: maximumPixels, maximumBytes: PictureInput.maximumBytes(maximumPixels: maximumPixels))
    }

    /// The file itself. Throws `EditError.unreadable`.
    static func bytes(of input: PictureInput) throws -> [UInt8] {
        switch input {
        case .file(let path):
            guard let bytes = FileSystem.bytes(of: path) else { throw EditError.unreadable(path: path) }
            return bytes
        case .bytes(let bytes, _): return bytes
        }
    }
}
