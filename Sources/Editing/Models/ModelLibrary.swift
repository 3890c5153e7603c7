public import Diffusion

/// The models on this machine: in the program's own folder, in the Hugging Face cache, in folders that the user named, and
/// inside the program.
public struct ModelLibrary: Sendable {
    public enum Place: Sendable, Equatable {
        case own
        case huggingFaceCache
        /// A folder of `config.json`.
        case configured(String)
        case embedded
    }

    public struct Model: Sendable, Equatable {
        /// Unique in its place: the path below it, without the ending of a single file unless another model there is
        /// called so; in the Hugging Face cache `OWNER/NAME` for what `main` is, else `OWNER/NAME@` and the revision.
        public var name: String
        /// The same, always with the ending of a single file.
        public var wholeName: String
        public var place: Place
        /// `nil` for the embedded one.
        public var path: String?
        public var isFolder: Bool

        init(name: String, ending: String = "", place: Place, path: String?, isFolder: Bool) {
            self.name = name
            wholeName = name + ending
            self.place = place
            self.path = path
            self.isFolder = isFolder
        }

        /// Without the ending of a single file.
        var stem: String {
            isFolder ? wholeName : ModelLibrary.split(wholeName)?.stem ?? wholeName
        }

        public var source: ModelSource {
            guard let path else { return .embedded }
            return isFolder ? .folder(path) : .file(path)
        }

        /// Of all its files.
        public var bytes: Int { path.map(FileSystem.size(below:)) ?? 0 }
    }

    /// What the embedded model is called wherever a model can be named.
    public static let embeddedName = "embedded"

    public let models: [Model]

    /// Looks into every place. Throws `ModelStoreError.badConfiguration`.
    public init() throws {
        var found: [Model] = []
        if let folder = Self.ownFolder {
            found += Self.models(below: folder, place: .own)
        }
        if let cache = Self.huggingFaceCache { found += Self.cached(in: cache) }
        for folder in try UserConfiguration().modelFolders {
            for part in Self.checkpointFolders(of: folder) {
                found += Self.models(below: part, place: .configured(folder))
            }
        }
        found.append(Model(name: Self.embeddedName, place: .embedded, path: nil, isFolder: true))
        models = Self.distinct(found)
    }

    /// Gives models of a place that would be called alike their endings.
    private static func distinct(_ models: [Model]) -> [Model] {
        models.map { model in
            let isAlone = !models.contains { $0.place == model.place && $0.name == model.name && $0 != model }
            var model = model
            if !isAlone { model.name = model.wholeName }
            return model
        }
    }

    /// Where this program keeps models; `nil` where there is no home.
    public static var ownFolder: String? { DataFolder.path.map { $0 + "/models" } }

    /// The cache of the huggingface_hub package, as its documentation has it.
    static var huggingFaceCache: String? {
        if let path = FileSystem.environment("HF_HUB_CACHE") { return path }
        if let home = FileSystem.environment("HF_HOME") { return home + "/hub" }
        if let cache = FileSystem.environment("XDG_CACHE_HOME") { return cache + "/huggingface/hub" }
        return FileSystem.environment("HOME").map { $0 + "/.cache/huggingface/hub" }
    }

    /// Where checkpoints lie in the folders of AUTOMATIC1111 and ComfyUI, or of their `models`; else the folder itself.
    private static func checkpointFolders(of root: String) -> [String] {
        let known = ["models/Stable-diffusion", "models/checkpoints", "Stable-diffusion", "checkpoints"]
        let found = known.map { FileSystem.join(root, $0) }.filter(FileSystem.isFolder)
        return found.isEmpty ? [root] : found
    }

    private static let endings = [".safetensors", ".ckpt", ".gguf"]

    /// Whether a file is a single-file model by its name.
    static func isModelFile(_ name: String) -> Bool { split(name) != nil }

    /// A single-file model's name without its ending, and that; `nil` for another kind.
    private static func split(_ name: String) -> (stem: String, ending: String)? {
        endings.first { name.lowercased().hasSuffix($0) }.map {
            (String(name.dropLast($0.count)), String(name.suffix($0.count)))
        }
    }

    /// Each folder is looked into once, by its own name before links to it, as links can lead back. A link to a model
    /// is another name of it.
    private static func models(below root: String, place: Place) -> [Model] {
        var found: [Model] = []
        var seen: Set<FileSystem.Identity> = []
        var links: [(path: String, prefix: String, depth: Int)] = []
        func visit(_ folder: String, _ prefix: String, depth: Int) {
            let isModel = FileSystem.isFile(folder + "/model_index.json")
            guard let identity = FileSystem.Identity(folder), seen.insert(identity).inserted || isModel else { return }
            if isModel, !prefix.isEmpty {
                found.append(Model(name: String(prefix.dropLast()), place: place, path: folder, isFolder: true))
            }
            // Single files that were fetched into the folders of such a model, beside its parts.
            for path in isModel ? PullManifest(in: folder)?.single.sorted() ?? [] : [] where path.contains("/") {
                guard let (stem, ending) = split(path), FileSystem.isFile("\(folder)/\(path)") else { continue }
                found.append(
                    Model(
                        name: prefix + stem, ending: ending, place: place, path: "\(folder)/\(path)", isFolder: false))
            }
            // A part of a model in the diffusers layout is none.
            let isPart = FileSystem.isFile(folder + "/config.json")
            for entry in FileSystem.entries(of: folder) where !entry.hasPrefix(".") {
                let path = folder + "/" + entry
                if let (stem, ending) = split(entry), !isPart, FileSystem.isFile(path) {
                    found.append(
                        Model(name: prefix + stem, ending: ending, place: place, path: path, isFolder: false))
                } else if !isModel, depth < 5, FileSystem.isFolder(path) {
                    if FileSystem.isTrueFolder(path) {
                        visit(path, prefix + entry + "/", depth: depth + 1)
                    } else {
                        links.append((path, prefix + entry + "/", depth + 1))
                    }
                }
            }
        }
        visit(root, "", depth: 0)
        var next = 0
        while next < links.count {
            visit(links[next].path, links[next].prefix, depth: links[next].depth)
            next += 1
        }
        return found
    }

