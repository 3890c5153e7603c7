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
}
