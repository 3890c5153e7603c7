internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What people call the files and folders of models, by their paths.
extension String {
    /// The name of a file.
    var titleOfFile: String { split(separator: "/").last.map(String.init) ?? self }

    /// The name of a folder. One called `vae`, as the autoencoders of all models are, goes by the folder around it; a
    /// snapshot in the Hugging Face cache, which is called by a hash, by its repository.
    var titleOfFolder: String {
        var parts = pathParts
        if parts.isEmpty || parts.contains(where: { $0 == "." || $0 == ".." }) || parts == ["vae"] {
            parts = resolvedPath.pathParts
        }
        if parts.count > 1, parts.last == "vae" { parts.removeLast() }
        if parts.count > 2, parts[parts.count - 2] == "snapshots", let name = parts[parts.count - 3].repositoryName {
            return name
        }
        return parts.last ?? self
    }

    /// A path without the ending of a file of weights.
    var withoutWeightEnding: String {
        let ending = [".safetensors", ".ckpt", ".gguf", ".pth", ".pt", ".bin"].first { lowercased().hasSuffix($0) }
        return String(dropLast(ending?.count ?? 0))
    }

    /// The folder that a file lies in.
    var folderOfFile: String {
        guard let slash = lastIndex(of: "/") else { return "." }
        return slash == startIndex ? "/" : String(self[..<slash])
    }

    private var pathParts: [String] { split(separator: "/").map(String.init) }

    /// "owner/name" for "models--owner--name".
    private var repositoryName: String? {
        let start = "models--"
        guard hasPrefix(start) else { return nil }
        return dropFirst(start.count).split(separator: "--", omittingEmptySubsequences: false).joined(separator: "/")
    }

    private var resolvedPath: String {
        guard let buffer = realpath(nativePath, nil) else { return self }
        defer { free(buffer) }
        return String(nativePath: buffer)
    }
}
