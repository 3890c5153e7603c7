internal import CleanUp
internal import PlainText

/// Takes one model out of the program's own folder, and nothing else.
public struct ModelRemoval: Sendable {
    public let model: ModelLibrary.Model
    /// What goes, by whole paths: a file or a link, or the files of a folder.
    public let files: [String]
    /// Models that lie in the same folder and stay.
    public let kept: [String]
    public let bytes: Int
    private let path: String
    private let root: String

    /// - Parameters:
    ///   - name: a name of the library, or a path. A link in the program's own folder may also be named by its path below
    ///     that folder, wherever it leads: it alone goes.
    /// - Throws: `ModelStoreError.notOwn` for one that lies elsewhere, `.noModel` for a folder that is none, or what
    ///   `ModelLibrary.model(_:)` throws.
    public init(_ name: String, in library: ModelLibrary) throws {
        guard let root = ModelLibrary.ownFolder else { throw ModelStoreError.noHome }
        let named = Self.withoutLastSlash(FileSystem.exists(name) ? name : FileSystem.join(root, name))
        let known = library.models.first { $0.path.map { FileSystem.isSameName($0, named) } ?? false }
        if FileSystem.isLink(named), Self.lies(named, in: root), known != nil || !Self.isPart(named, root: root) {
            model =
                known ?? ModelLibrary.Model(name: name, place: .own, path: named, isFolder: FileSystem.isFolder(named))
            path = named
            self.root = root
            files = [named]
            kept = []
            bytes = FileSystem.ownSize(of: named)
            return
        }
        let model = try library.model(name)
        // By where it truly lies: below a link, or named by its own path, it is not ours.
        guard let path = model.path, Self.lies(path, in: root), !FileSystem.exists(name) || Self.lies(name, in: root)
        else {
            let found = model.path.map { FileSystem.exists(name) ? name : $0 }
            let place = found.map { "'\(FileSystem.folder(of: FileSystem.resolved($0)))'" } ?? "this program"
            throw ModelStoreError.notOwn(
                name: model.name, place: place, folder: root, link: model.path.flatMap { Self.link(to: $0, root: root) }
            )
        }
        guard library.models.contains(model) else {
            let below = FileSystem.resolved(path) + "/"
            throw ModelStoreError.noModel(
                path: path,
                models: library.models.filter { $0.path.map { FileSystem.resolved($0).hasPrefix(below) } ?? false }
                    .map(\.name))
        }
        self.model = model
        self.path = path
        self.root = root
        if FileSystem.isTrueFolder(path) {
            let folder = ModelFolder(path)
            files = folder.own.map { path + "/" + $0 }
            kept = folder.others.map { path + "/" + $0 }
        } else {
            files = [path]
            kept = []
        }
        bytes = files.reduce(0) { $0 + FileSystem.ownSize(of: $1) }
    }

    /// Whether a name is one of the folder's own or of a folder in it, no link on the way to it leading out.
    private static func lies(_ path: String, in root: String) -> Bool {
        let folder = FileSystem.resolved(FileSystem.folder(of: withoutLastSlash(path))) + "/"
        return folder.hasPrefix(FileSystem.resolved(root) + "/")
    }

    /// Whether a link belongs to a model whose folder it lies in.
    private static func isPart(_ link: String, root: String) -> Bool {
        let resolvedRoot = FileSystem.resolved(root)
        var folder = FileSystem.resolved(FileSystem.folder(of: link))
        while folder.hasPrefix(resolvedRoot + "/") {
            if FileSystem.isFile(folder + "/model_index.json") { return true }
            folder = FileSystem.folder(of: folder)
        }
        return false
    }

    /// The link of the program's own folder that leads on to a path, by its path below that folder.
    private static func link(to path: String, root: String) -> String? {
        var folder = FileSystem.folder(of: path)
        while folder.hasPrefix(root + "/") {
            if FileSystem.isLink(folder) { return String(folder.dropFirst(root.count + 1)) }
            folder = FileSystem.folder(of: folder)
        }
        return nil
    }

    private static func withoutLastSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Removes it, as one step for a process that ends at once. Throws `ModelStoreError.notWritten` where some of it
    /// stayed.
    public func run() throws {
        func failure() -> ModelStoreError { .notWritten(path: path, reason: FileSystem.lastError) }
        let folder = FileSystem.folder(of: path)
        try CleanUp.whole {
            if FileSystem.isTrueFolder(path), kept.isEmpty {
                // Out of the way at once, then for good.
                let gone = "\(folder)/.removed-\(FileSystem.name(of: path))"
                _ = FileSystem.removeAll(gone)
                guard FileSystem.move(path, to: gone), FileSystem.removeAll(gone) else { throw failure() }
            } else {
                for file in files {
                    guard FileSystem.removeAll(file) else { throw failure() }
                }
                try forget()
                if FileSystem.isTrueFolder(path) { FileSystem.removeEmptyFolders(path) }
            }
            FinishedWork.add(.removedModel, at: path)
        }
        // Folders that this leaves empty.
        var parent = folder
        while parent != root, parent.hasPrefix(root + "/"), FileSystem.entries(of: parent).isEmpty {
            FileSystem.removeIfEmpty(parent)
            parent = FileSystem.folder(of: parent)
        }
    }

    /// Strikes the files out of what `pull` wrote down, which lies in the folder of the repository: some way above a
    /// file of a subfolder.
    private func forget() throws {
        var folder = FileSystem.isTrueFolder(path) ? path : FileSystem.folder(of: path)
        while folder == root || folder.hasPrefix(root + "/") {
            if var manifest = PullManifest(in: folder) {
                let gone = Set(files)
                manifest.files.removeAll { gone.contains("\(folder)/\($0.path)") }
                manifest.single = manifest.single.filter { !gone.contains("\(folder)/\($0)") }
                if manifest.files.isEmpty {
                    _ = FileSystem.removeAll("\(folder)/\(PullManifest.name)")
                } else {
                    try manifest.write(to: folder)
                }
                return
            }
            folder = FileSystem.folder(of: folder)
        }
    }

    public var json: JSONObject {
        JSONObject([
            ("removed", .text(model.name)), ("path", .text(path)), ("files", .integer(files.count)),
            ("bytes", .integer(bytes)), ("kept", .list(kept.map { .text($0) })),
        ])
    }

    /// What goes, in words: "3 files in '/models/owner/name'".
    public var summary: String {
        guard FileSystem.isTrueFolder(path) else { return "'\(path)'" }
        return "\(files.count.of("file")) in '\(path)'"
    }
}
