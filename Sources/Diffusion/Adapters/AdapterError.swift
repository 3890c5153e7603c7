public import PlainText

/// Why a LoRA or an embedding cannot be used.
public enum AdapterError: Error, Equatable, Sendable, Worded {
    /// A file without a layer of any known kind.
    case notALoRA(file: String, count: Int, first: [String])
    /// A file or folder that another option takes, as a clause about it says.
    case otherKind(file: String, clause: Sentence)
    /// A tensor with values that are not numbers.
    case notFinite(file: String, tensor: String)
    case notAnEmbedding(file: String, reason: Sentence)
    /// None of its layers is one of the model's.
    case noneKnown(file: String, family: String, model: String, count: Int, first: [String])
    /// Layers that have the names of the model's and other sizes.
    case otherSizes(
        file: String, family: String, model: String, count: Int, of: Int, first: String, expected: [Int], found: [Int])
    /// Layers that the model, which brings the file itself, does not have.
    case unknownLayers(file: String, model: String, count: Int, of: Int, first: String)
    /// Layers known by their numbers only, which make no order that fits.
    case otherOrder(file: String, family: String, part: String, count: Int, model: String)
    /// Vectors of another width than the text encoder's.
    case otherWidth(file: String, word: String, found: Int, model: String, expected: Int)
    /// Vectors for another text encoder than the model has.
    case otherEncoder(file: String, word: String, model: String)
    case repeatedWord(word: String)

    public var sentence: Sentence {
        switch self {
        case .notALoRA(let file, let count, let first):
            "\(file) is not a LoRA: none of its \(count.of("tensor")) is a layer's change; the first are \(list(first))."
        case .otherKind(let file, let clause): "\(file) is not a LoRA: \(clause)."
        case .notFinite(let file, let tensor):
            "\(file) cannot be used: its tensor '\(tensor.prefix(120))' holds values that are not finite numbers."
        case .notAnEmbedding(let file, let reason): "\(file) is not an embedding: \(reason)."
        case .noneKnown(let file, let family, let model, let count, let first):
            "\(file) is a LoRA for \(family), and none of its \(count.of("layer")) is one of \(model)'s; the first are "
                + "\(list(first))."
        case .otherSizes(let file, let family, let model, let count, let all, let first, let expected, let found):
            "\(file) is a LoRA for \(family) and does not fit \(model): \(count) of its \(all.of("layer")) \(count.verb("has", "have")) other sizes, "
                + "first '\(first.prefix(120))', \(found) where the model has \(expected)."
        case .unknownLayers(let file, let model, let count, let all, let first):
            "\(file) does not fit \(model), which it belongs to: \(count) of its \(all.of("layer")) \(count.verb("is", "are")) not there, first "
                + "'\(first.prefix(120))'."
        case .otherOrder(let file, let family, let part, let count, let model):
            "\(file) is a LoRA for \(family), and its \(count.of("numbered layer")) for \(part) "
                + "\(count.verb("does", "do")) not fit the order of those of \(model)."
        case .otherWidth(let file, let word, let found, let model, let expected):
            "\(file) does not fit \(model): the vectors of '\(word.prefix(60))' have \(found.of("value")), the text encoder "
                + "takes \(expected)."
        case .otherEncoder(let file, let word, let model):
            "\(file) does not fit \(model): '\(word.prefix(60))' has vectors for a text encoder that it does not have."
        case .repeatedWord(let word): "Two of the embeddings are called '\(word.prefix(60))': name one FILE:WORD."
        }
    }

    private func list(_ names: [String]) -> String { names.map { "'\($0.prefix(120))'" }.joined(separator: ", ") }
}
