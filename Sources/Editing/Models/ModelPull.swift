internal import CleanUp
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Fetches a model from a hub into the program's own folder. Nothing that is fetched is run.
///
/// Files grow as `NAME.incomplete` in a folder of their own, `.incomplete` below the models, and go on growing there when a
/// connection breaks or the program is started again. Each is held against the size and, where the hub states one, the SHA-256; when all
/// are there, their folder is moved to its place at once.
public struct ModelPull {
    public struct Progress: Sendable {
        /// The file that is being fetched.
        public var file: String
        public var fileBytes: Int
        public var fileSize: Int
        /// Of all files, those that were there included.
        public var bytes: Int
        public var size: Int
        /// Whether the file is there now.
        public var isWhole: Bool
    }

    public struct Result: Sendable {
        public var name: String
        public var path: String
        public var revision: String
        public var files: Int
        public var bytes: Int
        /// Whether everything was there already.
        public var wasThere: Bool

        public var json: JSONObject {
            JSONObject([
                ("name", .text(name)), ("path", .text(path)), ("revision", .text(revision)), ("files", .integer(files)),
                ("bytes", .integer(bytes)), ("wasThere", .flag(wasThere)),
            ])
        }
    }

    private let hub: ModelHub
    private let reference: ModelHub.Reference
    private let file: String?
    private let variant: String?
    private let force: Bool

    /// - Parameters:
    ///   - file: a single file of the repository instead of a model in the diffusers layout.
    ///   - variant: of the weights, such as `fp16`.
    ///   - force: whether another revision may take the place of what is there.
    public init(
        _ reference: ModelHub.Reference, from hub: ModelHub, file: String? = nil, variant: String? = nil,
        force: Bool = false
    ) {
        self.hub = hub
        self.reference = reference
        self.file = file
        self.variant = variant
        self.force = force
    }

    /// - Parameter observe: told how it goes; `nil` about every second and while nothing comes. What it throws ends the pull,
    ///   which can go on later.
    /// - Throws: `ModelStoreError`, or what `observe` throws.
    public func run(observe: @escaping (Progress?) throws -> Void) throws -> Result {
        guard let root = ModelLibrary.ownFolder else { throw ModelStoreError.noHome }
        let listing = try hub.listing(reference) { try observe(nil) }
        let wanted = try PullSelection(
            listing, of: "'\(reference.description)'", file: file, variant: variant
        ).files
        let size = wanted.reduce(0) { $0 + $1.size }
        let target = "\(root)/\(reference.repository)"
        var result = Result(
            name: file.map { "\(reference.repository)/\($0)" } ?? reference.repository,
            path: file.map { "\(target)/\($0)" } ?? target, revision: listing.revision, files: wanted.count,
            bytes: size,
            wasThere: false)

        let there = PullManifest(in: target)
        let isCurrent =
            there?.revision == listing.revision
            && wanted.allSatisfy { file in
                there?.files.contains(file) == true && FileSystem.size(of: "\(target)/\(file.path)") == file.size
                    && FileSystem.isFile("\(target)/\(file.path)")
            }
        if isCurrent, !force {
            result.wasThere = true
            return result
        }
        // A folder that holds single files alone is no other revision of the model.
        let isTaken =
            file != nil
            ? FileSystem.exists(result.path)
            : FileSystem.isFile("\(target)/model_index.json")
                || FileSystem.exists(target) && !FileSystem.isFolder(target)
                || wanted.contains { FileSystem.exists("\(target)/\($0.path)") }
        if isTaken, !force {
            throw ModelStoreError.exists(
                path: result.path,
                instead: "to put revision \(listing.revision.prefix(12)) in its place, add \(.force)")
        }

        // By commit, so that files of two never meet.
        let staging =
            "\(root)/.incomplete/\(reference.repository.replacing("/", with: "--"))--\(listing.revision.prefix(12))"
        guard FileSystem.makeFolder(staging) else {
            throw ModelStoreError.notWritten(path: staging, reason: FileSystem.lastError)
        }
        let lock = open((staging + "/.lock").nativePath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw ModelStoreError.notWritten(path: staging, reason: FileSystem.lastError) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw ModelStoreError.inUse(name: reference.description) }

        var progress = Progress(file: "", fileBytes: 0, fileSize: 0, bytes: 0, size: size, isWhole: false)
        let downloads = wanted.map { FileDownload($0, of: reference, commit: listing.revision, hub: hub, in: staging) }
        let missing = downloads.reduce(0) { $0 + $1.file.size - $1.bytesThere }
        // A margin for the folders themselves.
        if let free = FileSystem.freeBytes(of: staging), missing > 0, free < missing + (1 << 20) {
            throw ModelStoreError.diskTooSmall(folder: root, needed: missing + (1 << 20), free: free)
        }
        for download in downloads {
            let before = progress.bytes
            progress.file = download.file.path
            progress.fileSize = download.file.size
            try download.run { bytes in
                progress.isWhole = false
                if let bytes {
                    progress.fileBytes = bytes
                    progress.bytes = before + bytes
                    try observe(progress)
                } else {
                    try observe(nil)
                }
            }
            progress.fileBytes = download.file.size
            progress.bytes = before + download.file.size
            progress.isWhole = true
            try observe(progress)
        }
        // What runs with another choice of files left here.
        let names = Set(wanted.map(\.path))
        for left in FileSystem.files(below: staging) where !names.contains(left) && left != ".lock" {
            unlink("\(staging)/\(left)".nativePath)
        }
        try place(wanted, from: staging, in: target, revision: listing.revision, there: there)
        return result
    }

