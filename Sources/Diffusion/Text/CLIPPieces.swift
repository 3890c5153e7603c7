/// A normalized text cut into pieces by CLIP's expression:
///
///     <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
///
/// What it does not match (white space) is dropped. The reference cuts the two special forms, which lower-casing may
/// have made, once more by GPT-2's expression, into `<|`, the word and `|>`.
struct CLIPPieces: Sequence, IteratorProtocol {
    private enum Class {
        case letter, number, space, symbol
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    /// Ends of pieces that were found ahead.
    private var pending: [Int] = []

    private static let contractions: [[Unicode.Scalar]] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
        Array($0.unicodeScalars)
    }
    private static let specials: [[Unicode.Scalar]] = ["<|startoftext|>", "<|endoftext|>"].map {
        Array($0.unicodeScalars)
    }

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    mutating func next() -> ArraySlice<Unicode.Scalar>? {
        if !pending.isEmpty { return piece(to: pending.removeFirst()) }
        while position < scalars.count, Self.kind(scalars[position]) == .space { position += 1 }
        guard position < scalars.count else { return nil }

        let rest = scalars[position...]
        if scalars[position] == "<", let special = Self.specials.first(where: rest.starts(with:)) {
            let end = position + special.count
            pending = [end - 2, end]
            return piece(to: position + 2)
        }
        if scalars[position] == "'", let contraction = Self.contractions.first(where: rest.starts(with:)) {
            return piece(to: position + contraction.count)
        }
        let kind = Self.kind(scalars[position])
        var end = position + 1
        if kind != .number { while end < scalars.count, Self.kind(scalars[end]) == kind { end += 1 } }
        return piece(to: end)
    }

    private mutating func piece(to end: Int) -> ArraySlice<Unicode.Scalar> {
        defer { position = end }
        return scalars[position ..< end]
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Class {
        // The reference's tables are those of Unicode 16; what came later is a symbol to it.
        if scalar.value >= 0x300, let age = scalar.properties.age, age.major > 16 { return .symbol }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .symbol
        }
    }
}
