import Foundation
import Testing

@testable import Editing

@Suite struct CacheFolderTests {
    /// Files of 100 bytes, the last one used last.
    private func folder(_ names: [String]) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (age, name) in names.reversed().enumerated() {
            let path = folder.appending(path: name).path()
            try Data(count: 100).write(to: URL(fileURLWithPath: path))
            let date = Date(timeIntervalSinceNow: -1000 * Double(age))
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }
        return folder
    }

    @Test(arguments: [(400, 4), (399, 3), (200, 2), (100, 1), (0, 1)])
    func `The least recently used go, the last one stays`(limit: Int, count: Int) throws {
        let folder = try folder(["d.packed", "b.packed", "notes.txt", "c.packed", "a.packed"])
        defer { try? FileManager.default.removeItem(at: folder) }
        CacheFolder.trim(folder.path(), limit: limit)
        let left = FileSystem.entries(of: folder.path())
        #expect(left == (["d.packed", "b.packed", "c.packed", "a.packed"].suffix(count) + ["notes.txt"]).sorted())
    }
}
