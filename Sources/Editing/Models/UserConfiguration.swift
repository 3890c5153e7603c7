internal import CleanUp
internal import Diffusion

/// What the user has settled once and for all: `config.json` in `$XDG_CONFIG_HOME/editor`, or where the system keeps such
/// files.
///
///     {"modelFolders": ["/data/ComfyUI", "/data/stable-diffusion-webui"], "defaultModel": "owner/name"}
public struct UserConfiguration: Sendable, Equatable {
    /// Folders with models beside this program's own: any, or the root of AUTOMATIC1111 or ComfyUI.
    public var modelFolders: [String] = []
    /// The name or path of the model that is used where none is named.
    public var defaultModel: String?

    /// Bytes of a name or path.
    private static let longestPath = 4096

    /// Where it is; `nil` where there is no home.
    public static var path: String? {
        if let named = FileSystem.environment("XDG_CONFIG_HOME"), named.hasPrefix("/") {
            return named + "/editor/config.json"
        }
        guard let home = FileSystem.environment("HOME") else { return nil }
        #if canImport(Darwin)
            return home + "/Library/Application Support/editor/config.json"
        #else
            return home + "/.config/editor/config.json"
        #endif
    }

    /// Reads the file; where there is none, nothing is settled. Throws `ModelStoreError.badConfiguration`.
    public init() throws {
        guard let path = Self.path, FileSystem.exists(path) else { return }
        func failure(_ reason: String) -> ModelStoreError { .badConfiguration(path: path, reason: reason) }
        guard let text = FileSystem.text(of: path) else { throw failure("it cannot be read") }
        let document: JSONValue
        do { document = try JSONValue(parsing: text) } catch { throw failure("\(error)") }
        guard case .object(let members) = document else { throw failure("it is \(document.kind), expected an object") }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            switch (key, value) {
            case ("modelFolders", .array(let folders)):
                modelFolders = try folders.map { folder in
                    guard case .string(let folder) = folder, folder.utf8.count <= Self.longestPath,
                        folder.hasPrefix("/") || folder.hasPrefix("~/")
                    else {
                        throw failure("modelFolders holds something else than whole paths")
                    }
                    let home = FileSystem.environment("HOME") ?? ""
                    return folder.hasPrefix("~/") ? home + folder.dropFirst() : folder
                }
            case ("defaultModel", .string(let name)):
                guard name.utf8.count <= Self.longestPath else {
                    throw failure("defaultModel has more than \(Self.longestPath) bytes")
                }
                defaultModel = name
            case ("modelFolders", _), ("defaultModel", _): throw failure("\(key) is \(value.kind)")
            default: throw failure("it has the unknown key '\(key)', expected modelFolders and defaultModel")
            }
        }
    }

    /// Writes the file. Throws `ModelStoreError.notWritten`.
    public func save() throws {
        guard let path = Self.path else { throw ModelStoreError.noHome }
        var members: [(String, JSONObject.Value)] = []
        if !modelFolders.isEmpty { members.append(("modelFolders", .list(modelFolders.map { .text($0) }))) }
        if let defaultModel { members.append(("defaultModel", .text(defaultModel))) }
        try CleanUp.whole {
            guard FileSystem.makeFolder(FileSystem.folder(of: path)),
                FileSystem.write(JSONObject(members).storedLine + "\n", to: path)
            else { throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError) }
            FinishedWork.add(.setting, at: path)
        }
    }
}
