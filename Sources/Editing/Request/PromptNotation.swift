public import PlainText

/// A prompt without the notation of other programs that is no words for the model, and what that notation asks for.
///
/// Tags such as `<lora:name:0.8>` are taken out as AUTOMATIC1111 takes them out (`modules/extra_networks.py`,
/// `re_extra_net`, v1.10.1). Of all else that is known from other programs and not done here, the first of each kind is
/// named. What is done with weights and `BREAK` is left to `Prompt`. One pass over the text.
public struct PromptNotation: Sendable, Equatable {
    /// A LoRA that a tag asks for.
    public struct LoRATag: Sendable, Equatable {
        public var name: String
        /// For the denoiser.
        public var weight: Float
        /// For the text encoders.
        public var textWeight: Float
    }

    /// What the model reads.
    public let text: String
    public let loras: [LoRATag]
    /// What the user should hear of, a sentence each.
    public let warnings: [Sentence]

    /// - Parameter isNegative: whether it says what a picture should not show: no LoRA is loaded for that.
    public init(_ prompt: String, isNegative: Bool = false) {
        var reader = NotationReader(prompt, isNegative: isNegative)
        reader.read()
        let isBlank = reader.text.allSatisfy { $0.properties.isWhitespace }
        text = isBlank ? "" : String(reader.text)
        loras = reader.loras
        warnings = reader.warnings
    }

    /// What other programs read that is plain words here.
    enum Kind {
        case editing, alternation, dynamic, braces, wildcard, composable, regions, compel, embedding, parameters,
            multiPrompt, weight, unknownTag, openTag

        var phrase: String {
            switch self {
            case .editing: "prompt editing, as AUTOMATIC1111 has it"
            case .alternation: "alternation, as AUTOMATIC1111 has it"
            case .dynamic: "a random choice, as the Dynamic Prompts extension and ComfyUI have it"
            case .braces: "NovelAI's emphasis"
            case .wildcard: "a wildcard of the Dynamic Prompts extension"
            case .composable: "composition of prompts, as AUTOMATIC1111 has it"
            case .regions: "notation of the Regional Prompter extension"
            case .compel: "notation of InvokeAI's compel"
            case .embedding: "how ComfyUI calls a textual inversion"
            case .parameters: "a parameter of Midjourney"
            case .multiPrompt: "a multi-prompt of Midjourney"
            case .weight: "a bracket whose weight is not read"
            case .unknownTag: "a tag that is not known here"
            case .openTag: "a tag that is not whole"
            }
        }

        /// How the same is asked for here; `nil` where it cannot be.
        var advice: Sentence? {
            switch self {
            case .braces: "write (word:1.05) for emphasis"
            case .compel, .multiPrompt: "write (word:1.1) for a weight"
            case .embedding: "name the file with \(.embedding), and write its word in the prompt"
            case .parameters: "give settings as options of the command"
            case .weight: "write (word:1.2) for a weight"
            case .editing, .alternation, .dynamic, .wildcard, .composable, .regions, .unknownTag, .openTag: nil
            }
        }
    }
}

private struct NotationReader {
    private let scalars: [Unicode.Scalar]
    private let isNegative: Bool
    private var position = 0
    private(set) var text = String.UnicodeScalarView()
    private(set) var loras: [PromptNotation.LoRATag] = []
    private(set) var warnings: [Sentence] = []
    private var named: Set<PromptNotation.Kind> = []
    /// Whether a weight beyond sense was named.
    private var isExtremeNamed = false
    /// Brackets that are open, the innermost last.
    private var open: [Bracket] = []
    /// Where a `__` that may begin a wildcard stands.
    private var wildcard: Int?
    /// Nothing from here on to the end is a `>`.
    private var endOfTags = Int.max

    private struct Bracket {
        let scalar: Unicode.Scalar
        let start: Int
        var lastColon: Int?
        var hasBar = false
    }

    private static let shown = 60

    init(_ prompt: String, isNegative: Bool) {
        scalars = Array(prompt.unicodeScalars)
        self.isNegative = isNegative
    }

