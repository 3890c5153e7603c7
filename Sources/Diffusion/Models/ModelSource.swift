public import PlainText

/// Where a model is.
public enum ModelSource: Sendable, Hashable {
    /// A folder in the diffusers layout.
    case folder(String)
    /// A whole model in one file, in the key layout it was trained with.
    case file(String)
    /// The model inside the binary.
    case embedded

    /// What lies at a path: a folder where it is one, else a file.
    public static func path(_ path: String) -> ModelSource {
        MappedFile.exists(path) && !MappedFile.exists(path + "/.") ? .file(path) : .folder(path)
    }
}

/// Why a model cannot be used.
public enum ModelError: Error, Equatable, Sendable, Worded {
    case notThere(path: String)
    /// A folder or file that is no model in the diffusers layout.
    case notAModel(path: String, reason: Sentence)
    /// A file that is not a whole Stable Diffusion model.
    case notACheckpoint(path: String, reason: Sentence)
    /// A single file brings no tokenizer, and the vocabulary that set-up gets is not there.
    case noVocabulary(model: String, lookedFor: String)
    case noEmbeddedModel
    /// A file or folder that is no autoencoder.
    case notAnAutoencoder(path: String, reason: Sentence)
    /// An autoencoder for other latents than the denoiser's.
    case otherLatents(autoencoder: String, channels: Int, scaleFactor: Int, model: String, expected: Int, factor: Int)
    /// A model that reworks pictures was asked for one from text alone.
    case needsPicture(model: String, family: String)
    /// Parts that do not belong together.
    case mismatch(model: String, reason: String)
    /// A model that another layout cannot hold.
    case notConvertible(path: String, reason: String)
    case notWritten(path: String, reason: String)
    /// A number that the type to be written has not.
    case outOfRange(path: String, tensor: String, value: Float)
    /// This processor has no arithmetic for it.
    case unsupportedPrecision(Precision)
    /// A part computed something that is not a number.
    case notANumber(model: String, part: String, tensor: String?)
    /// The same of a part whose own tensors are all numbers, with what these files add to it.
    case adaptedNotANumber(model: String, part: String, adapters: [String])

    public var sentence: Sentence {
        switch self {
        case .notThere(let path): "There is no model at \(path)."
        case .notAModel(let path, let reason): "\(path) is not a model in the diffusers layout: \(reason)."
        case .notACheckpoint(let path, let reason): "\(path) cannot be used as a model: \(reason)."
        case .notConvertible(let path, let reason): "\(path) cannot be converted: \(reason)."
        case .notWritten(let path, let reason): "\(path) cannot be written: \(reason)."
        case .outOfRange(let path, let tensor, let value):
            "\(path) cannot be written: the tensor '\(tensor)' holds \(value), and f16 ends at 65504; bf16 and f32 go further."
        case .noVocabulary(let model, let place):
            "\(model) is a single file and brings no vocabulary for prompts, and CLIP's is not at \(place): run "
                + "scripts/setup, which gets it, or name the file bpe_simple_vocab_16e6.txt by EDITOR_CLIP_VOCABULARY."
        case .notAnAutoencoder(let path, let reason): "\(path) cannot be used as an autoencoder: \(reason)."
        case .otherLatents(let path, let channels, let factor, let model, let expected, let expectedFactor):
            "\(path) is an autoencoder of \(channels) latent channels at 1/\(factor) of the size, but \(model) works in "
                + "\(expected) at 1/\(expectedFactor)."
        case .needsPicture(let model, let family):
            "\(model) is a \(family) model, which reworks a picture and makes none from text alone; use remix."
        case .noEmbeddedModel: "This build has no model inside; name one with \(.model)."
        case .mismatch(let model, let reason): "The parts of \(model) do not fit each other: \(reason)."
        case .unsupportedPrecision(let precision):
            "This processor cannot compute in \(precision.rawValue); use \(.precision, "f32") or int8."
        case .notANumber(let model, let part, let tensor):
            if let tensor {
                "\(model): the \(part) gave values that are not numbers, because its tensor '\(tensor)' holds some."
            } else {
                "\(model): the \(part) gave values that are not numbers; try \(.precision, "f32")."
            }
        case .adaptedNotANumber(let model, let part, let adapters):
            "\(adapters.joined(separator: ", ")): with \(adapters.count == 1 ? "it" : "them") added, the \(part) of "
                + "\(model) gave values that are not numbers; a smaller weight for \(.lora) may help, or leave "
                + "\(adapters.count == 1 ? "it" : "one of them") out."
        }
    }
}
