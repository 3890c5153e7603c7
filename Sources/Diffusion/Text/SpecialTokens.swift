/// Tokens that stand for a stretch of text as a whole, before it is cut into pieces.
struct SpecialTokens: Sendable {
    enum Section: Equatable {
        case tokens([Int])
        case text([Unicode.Scalar])
    }

    /// By their first character, longest first.
    private let byStart: [Unicode.Scalar: [(scalars: [Unicode.Scalar], token: Int)]]

    /// Empty ones are left out.
    init(_ tokens: [(scalars: [Unicode.Scalar], token: Int)]) {
        byStart = Dictionary(grouping: tokens.filter { !$0.scalars.isEmpty }) { $0.scalars[0] }
            .mapValues { $0.sorted { $0.scalars.count > $1.scalars.count } }
    }

    /// The text between tokens, and these, in order; the leftmost are found, the longest of those that begin together.
    ///
    /// - Parameter other: what else may stand at a place: its length and its tokens.
    func sections(
        _ text: [Unicode.Scalar],
        or other: ([Unicode.Scalar], Int) -> (count: Int, tokens: [Int])? = { _, _ in nil }
    ) -> [Section] {
        var result: [Section] = []
        var start = 0
        var position = 0
        while position < text.count {
            let special = byStart[text[position]]?.first { text[position...].starts(with: $0.scalars) }
            guard let match = special.map({ ($0.scalars.count, [$0.token]) }) ?? other(text, position) else {
                position += 1
                continue
            }
            if position > start { result.append(.text(Array(text[start ..< position]))) }
            result.append(.tokens(match.1))
            position += match.0
            start = position
        }
        if start < text.count { result.append(.text(Array(text[start...]))) }
        return result
    }
}