    /// What of a folder stays when a model takes its place: other models, and files that no model is fetched with.
    private static func kept(in folder: String, there: PullManifest?) -> [String] {
        let content = ModelFolder(folder)
        let fetched = Set(there?.files.map(\.path) ?? [])
        return content.others
            + content.own.filter { !fetched.contains($0) && !PullSelection.belongsToModel($0) }
    }

    /// Moves what was fetched to its place.
    private func place(
        _ files: [ModelHub.File], from staging: String, in target: String, revision: String, there: PullManifest?
    ) throws {
        func failure(_ path: String) -> ModelStoreError { .notWritten(path: path, reason: FileSystem.lastError) }
        var manifest = PullManifest(
            endpoint: hub.endpoint, repository: reference.repository, revision: revision, files: files)
        let names = Set(files.map(\.path))
        if file != nil { manifest.single = names }
        if file != nil, FileSystem.isFolder(target) {
            // Beside what is there.
            manifest.add(there?.files ?? [], single: there?.single ?? [])
            try CleanUp.whole {
                for file in files {
                    let path = "\(target)/\(file.path)"
                    guard FileSystem.makeFolder(FileSystem.folder(of: path)),
                        FileSystem.move("\(staging)/\(file.path)", to: path)
                    else { throw failure(path) }
                }
                try manifest.write(to: target)
                FinishedWork.add(.model, at: target)
            }
            _ = FileSystem.removeAll(staging)
            FileSystem.removeIfEmpty(FileSystem.folder(of: staging))
            return
        }
        guard FileSystem.makeFolder(FileSystem.folder(of: target)) else { throw failure(target) }
        let old = staging + ".replaced"
        let isReplaced = FileSystem.exists(target)
        // What lies there and is none of the model's earlier files stays: it gets a second name in the new folder, so
        // that it is never without one.
        let kept = isReplaced ? Self.kept(in: target, there: there).filter { !names.contains($0) } : []
        var moved: [String] = []
        for path in kept {
            guard FileSystem.makeFolder(FileSystem.folder(of: "\(staging)/\(path)")) else { throw failure(target) }
            if !FileSystem.link("\(target)/\(path)", as: "\(staging)/\(path)") { moved.append(path) }
        }
        manifest.add((there?.files ?? []).filter { Set(kept).contains($0.path) }, single: there?.single ?? [])
        try manifest.write(to: staging)
        // A stop between these would leave the model without its name, or the user's files aside.
        try CleanUp.whole {
            if isReplaced {
                _ = FileSystem.removeAll(old)
                guard FileSystem.move(target, to: old) else { throw failure(target) }
            }
            unlink((staging + "/.lock").nativePath)
            guard FileSystem.move(staging, to: target) else {
                let error = failure(target)
                if isReplaced { _ = FileSystem.move(old, to: target) }
                throw error
            }
            // Where the disk has no second names.
            for path in moved {
                guard FileSystem.move("\(old)/\(path)", to: "\(target)/\(path)") else {
                    throw failure("\(old)/\(path)")
                }
            }
            if isReplaced { _ = FileSystem.removeAll(old) }
            FinishedWork.add(.model, at: target)
        }
        FileSystem.removeIfEmpty(FileSystem.folder(of: staging))
    }
}

/// The user stopped a pull; whoever observes one throws it.
public struct PullInterrupted: Failing, CustomStringConvertible {
    public init() {}

    public var description: String { "interrupted; what was fetched is kept, and the same command goes on from there" }
    public var kind: FailureKind { .interrupted }
}
