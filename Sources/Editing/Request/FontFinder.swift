internal import Foundation

/// Finds font files where systems keep them.
enum FontFinder {
    /// The path of a font: `name` itself where it is a file, else the file of that name (without its ending, upper and
    /// lower case alike) in the system's or the user's font folders; without a name a plain bold font, or any.
    ///
    /// - Throws: `EditError.noFont`.
    static func path(of name: String?) throws(EditError) -> String {
        if let name, FileSystem.isFile(name) { return name }
        let files = installed()
        func file(called wanted: String) -> String? {
            files.first { FileSystem.name(of: $0).withoutEnding.lowercased() == wanted.lowercased() }
        }
        if let name {
            guard let found = file(called: name) else { throw .noFont(name: name) }
            return found
        }
        let plain = ["DejaVuSans-Bold", "LiberationSans-Bold", "NotoSans-Bold", "Arial Bold", "Helvetica"]
        guard let found = plain.lazy.compactMap(file(called:)).first ?? files.first else { throw .noFont(name: nil) }
        return found
    }

    private static func installed() -> [String] {
        let home = FileSystem.environment("HOME") ?? ""
        let folders = [
            home + "/.local/share/fonts", home + "/.fonts", "/usr/local/share/fonts", "/usr/share/fonts",
            home + "/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts",
        ]
        let endings = [".ttf", ".otf", ".ttc", ".pfb"]
        return folders.flatMap { folder in
            guard FileSystem.isFolder(folder), let names = FileManager.default.enumerator(atPath: folder) else {
                return [String]()
            }
            return names.compactMap { $0 as? String }
                .filter { name in endings.contains { name.lowercased().hasSuffix($0) } }
                .sorted().map { FileSystem.join(folder, $0) }
        }
    }
}

extension String {
    fileprivate var withoutEnding: Substring { lastIndex(of: ".").map { self[..<$0] } ?? self[...] }
}
