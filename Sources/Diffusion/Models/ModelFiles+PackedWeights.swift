internal import Tensors

extension ModelFiles {
    /// The file in `folder` that holds these weights packed, or will. Its name depends on the paths of all files that
    /// they come from and on the precision, so that a newer one takes the place of an older; its identity on what those
    /// files are, part by part, the instruction set and oneDNN's version. `nil` where some of the weights are in no
    /// file.
    func packedWeightFile(
        in folder: String, weights: [(part: String, weights: any WeightSource)], precision: Precision
    ) -> PackedWeightFile? {
        // The number counts our own layouts' changes, so that none of an earlier build is kept for nothing.
        var identity = "4 \(precision.rawValue) \(Compute.instructionSet) oneDNN \(Compute.libraryVersion)"
        var place = precision.rawValue
        // A single file is that of several parts.
        var known: [ObjectIdentifier: String] = [:]
        for (part, source) in weights {
            guard !source.files.isEmpty else { return nil }
            for file in source.files {
                let found = known[ObjectIdentifier(file)] ?? file.identity
                known[ObjectIdentifier(file)] = found
                identity += "\n\(part): \(found)"
                place += "\n\(part): \(file.resolvedPath)"
            }
        }
        let model = name.split(separator: "/").last.map(String.init) ?? "model"
        return PackedWeightFile(path: "\(folder)/\(model)-\(place.stableHash).packed", identity: identity)
    }
}
