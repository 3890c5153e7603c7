internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

extension FileSystem {
    /// What a file or folder is known by, whatever its names.
    struct Identity: Hashable, Sendable {
        private let device: UInt64
        private let number: UInt64

        /// Of what a path leads to, links followed; `nil` where nothing is there.
        init?(_ path: String) {
            var status = stat()
            guard stat(path.nativePath, &status) == 0 else { return nil }
            device = UInt64(truncatingIfNeeded: status.st_dev)
            number = UInt64(truncatingIfNeeded: status.st_ino)
        }
    }

    /// A file as it is at one moment: another stamp means that it was written to, or that another file has its name.
    struct Stamp: Equatable, Sendable {
        private let identity: Identity
        private let size: Int64
        private let seconds: Int64
        private let nanoseconds: Int64

        /// Of what a path leads to, links followed; `nil` where nothing is there. Of what is no plain file, such as a
        /// pipe, only what it is counts.
        init?(_ path: String) {
            var status = stat()
            guard let identity = Identity(path), stat(path.nativePath, &status) == 0 else { return nil }
            self.identity = identity
            let isFile = status.st_mode & S_IFMT == S_IFREG
            size = isFile ? Int64(status.st_size) : 0
            #if canImport(Darwin)
                let time = status.st_mtimespec
            #else
                let time = status.st_mtim
            #endif
            seconds = isFile ? Int64(time.tv_sec) : 0
            nanoseconds = isFile ? Int64(time.tv_nsec) : 0
        }
    }

    /// Whether a file lies below a folder, by any name and through any link.
    ///
    /// Each folder is looked into once, the nearest first, at most `searchDepth` deep. The search ends after
    /// `searchLimit` names: no model has as many, and a folder given by mistake may hold a whole disk.
    static func isFile(_ file: String, below folder: String) -> Bool {
        guard let wanted = Identity(file), let root = Identity(folder) else { return false }
        var seen: Set<Identity> = [root]
        var level = [folder]
        var namesLeft = searchLimit
        for _ in 0 ... searchDepth {
            var below: [String] = []
            for folder in level {
                for name in entries(of: folder) {
                    guard namesLeft > 0 else { return false }
                    namesLeft -= 1
                    let path = folder + "/" + name
                    guard let found = Identity(path) else { continue }
                    if found == wanted { return true }
                    if isFolder(path), seen.insert(found).inserted { below.append(path) }
                }
            }
            if below.isEmpty { return false }
            level = below
        }
        return false
    }

    private static let searchDepth = 8
    private static let searchLimit = 100_000
}
