internal import PlainText
internal import Synchronization
public import Tensors

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
public final class MappedFile: IdentifiedFile, @unchecked Sendable {
    // Sendable: `bytes` is read-only memory that nothing but `deinit` releases, `knownSum` has a lock.

    /// The path as it was given.
    public let path: String
    /// The whole file; empty for an empty file.
    public let bytes: UnsafeRawBufferPointer
    /// Which file it was when it was opened: device, number, size, and times of content and of any change.
    private let place: String
    private let knownSum = Mutex<String?>(nil)

    /// The longest configuration, index or vocabulary that is read, in bytes; CLIP's vocabularies take 4 MB.
    static let maximumText = 64 << 20

    /// Maps a file.
    ///
    /// - Parameter limit: bytes beyond which it is refused.
    /// - Throws: `WeightError.unreadable`, also for a folder or a device; `WeightError.outOfMemory`.
    public init(path: String, limit: Int = .max) throws(WeightError) {
        func failure(_ code: Int32) -> WeightError {
            code == ENOMEM
                ? .outOfMemory(file: path)
                : .unreadable(
                    file: path, reason: code == ENOENT ? "there is no such file" : String(cString: strerror(code)))
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
        #if canImport(Darwin)
            let (written, changed) = (status.st_mtimespec, status.st_ctimespec)
        #else
            let (written, changed) = (status.st_mtim, status.st_ctim)
        #endif
        place =
            "\(status.st_dev):\(status.st_ino) \(status.st_size) \(written.tv_sec).\(written.tv_nsec) "
            + "\(changed.tv_sec).\(changed.tv_nsec)"
        let count = Int(status.st_size)
        guard count <= limit else {
            throw .unreadable(file: path, reason: "it has \(count) bytes, at most \(limit) are expected")
        }
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw failure(errno)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    /// The whole path, without links.
    var resolvedPath: String {
        guard let buffer = realpath(path.nativePath, nil) else { return path }
        defer { free(buffer) }
        return String(nativePath: buffer)
    }

    /// What tells this file from any other, and from itself after a change: its resolved path, what the system knows
    /// of it, and `contentSum`.
    var identity: String { "\(resolvedPath) \(place) \(contentSum)" }

    /// The same without the path: one file under two names is one.
    public var contentIdentity: String { "\(place) \(contentSum)" }

    /// A hash of the first and the last 1 MiB and of samples between, as they were when it was first asked for.
    ///
    /// The ends hold what formats say of their tensors, as far as it fits: the header of GGUF, the directory of a zip
    /// archive with a sum of each tensor, the pickles of PyTorch's older form. The header of safetensors counts whole.
    var contentSum: String {
        knownSum.withLock { known in
            let sum = known ?? sumOfContent()
            known = sum
            return sum
        }
    }

    private func sumOfContent() -> String {
        defer { withExtendedLifetime(self) {} }
        let end = 1 << 20
        var head = min(bytes.count, end)
        if bytes.count >= 8 {
            // A safetensors header may be longer.
            let announced = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
            if announced <= UInt64(SafetensorsHeader.maximumLength) {
                head = min(bytes.count, max(head, 8 + Int(announced)))
            }
        }
        var parts = [0 ..< head, max(head, bytes.count - end) ..< bytes.count]
        let (samples, length) = (64, 4096)
        let between = parts[1].lowerBound - head
        if between > 0 {
            parts += (0 ..< samples).map { index in
                let start = head + between / samples * index
                return start ..< min(start + length, bytes.count)
            }
        }
        let sums = parts.map { String(Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[$0])), radix: 16) }
        return sums.joined(separator: " ").stableHash
    }

    /// Whether anything of that path is there.
    static func exists(_ path: String) -> Bool { access(path.nativePath, F_OK) == 0 }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
