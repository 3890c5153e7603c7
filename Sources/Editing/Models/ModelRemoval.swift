/// Takes a model out of the program's own folder.
public struct ModelRemoval: Sendable {
    public let model: ModelLibrary.Model
    public let bytes: Int
    private let path: String
    private let root: String

    /// Throws `ModelStoreError.notOwn` for one that lies elsewhere.
    public init(of model: ModelLibrary.Model) throws {
        guard let root = ModelLibrary.ownFolder else { throw ModelStoreError.noHome }
        // By where it truly lies: a link out of the folder leads to what is not ours.
        let resolvedRoot = FileSystem.resolved(root) + "/"
        guard let path = model.path, FileSystem.resolved(path).hasPrefix(resolvedRoot) else {
            let place = model.path.map { "'\(FileSystem.folder(of: $0))'" } ?? "this program"
            throw ModelStoreError.notOwn(name: model.name, place: place, folder: root)
        }
        self.model = model
        self.path = path
        self.root = root
        bytes = model.bytes
    }

    /// Removes it. Throws `ModelStoreError.notWritten` where some of it stayed.
    public func run() throws {
        let folder = FileSystem.folder(of: path)
        if model.isFolder {
            // Out of the way at once, then for good.
            let gone = "\(folder)/.removed-\(FileSystem.name(of: path))"
            guard FileSystem.move(path, to: gone), FileSystem.removeAll(gone) else {
                throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
            }
        } else {
            guard FileSystem.removeAll(path) else {
                throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
            }
            try forget(in: folder)
        }
        // Folders that this leaves empty.
        var parent = folder
        while parent != root, parent.hasPrefix(root + "/"), FileSystem.entries(of: parent).isEmpty {
            FileSystem.removeIfEmpty(parent)
            parent = FileSystem.folder(of: parent)
        }
    }

    /// Strikes the file out of what `pull` wrote down.
    private func forget(in folder: String) throws {
        guard var manifest = PullManifest(in: folder) else { return }
        let name = FileSystem.name(of: path)
        manifest.files.removeAll { $0.path == name }
        if manifest.files.isEmpty {
            _ = FileSystem.removeAll("\(folder)/\(PullManifest.name)")
        } else {
            try manifest.write(to: folder)
        }
    }
}
