/// The `parameters` text by which programs of this kind say how a picture was made: the prompt, a `Negative prompt:`
/// line where there is one, and a last line of `Key: value` pairs.
///
/// The format is that of AUTOMATIC1111's web UI (`modules/infotext_utils.py`, `parse_generation_parameters`, and
/// `modules/processing.py`, `create_infotext`, both at v1.10.1).
public struct Infotext: Sendable, Equatable {
    public struct Parameter: Sendable, Equatable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var prompt: String
    public var negativePrompt: String
    /// In the order in which they are written.
    public var parameters: [Parameter]

    public init(prompt: String, negativePrompt: String = "", parameters: [Parameter] = []) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.parameters = parameters
    }

    /// The value of the first parameter with that key. Setting replaces it where it stands or appends; nil removes.
    public subscript(key: String) -> String? {
        get { parameters.first { $0.key == key }?.value }
        set {
            let index = parameters.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): parameters[index].value = value
            case (let index?, nil): parameters.remove(at: index)
            case (nil, let value?): parameters.append(Parameter(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The text as files carry it. Parameters with an empty value are left out.
    public var rendered: String {
        var lines = [prompt]
        if !negativePrompt.isEmpty { lines.append("Negative prompt: " + negativePrompt) }
        let pairs = parameters.filter { !$0.value.isEmpty }.map { "\($0.key): \(Self.quoted($0.value))" }
        if !pairs.isEmpty { lines.append(pairs.joined(separator: ", ")) }
        return lines.joined(separator: "\n")
    }

    /// Reads such a text. Any text can be read: without a last line of three or more parameters it is all prompt.
    public init(parsing text: String) {
        // Line ends of either kind, and none of the surrounding white space.
        let scalars = Self.trimmed(Array(text.unicodeScalars)[...])
        let lastStart = scalars.lastIndex(of: "\n").map { $0 + 1 } ?? scalars.startIndex
        var parameters = Self.parameters(in: Self.trimmed(scalars[lastStart...]))
        var rest = scalars
        if parameters.count >= 3 { rest = scalars[..<max(lastStart - 1, scalars.startIndex)] } else { parameters = [] }

        var prompt = Lines()
        var negative = Lines()
        var isNegative = false
        let label = Array("Negative prompt:".unicodeScalars)
        var start = rest.startIndex
        while start <= rest.endIndex {
            let end = rest[start...].firstIndex(of: "\n") ?? rest.endIndex
            let line = Self.trimmed(rest[start ..< end])
            if line.starts(with: label) {
                isNegative = true
                negative.append(Self.trimmed(line.dropFirst(label.count)))
            } else if isNegative {
                negative.append(line)
            } else {
                prompt.append(line)
            }
            start = end + 1
        }
        self.init(prompt: prompt.text, negativePrompt: negative.text, parameters: parameters)
    }

    /// Lines put together as they come: a text of line ends alone would else take many times its size.
    private struct Lines {
        private var scalars = String.UnicodeScalarView()
        private var isEmpty = true
        var text: String { String(scalars) }

        mutating func append(_ line: ArraySlice<Unicode.Scalar>) {
            if !isEmpty { scalars.append("\n") }
            isEmpty = false
            scalars.append(contentsOf: line)
        }
    }

    // MARK: Quoting

    /// JSON-quoted exactly if the value contains a comma, a colon or a line end.
    static func quoted(_ value: String) -> String {
        guard value.unicodeScalars.contains(where: { $0 == "," || $0 == ":" || $0 == "\n" }) else { return value }
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The value of a JSON string, quotes included; nil where it is not one.
    static func unquoted(_ text: some Collection<Unicode.Scalar>) -> String? {
        guard text.count >= 2, text.first == "\"" else { return nil }
        var units: [UInt16] = []
        var rest = text.dropFirst()
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return rest.isEmpty ? String(decoding: units, as: UTF16.self) : nil }
            guard scalar == "\\" else {
                if let encoded = Unicode.UTF16.encode(scalar) { units.append(contentsOf: encoded) }
                continue
            }
            switch rest.popFirst() {
            case "\""?: units.append(0x22)
            case "\\"?: units.append(0x5C)
            case "/"?: units.append(0x2F)
            case "n"?: units.append(0x0A)
            case "r"?: units.append(0x0D)
            case "t"?: units.append(0x09)
            case "b"?: units.append(0x08)
            case "f"?: units.append(0x0C)
            case "u"?:
                let digits = rest.prefix(4)
                guard digits.count == 4, let unit = UInt16(Self.string(digits), radix: 16) else { return nil }
                units.append(unit)
                rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return nil
    }

    // MARK: The last line

    /// Bytes of a key: it is a word or a few, and what is longer is none.
    private static let longestKey = 100

    private static func utf8Count(_ scalars: ArraySlice<Unicode.Scalar>) -> Int {
        scalars.reduce(0) { $0 + UTF8.width($1) }
    }

    /// All matches of `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)` whose key is no longer than `longestKey`, in
    /// one pass over the line.
    static func parameters(in line: ArraySlice<Unicode.Scalar>) -> [Parameter] {
        var found: [Parameter] = []
        var position = line.startIndex
        let end = line.endIndex
        while position < end {
            var start = position
            while start < end, line[start].isSpace { start += 1 }
            var keyEnd = start
            while keyEnd < end,
                Self.isWord(line[keyEnd]) || line[keyEnd] == " " || line[keyEnd] == "-" || line[keyEnd] == "/"
            {
                keyEnd += 1
            }
            guard keyEnd < end, line[keyEnd] == ":" else {
                // No start within this run can reach a colon.
                position = max(keyEnd, start) + 1
                continue
            }
            // The key begins at the run's first letter; what stands before it is passed over at once.
            while start < keyEnd, !Self.isWord(line[start]) { start += 1 }
            guard keyEnd - start >= 2, utf8Count(line[start ..< keyEnd]) <= longestKey else {
                position = keyEnd + 1
                continue
            }
            var valueStart = keyEnd + 1
            while valueStart < end, line[valueStart].isSpace { valueStart += 1 }
            let valueEnd = endOfQuoted(line, from: valueStart) ?? line[valueStart...].firstIndex(of: ",") ?? end
            let raw = line[valueStart ..< valueEnd]
            found.append(Parameter(key: string(line[start ..< keyEnd]), value: unquoted(raw) ?? string(raw)))
            position = valueEnd + 1
        }
        return found
    }

    /// Where a quoted value that begins at `start` ends, if it does and a comma or the line's end follows.
    private static func endOfQuoted(_ line: ArraySlice<Unicode.Scalar>, from start: Int) -> Int? {
        guard start < line.endIndex, line[start] == "\"" else { return nil }
        var index = start + 1
        while index < line.endIndex, line[index] != "\"" {
            index += line[index] == "\\" ? 2 : 1
        }
        guard index < line.endIndex, index > start + 1 else { return nil }
        return index + 1 == line.endIndex || line[index + 1] == "," ? index + 1 : nil
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x30 ... 0x39, 0x41 ... 0x5A, 0x5F, 0x61 ... 0x7A: true
        case ..<0x80: false
        default: scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        guard let first = scalars.firstIndex(where: { !$0.isSpace }),
            let last = scalars.lastIndex(where: { !$0.isSpace })
        else { return [] }
        return scalars[first ... last]
    }
}

extension Unicode.Scalar {
    /// White space; of ASCII without asking the tables, which take longest in a long text.
    fileprivate var isSpace: Bool {
        value < 0x80 ? value == 0x20 || (0x09 ... 0x0D).contains(value) : properties.isWhitespace
    }
}
