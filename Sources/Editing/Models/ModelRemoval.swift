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

    /// Throws `ModelStoreError.notOwn` for one that lies elsewhere, `.noModel` for a folder that is none.
    public init(of model: ModelLibrary.Model, in library: ModelLibrary) throws {
        guard let root = ModelLibrary.ownFolder else { throw ModelStoreError.noHome }
        // By where it truly lies: a link out of the folder leads to what is not ours.
        let resolvedRoot = FileSystem.resolved(root) + "/"
        guard let path = model.path, FileSystem.resolved(path).hasPrefix(resolvedRoot) else {
            let place = model.path.map { "'\(FileSystem.folder(of: FileSystem.resolved($0)))'" } ?? "this program"
            throw ModelStoreError.notOwn(name: model.name, place: place, folder: root)
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

    /// Removes it. Throws `ModelStoreError.notWritten` where some of it stayed.
    public func run() throws {
        func failure() -> ModelStoreError { .notWritten(path: path, reason: FileSystem.lastError) }
        let folder = FileSystem.folder(of: path)
        if FileSystem.isTrueFolder(path), kept.isEmpty {
            // Out of the way at once, then for good.
            let gone = "\(folder)/.removed-\(FileSystem.name(of: path))"
            try CleanUp.whole {
                _ = FileSystem.removeAll(gone)
                guard FileSystem.move(path, to: gone), FileSystem.removeAll(gone) else { throw failure() }
            }
        } else {
            for file in files {
                guard FileSystem.removeAll(file) else { throw failure() }
            }
            try forget()
            if FileSystem.isTrueFolder(path) { FileSystem.removeEmptyFolders(path) }
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
