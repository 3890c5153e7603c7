internal import Diffusion

/// What was fetched into a folder: from where, which commit, and what the files were then. Lies there as `.pull.json`.
struct PullManifest: Equatable {
    var endpoint: String
    var repository: String
    var revision: String
    var files: [ModelHub.File]
    /// The paths of those that were fetched one by one, and belong to no model in the diffusers layout.
    var single: Set<String> = []

    static let name = ".pull.json"

    init(endpoint: String, repository: String, revision: String, files: [ModelHub.File]) {
        self.endpoint = endpoint
        self.repository = repository
        self.revision = revision
        self.files = files
    }

    /// `nil` where there is none that can be read.
    init?(in folder: String) {
        guard let text = FileSystem.text(of: folder + "/" + Self.name),
            case .object(let members)? = try? JSONValue(parsing: text),
            case .string(let endpoint)? = members["endpoint"], case .string(let repository)? = members["repository"],
            case .string(let revision)? = members["revision"], case .array(let list)? = members["files"]
        else { return nil }
        var files: [ModelHub.File] = []
        var single: Set<String> = []
        for entry in list {
            guard case .object(let entry) = entry, case .string(let path)? = entry["path"],
                case .integer(let size)? = entry["size"], ModelHub.isSafe(path)
            else { return nil }
            var file = ModelHub.File(path: path, size: size)
            if case .string(let hash)? = entry["sha256"] { file.sha256 = hash }
            if case .bool(true)? = entry["single"] { single.insert(path) }
            files.append(file)
        }
        self.init(endpoint: endpoint, repository: repository, revision: revision, files: files)
        self.single = single
    }

    /// What a file's SHA-256 was when it was fetched; `nil` where that is not known, or the file has another size now.
    static func sha256(of path: String) -> String? {
        var folder = FileSystem.folder(of: path)
        for _ in 0 ..< 6 {
            if let manifest = PullManifest(in: folder) {
                let known = manifest.files.first { FileSystem.isSameFile(folder + "/" + $0.path, path) }
                return known.flatMap { FileSystem.size(of: path) == $0.size ? $0.sha256 : nil }
            }
            let parent = FileSystem.folder(of: folder)
            guard parent != folder else { return nil }
            folder = parent
        }
        return nil
    }

    /// Adds files that were there before and are none of those listed.
    mutating func add(_ others: [ModelHub.File], single marked: Set<String>) {
        let names = Set(files.map(\.path))
        let added = others.filter { !names.contains($0.path) }
        files = (files + added).sorted { $0.path < $1.path }
        single.formUnion(marked.intersection(added.map(\.path)))
    }

    func write(to folder: String) throws {
        let list = files.map { file in
            JSONObject.Value.object(
                JSONObject(
                    [
                        ("path", .text(file.path)), ("size", .integer(file.size)),
                        ("sha256", file.sha256.map { .text($0) } ?? .null),
                    ] + (single.contains(file.path) ? [("single", .flag(true))] : [])))
        }
        let text = JSONObject([
            ("endpoint", .text(endpoint)), ("repository", .text(repository)), ("revision", .text(revision)),
            ("files", .list(list)),
        ]).storedLine
        let path = folder + "/" + Self.name
        guard FileSystem.write(text + "\n", to: path) else {
            throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
        }
    }
}
