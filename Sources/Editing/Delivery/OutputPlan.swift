internal import CleanUp
public import ImageFiles
internal import PlainText
public import Raster

/// The names under which an edit's pictures will be written, settled before any work is done.
///
/// They are not taken until something is written: an empty file in the meantime would stay behind a program that is
/// killed. Where another program takes one first, or changes the file that was to be replaced, `next` finds another, so
/// that finished work is not lost.
public struct OutputPlan: Sendable, Equatable {
    /// One path a picture; empty for standard output.
    public let paths: [String]
    /// The overview of several pictures.
    public let contactSheet: String?
    public let format: ImageFormat
    /// Whether files of these names may be replaced.
    public let overwrites: Bool
    /// Whether a result takes the place of the picture that is edited.
    let replacesInput: Bool
    /// Whether the program chose the names, so that one name is as good as the next.
    let isNumbered: Bool
    /// What the pictures would be called that go to no file; empty where they go to files.
    private let names: [String]
    /// What is never replaced.
    private let protected: [ReadFile]
    /// The files that results will replace, as they were when the names were settled; the input as it was read.
    private let replaced: [String: FileSystem.Stamp]

    /// Whether a result will be written to that path, by whatever name.
    func names(_ path: String) -> Bool {
        (paths + [contactSheet].compactMap(\.self)).contains {
            FileSystem.isSamePlace($0, path, ignoringCase: true)
        }
    }

    /// For pictures of an edit that are delivered as bytes: only their format and what files would be called.
    init(_ choice: BytesChoice, mode: EditMode, count: Int, input: (source: PictureInput, format: ImageFormat)?) {
        format = choice.format ?? input?.format ?? .png
        let stem =
            input.flatMap { Self.ownPath(of: $0.source) }.map { Self.split(FileSystem.name(of: $0)).stem } ?? "editor"
        let ending = "." + format.fileExtension
        let made = (1 ... count).map { Self.name(stem: "\(stem)-\(mode.rawValue)", ending: ending, number: $0) }
        names = count == 1 ? [choice.name ?? made[0]] : made
        paths = []
        contactSheet = nil
        overwrites = false
        isNumbered = true
        replacesInput = false
        protected = []
        replaced = [:]
    }

    /// What messages call a picture, and a file of it is called.
    func name(of index: Int) -> String { paths.isEmpty ? names[index] : paths[index] }

    /// For an edit of that mode.
    public init(
        _ choice: OutputChoice, mode: EditMode, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        protected: [ReadFile] = []
    ) throws(EditError) {
        try self.init(choice, suffix: mode.rawValue, count: count, input: input, protected: protected)
    }

    /// The same for an edit whose input had `inputStamp` when it was read.
    init(
        _ choice: OutputChoice, mode: EditMode, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        inputStamp: FileSystem.Stamp?, protected: [ReadFile]
    ) throws(EditError) {
        try self.init(
            choice, suffix: mode.rawValue, count: count, input: input, inputStamp: inputStamp, protected: protected)
    }

    /// - Parameters:
    ///   - suffix: what a name made from the input's ends in.
    ///   - input: the picture that is edited and the format that its results have where none is named, `nil` where there
    ///     is none. A result may take its place where the choice names it and says `force`.
    ///   - protected: files that nothing takes the place of.
    /// - Throws: `EditError` where a name is taken, unwritable, without a known ending, or that of a file that is read.
    public init(
        _ choice: OutputChoice, suffix: String, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        protected: [ReadFile] = []
    ) throws(EditError) {
        try self.init(
            choice, suffix: suffix, count: count, input: input,
            inputStamp: input?.source.path.flatMap(FileSystem.Stamp.init), protected: protected)
    }

