internal import CKernels
internal import CleanUp
internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A model's weights as products want them, kept in a file between runs and mapped: converting and packing those of a
/// large model takes as long as a denoising step, and memory that the file's pages need not.
///
/// The layouts are oneDNN's and our kernels' own, so the file is of use to this build on this kind of machine only;
/// what it was made from and by is its `identity`, and a file of another identity is not used. Format, little-endian: 8
/// bytes of magic, the sizes in bytes of file, identity and index, and the sum of identity and index (UInt64 each),
/// identity, index, then each entry's bytes on a page of their own. Index entry: layout, offset, size, sum of the
/// bytes, length of the name (UInt64 each), name. Entries lie in the index's order. What is damaged is packed anew.
@safe public final class PackedWeightFile {
    struct Key: Hashable {
        /// Names the network and the layers' tensors in it.
        let name: String
        /// `Product.weightsLayout`; 0 is never kept.
        let layout: UInt64
    }

    /// An entry of the mapped file.
    private struct Kept {
        let range: Range<Int>
        let sum: UInt64
        /// Whether the bytes were held against the sum.
        var isChecked = false
    }

    private static let magic: UInt64 = 0x3357_4B50_5444_4545  // "EEDTPKW3"
    private static let page = 4096
    private static let headSize = 40
    private static let entrySize = 40

    private let path: String
    private let identity: String
    private var mapping: Mapping
    private var kept: [Key: Kept]
    private var added: [Key: PackedWeights] = [:]

    /// A file's bytes, for as long as anything of them is used.
    @safe private final class Mapping {
        let bytes: UnsafeRawBufferPointer

        init(_ path: String) { unsafe bytes = unsafe PackedWeightFile.mapped(path) }

        deinit {
            if let base = unsafe bytes.baseAddress {
                unsafe munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
            }
        }
    }

    /// Maps the file where there is one of this identity and undamaged; else starts without.
    public init(path: String, identity: String) {
        self.path = path
        self.identity = identity
        mapping = Mapping(path)
        kept = unsafe Self.index(of: mapping.bytes, identity: identity) ?? [:]
    }

    /// Whether weights were packed that the file does not hold.
    public var hasNews: Bool { !added.isEmpty }
    /// Bytes that a file with everything packed so far has.
    public var size: Int {
        // Ranges of a mapped file do not overlap, so that their sum is its size at most.
        kept.values.reduce(0) { $0 + $1.range.count } + added.values.reduce(0) { $0 + $1.size }
    }