    /// `models--OWNER--NAME/snapshots/REVISION`.
    private static func cached(in cache: String) -> [Model] {
        var found: [Model] = []
        for entry in FileSystem.entries(of: cache) where entry.hasPrefix("models--") {
            let repository = entry.dropFirst("models--".count).split(separator: "--", maxSplits: 1)
                .joined(separator: "/")
            let root = cache + "/" + entry
            let main = FileSystem.text(of: root + "/refs/main").map { String($0.prefix { !$0.isWhitespace }) }
            for revision in FileSystem.entries(of: root + "/snapshots") where !revision.hasPrefix(".") {
                let snapshot = root + "/snapshots/" + revision
                let name = revision == main ? repository : "\(repository)@\(revision)"
                if FileSystem.isFile(snapshot + "/model_index.json") {
                    found.append(Model(name: name, place: .huggingFaceCache, path: snapshot, isFolder: true))
                }
                if FileSystem.isFile(snapshot + "/config.json") { continue }
                for file in FileSystem.entries(of: snapshot) where FileSystem.isFile(snapshot + "/" + file) {
                    guard let (stem, ending) = split(file) else { continue }
                    found.append(
                        Model(
                            name: "\(name)/\(stem)", ending: ending, place: .huggingFaceCache,
                            path: snapshot + "/" + file,
                            isFolder: false))
                }
            }
        }
        return found
    }

    /// The model of a path or a name: what lies at the path; else one that is called so, with or without a single
    /// file's ending, in the order of the places; else the only one whose name ends so.
    ///
    /// - Throws: `ModelStoreError.unknownModel`, or `.ambiguousModel` where several are called so.
    public func model(_ name: String) throws -> Model {
        if name == Self.embeddedName, let model = models.first(where: { $0.place == .embedded }) { return model }
        if FileSystem.exists(name) { return model(at: name) }
        var places: [Place] = []
        for model in models where !places.contains(model.place) { places.append(model.place) }
        for place in places {
            let here = models.filter { $0.place == place }
            // With its ending a name means one file; without it, it may mean several.
            for isCalled in [{ $0.wholeName == name }, { $0.stem == name }] as [(Model) -> Bool] {
                if let model = try Self.only(here.filter(isCalled), of: name) { return model }
            }
        }
        let ending = "/" + name.lowercased()
        let close = models.filter { model in
            [model.wholeName, model.stem].contains { ("/" + $0.lowercased()).hasSuffix(ending) }
        }
        if let model = try Self.only(close, of: name) { return model }
        let bare = (Self.split(name)?.stem ?? name).lowercased()
        let near = models.filter { $0.name.lowercased().contains(bare) }
        throw ModelStoreError.unknownModel(name: name, near: near.prefix(5).map(\.name))
    }

    /// What lies at a path, as a model of the library where it is one: by its own name there, before any link to it.
    private func model(at name: String) -> Model {
        let path = name.count > 1 && name.hasSuffix("/") ? String(name.dropLast()) : name
        let resolved = FileSystem.resolved(path)
        return models.first { $0.path.map { FileSystem.isSameName($0, path) } ?? false }
            ?? models.first { $0.path.map(FileSystem.resolved) == resolved }
            ?? Model(
                name: FileSystem.name(of: path), place: .configured(FileSystem.folder(of: path)), path: name,
                isFolder: FileSystem.isFolder(name))
    }

    private static func only(_ models: [Model], of name: String) throws -> Model? {
        guard models.count > 1 else { return models.first }
        let names = models.map(\.name)
        let isTold = Set(names).count == names.count
        throw ModelStoreError.ambiguousModel(
            name: name, models: isTold ? names : models.map { $0.path ?? $0.name })
    }
}

extension ModelLibrary {
    /// What a model can be called from any folder: its name, or for one that was named by a path the whole path.
    public static func lastingName(of model: Model) throws -> String {
        guard let path = model.path else { return embeddedName }
        return try ModelLibrary().models.contains(model) ? model.name : FileSystem.resolved(path)
    }
}

extension ModelSource {
    /// The model that a user means: a path or a name of `ModelLibrary`; without either the default of `config.json`, else
    /// the embedded one.
    ///
    /// - Throws: `ModelStoreError`.
    public static func named(_ name: String?) throws -> ModelSource {
        guard let name else {
            guard let settled = try UserConfiguration().defaultModel else { return .embedded }
            do { return try ModelLibrary().model(settled).source } catch ModelStoreError.unknownModel {
                throw ModelStoreError.unknownDefault(name: settled)
            }
        }
        // What lies at a path needs no search; nor does what can be nothing else, which then is not there.
        if FileSystem.exists(name) || ["/", "./", "../"].contains(where: name.hasPrefix) { return .path(name) }
        return try ModelLibrary().model(name).source
    }
}