    private init(
        _ choice: OutputChoice, suffix: String, count: Int, input: (source: PictureInput, format: ImageFormat)?,
        inputStamp: FileSystem.Stamp?, protected: [ReadFile]
    ) throws(EditError) {
        let protected = protected + choice.reads
        let edited = input.flatMap { ReadFile($0.source, .input) }
        self.protected = protected + [edited].compactMap(\.self)
        if choice.isStandardOutput {
            guard count == 1 else { throw .tooManyPicturesForStandardOutput(count: count) }
            paths = []
            names = ["standard output"]
            contactSheet = nil
            format = .png
            overwrites = false
            isNumbered = false
            replacesInput = false
            replaced = [:]
            return
        }
        names = []
        let folder: String
        let stem: String
        let ending: String
        if let path = choice.path, !path.hasSuffix("/"), !FileSystem.isFolder(path) {
            guard let named = ImageFormat(pathExtensionOf: path) else { throw .outputFormatUnknown(path: path) }
            format = named
            folder = FileSystem.folder(of: path)
            (stem, ending) = Self.split(FileSystem.name(of: path))
            isNumbered = false
        } else {
            let own = input.flatMap { Self.ownPath(of: $0.source) }
            let inputName = own.map(FileSystem.name(of:))
            format = input?.format ?? .png
            if let path = choice.path {
                folder = path
            } else {
                folder = own.map(FileSystem.folder(of:)) ?? "."
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
            throw .outputNotWritable(path: FileSystem.join(folder, stem + ending), reason: Sentence(reason))
        }

        let picture = input?.source.path
        var taken: [String] = []
        var number = 1
        while taken.count < count {
            let path = Self.path(folder: folder, stem: stem, ending: ending, number: number)
            // The first name may be the user's own words; those that follow it are the program's.
            let isMade = isNumbered || number > 1
            number += 1
            let isInput = picture.map { FileSystem.isSameFile($0, path) } ?? false
            let reader = protected.first { $0.isAt(path) }
            if isMade, isInput || reader != nil { continue }
            if isNumbered {
                if !Self.isFree(path, replacing: choice.force) { continue }
            } else {
                if let reader { throw .outputIsRead(path: path, role: reader.role) }
                if isInput, !choice.force { throw .outputIsInput(path: path) }
                if FileSystem.isFolder(path) { throw .outputNotWritable(path: path, reason: "it is a folder") }
                if FileSystem.exists(path), !choice.force { throw .outputExists(path: path) }
                if FileSystem.isBrokenLink(path) {
                    throw .outputNotWritable(path: path, reason: "it is a link that leads to no file")
                }
            }
            taken.append(path)
        }
        paths = taken
        replacesInput = taken.contains { edited?.isAt($0) ?? false }
        contactSheet =
            count > 1
            ? Self.free(
                folder: folder, stem: stem + "-sheet", ending: ending, replacing: choice.force,
                apartFrom: self.protected, and: taken) : nil
        for path in taken + [contactSheet].compactMap(\.self) {
            guard let reason = FileSystem.reasonNotNameable(path) else { continue }
            throw .outputNotWritable(path: path, reason: "\(reason); give it another with \(.output)")
        }
        var replaced: [String: FileSystem.Stamp] = [:]
        for path in choice.force ? taken + [contactSheet].compactMap(\.self) : [] {
            let isInput = picture.map { FileSystem.isSameFile($0, path) } ?? false
            replaced[path] = isInput ? inputStamp : FileSystem.Stamp(path)
        }
        self.replaced = replaced
    }

    /// The next free name beside one that another program took meanwhile.
    func next(after path: String) -> String {
        let (stem, ending) = Self.split(FileSystem.name(of: path))
        return Self.free(
            folder: FileSystem.folder(of: path), stem: isNumbered ? Self.withoutNumber(stem) : stem, ending: ending,
            replacing: false,
            apartFrom: protected, and: paths + [contactSheet].compactMap(\.self))
    }

    /// Writes a file, and returns its path: the settled one, or the next free where another program took that
    /// meanwhile, or changed the file that was to be replaced, with a note where the user named it.
    ///
    /// - Parameter kind: what it counts as for whoever stops the program.
    func place(
        _ bytes: [UInt8], as kind: FinishedWork.Kind, at settled: String
    ) throws -> (path: String, note: EditNote?) {
        let former = replaced[settled]
        let isChanged = former != nil && FileSystem.Stamp(settled) != former
        var path = settled
        var isPlaced = try put(bytes, as: kind, at: path, replacing: former != nil && !isChanged)
        while !isPlaced {
            path = next(after: settled)
            isPlaced = try put(bytes, as: kind, at: path, replacing: false)
        }
        guard path != settled, !isNumbered else { return (path, nil) }
        let text: Sentence =
            "'\(settled)' was \(isChanged ? "changed" : "made") by another program meanwhile and stays; the result is in '\(path)'"
        return (path, EditNote(text, isWarning: true))
    }

    /// Writes a file; false, and nothing is written, where one is there that is not to be replaced.
    private func put(
        _ bytes: [UInt8], as kind: FinishedWork.Kind, at path: String, replacing: Bool
    ) throws -> Bool {
        do {
            try ImageFile.write(bytes: bytes, to: path, replacing: replacing) { FinishedWork.add(kind, at: path) }
            return true
        } catch ImageFileError.exists {
            return false
        }
    }

    private static func free(
        folder: String, stem: String, ending: String, replacing: Bool, apartFrom protected: [ReadFile],
        and taken: [String]
    ) -> String {
        var number = 1
        while true {
            let path = path(folder: folder, stem: stem, ending: ending, number: number)
            if isFree(path, replacing: replacing), !protected.contains(where: { $0.isAt(path) }),
                !taken.contains(where: { FileSystem.isSamePlace($0, path, ignoringCase: true) })
            {
                return path
            }
            number += 1
        }
    }

    /// The path by which results are named; `nil` for bytes, and for a stream that the system gives a name to.
    private static func ownPath(of input: PictureInput) -> String? {
        guard let path = input.path, !["/dev/", "/proc/"].contains(where: path.hasPrefix) else { return nil }
        return path
    }

    private static func isFree(_ path: String, replacing: Bool) -> Bool {
        replacing ? !FileSystem.isFolder(path) && !FileSystem.isBrokenLink(path) : !FileSystem.exists(path)
    }

    private static func path(folder: String, stem: String, ending: String, number: Int) -> String {
        FileSystem.join(folder, name(stem: stem, ending: ending, number: number))
    }

    private static func name(stem: String, ending: String, number: Int) -> String {
        stem + (number == 1 ? "" : "-\(number)") + ending
    }

    /// "a.b.png" as "a.b" and ".png".
    private static func split(_ name: String) -> (stem: String, ending: String) {
        guard let dot = name.unicodeScalars.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    /// "a-inpaint-2" as "a-inpaint".
    private static func withoutNumber(_ stem: String) -> String {
        guard let dash = stem.lastIndex(of: "-"), let number = Int(stem[stem.index(after: dash)...]), number > 1 else {
            return stem
        }
        return String(stem[..<dash])
    }

    // MARK: What can be known before the work

    /// Throws `EditError.outputTooLarge` for a size that the format cannot hold.
    public func check(size: PixelSize) throws(EditError) {
        guard !format.holds(size) else { return }
        throw .outputTooLarge(
            path: name(of: 0), format: format, size: size,
            others: ImageFormat.written.filter { $0.holds(size) })
    }

    /// Throws `EditError.diskFull` where the disk would surely not hold the results: half of what the input takes, for
    /// each picture, as compressed files differ.
    func checkRoom(for size: PixelSize, source: LoadedImage?, input: PictureInput?) throws(EditError) {
        guard let path = paths.first, let free = FileSystem.freeBytes(of: FileSystem.folder(of: path)) else { return }
        var needed = size.area / 64
        if let source, source.format == format, let input = input?.path {
            needed = Int(Double(FileSystem.size(of: input)) / 2 * Double(size.area) / Double(source.picture.size.area))
        }
        guard free < needed.multipliedReportingOverflow(by: paths.count).partialValue else { return }
        throw .diskFull(path: path, free: free, needed: needed * paths.count)
    }
}
