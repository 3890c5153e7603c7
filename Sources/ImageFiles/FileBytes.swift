internal import CleanUp
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Whole files, read and written through POSIX.
enum FileBytes {
    /// Reads the file at `path`; of one whose beginning `goesOn` turns down no more than that.
    static func read(
        path: String, limit: Int, goesOn: ([UInt8]) -> Bool = { _ in true }
    ) throws(ImageFileError) -> [UInt8] {
        let descriptor = retrying { unsafe open(path.nativePath, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT, ENOTDIR: throw .missing(file: path)
            default: throw .unreadable(file: path, reason: reason(errno))
            }
        }
        defer { close(descriptor) }
        return try read(descriptor: descriptor, name: path, limit: limit, goesOn: goesOn)
    }

    /// The fewest bytes by which a beginning is told.
    private static let beginning = 64

    /// Reads what is left of an open file, pipe or terminal. A file that another program changes meanwhile is refused.
    ///
    /// - Parameters:
    ///   - goesOn: asked once with the beginning; where it says no, that is all that is read.
    ///   - afterFirstPiece: called once something was read; for tests.
    static func read(
        descriptor: Int32, name: String, limit: Int, goesOn: ([UInt8]) -> Bool = { _ in true },
        afterFirstPiece: () -> Void = {}
    ) throws(ImageFileError) -> [UInt8] {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(file: name, reason: reason(errno)) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .isDirectory(file: name) }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        guard isRegular || isatty(descriptor) == 0 else {
            throw .unreadable(file: name, reason: "it is a terminal")
        }
        var bytes = BytePieces()
        var isTold = false
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = retrying { unsafe piece.withUnsafeMutableBytes { unsafe systemRead(descriptor, $0) } }
            if count == 0 { break }
            guard count > 0 else {
                if errno == EISDIR { throw .isDirectory(file: name) }
                throw .readFailed(file: name, reason: reason(errno))
            }
            let isFirst = bytes.count == 0
            bytes.append(piece[..<count])
            if !isTold, bytes.count >= beginning {
                isTold = true
                // What is something else is not too large, and nobody waits for all of it.
                guard goesOn(bytes.first) else { return bytes.first }
                if isRegular {
                    if status.st_size > limit { throw .tooManyBytes(file: name, limit: limit) }
                    bytes.reserve(Int(status.st_size))
                }
            }
            guard bytes.count <= limit else { throw .tooManyBytes(file: name, limit: limit) }
            if isFirst { afterFirstPiece() }
        }
        if isRegular {
            var now = stat()
            guard unsafe fstat(descriptor, &now) == 0 else { throw .readFailed(file: name, reason: reason(errno)) }
            guard now.st_size == status.st_size, isSameTime(now, status) else {
                throw .readFailed(file: name, reason: "another program changed it meanwhile")
            }
        } else if bytes.count == 0 {
            let isDevice = [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT)
            throw .notAnImage(file: name, found: isDevice ? "a device without data" : "an empty pipe")
        }
        return bytes.joined()
    }

    /// Whether the contents changed last at the same time.
    private static func isSameTime(_ one: stat, _ other: stat) -> Bool {
        #if canImport(Darwin)
            one.st_mtimespec.tv_sec == other.st_mtimespec.tv_sec
                && one.st_mtimespec.tv_nsec == other.st_mtimespec.tv_nsec
        #else
            one.st_mtim.tv_sec == other.st_mtim.tv_sec && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec
        #endif
    }

    /// Writes `bytes` so that `path` holds either what it held or all of them: into a temporary file beside it, to
    /// the disk, then renamed. A target that is not a regular file (a device, a pipe) is written to directly.
    ///
    /// - Parameter whenPlaced: called once the file has its name, in one step with that for a process that ends at once
    ///   (`CleanUp.whole`). It takes a moment only.
    static func write(
        _ bytes: [UInt8], to path: String, replacing: Bool, whenPlaced: () -> Void = {}
    ) throws(ImageFileError) {
        // A link is followed, so that what it points to is replaced, not the link.
        let target = resolvingLink(path)
        var status = stat()
        let exists = unsafe stat(target.nativePath, &status) == 0
        if exists {
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw .cannotCreate(file: path, reason: "a folder of that name stands there")
            }
            guard replacing else { throw .exists(file: path) }
            if status.st_mode & S_IFMT != S_IFREG {
                try writeDirectly(bytes, to: target, name: path)
                return whenPlaced()
            }
        }
        let temporary = temporaryName(beside: target).nativePath
        let cleanUp = CleanUp { unsafe unlink(temporary) }
        defer { cleanUp.finish() }
        let (descriptor, isNamed) = try openTemporary(temporary, beside: target, name: path)
        do throws(ImageFileError) {
            defer { close(descriptor) }
            if exists { fchmod(descriptor, status.st_mode & 0o7777) }
            try write(bytes, descriptor: descriptor, name: path)
            guard retrying({ fsync(descriptor) }) == 0 || errno == EINVAL else { throw failure(errno, name: path) }
            if !isNamed { try give(descriptor, temporary, name: path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try CleanUp.whole { () throws(ImageFileError) in
            try give(temporary, target, replacing: replacing, name: path)
            whenPlaced()
        }
        syncFolder(of: target)
    }

    /// Gives a whole file its name. On failure it is removed.
    private static func give(
        _ temporary: [CChar], _ target: String, replacing: Bool, name: String
    ) throws(ImageFileError) {
        if replacing {
            guard unsafe rename(temporary, target.nativePath) == 0 else {
                let code = errno
                unsafe unlink(temporary)
                throw failure(code, name: name)
            }
            return
        }
        // Unlike a rename, a hard link fails where another program has made the target meanwhile.
        let linked = unsafe link(temporary, target.nativePath)
        var code = errno
        if linked != 0, code != EEXIST, unsafe access(target.nativePath, F_OK) != 0 {
            code = unsafe rename(temporary, target.nativePath) == 0 ? 0 : errno
        } else if linked == 0 {
            code = 0
        }
        unsafe unlink(temporary)
        guard code == 0 else { throw code == EEXIST ? .exists(file: name) : failure(code, name: name) }
    }

    /// Writes to an open file, pipe or terminal, such as standard output.
    static func write(_ bytes: [UInt8], descriptor: Int32, name: String) throws(ImageFileError) {
        var done = 0
        while done < bytes.count {
            let count = retrying {
                unsafe bytes.withUnsafeBytes { all in
                    // At most 1 GiB at once: the kernel's own limit is just under 2.
                    let piece = unsafe UnsafeRawBufferPointer(rebasing: all[done ..< min(all.count, done + 1 << 30)])
                    return unsafe systemWrite(descriptor, piece)
                }
            }
            guard count > 0 else { throw failure(count < 0 ? errno : EIO, name: name) }
            done += count
        }
    }

    private static func writeDirectly(_ bytes: [UInt8], to target: String, name: String) throws(ImageFileError) {
        let descriptor = retrying { unsafe open(target.nativePath, O_WRONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure(errno, name: name, creating: true) }
        defer { close(descriptor) }
        try write(bytes, descriptor: descriptor, name: name)
    }

    /// Opens a new file in the folder of `target`. Where the system has files without names, it gets the temporary one
    /// only when it is whole (`give`), so that a killed program leaves nothing behind.
    private static func openTemporary(
        _ temporary: [CChar], beside target: String, name: String
    ) throws(ImageFileError) -> (descriptor: Int32, isNamed: Bool) {
        #if os(Linux)
            // O_TMPFILE (open(2)), whose definition is not imported.
            let unnamed = 0o20_000_000 | O_DIRECTORY
            let folder = folder(of: target)
            let descriptor = retrying {
                unsafe open(folder.isEmpty ? ".".nativePath : folder.nativePath, O_WRONLY | unnamed | O_CLOEXEC, 0o666)
            }
            if descriptor >= 0 {
                if unsafe access("/proc/self/fd/\(descriptor)", F_OK) == 0 { return (descriptor, false) }
                close(descriptor)
            }
        #endif
        let named = retrying { unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
        guard named >= 0 else { throw failure(errno, name: name, creating: true) }
        return (named, true)
    }

    /// Short, whatever the target's name: a name may have 255 bytes. Of 64 random bits: no other file has it.
    private static func temporaryName(beside target: String) -> String {
        folder(of: target) + ".editor-" + String(UInt64.random(in: 0 ... .max), radix: 36) + ".tmp"
    }

    /// Gives an open file without a name one.
    private static func give(_ descriptor: Int32, _ temporary: [CChar], name: String) throws(ImageFileError) {
        let from = "/proc/self/fd/\(descriptor)"
        guard unsafe linkat(AT_FDCWD, from, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) == 0 else {
            throw failure(errno, name: name, creating: true)
        }
    }

    private static func resolvingLink(_ path: String) -> String {
        guard let resolved = unsafe realpath(path.nativePath, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(nativePath: resolved)
    }

    /// The folder of a path, with its slash; empty for the current one.
    private static func folder(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
    }

    /// Makes the new name survive a power cut. Best effort: not every file system lets a folder be synced.
    private static func syncFolder(of path: String) {
        let folder = folder(of: path)
        let descriptor = unsafe open((folder.isEmpty ? "." : folder).nativePath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ code: Int32, name: String, creating: Bool = false) -> ImageFileError {
        switch code {
        case ENOSPC, EDQUOT: .noSpace(file: name)
        case EFBIG: .writeFailed(file: name, reason: "it is larger than files may be here (ulimit -f)")
        case EACCES, EPERM: .cannotCreate(file: name, reason: "its folder may not be written to")
        case EROFS: .cannotCreate(file: name, reason: "its disk is read-only")
        case ENOENT: .cannotCreate(file: name, reason: "its folder does not exist")
        case ENOTDIR: .cannotCreate(file: name, reason: "a part of its path is not a folder")
        case ENAMETOOLONG: .cannotCreate(file: name, reason: "its name is too long")
        default:
            creating ? .cannotCreate(file: name, reason: reason(code)) : .writeFailed(file: name, reason: reason(code))
        }
    }

    private static func reason(_ code: Int32) -> String {
        code == EACCES ? "permission is denied" : unsafe String(cString: strerror(code))
    }

    private static func retrying<Value: SignedInteger>(_ call: () -> Value) -> Value {
        while true {
            let value = call()
            if value != -1 || errno != EINTR { return value }
        }
    }
}

// `FileBytes.read` and `.write` hide the functions of these names.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    unsafe read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
    unsafe write(descriptor, buffer.baseAddress, buffer.count)
}
