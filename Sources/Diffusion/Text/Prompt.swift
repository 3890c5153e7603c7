/// A prompt with the weights that its brackets ask for.
///
/// The notation of AUTOMATIC1111 (`modules/prompt_parser.py`, `parse_prompt_attention`, v1.10.1): `(word)` weighs 1.1
/// times as much, `[word]` 1/1.1 times, `(word:1.3)` 1.3 times; brackets nest and multiply; a backslash makes the next
/// bracket literal; the word `BREAK` starts a new window. Anything else means itself, unbalanced brackets included.
public struct Prompt: Sendable, Equatable {
    /// Text of one weight.
    public struct Part: Sendable, Equatable {
        public var text: String
        /// 1 where the prompt does not say.
        public var weight: Float
    }

    /// The parts of each stretch between `BREAK`s; at least one stretch, which may be empty.
    public let stretches: [[Part]]

    /// Brackets that may be open at once; more are taken literally, as no weight so large means anything.
    private static let maximumDepth = 64

    /// Parses a prompt; every text is one.
    public init(_ text: String) {
        var reader = PromptReader(text, maximumDepth: Self.maximumDepth)
        reader.read()
        var stretches: [[Part]] = [[]]
        for part in reader.parts {
            for (index, piece) in Self.splitAtBreaks(part.text).enumerated() {
                if index > 0 { stretches.append([]) }
                guard !piece.isEmpty else { continue }
                let end = stretches.count - 1
                if let last = stretches[end].last, last.weight == part.weight {
                    stretches[end][stretches[end].count - 1].text += piece
                } else {
                    stretches[end].append(Part(text: piece, weight: part.weight))
                }
            }
        }
        self.stretches = stretches
    }

    /// The text between each `BREAK` that stands alone, without the white space around it.
    private static func splitAtBreaks(_ text: String) -> [String] {
        guard text.contains("BREAK") else { return [text] }
        let scalars = Array(text.unicodeScalars)
        let word = Array("BREAK".unicodeScalars)
        func isWord(_ index: Int) -> Bool {
            guard scalars.indices.contains(index) else { return false }
            return scalars[index] == "_" || scalars[index].properties.isAlphabetic
                || scalars[index].properties.numericType != nil
        }
        func isSpace(_ index: Int) -> Bool { scalars[index].properties.isWhitespace }

        var result: [String] = []
        var start = 0
        var position = 0
        while position + word.count <= scalars.count {
            let end = position + word.count
            guard scalars[position ..< end].elementsEqual(word), !isWord(position - 1), !isWord(end) else {
                position += 1
                continue
            }
            var before = position
            while before > start, isSpace(before - 1) { before -= 1 }
            result.append(string(scalars[start ..< before]))
            position = end
            while position < scalars.count, isSpace(position) { position += 1 }
            start = position
        }
        return result + [string(scalars[start...])]
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}

/// Reads the bracket notation.
private struct PromptReader {
    private let scalars: [Unicode.Scalar]
    private let maximumDepth: Int
    private var position = 0
    private(set) var parts: [Prompt.Part] = []
    /// Where the parts inside each open bracket start.
    private var open: [(index: Int, isRound: Bool)] = []
    private var literal = String.UnicodeScalarView()

    private static let strong: Float = 1.1
    private static let weak: Float = 1 / 1.1

    init(_ text: String, maximumDepth: Int) {
        scalars = Array(text.unicodeScalars)
        self.maximumDepth = maximumDepth
    }

    mutating func read() {
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            switch scalar {
            case "\\":
                if position < scalars.count, "()[]\\".unicodeScalars.contains(scalars[position]) {
                    literal.append(scalars[position])
                    position += 1
                }
            case "(", "[":
                guard open.count < maximumDepth else {
                    literal.append(scalar)
                    continue
                }
                flush()
                open.append((parts.count, scalar == "("))
            case ")" where close(isRound: true, factor: Self.strong): break
            case "]" where close(isRound: false, factor: Self.weak): break
            case ":":
                if let (weight, end) = weight(from: position), close(isRound: true, factor: weight) {
                    position = end
                } else {
                    literal.append(scalar)
                }
            default: literal.append(scalar)
            }
        }
        flush()
        for bracket in open { multiply(from: bracket.index, by: bracket.isRound ? Self.strong : Self.weak) }
    }

    private mutating func flush() {
        guard !literal.isEmpty else { return }
        parts.append(Prompt.Part(text: String(literal), weight: 1))
        literal = String.UnicodeScalarView()
    }

    /// Closes the innermost bracket of that kind; `false` where none is open.
    private mutating func close(isRound: Bool, factor: Float) -> Bool {
        guard let bracket = open.lastIndex(where: { $0.isRound == isRound }) else { return false }
        flush()
        multiply(from: open.remove(at: bracket).index, by: factor)
        return true
    }

    private mutating func multiply(from start: Int, by factor: Float) {
        for index in start ..< parts.count { parts[index].weight *= factor }
    }

    /// The number between a colon and a closing bracket, and where the bracket ends.
    private func weight(from start: Int) -> (Float, Int)? {
        var index = start
        func skipSpace() { while index < scalars.count, scalars[index].properties.isWhitespace { index += 1 } }
        skipSpace()
        let digits = index
        while index < scalars.count, "+-.0123456789".unicodeScalars.contains(scalars[index]) { index += 1 }
        let text = String(String.UnicodeScalarView(scalars[digits ..< index]))
        skipSpace()
        guard index < scalars.count, scalars[index] == ")", let weight = Float(text), weight.isFinite else {
            return nil
        }
        return (weight, index + 1)
    }
}
