internal import CKernels
internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A model's weights as products want them, kept in a file between runs and mapped: converting and packing those of a
/// large model takes as long as a denoising step, and memory that the file's pages need not.
///
/// The layouts are oneDNN's and our kernels' own, so the file is of use to this build on this kind of machine only; what
/// it was made from and by is its `identity`, and a file of another identity is not used. Format, little-endian: 8 bytes
/// of magic, the sizes in bytes of file, identity and index (UInt64 each), identity, index, then each entry's bytes on a
/// page of their own. Index entry: layout, offset, size, length of the name (UInt64 each), name.
@safe public final class PackedWeightFile {
    struct Key: Hashable {
        let name: String
        /// `Product.weightsLayout`; 0 is never kept.
        let layout: UInt64
    }

    private static let magic: UInt64 = 0x3157_4B50_5444_4545  // "EEDTPKW1"
    private static let page = 4096
    private static let secondsAbandoned = 600

    private let path: String
    private let identity: String
    private let mapping: UnsafeRawBufferPointer
    private let kept: [Key: Range<Int>]
    private var added: [(key: Key, weights: ProductWeights.Packed)] = []

    /// Maps the file where there is one of this identity and undamaged; else starts without.
    public init(path: String, identity: String) {
        self.path = path
        self.identity = identity
        unsafe mapping = unsafe Self.mapped(path)
        if let index = unsafe Self.index(of: mapping, identity: identity) {
            kept = index
        } else {
            kept = [:]
        }
    }

    deinit {
        if let base = unsafe mapping.baseAddress {
            unsafe munmap(UnsafeMutableRawPointer(mutating: base), mapping.count)
        }
    }

    /// Whether weights were packed that the file does not hold.
    public var hasNews: Bool { !added.isEmpty }
    /// Bytes that a file with everything packed so far has.
    public var size: Int {
        let fresh = added.map { unsafe $0.weights.bytes.count }
        return kept.values.reduce(0) { $0 + $1.count } + fresh.reduce(0, +)
    }

    func bytes(_ key: Key, size: Int) -> UnsafeRawBufferPointer? {
        guard let range = kept[key], range.count == size else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: mapping[range])
    }

    /// Lets the system drop the mapped pages from memory.
    func dropPages() { unsafe Tensors.dropPages(mapping) }

    func add(_ weights: ProductWeights.Packed, _ key: Key) {
        guard key.layout != 0, kept[key] == nil, !added.contains(where: { $0.key == key }) else { return }
        added.append((key, weights))
    }

    // MARK: Reading

    private static func mapped(_ path: String) -> UnsafeRawBufferPointer {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        let descriptor = unsafe open(path.nativePath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return unsafe nothing }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0,
            let base = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else { return unsafe nothing }
        return unsafe UnsafeRawBufferPointer(start: base, count: Int(status.st_size))
    }

    /// `nil` for a file that is damaged or of another identity.
    private static func index(of file: UnsafeRawBufferPointer, identity: String) -> [Key: Range<Int>]? {
        var reader = unsafe Reader(bytes: file)
        guard reader.number() == Int(magic), reader.number() == file.count, let identityLength = reader.number(),
            let indexLength = reader.number(), reader.text(identityLength) == identity
        else { return nil }
        let end = reader.position + indexLength
        guard end >= reader.position, end <= file.count else { return nil }
        var result: [Key: Range<Int>] = [:]
        while reader.position < end {
            guard let layout = reader.number(), let offset = reader.number(), let size = reader.number(),
                let length = reader.number(), let name = reader.text(length), size >= 0, offset >= end,
                offset % page == 0, offset <= file.count, size <= file.count - offset
            else { return nil }
            result[Key(name: name, layout: UInt64(bitPattern: Int64(layout)))] = offset ..< offset + size
        }
        return result
    }

    @safe private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        mutating func number() -> Int? {
            guard unsafe position <= bytes.count - 8 else { return nil }
            defer { position += 8 }
            return unsafe Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }

        mutating func text(_ length: Int) -> String? {
            guard length >= 0, unsafe length <= bytes.count - position else { return nil }
            defer { position += length }
            return unsafe String(decoding: bytes[position ..< position + length], as: UTF8.self)
        }
    }

    // MARK: Writing

    @safe private struct Entry {
        let key: Key
        let bytes: UnsafeRawBufferPointer
        let isMapped: Bool
        var size: Int { unsafe bytes.count }
    }

    /// Writes everything packed so far beside the file's name and renames it. Nothing is thrown: a run does not need the
    /// file. False where the disk has not room for it and a tenth more, or writing failed; then no file is left.
    public func save() -> Bool {
        let entries =
            kept.map { unsafe Entry(key: $0, bytes: UnsafeRawBufferPointer(rebasing: mapping[$1]), isMapped: true) }
            + added.map { unsafe Entry(key: $0, bytes: $1.bytes, isMapped: $1.isMapped) }
        var index: [UInt8] = []
        let indexLength = entries.reduce(0) { $0 + 32 + $1.key.name.utf8.count }
        var offset = Self.up(32 + identity.utf8.count + indexLength)
        for entry in entries {
            let name = Array(entry.key.name.utf8)
            for number in [entry.key.layout, UInt64(offset), UInt64(entry.size), UInt64(name.count)] {
                index += Self.littleEndian(number)
            }
            index += name
            offset = Self.up(offset + entry.size)
        }
        guard hasRoom(for: offset) else { return false }

        let temporary = path + ".partial"
        guard let descriptor = Self.created(temporary) else { return false }
        var head: [UInt8] = []
        for number in [Self.magic, UInt64(offset), UInt64(identity.utf8.count), UInt64(indexLength)] {
            head += Self.littleEndian(number)
        }
        head += Array(identity.utf8) + index
        var isWritten = unsafe head.withUnsafeBytes { unsafe Self.write($0, to: descriptor, at: 0) }
        var position = Self.up(head.count)
        for entry in entries where isWritten {
            isWritten = unsafe Self.write(entry.bytes, to: descriptor, at: position)
            if entry.isMapped { unsafe Tensors.dropPages(entry.bytes) }
            position = Self.up(position + entry.size)
        }
        isWritten = isWritten && ftruncate(descriptor, off_t(offset)) == 0 && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, unsafe rename(temporary.nativePath, path.nativePath) == 0 else {
            unsafe unlink(temporary.nativePath)
            return false
        }
        return true
    }

    /// A new file, open for writing; `nil` where another process is writing it. One that was left a while ago by a process
    /// that was killed is replaced.
    private static func created(_ path: String) -> Int32? {
        var status = stat()
        if unsafe stat(path.nativePath, &status) == 0, time(nil) - status.secondsOfChange > secondsAbandoned {
            unsafe unlink(path.nativePath)
        }
        let descriptor = unsafe open(path.nativePath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        return descriptor >= 0 ? descriptor : nil
    }

    private func hasRoom(for size: Int) -> Bool {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var status = statvfs()
        guard unsafe statvfs(folder.nativePath, &status) == 0 else { return false }
        return Int(status.f_bavail) * Int(status.f_frsize) > size + size / 10
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    private static func up(_ size: Int) -> Int { (size + page - 1) / page * page }

    private static func littleEndian(_ number: UInt64) -> [UInt8] {
        (0 ..< 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

extension stat {
    fileprivate var secondsOfChange: Int {
        #if canImport(Darwin)
            st_mtimespec.tv_sec
        #else
            st_mtim.tv_sec
        #endif
    }
}
