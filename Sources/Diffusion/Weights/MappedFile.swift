internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file's bytes, mapped read-only for as long as the object lives.
///
/// The mapping is private, so pages come from the file as they are touched and are never written back. A file that
/// another program cuts short while it is mapped makes reads of the lost part fault: the sizes that headers announce are
/// checked at opening, as nothing can be checked later.
public final class MappedFile: @unchecked Sendable {
    // Sendable: `bytes` is read-only memory that nothing but `deinit` releases.

    /// The path as it was given.
    public let path: String
    /// The whole file; empty for an empty file.
    public let bytes: UnsafeRawBufferPointer

    /// Maps a file.
    ///
    /// - Throws: `WeightError.unreadable`, also for a folder or a device.
    public init(path: String) throws(WeightError) {
        func failure(_ code: Int32) -> WeightError {
            .unreadable(file: path, reason: code == ENOENT ? "there is no such file" : String(cString: strerror(code)))
        }
        let descriptor = open(path.nativePath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(file: path, reason: "it is not a regular file")
        }
        self.path = path
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw failure(errno)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    /// Whether anything of that path is there.
    static func exists(_ path: String) -> Bool { access(path.nativePath, F_OK) == 0 }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