    /// The entry's bytes, which live as long as `owner`; `nil` where there are none of that size, or they are damaged.
    func bytes(_ key: Key, size: Int) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject)? {
        guard let entry = kept[key], entry.range.count == size else { return nil }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
        if !entry.isChecked {
            guard unsafe Checksum.of(bytes) == entry.sum else {
                kept[key] = nil
                return nil
            }
            kept[key]?.isChecked = true
        }
        return unsafe (bytes, mapping)
    }

    /// Weights that the next `save` is to write.
    func add(_ weights: PackedWeights, _ key: Key) {
        guard key.layout != 0, kept[key] == nil, added[key] == nil else { return }
        added[key] = weights
    }

    // MARK: Reading

    fileprivate static func mapped(_ path: String) -> UnsafeRawBufferPointer {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        let descriptor = unsafe open(path.nativePath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return unsafe nothing }
        defer { close(descriptor) }
        // That it was used last now: of more such files than have room the one not used for longest goes. What a link
        // leads to is none of the program's own files, so links are not followed.
        futimens(descriptor, nil)
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0,
            let base = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else { return unsafe nothing }
        return unsafe UnsafeRawBufferPointer(start: base, count: Int(status.st_size))
    }

    /// `nil` for a file that is damaged or of another identity.
    private static func index(of file: UnsafeRawBufferPointer, identity: String) -> [Key: Kept]? {
        var reader = unsafe Reader(bytes: file)
        guard reader.word() == magic, reader.size() == file.count, let identityLength = reader.size(),
            let indexLength = reader.size(), let sum = reader.word(), identityLength <= file.count - headSize,
            indexLength <= file.count - headSize - identityLength
        else { return nil }
        let end = headSize + identityLength + indexLength
        guard unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: file[headSize ..< end])) == sum,
            reader.text(identityLength) == identity
        else { return nil }
        var result: [Key: Kept] = [:]
        var free = end
        while reader.position < end {
            guard let layout = reader.word(), let offset = reader.size(), let size = reader.size(),
                let sum = reader.word(), let length = reader.size(), let name = reader.text(length),
                reader.position <= end, offset >= free, offset.isMultiple(of: page), offset <= file.count,
                size <= file.count - offset
            else { return nil }
            free = offset + size
            result[Key(name: name, layout: layout)] = Kept(range: offset ..< free, sum: sum)
        }
        return result
    }

    @safe private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        mutating func word() -> UInt64? {
            guard unsafe bytes.count - position >= 8 else { return nil }
            defer { position += 8 }
            return unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }

        /// A word that can be a size or a place.
        mutating func size() -> Int? { word().flatMap(Int.init(exactly:)) }

        mutating func text(_ length: Int) -> String? {
            guard unsafe length <= bytes.count - position else { return nil }
            defer { position += length }
            return unsafe String(decoding: bytes[position ..< position + length], as: UTF8.self)
        }
    }

    // MARK: Writing

    @safe private struct Entry {
        let key: Key
        let bytes: UnsafeRawBufferPointer
        /// The stored sum of an entry that was kept. It is not computed anew, so damaged bytes stay recognisable.
        let sum: UInt64?
        let isMapped: Bool
        var size: Int { unsafe bytes.count }
    }

    /// Writes everything packed so far beside the file's name, renames it and takes it up. Nothing is thrown: a run does not need
    /// the file. False where the disk has not room for it and a tenth more, writing failed, or another process is
    /// writing it.
    public func save() -> Bool {
        let entries =
            kept.map {
                unsafe Entry(
                    key: $0, bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[$1.range]), sum: $1.sum,
                    isMapped: true)
            } + added.map { unsafe Entry(key: $0, bytes: $1.bytes, sum: nil, isMapped: $1.isMapped) }
        var index: [UInt8] = []
        let indexLength = entries.reduce(0) { $0 + Self.entrySize + $1.key.name.utf8.count }
        var offset = Self.up(Self.headSize + identity.utf8.count + indexLength)
        for entry in entries {
            let name = Array(entry.key.name.utf8)
            let sum = unsafe entry.sum ?? Checksum.of(entry.bytes)
            for number in [entry.key.layout, UInt64(offset), UInt64(entry.size), sum, UInt64(name.count)] {
                index += Self.littleEndian(number)
            }
            index += name
            offset = Self.up(offset + entry.size)
        }
        guard hasRoom(for: offset) else { return false }

        let temporary = path + ".partial"
        guard let descriptor = Self.opened(temporary) else { return false }
        let cleanUp = CleanUp { unsafe unlink(temporary.nativePath) }
        defer {
            // Closing gives up the lock, after which the name may be another process's.
            cleanUp.finish()
            close(descriptor)
        }
        let body = Array(identity.utf8) + index
        let sum = unsafe body.withUnsafeBytes { unsafe Checksum.of($0) }
        var head: [UInt8] = []
        for number in [Self.magic, UInt64(offset), UInt64(identity.utf8.count), UInt64(indexLength), sum] {
            head += Self.littleEndian(number)
        }
        head += body
        var isWritten = unsafe head.withUnsafeBytes { unsafe Self.write($0, to: descriptor, at: 0) }
        var position = Self.up(head.count)
        for entry in entries where isWritten {
            isWritten = unsafe Self.write(entry.bytes, to: descriptor, at: position)
            if entry.isMapped { unsafe Tensors.dropPages(entry.bytes) }
            position = Self.up(position + entry.size)
        }
        isWritten = isWritten && ftruncate(descriptor, off_t(offset)) == 0 && fsync(descriptor) == 0
        guard isWritten, unsafe rename(temporary.nativePath, path.nativePath) == 0 else {
            unsafe unlink(temporary.nativePath)
            return false
        }
        reopen()
        return true
    }

    /// Takes up what was written, so that nothing is held in memory for it any more.
    private func reopen() {
        let written = Mapping(path)
        guard let index = unsafe Self.index(of: written.bytes, identity: identity) else { return }
        (mapping, kept, added) = (written, index, [:])
    }

    /// An empty file, open for writing and locked; `nil` where another process is writing it, and for a link, whose
    /// target would be emptied. The lock of a process that was killed is gone with it, and what it left is overwritten.
    private static func opened(_ path: String) -> Int32? {
        let descriptor = unsafe open(path.nativePath, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        var (own, named) = (stat(), stat())
        // Who held the lock until now has renamed what is open here.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &own) == 0,
            unsafe stat(path.nativePath, &named) == 0, own.st_ino == named.st_ino, own.st_dev == named.st_dev,
            ftruncate(descriptor, 0) == 0
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private func hasRoom(for size: Int) -> Bool {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var status = statvfs()
        guard unsafe statvfs(folder.nativePath, &status) == 0 else { return false }
        let (room, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow || room > UInt64(size + size / 10)
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
