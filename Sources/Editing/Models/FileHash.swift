internal import CTransfer
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// SHA-256 (FIPS 180-4) of bytes as they come.
public struct FileHash {
    private var state = ctransfer_sha256()

    /// - Parameter isPlain: never uses the processor's own instructions for it.
    public init(isPlain: Bool = false) {
        ctransfer_sha256_begin(&state)
        state.is_plain = isPlain
    }

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        ctransfer_sha256_add(&state, bytes.baseAddress, bytes.count)
    }

    /// 64 hexadecimal digits in lower case. Nothing can be added afterwards.
    public mutating func hexadecimal() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        ctransfer_sha256_end(&state, &digest)
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Adds what can be read of a file from where it stands to its end.
    ///
    /// - Parameter observe: told of the bytes read, some at a time; what it throws ends the reading.
    /// - Throws: `EditError.unreadable`, or what `observe` throws.
    mutating func add(_ descriptor: Int32, path: String, observe: (Int) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw EditError.unreadable(path: path) }
            if count == 0 { return }
            add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            try observe(count)
        }
    }

    /// The hash of a file, or of what follows its first `start` bytes. Throws `EditError.unreadable`, or what `observe`
    /// throws.
    public static func of(
        file path: String, from start: Int = 0, observe: (Int) throws -> Void = { _ in }
    ) throws -> String {
        let descriptor = open(path.nativePath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EditError.unreadable(path: path) }
        defer { close(descriptor) }
        guard start == 0 || lseek(descriptor, off_t(start), SEEK_SET) == off_t(start) else {
            throw EditError.unreadable(path: path)
        }
        var hash = FileHash()
        try hash.add(descriptor, path: path, observe: observe)
        return hash.hexadecimal()
    }
}
