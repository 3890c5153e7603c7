internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// One file on its way from a hub to a folder.
struct FileDownload {
    let file: ModelHub.File
    private let reference: ModelHub.Reference
    private let commit: String
    private let hub: ModelHub
    private let path: String

    init(_ file: ModelHub.File, of reference: ModelHub.Reference, commit: String, hub: ModelHub, in folder: String) {
        self.file = file
        self.reference = reference
        self.commit = commit
        self.hub = hub
        path = "\(folder)/\(file.path)"
    }

    private var incomplete: String { path + ".incomplete" }
    /// What the server called the version of which a part is there.
    private var tag: String { path + ".etag" }

    /// Bytes of it on the disk.
    var bytesThere: Int { min(file.size, FileSystem.size(of: isThere ? path : incomplete)) }

    private var isThere: Bool { FileSystem.isFile(path) && FileSystem.size(of: path) == file.size }

    /// Fetches what is missing and checks the whole.
    ///
    /// - Parameter observe: told the bytes there; `nil` while nothing comes.
    /// - Throws: `ModelStoreError`, or what `observe` throws.
    func run(observe: @escaping (Int?) throws -> Void) throws {
        // It was checked before it got its name.
        if isThere { return }
        guard FileSystem.makeFolder(FileSystem.folder(of: path)) else {
            throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
        }
        let descriptor = open(incomplete.nativePath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else {
            throw ModelStoreError.notWritten(path: incomplete, reason: FileSystem.lastError)
        }
        defer { close(descriptor) }
        let part = Part(descriptor, path: incomplete, limit: file.size)
        try part.readWhatIsThere { try observe($0) }
        var isResumed = part.bytes > 0
        while true {
            try fetch(part, observe: observe)
            let hash = part.hash.hexadecimal()
            if let expected = file.sha256, hash != expected {
                try part.restart()
                unlink(tag.nativePath)
                // What an earlier run left may have been another file's.
                if isResumed {
                    isResumed = false
                    continue
                }
                unlink(incomplete.nativePath)
                throw ModelStoreError.wrongHash(file: file.path, expected: expected, found: hash)
            }
            break
        }
        guard fsync(descriptor) == 0, FileSystem.move(incomplete, to: path) else {
            throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
        }
        unlink(tag.nativePath)
    }

    /// Until all bytes are there.
    private func fetch(_ part: Part, observe: @escaping (Int?) throws -> Void) throws {
        var attempt = 1
        while part.bytes < file.size || file.size == 0 {
            let before = part.bytes
            do {
                try once(part, observe: observe)
                if file.size == 0 { return }
                guard part.bytes < file.size else { return }
                throw ModelHub.BrokenConnection(
                    address: file.path, reason: "only \(part.bytes) of \(file.size.of("byte")) came")
            } catch let error as ModelHub.BrokenConnection {
                attempt = part.bytes > before ? 1 : attempt + 1
                guard attempt <= ModelHub.attempts else { throw error.failure }
                try ModelHub.wait(max(1, attempt - 1), atLeast: error.wait) { try observe(nil) }
            }
        }
    }

    private func once(_ part: Part, observe: @escaping (Int?) throws -> Void) throws {
        var headers: [String] = []
        let known = FileSystem.text(of: tag)
        if part.bytes > 0 {
            headers.append("Range: bytes=\(part.bytes)-")
            // Another version is sent whole.
            if let known, !known.isEmpty, !known.hasPrefix("W/") { headers.append("If-Range: \(known)") }
        }
        var isBegun = false
        let head = try hub.file(
            file.path, of: reference, commit: commit, headers: headers, observe: { try observe(nil) },
            body: { head, bytes in
                // The body of a refused range says why, and is no part of the file.
                guard head.status != 416 else { return }
                if !isBegun {
                    isBegun = true
                    try begin(part, head: head, known: known)
                }
                try part.add(bytes, name: file.path)
                try observe(part.bytes)
            })
        if let stated = head.fields["x-linked-etag"]?.filter({ $0 != "\"" }), ModelHub.isSHA256(stated),
            let expected = file.sha256, stated.lowercased() != expected
        {
            throw ModelStoreError.wrongHash(file: file.path, expected: expected, found: stated.lowercased())
        }
        // Nothing after what is there: it is another version's.
        if head.status == 416 { try part.restart() }
    }

    /// Looks at the head of a response before its first bytes are taken.
    private func begin(_ part: Part, head: HTTPRequest.Head, known: String?) throws {
        let found = head.fields["etag"]
        if head.status == 206 {
            // "bytes FIRST-LAST/SIZE"
            let range = head.fields["content-range"].map { $0.split { $0 == " " || $0 == "-" || $0 == "/" } } ?? []
            let isNext = range.count == 4 && range[0] == "bytes" && Int(range[1]) == part.bytes
            if !isNext || known.map({ !$0.isEmpty && found != nil && found != $0 }) == true {
                try part.restart()
                unlink(tag.nativePath)
                throw ModelHub.BrokenConnection(address: file.path, reason: "it changed while it was fetched")
            }
            return
        }
        try part.restart()
        if let found, found.utf8.count < 1024 { _ = FileSystem.write(found, to: tag) } else { unlink(tag.nativePath) }
    }

    /// The file as it grows, and its hash.
    private final class Part {
        private let descriptor: Int32
        private let path: String
        private let limit: Int
        private(set) var bytes = 0
        var hash = FileHash()

        init(_ descriptor: Int32, path: String, limit: Int) {
            self.descriptor = descriptor
            self.path = path
            self.limit = limit
        }

        func readWhatIsThere(observe: (Int) throws -> Void) throws {
            guard FileSystem.size(of: path) <= limit else {
                try restart()
                return
            }
            lseek(descriptor, 0, SEEK_SET)
            try hash.add(descriptor, path: path) { count in
                bytes += count
                try observe(bytes)
            }
        }

        func restart() throws {
            guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
                throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
            }
            bytes = 0
            hash = FileHash()
        }

        func add(_ more: UnsafeRawBufferPointer, name: String) throws {
            guard bytes + more.count <= limit else {
                try restart()
                throw ModelStoreError.wrongSize(file: name, expected: limit, found: bytes + more.count)
            }
            var rest = more
            while !rest.isEmpty {
                let count = write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    throw ModelStoreError.notWritten(path: path, reason: FileSystem.lastError)
                }
                hash.add(UnsafeRawBufferPointer(rebasing: rest[..<count]))
                bytes += count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
