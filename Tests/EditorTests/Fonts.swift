import Foundation
import Testing

/// Whether this machine has fonts, in the folders that the program looks into.
enum Fonts {
    static let areInstalled: Bool = {
        let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
        let folders = [
            home + "/.local/share/fonts", home + "/.fonts", "/usr/local/share/fonts", "/usr/share/fonts",
            home + "/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts",
        ]
        return folders.contains { folder in
            let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
            return names.contains { name in
                [".ttf", ".otf", ".ttc", ".pfb"].contains { name.lowercased().hasSuffix($0) }
            }
        }
    }()

    static let absence: Comment = "skipped: no font is installed"
}
