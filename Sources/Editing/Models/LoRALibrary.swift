public import Diffusion

/// The LoRA files that prompts can call by their names.
public struct LoRALibrary: Sendable {
    /// Where they are looked for, in this order.
    public let folders: [String]
    /// What lies there, as it was when the library was opened: each file by its folder and its path from there.
    private let files: [(folder: String, path: String)]

    private static let endings = [".safetensors", ".pt", ".ckpt", ".bin"]
    /// As AUTOMATIC1111 and ComfyUI call the folder.
    private static let names = ["Lora", "LyCORIS", "loras", "lora"]

    /// Beside the model, in the folders of `config.json`, and where this program keeps models.
    ///
    /// - Throws: `ModelStoreError.badConfiguration`.
    public init(for model: ModelSource) throws {
        var folders: [String] = []
        // Those of which what lies below is looked at, too.
        var deep: Set<String> = []
        func add(_ folder: String, isDeep: Bool) {
            guard FileSystem.isFolder(folder) else { return }
            if isDeep { deep.insert(folder) }
            if !folders.contains(folder) { folders.append(folder) }
        }
        func addNamed(in folder: String) {
            for name in Self.names { add(FileSystem.join(folder, name), isDeep: true) }
        }
        // Where the model is said to be, and where links lead.
        let places: [String] =
            switch model {
            case .file(let path): [FileSystem.folder(of: path), FileSystem.folder(of: FileSystem.resolved(path))]
            case .folder(let path): [FileSystem.resolved(path)]
            case .embedded: []
            }
        for place in places.map(FileSystem.resolved) {
            let parent = FileSystem.folder(of: place)
            add(place, isDeep: false)
            addNamed(in: place)
            // Models and LoRAs lie side by side in those programs' folders.
            if case .folder = model { add(parent, isDeep: false) }
            addNamed(in: parent)
        }
        for root in try UserConfiguration().modelFolders {
            let known =
                ["", "models"].flatMap { part in
                    Self.names.map { FileSystem.join(part.isEmpty ? root : FileSystem.join(root, part), $0) }
                }
                + Self.names.map { FileSystem.join(FileSystem.folder(of: root), $0) }
            let found = known.filter(FileSystem.isFolder)
            for folder in found.isEmpty ? [root] : found { add(folder, isDeep: true) }
        }
        if let own = ModelLibrary.ownFolder { add(own, isDeep: true) }
        self.folders = folders
        files = folders.flatMap { folder in
            Self.files(in: folder, depth: deep.contains(folder) ? 5 : 0).map { (folder: folder, path: $0) }
        }
    }

    /// The file of that name, without its ending, and with folders above it where the name has some; `nil` where there
    /// is none. The first of several counts, one in the same letters before one in others.
    public func file(named name: String) -> String? { files(named: name).first }

    /// All files of that name, each once whatever links lead to it: those in the same letters, else those in others.
    func files(named name: String) -> [String] {
        let wanted = Self.stem(name) ?? name
        var same: [String] = []
        var close: [String] = []
        for (folder, path) in files {
            guard let stem = Self.stem(path) else { continue }
            if ("/" + stem).hasSuffix("/" + wanted) {
                same.append(folder + "/" + path)
            } else if ("/" + stem.lowercased()).hasSuffix("/" + wanted.lowercased()) {
                close.append(folder + "/" + path)
            }
        }
        var seen: Set<FileSystem.Identity> = []
        return (same.isEmpty ? close : same).filter { path in
            FileSystem.Identity(path).map { seen.insert($0).inserted } ?? true
        }
    }

    /// Files below a folder by their paths from there, those of a folder before those of the folders in it.
    ///
    /// Each folder is looked into once, by its own name before links to it, as links can lead back.
    private static func files(in root: String, depth: Int) -> [String] {
        var found: [String] = []
        var seen: Set<FileSystem.Identity> = []
        var links: [(prefix: String, depth: Int)] = []
        func visit(_ prefix: String, depth: Int) {
            let folder = root + "/" + prefix
            guard let identity = FileSystem.Identity(folder), seen.insert(identity).inserted else { return }
            let entries = FileSystem.entries(of: folder).filter { !$0.hasPrefix(".") }
            found += entries.filter { stem($0) != nil && FileSystem.isFile(folder + $0) }.map { prefix + $0 }
            guard depth > 0 else { return }
            for entry in entries where FileSystem.isFolder(folder + entry) {
                if FileSystem.isTrueFolder(folder + entry) {
                    visit(prefix + entry + "/", depth: depth - 1)
                } else {
                    links.append((prefix + entry + "/", depth - 1))
                }
            }
        }
        visit("", depth: depth)
        var next = 0
        while next < links.count {
            visit(links[next].prefix, depth: links[next].depth)
            next += 1
        }
        return found
    }

    private static func stem(_ name: String) -> String? {
        endings.first { name.lowercased().hasSuffix($0) }.map { String(name.dropLast($0.count)) }
    }
}
