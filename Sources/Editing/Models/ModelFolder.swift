/// What of a folder is the model in the diffusers layout, and what are other models that lie there too.
struct ModelFolder {
    /// Paths from the folder, links among them.
    let own: [String]
    /// Single files that `pull --file` put there, or the user: models of their own.
    let others: [String]

    init(_ folder: String) {
        let single = PullManifest(in: folder)?.single ?? []
        var own: [String] = []
        var others: [String] = []
        for path in FileSystem.leaves(below: folder) where path != PullManifest.name {
            let isPart =
                PullSelection.isPart(path) || FileSystem.isFile(Self.folder(of: path, in: folder) + "/config.json")
            if single.contains(path) || !isPart && ModelLibrary.isModelFile(path) {
                others.append(path)
            } else {
                own.append(path)
            }
        }
        self.own = own
        self.others = others
    }

    private static func folder(of path: String, in root: String) -> String {
        FileSystem.folder(of: root + "/" + path)
    }
}
