internal import PlainText
internal import Tensors

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ModelFiles {
    /// The file in `folder` that holds this model's packed weights, or will. Its name depends on the model's path and the
    /// precision, so that a newer one takes the place of an older; its identity on the weight files' sizes and dates, the
    /// instruction set and oneDNN's version. `nil` for weights in memory.
    func packedWeightFile(in folder: String, weights: [any WeightSource], precision: Precision) -> PackedWeightFile? {
        let paths = weights.flatMap(\.files)
        guard !paths.isEmpty else { return nil }
        // The number counts our own layouts' changes, so that none of an earlier build is kept for nothing.
        var identity = "3 \(precision.rawValue) \(Compute.instructionSet) oneDNN \(Compute.libraryVersion)"
        var place = precision.rawValue
        for path in paths {
            var status = stat()
            guard let buffer = realpath(path.nativePath, nil) else { return nil }
            defer { free(buffer) }
            guard stat(buffer, &status) == 0 else { return nil }
            let resolved = String(nativePath: buffer)
            place += "\n" + resolved
            #if canImport(Darwin)
                let changed = status.st_mtimespec
            #else
                let changed = status.st_mtim
            #endif
            identity += "\n\(resolved) \(status.st_size) \(changed.tv_sec).\(changed.tv_nsec)"
        }
        let model = name.split(separator: "/").last.map(String.init) ?? "model"
        return PackedWeightFile(
            path: "\(folder)/\(model)-\(place.stableHash).packed", identity: identity)
    }
}
