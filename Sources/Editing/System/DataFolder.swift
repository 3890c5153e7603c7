/// The user's folder of what this program was set up with, and cannot make again by itself.
enum DataFolder {
    /// `$XDG_DATA_HOME/editor`, or where the system keeps such files; `nil` where there is no home.
    static var path: String? {
        if let named = FileSystem.environment("XDG_DATA_HOME"), named.hasPrefix("/") { return named + "/editor" }
        guard let home = FileSystem.environment("HOME") else { return nil }
        #if canImport(Darwin)
            return home + "/Library/Application Support/editor"
        #else
            return home + "/.local/share/editor"
        #endif
    }

    /// CLIP's list of merges, which `scripts/setup` puts there; `$EDITOR_CLIP_VOCABULARY` names another place.
    static var clipVocabulary: String? {
        FileSystem.environment("EDITOR_CLIP_VOCABULARY") ?? path.map { $0 + "/bpe_simple_vocab_16e6.txt" }
    }
}
