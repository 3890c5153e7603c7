internal import ImageFiles

/// Reads the pictures that requests name.
enum PictureFile {
    /// Throws `ImageFileError`, which names the input.
    static func read(_ input: PictureInput) throws(ImageFileError) -> LoadedImage {
        switch input {
        case .file(let path): try ImageFile.read(path: path)
        case .bytes(let bytes, let name): try ImageFile.read(bytes: bytes, name: name)
        }
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
