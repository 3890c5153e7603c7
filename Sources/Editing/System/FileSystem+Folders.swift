internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

extension FileSystem {
    /// Whether a link is there that leads to nothing, or to itself.
    static func isBrokenLink(_ path: String) -> Bool { isLink(path) && Identity(path) == nil }

    /// The names in a folder, sorted; none where it cannot be read.
    static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder.nativePath) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(nativeBytes: bytes.prefix { $0 != 0 })
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
            guard lstat(path.nativePath, &status) == 0 else { return [] }
            if status.st_mode & S_IFMT == S_IFDIR { return files(below: path).map { name + "/" + $0 } }
            return isFile(path) ? [name] : []
        }
    }

    /// Everything below a folder that is no folder itself, links too, which are not followed; by its path from there.
    static func leaves(below folder: String) -> [String] {
        entries(of: folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            return isTrueFolder(path) ? leaves(below: path).map { name + "/" + $0 } : [name]
        }
    }

    /// Whether a folder is there, and no link to one.
    static func isTrueFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path.nativePath, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether the name is a link's, be it to nothing.
    static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path.nativePath, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Bytes that removing a name gives back; of a link, not what it leads to.
    static func ownSize(of path: String) -> Int {
        var status = stat()
        return lstat(path.nativePath, &status) == 0 ? Int(status.st_size) : 0
    }

    /// When a file's contents changed last, in seconds since 1970; of a link, not what it leads to; 0 where there is none.
    static func changed(_ path: String) -> Double {
        var status = stat()
        guard lstat(path.nativePath, &status) == 0 else { return 0 }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Gives a file a second name. False where that fails, also on disks that cannot.
    static func link(_ path: String, as name: String) -> Bool { systemLink(path.nativePath, name.nativePath) == 0 }

    /// Removes the folders below one that hold nothing, and it too where it then holds nothing.
    static func removeEmptyFolders(_ folder: String) {
        for name in entries(of: folder) where isTrueFolder(folder + "/" + name) {
            removeEmptyFolders(folder + "/" + name)
        }
        removeIfEmpty(folder)
    }

    /// Bytes of a file, or of all files below a folder.
    static func size(below path: String) -> Int {
        isFolder(path) ? files(below: path).reduce(0) { $0 + size(of: path + "/" + $1) } : size(of: path)
    }

    /// 0 where there is no such file.
    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path.nativePath, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Bytes that the user may still write to the disk of a folder that is there; `nil` where that is not known.
    static func freeBytes(of folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder.nativePath, &status) == 0 else { return nil }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }

    /// Removes a file, or a folder with all that is below it; a link, not what it leads to. False where some of it stayed.
    static func removeAll(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path.nativePath, &status) == 0 else { return errno == ENOENT }
        guard status.st_mode & S_IFMT == S_IFDIR else { return unlink(path.nativePath) == 0 }
        return entries(of: path).reduce(true) { removeAll(path + "/" + $1) && $0 } && rmdir(path.nativePath) == 0
    }

    /// Removes a folder that is empty.
    static func removeIfEmpty(_ folder: String) { rmdir(folder.nativePath) }

    /// Moves a file or folder within a disk, over a file that is there. False where that fails.
    static func move(_ path: String, to target: String) -> Bool { rename(path.nativePath, target.nativePath) == 0 }

    /// What the system says of the call that failed last.
    static var lastError: String { String(cString: strerror(errno)) }
}

/// `link(2)`, whose name `FileSystem.link` hides.
private func systemLink(_ path: [CChar], _ name: [CChar]) -> Int32 { link(path, name) }
