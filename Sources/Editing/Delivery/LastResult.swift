internal import Tensors

/// The last result made in a folder, so that a next edit can go on from it.
///
/// Kept in the user's cache folder, one small file for each folder, and never beside anybody's pictures.
public enum LastResult {
    /// The result that was last made in (or from) that folder and still exists. Throws `EditError.nothingToContinue`.
    public static func inFolder(_ folder: String) throws(EditError) -> String {
        let folder = FileSystem.resolved(folder)
        guard let record = recordPath(for: folder), let text = FileSystem.text(of: record) else {
            throw .nothingToContinue(folder: folder, gone: nil)
        }
        // The folder itself, then the result: two folders may share a name by an accident of hashing.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[0] == folder[...] else { throw .nothingToContinue(folder: folder, gone: nil) }
        let path = String(lines[1])
        guard FileSystem.isFile(path) else { throw .nothingToContinue(folder: folder, gone: path) }
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// Remembers a result for the folder it lies in and for the one the user works in. A cache that cannot be written
    /// costs the convenience, not the edit: the answer is false then.
    @discardableResult
    public static func remember(_ path: String, workingFolder: String = FileSystem.currentFolder) -> Bool {
        let path = FileSystem.resolved(path)
        let folders: Set = [FileSystem.resolved(workingFolder), FileSystem.folder(of: path)]
        // A line break in a name would break the record.
        guard !path.contains("\n") else { return false }
        return folders.map { folder in
            guard let record = recordPath(for: folder), FileSystem.makeFolder(FileSystem.folder(of: record)) else {
                return false
            }
            return FileSystem.write("\(folder)\n\(path)\n", to: record)
        }.allSatisfy(\.self)
    }

    private static func recordPath(for folder: String) -> String? {
        guard let cache = CacheFolder.path else { return nil }
        return cache + "/last/" + folder.stableHash
    }
}
