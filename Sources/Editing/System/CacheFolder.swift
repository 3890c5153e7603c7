/// The user's cache folder for this program: what lies there can be deleted at any time.
enum CacheFolder {
    /// `$XDG_CACHE_HOME/editor`, or where the system keeps caches; `nil` where there is no home.
    static var path: String? {
        if let named = FileSystem.environment("XDG_CACHE_HOME"), named.hasPrefix("/") { return named + "/editor" }
        guard let home = FileSystem.environment("HOME") else { return nil }
        #if canImport(Darwin)
            return home + "/Library/Caches/editor"
        #else
            return home + "/.cache/editor"
        #endif
    }

    /// Where packed weights are kept; made if need be. `nil` where that cannot be.
    static var packedWeights: String? {
        guard let path else { return nil }
        let folder = path + "/weights"
        return FileSystem.makeFolder(folder) ? folder : nil
    }

    /// Bytes of packed weights that are kept: those of some ten models of Stable Diffusion 1's size, or three of SDXL's.
    private static let packedWeightLimit = 20_000_000_000

    /// Removes the packed weights that were not used for longest until the others take no more than `limit` bytes; those
    /// used last stay in any case. Every file's time of change is that of its last use.
    static func trim(_ folder: String, limit: Int = packedWeightLimit) {
        let files = FileSystem.entries(of: folder).filter { $0.hasSuffix(".packed") }
            .map { folder + "/" + $0 }
            .map { (path: $0, size: FileSystem.ownSize(of: $0), used: FileSystem.changed($0)) }
            .sorted { $0.used > $1.used }
        var sum = 0
        for (index, file) in files.enumerated() {
            sum += file.size
            if index > 0, sum > limit { _ = FileSystem.removeAll(file.path) }
        }
    }
}
