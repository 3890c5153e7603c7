public import ImageFiles

/// The names under which an edit's pictures will be written, settled before any work is done.
public struct OutputPlan: Sendable, Equatable {
    /// One path a picture; empty for standard output.
    public let paths: [String]
    /// The overview of several pictures.
    public let contactSheet: String?
    public let format: ImageFormat
    /// Whether files of these names may be replaced.
    public let overwrites: Bool

    /// Whether a result will be written to that path, by whatever name.
    func names(_ path: String) -> Bool {
        (paths + [contactSheet].compactMap(\.self)).contains { FileSystem.isSamePlace($0, path) }
    }

    /// For an edit of that mode.
    public init(
        _ choice: OutputChoice, mode: EditMode, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        others: [PictureInput] = []
    ) throws(EditError) {
        try self.init(choice, suffix: mode.rawValue, count: count, input: input, others: others)
    }

    /// - Parameters:
    ///   - suffix: what a name made from the input's ends in.
    ///   - input: the picture that is edited and the format that its results have where none is named, `nil` where there
    ///     is none.
    ///   - others: further files that are never overwritten, such as the mask.
    /// - Throws: `EditError` where a name is taken, unwritable, without a known ending, or the input's own.
    public init(
        _ choice: OutputChoice, suffix: String, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        others: [PictureInput] = []
    ) throws(EditError) {
        if choice.isStandardOutput {
            guard count == 1 else { throw .tooManyPicturesForStandardOutput(count: count) }
            paths = []
            contactSheet = nil
            format = .png
            overwrites = false
            return
        }
        let inputs = ([input?.source].compactMap(\.self) + others).compactMap(\.path)
        let folder: String
        let stem: String
        let ending: String
        let isNumbered: Bool
        if let path = choice.path, !path.hasSuffix("/"), !FileSystem.isFolder(path) {
            guard let named = ImageFormat(pathExtensionOf: path) else { throw .outputFormatUnknown(path: path) }
            format = named
            folder = FileSystem.folder(of: path)
            (stem, ending) = Self.split(FileSystem.name(of: path))
            isNumbered = false
        } else {
            let inputName = (input?.source.path).map(FileSystem.name(of:))
            format = input?.format ?? .png
            if let path = choice.path {
                folder = path
            } else {
                folder = (input?.source.path).map(FileSystem.folder(of:)) ?? "."
            }
            let (inputStem, inputEnding) = inputName.map(Self.split) ?? ("editor", "")
            stem = "\(inputStem)-\(suffix)"
            // "a.JPG" stays ".JPG", but a PNG misnamed ".jpg" gets the ending of what is written.
            ending =
                ImageFormat(pathExtensionOf: "x" + inputEnding) == format ? inputEnding : "." + format.fileExtension
            isNumbered = true
        }
        overwrites = choice.force

        guard FileSystem.isFolder(folder) else {
            throw .outputFolderMissing(path: FileSystem.join(folder, stem + ending))
        }
        if let reason = FileSystem.reasonNotWritable(folder: folder) {
            throw .outputNotWritable(path: FileSystem.join(folder, stem + ending), reason: reason)
        }

        // A result may take its picture's place where that is asked for, but never its mask's.
        func ownPicture(_ path: String) -> Bool {
            !others.compactMap(\.path).contains { FileSystem.isSameFile($0, path) }
        }
        var taken: [String] = []
        var number = 1
        while taken.count < count {
            let path = FileSystem.join(folder, stem + (number == 1 ? "" : "-\(number)") + ending)
            number += 1
            let isInput = inputs.contains { FileSystem.isSameFile($0, path) }
            if isNumbered {
                if isInput || FileSystem.exists(path) && !choice.force { continue }
            } else {
                if isInput, !choice.force || !ownPicture(path) { throw .outputIsInput(path: path) }
                if FileSystem.isFolder(path) { throw .outputNotWritable(path: path, reason: "it is a folder") }
                if FileSystem.exists(path), !choice.force { throw .outputExists(path: path) }
            }
            taken.append(path)
        }
        paths = taken
        contactSheet =
            count > 1 ? Self.free(folder: folder, stem: stem + "-sheet", ending: ending, force: choice.force) : nil
    }

    private static func free(folder: String, stem: String, ending: String, force: Bool) -> String {
        var number = 1
        while true {
            let path = FileSystem.join(folder, stem + (number == 1 ? "" : "-\(number)") + ending)
            if force || !FileSystem.exists(path) { return path }
            number += 1
        }
    }

    /// "a.b.png" as "a.b" and ".png".
    private static func split(_ name: String) -> (stem: String, ending: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }
}
