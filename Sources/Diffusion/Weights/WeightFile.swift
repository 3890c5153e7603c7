/// Opens a file of tensors as what its bytes say it is, whatever it is called.
enum WeightFile {
    /// - Returns: the tensors, scales of 8-bit floats applied, and what the file says beside them.
    /// - Throws: `WeightError`.
    static func open(_ path: String) throws(WeightError) -> (weights: any WeightSource, hints: [String: String]) {
        let (weights, hints) = try openPlain(path)
        return (try ScaledWeights.applied(to: weights), hints)
    }

    /// The same; for bytes of another kind of file throws what `refusal` makes of a clause about it.
    static func open(
        _ path: String, otherwise refusal: (String) -> any Error
    ) throws -> (weights: any WeightSource, hints: [String: String]) {
        do { return try open(path) } catch WeightError.otherFormat(_, let clause) { throw refusal(clause) }
    }

    /// The same as they are stored.
    static func openPlain(_ path: String) throws(WeightError) -> (weights: any WeightSource, hints: [String: String]) {
        let isPickle: Bool
        do {
            let mapping = try MappedFile(path: path)
            if GGUFFile.recognises(mapping.bytes) {
                let file = try GGUFFile(mapping)
                return (file, file.metadata)
            }
            isPickle = PyTorchFile.recognises(mapping.bytes)
            withExtendedLifetime(mapping) {}
        }
        if isPickle {
            let file = try PyTorchFile(path: path)
            return (file, file.numbers)
        }
        let file = try SafetensorsFile(path: path)
        return (file, file.header.metadata)
    }
}
