#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

extension FileSystem {
    /// The names in a folder, sorted; none where it cannot be read.
    static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Every file below a folder, links among them followed (but not to folders), by its path from there.
    static func files(below folder: String) -> [String] {
        entries(of: folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { return [] }
            if status.st_mode & S_IFMT == S_IFDIR { return files(below: path).map { name + "/" + $0 } }
            return isFile(path) ? [name] : []
        }
    }

    /// Bytes of a file, or of all files below a folder.
    static func size(below path: String) -> Int {
        isFolder(path) ? files(below: path).reduce(0) { $0 + size(of: path + "/" + $1) } : size(of: path)
    }

    /// 0 where there is no such file.
    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Bytes that the user may still write to the disk of a folder that is there; `nil` where that is not known.
    static func freeBytes(of folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }

    /// Removes a file, or a folder with all that is below it; a link, not what it leads to. False where some of it stayed.
    static func removeAll(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT }
        guard status.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 }
        return entries(of: path).reduce(true) { removeAll(path + "/" + $1) && $0 } && rmdir(path) == 0
    }

    /// Removes a folder that is empty.
    static func removeIfEmpty(_ folder: String) { rmdir(folder) }

    /// Moves a file or folder within a disk, over a file that is there. False where that fails.
    static func move(_ path: String, to target: String) -> Bool { rename(path, target) == 0 }

    /// What the system says of the call that failed last.
    static var lastError: String { String(cString: strerror(errno)) }
}
