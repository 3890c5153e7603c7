internal import Tensors

/// Reads what networks give, and refuses what is not a number.
struct NumberCheck {
    /// What errors call the model.
    let model: String
    /// The weights of "text encoder", "autoencoder" and "denoiser".
    let sources: [(part: String, weights: any WeightSource)]
    let compute: Compute

    /// The values of what a part computed.
    /// - Throws: `ModelError.notANumber` where one is a NaN or an infinity; it names the tensor that holds one, if one
    ///   does.
    func numbers(_ tensor: Tensor, part: String) throws -> [Float] {
        let values = compute.floats(tensor)
        guard values.allSatisfy(\.isFinite) else { throw notANumber(part: part) }
        return values
    }

    private func notANumber(part: String) -> ModelError {
        for (found, weights) in sources where found == part {
            let culprit = weights.names.sorted().first { name in
                weights.tensor(name)?.isFinite == false
            }
            if let culprit { return .notANumber(model: model, part: part, tensor: culprit) }
        }
        return .notANumber(model: model, part: part, tensor: nil)
    }
}
