/// Names from a file for a sentence: each once, without control characters, and of very many only the first.
struct NameList: CustomStringConvertible {
    private var first: [String] = []
    private var seen: Set<String> = []

    /// More than this are counted, not listed.
    private static let longest = 12

    init() {}

    init(_ names: some Sequence<String>) {
        for name in names { insert(name) }
    }

    var isEmpty: Bool { seen.isEmpty }

    mutating func insert(_ name: String) {
        guard seen.insert(name).inserted, first.count < Self.longest else { return }
        let scalars = name.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
        first.append(String(String.UnicodeScalarView(scalars)))
    }

    /// “a, b and 7 more”.
    var description: String {
        let more = seen.count - first.count
        return first.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
}
