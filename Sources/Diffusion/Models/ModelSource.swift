/// Where a model is.
public enum ModelSource: Sendable, Equatable {
    /// A folder in the diffusers layout.
    case folder(String)
    /// The model inside the binary.
    case embedded
}

/// Why a model cannot be used.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case notThere(path: String)
    /// A folder or file that is no model in the diffusers layout.
    case notAModel(path: String, reason: String)
    case noEmbeddedModel
    /// Parts that do not belong together.
    case mismatch(model: String, reason: String)
    /// This processor has no arithmetic for it.
    case unsupportedPrecision(Precision)
    /// A part computed something that is not a number.
    case notANumber(model: String, part: String, tensor: String?)

    public var description: String {
        switch self {
        case .notThere(let path): "There is no model at \(path)."
        case .notAModel(let path, let reason): "\(path) is not a model in the diffusers layout: \(reason)."
        case .noEmbeddedModel: "This build has no model inside; name one with --model."
        case .mismatch(let model, let reason): "The parts of \(model) do not fit each other: \(reason)."
        case .unsupportedPrecision(let precision):
            "This processor cannot compute in \(precision.rawValue); use --precision f32 or int8."
        case .notANumber(let model, let part, let tensor):
            if let tensor {
                "\(model): the \(part) gave values that are not numbers, because its tensor '\(tensor)' holds some."
            } else {
                "\(model): the \(part) gave values that are not numbers; try --precision f32."
            }
        }
    }
}
