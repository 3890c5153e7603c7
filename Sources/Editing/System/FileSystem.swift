internal import CleanUp
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The few questions an edit asks of the file system.
public enum FileSystem {
    public static var currentFolder: String {
        guard let buffer = getcwd(nil, 0) else { return "." }
        defer { free(buffer) }
        return String(nativePath: buffer)
    }

    public static func isFile(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT == S_IFREG } ?? false }
    public static func isFolder(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT == S_IFDIR } ?? false }
    /// Whether a file, a pipe or a device is there.
    public static func holdsBytes(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT != S_IFDIR } ?? false }
    /// Whether what is there gives its bytes once: a pipe, with a name or without.
    static func isPipe(_ path: String) -> Bool {
        mode(of: path).map { $0 & S_IFMT == S_IFIFO || $0 & S_IFMT == S_IFSOCK } ?? false
    }
    /// Whether anything is there, be it a link to nothing.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path.nativePath, &status) == 0
    }

    /// Whether both names lead to one file.
    public static func isSameFile(_ first: String, _ second: String) -> Bool {
        var one = stat()
        var other = stat()
        guard stat(first.nativePath, &one) == 0, stat(second.nativePath, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    /// Whether both names, of files that need not be there, lead to one file.
    ///
    /// - Parameter ignoringCase: for names of which neither need be there: some disks take `a.png` and `A.png` for one,
    ///   and which do is not known before.
    static func isSamePlace(_ first: String, _ second: String, ignoringCase: Bool = false) -> Bool {
        isSameFile(first, second) || isSameName(first, second, ignoringCase: ignoringCase)
    }

    /// Whether both are one name of one folder, be it a link's.
    ///
    /// - Parameter ignoringCase: whether names that differ in upper and lower case alone are one.
    static func isSameName(_ first: String, _ second: String, ignoringCase: Bool = false) -> Bool {
        let names = [name(of: first), name(of: second)].map { ignoringCase ? $0.lowercased() : $0 }
        return names[0] == names[1] && isSameFile(folder(of: first), folder(of: second))
    }

    /// Why nothing can be created in a folder; `nil` where it can. Found out by creating a file and removing it, as
    /// permissions alone do not tell of read-only disks and of users who may do anything.
    public static func reasonNotWritable(folder: String) -> String? {
        let probe = join(folder, ".editor-\(getpid())-\(UInt32.random(in: 0 ... .max)).tmp")
        let descriptor = open(probe.nativePath, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            return switch errno {
            case EACCES, EPERM: "its folder may not be written to"
            case EROFS: "its disk is read-only"
            default: "\(String(cString: strerror(errno)))"
            }
        }
        close(descriptor)
        unlink(probe.nativePath)
        return nil
    }

    /// Why a name cannot be given to a file; `nil` where it can, as far as the name goes.
    static func reasonNotNameable(_ path: String) -> String? {
        let limit = pathconf(folder(of: path).nativePath, Int32(_PC_NAME_MAX))
        let length = name(of: path).nativeBytes.count
        guard limit > 0, length > limit else { return nil }
        return "its name has \(length.of("byte")), expected at most \(limit)"
    }

    /// The folder part of a path, `.` for a bare name.
    public static func folder(of path: String) -> String {
        // By bytes: a slash that an accent follows is one character with it.
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The part of a path behind its last slash.
    public static func name(of path: String) -> String {
        path.unicodeScalars.split(separator: "/").last.map { String($0) } ?? ""
    }

    public static func join(_ folder: String, _ name: String) -> String {
        folder == "." || folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The path without links and dots; the path itself where nothing is there.
    public static func resolved(_ path: String) -> String {
        guard let buffer = realpath(path.nativePath, nil) else { return path }
        defer { free(buffer) }
        return String(nativePath: buffer)
    }

    /// A small text file, of at most 1 MiB; `nil` where it cannot be read.
    static func text(of path: String) -> String? {
        bytes(of: path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A file; `nil` where it cannot be read or is longer than `limit`.
    static func bytes(of path: String, limit: Int = .max) -> [UInt8]? {
        guard let file = fopen(path.nativePath, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return ferror(file) == 0 ? bytes : nil }
            guard bytes.count + count <= limit else { return nil }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Writes a small text file beside its name and renames it. False where that fails.
    static func write(_ text: String, to path: String) -> Bool {
        let temporary = path + ".\(getpid())"
        let cleanUp = CleanUp { unlink(temporary.nativePath) }
        defer { cleanUp.finish() }
        guard let file = fopen(temporary.nativePath, "w") else { return false }
        let bytes = Array(text.utf8)
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        guard fclose(file) == 0, isWritten, rename(temporary.nativePath, path.nativePath) == 0 else {
            unlink(temporary.nativePath)
            return false
        }
        return true
    }

    /// Makes a folder and those it lies in. False where that fails.
    static func makeFolder(_ path: String) -> Bool {
        if isFolder(path) { return true }
        let parent = folder(of: path)
        guard parent == path || parent == "." || makeFolder(parent) else { return false }
        return mkdir(path.nativePath, 0o700) == 0 || isFolder(path)
    }

    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(nativePath: value)
        return text.isEmpty ? nil : text
    }

    private static func mode(of path: String) -> mode_t? {
        var status = stat()
        return stat(path.nativePath, &status) == 0 ? status.st_mode : nil
    }
}
