internal import Tensors

/// Reads what networks give, and refuses what is not a number.
struct NumberCheck {
    /// What errors call the model.
    let model: String
    /// The weights of "text encoder", "autoencoder" and "denoiser".
    let sources: [(part: String, weights: any WeightSource)]
    /// The files that parts were taken from, by the parts' names, where that is not the model.
    let owners: [String: String]
    let compute: Compute

    /// The values of what a part computed.
    /// - Throws: `ModelError.notANumber` where one is a NaN or an infinity; it names the file and the tensor that holds
    ///   one, if one does. `ModelError.adaptedNotANumber` where only what was added to the part can be why.
    func numbers(_ tensor: Tensor, part: String) throws -> [Float] {
        let values = compute.floats(tensor)
        guard values.allSatisfy(\.isFinite) else { throw notANumber(part: part) }
        return values
    }

    private func notANumber(part: String) -> ModelError {
        let owner = owners[part] ?? model
        var adapters: [String] = []
        for (found, weights) in sources where found == part {
            let adapted = weights as? AdaptedWeights
            let own = adapted?.base ?? weights
            let culprit = own.names.sorted().first { own.tensor($0)?.isFinite == false }
            if let culprit { return .notANumber(model: owner, part: part, tensor: culprit) }
            adapters += adapted?.adapters ?? []
        }
        guard adapters.isEmpty else {
            return .adaptedNotANumber(model: model, part: part, adapters: Set(adapters).sorted())
        }
        return .notANumber(model: owner, part: part, tensor: nil)
    }
}
