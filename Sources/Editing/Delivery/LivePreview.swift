internal import CleanUp
internal import ImageFiles
internal import PlainText
public import Raster

/// Pictures of an edit while it is made, and the file that one is written to.
public struct LivePreview: Sendable {
    /// Of a preview, in pixels: enough to judge by, and quickly sent.
    public static let longestSide = 512

    private let path: String

    /// A PNG file that is made anew with each preview.
    ///
    /// - Parameters:
    ///   - force: whether a file that is there may be overwritten.
    ///   - request: whose inputs it may not be.
    ///   - reads: further files that it may not be.
    /// - Throws: `EditError.notAPreview`, `.outputIsRead`, `.outputExists`, `.outputFolderMissing` or
    ///   `.outputNotWritable`.
    public init(path: String, force: Bool, request: EditRequest, reads: [ReadFile] = []) throws {
        let picture = request.picture.flatMap { ReadFile($0, .input) }
        guard path.lowercased().hasSuffix(".png") else { throw EditError.notAPreview(found: path) }
        if let reader = ([picture].compactMap(\.self) + request.maskFiles + reads).first(where: { $0.isAt(path) }) {
            throw EditError.outputIsRead(path: path, role: reader.role)
        }
        if FileSystem.isFolder(path) { throw EditError.outputNotWritable(path: path, reason: "it is a folder") }
        if FileSystem.exists(path), !force { throw EditError.outputExists(path: path) }
        let folder = FileSystem.folder(of: path)
        guard FileSystem.isFolder(folder) else { throw EditError.outputFolderMissing(path: path) }
        if let reason = FileSystem.reasonNotNameable(path) ?? FileSystem.reasonNotWritable(folder: folder) {
            throw EditError.outputNotWritable(path: path, reason: Sentence(reason))
        }
        self.path = path
    }

    /// Whoever reads the file meanwhile finds the one before or this one, whole. Throws `ImageFileError`.
    public func write(_ picture: Picture) throws {
        let bytes = try ImageFile.encode(picture, format: .png, name: path).bytes
        try ImageFile.write(bytes: bytes, to: path) { FinishedWork.add(.preview, at: path) }
    }

    /// At most `longestSide` long, and enlarged where it is small, as one pixel for each latent pixel is.
    static func picture(_ image: RGBImage) -> Picture {
        let longest = max(image.width, image.height)
        let scale = longest <= longestSide / 4 ? 4 : min(1, Double(longestSide) / Double(longest))
        guard scale != 1 else { return Picture(image) }
        let size = PixelSize(
            width: max(1, Int((Double(image.width) * scale).rounded())),
            height: max(1, Int((Double(image.height) * scale).rounded())))
        return Picture(image.resized(to: size, filter: scale < 1 ? .area : .lanczos))
    }
}