    mutating func read() {
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar == "<", readTag() { continue }
            if scalar == "\\" {
                // The next one means itself.
                text.append(scalar)
                if position + 1 < scalars.count { text.append(scalars[position + 1]) }
                position += 2
                continue
            }
            look(at: scalar)
            text.append(scalar)
            position += 1
        }
    }

    // MARK: Tags

    /// Takes a tag out; `false` where there is none to be taken.
    private mutating func readTag() -> Bool {
        var end = position + 1
        while end < scalars.count, Self.isWord(scalars[end]) { end += 1 }
        guard end > position + 1, end < scalars.count, scalars[end] == ":" else { return false }
        let kind = string(position + 1 ..< end).lowercased()
        let isKnown = ["lora", "lyco", "hypernet"].contains(kind)
        guard let close = endOfTag(from: end + 1), close > end + 1 else {
            if isKnown { name(.openTag, position ..< min(scalars.count, end + 20)) }
            return false
        }
        let tag = position ..< close + 1
        guard isKnown else {
            name(.unknownTag, tag)
            return false
        }
        position = close + 1
        if kind == "hypernet" {
            warn("\(quoted(tag)) is left out: hypernetworks are not read")
        } else if isNegative {
            warn(
                "\(quoted(tag)) is left out: a LoRA changes the model for both prompts, so it goes into the prompt or \(.lora)"
            )
        } else {
            addLoRA(string(end + 1 ..< close), quoted(tag))
        }
        return true
    }

    private mutating func endOfTag(from start: Int) -> Int? {
        guard start < endOfTags else { return nil }
        if let found = scalars[start...].firstIndex(of: ">") { return found }
        endOfTags = start
        return nil
    }

    /// `name`, `name:weight`, `name:text:denoiser`, with `te=` and `unet=` for the weights
    /// (AUTOMATIC1111, `extra_networks_lora.py`).
    private mutating func addLoRA(_ arguments: String, _ tag: String) {
        var positional: [Substring] = []
        var stated: [Substring: Float] = [:]
        var others: [Substring] = []
        func weight(_ text: Substring) -> Float? {
            guard let value = Float(text.filter { !$0.isWhitespace }) else { return nil }
            return EditSettings.adapterWeights.contains(value) ? value : nil
        }
        func bad(_ text: Substring) -> Sentence {
            "\(tag) is left out: its weight is '\(text.prefix(20))', expected a number from \(EditSettings.adapterWeights.bounds)"
        }
        for argument in arguments.split(separator: ":", omittingEmptySubsequences: false) {
            guard let equals = argument.firstIndex(of: "="), !positional.isEmpty else {
                positional.append(argument)
                continue
            }
            let (key, text) = (argument[..<equals], argument[argument.index(after: equals)...])
            guard key == "te" || key == "unet" else {
                others.append(key)
                continue
            }
            guard let value = weight(text) else { return warn(bad(text)) }
            stated[key] = value
        }
        let name = positional[0].trimmed
        guard !name.isEmpty else { return warn("\(tag) is left out: it names no LoRA") }
        var weights: [Float] = []
        for text in positional.dropFirst().prefix(2) {
            guard let value = weight(text) else { return warn(bad(text)) }
            weights.append(value)
        }
        let textWeight = stated["te"] ?? weights.first ?? 1
        loras.append(
            .init(
                name: name, weight: stated["unet"] ?? (weights.count > 1 ? weights[1] : textWeight),
                textWeight: textWeight))
        if positional.count > 3 || !others.isEmpty {
            warn("\(tag): what stands behind its weights is not known here and does nothing")
        }
    }

    // MARK: The rest

    private mutating func look(at scalar: Unicode.Scalar) {
        switch scalar {
        case "(", "[", "{": open.append(Bracket(scalar: scalar, start: position))
        case ")": close("(")
        case "]": close("[")
        case "}": close("{")
        case "|": if let top = open.indices.last { open[top].hasBar = true }
        case ":":
            if let top = open.indices.last {
                open[top].lastColon = position
            } else if self.scalar(at: position + 1) == ":", isWord(at: position - 1) {
                var end = position + 2
                while isWord(at: end), end < position + Self.shown { end += 1 }
                name(.multiPrompt, word(endingAt: position).lowerBound ..< end)
            }
        case "_" where scalars[position...].starts(with: ["_", "_"]): lookAtWildcard()
        case "+", "-": lookAtSigns(scalar)
        default:
            if scalar.properties.isWhitespace { wildcard = nil }
            if Self.isWord(scalar), !isWord(at: position - 1) { lookAtWord() }
        }
    }

    private mutating func close(_ opening: Unicode.Scalar) {
        guard let bracket = open.last, bracket.scalar == opening else { return }
        open.removeLast()
        let range = bracket.start ..< position + 1
        switch opening {
        case "[":
            if bracket.hasBar {
                name(.alternation, range)
            } else if let colon = bracket.lastColon, position - colon <= 16,
                Float(string(colon + 1 ..< position).filter { !$0.isWhitespace }) != nil
            {
                name(.editing, range)
            }
        case "{": if range.count > 2 { name(bracket.hasBar ? .dynamic : .braces, range) }
        default:
            if let colon = bracket.lastColon, position - colon <= Self.longestWeight {
                lookAtWeight(string(colon + 1 ..< position).trimmed, range)
            }
            let calls = [".and(", ".blend(", ".swap("].map { Array($0.unicodeScalars) }
            if let call = calls.first(where: { scalars[(position + 1)...].starts(with: $0) }) {
                name(.compel, bracket.start ..< position + 1 + call.count)
            } else if let end = endOfNumber(from: position + 1) {
                name(.compel, bracket.start ..< end)
            }
        }
    }

    /// The number of `(words:1.2)`, as far as it is one: what `Prompt` takes for a weight it takes whatever it is.
    private mutating func lookAtWeight(_ text: String, _ range: Range<Int>) {
        let isPlain = !text.isEmpty && text.allSatisfy { "+-.0123456789".contains($0) }
        if isPlain, let weight = Float(text), weight.isFinite {
            guard !Self.usualWeights.contains(weight), !isExtremeNamed else { return }
            isExtremeNamed = true
            warn("\(quoted(range)) weighs its words \(text) times, beyond what models can follow; 0.5 to 1.5 is usual")
        } else if Float(text) != nil || text.first?.isNumber == true && text.allSatisfy(Self.isOfNumber) {
            name(.weight, range)
        }
    }

    /// Where a number ends that begins there and is followed by no further letters: compel's `(words)1.3`.
    private func endOfNumber(from start: Int) -> Int? {
        var end = start
        while let scalar = scalar(at: end), end < start + Self.longestWeight,
            "0123456789.".unicodeScalars.contains(scalar)
        {
            end += 1
        }
        while end > start, scalar(at: end - 1) == "." { end -= 1 }
        return end > start && !isWord(at: end) && scalar(at: start) != "." ? end : nil
    }

    private static func isOfNumber(_ character: Character) -> Bool {
        character.isASCII && character.isNumber || "+-.,%eExX".contains(character)
    }

    private static let usualWeights: ClosedRange<Float> = -10 ... 10
    /// Characters between a colon and the end of its bracket that may be meant as a number.
    private static let longestWeight = 48

    /// `__name__`, without white space.
    private mutating func lookAtWildcard() {
        if let start = wildcard, position > start + 2 {
            name(.wildcard, start ..< position + 2)
            wildcard = nil
        } else {
            wildcard = position
        }
    }

    /// compel's `word++` and `(words)-`; Midjourney's `--ar 16:9`.
    private mutating func lookAtSigns(_ sign: Unicode.Scalar) {
        guard scalar(at: position - 1) != sign else { return }
        var end = position
        while end < scalars.count, scalars[end] == sign { end += 1 }
        let next = scalar(at: end)
        let isEnd = next.map { $0.properties.isWhitespace || ",.;)]}".unicodeScalars.contains($0) } ?? true
        let before = scalar(at: position - 1)
        if sign == "-", end == position + 2, before?.properties.isWhitespace ?? true,
            next?.properties.isAlphabetic == true
        {
            var last = end
            while last < scalars.count, !scalars[last].properties.isWhitespace, last < end + Self.shown { last += 1 }
            name(.parameters, position ..< last)
        } else if isEnd, before == ")" {
            name(.compel, max(position - Self.shown / 2, 0) ..< end)
        } else if isEnd, before?.properties.isAlphabetic == true, sign == "+" || end > position + 1 {
            name(.compel, word(endingAt: position).lowerBound ..< end)
        }
    }

    private mutating func lookAtWord() {
        var end = position
        while end < scalars.count, end < position + 12, Self.isWord(scalars[end]) { end += 1 }
        guard !isWord(at: end) else { return }
        switch string(position ..< end) {
        case "AND": name(.composable, position ..< end)
        case "ADDBASE", "ADDCOMM", "ADDCOL", "ADDROW": name(.regions, position ..< end)
        case "embedding" where scalar(at: end) == ":" && isWord(at: end + 1):
            var last = end + 1
            while isWord(at: last), last < end + Self.shown { last += 1 }
            name(.embedding, position ..< last)
        default: break
        }
    }

    // MARK: Words

    private mutating func name(_ kind: PromptNotation.Kind, _ range: Range<Int>) {
        guard named.insert(kind).inserted else { return }
        let advice = kind.advice.map { "; \($0)" as Sentence } ?? ""
        warn("\(quoted(range)) is \(kind.phrase), and is taken as plain words\(advice)")
    }

    private mutating func warn(_ text: Sentence) {
        // A prompt can be of nothing else.
        guard warnings.count < 20 else { return }
        warnings.append("\(isNegative ? "negative prompt" : "prompt"): \(text)")
    }

    private func scalar(at index: Int) -> Unicode.Scalar? { scalars.indices.contains(index) ? scalars[index] : nil }
    private func isWord(at index: Int) -> Bool { scalar(at: index).map(Self.isWord) ?? false }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private func word(endingAt end: Int) -> Range<Int> {
        var start = end
        while start > 0, end - start < Self.shown, isWord(at: start - 1) { start -= 1 }
        return start ..< end
    }

    private func string(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }

    private func quoted(_ range: Range<Int>) -> String {
        let cut = range.prefix(Self.shown)
        let text = string(cut.startIndex ..< cut.endIndex).map { $0.isNewline ? " " : $0 }
        return "'\(String(text))\(cut.count < range.count ? "…" : "")'"
    }
}
