internal import Diffusion
internal import PlainText

/// Whether a model's files are what they should be.
public struct ModelVerification: Sendable {
    /// What was found right, a line each.
    public let checks: [String]
    /// What was found wrong.
    public let problems: [String]
    private let name: String

    /// Holds the files against sizes and SHA-256 that are known of them, opens the model, and looks through its weights for
    /// numbers that are none.
    ///
    /// - Parameter observe: called with bytes that were read; what it throws ends the verification.
    public init(of model: ModelLibrary.Model, observe: (Int) throws -> Void) throws {
        var checks: [String] = []
        var problems: [String] = []
        if let path = model.path {
            let known = Self.knownFiles(model, at: path)
            var hashed = 0
            for file in known {
                guard FileSystem.isFile(file.path) else {
                    problems.append("'\(file.path)' is missing")
                    continue
                }
                let size = FileSystem.size(of: file.path)
                if let expected = file.size, size != expected {
                    problems.append("'\(file.path)' has \(size.of("byte")), expected \(expected)")
                } else if let expected = file.sha256 {
                    let found = try FileHash.of(file: file.path, observe: observe)
                    hashed += 1
                    if found != expected {
                        problems.append("'\(file.path)' has the SHA-256 \(found), expected \(expected)")
                    }
                }
            }
            if known.isEmpty {
                checks.append("sizes and hashes: none are known of it")
            } else if problems.isEmpty {
                checks.append("sizes and hashes: \(known.count.of("file")), of which \(hashed) by SHA-256")
            }
        }
        do {
            let facts = try ModelChoice(source: model.source).open().facts
            checks.append("tensors: all that \(facts.family) needs, in their shapes")
            let contents = try ModelContents(model.source)
            let tensors = contents.parts.reduce(0) { $0 + $1.weights.names.count }
            problems += try contents.notFinite(observe: observe)
            if problems.isEmpty {
                checks.append("values: all of \(tensors.of("tensor")) \(tensors.verb("is", "are")) finite")
            }
        } catch let error as any Failing {
            // A stop is no finding.
            throw error
        } catch {
            guard FailureKind(error) == .modelUnusable else { throw error }
            problems.append("\(error)")
        }
        self.checks = checks
        self.problems = problems
        name = model.name
    }

    /// Throws `ModelStoreError.damaged` where something is wrong.
    public func check() throws {
        guard problems.isEmpty else { throw ModelStoreError.damaged(name: name, problems: problems) }
    }

    public var json: JSONObject {
        JSONObject([
            ("name", .text(name)), ("checks", .list(checks.map { .text($0) })),
            ("problems", .list(problems.map { .text($0) })),
        ])
    }

    private struct KnownFile {
        var path: String
        var size: Int?
        var sha256: String?
    }

    /// From what `pull` wrote down, or from the names of the Hugging Face cache, whose large files are called by their
    /// SHA-256.
    private static func knownFiles(_ model: ModelLibrary.Model, at path: String) -> [KnownFile] {
        if model.place == .huggingFaceCache {
            let files = model.isFolder ? FileSystem.files(below: path).map { "\(path)/\($0)" } : [path]
            return files.compactMap { file in
                let name = FileSystem.name(of: FileSystem.resolved(file))
                return ModelHub.isSHA256(name) ? KnownFile(path: file, sha256: name) : nil
            }
        }
        var folder = model.isFolder ? path : FileSystem.folder(of: path)
        while folder.count > 1 {
            if let manifest = PullManifest(in: folder) {
                return manifest.files.map {
                    KnownFile(path: "\(folder)/\($0.path)", size: $0.size, sha256: $0.sha256)
                }.filter { model.isFolder ? true : FileSystem.isSameFile($0.path, path) }
            }
            guard folder != ModelLibrary.ownFolder, folder.contains("/") else { break }
            folder = FileSystem.folder(of: folder)
        }
        return []
    }
}

extension ModelContents {
    /// A clause for each part with tensors that hold something else than finite numbers.
    ///
    /// - Parameter observe: called with bytes that were read; what it throws ends the search.
    func notFinite(observe: (Int) throws -> Void) rethrows -> [String] {
        try parts.compactMap { part in
            let bad = try part.notFinite(observe: observe)
            return bad.first.map { first in
                "\(bad.count.of("tensor")) of \(part.name) \(bad.count.verb("holds", "hold")) what is no number, first '\(part.weights.nameInFile(first))'"
            }
        }
    }
}
