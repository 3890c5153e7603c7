internal import PlainText

/// How much of the texts of one file is kept, all together.
struct TextBudget {
    private let limits: DecodeLimits
    private var used = 0
    private var leftOut = NameList()

    /// What a text takes beside its characters.
    private static let overhead = 64

    init(_ limits: DecodeLimits) { self.limits = limits }

    /// The most that one more may have.
    var room: Int { max(0, min(limits.maximumMetadataBytes, limits.maximumMetadataSum - used)) }

    /// Whether that is less than what a single text may have.
    var isShort: Bool { room < limits.maximumMetadataBytes }

    /// Counts what was made; also of what was made in vain.
    mutating func spend(_ count: Int) { used = min(used + min(count, .max / 2), .max / 2) }

    mutating func leaveOut(_ name: String) { leftOut.insert("“\(name)”") }

    /// Counts a text; false, and it is to be left out, where there is no room for it.
    mutating func admit(_ entry: TextEntry) -> Bool {
        let count =
            entry.text.utf8.count + entry.language.utf8.count + entry.translatedKeyword.utf8.count + Self.overhead
        guard count <= limits.maximumMetadataSum - used else {
            leaveOut(entry.keyword)
            return false
        }
        spend(count)
        return true
    }

    /// What to say; nil where all were kept.
    var note: String? {
        guard !leftOut.isEmpty else { return nil }
        let limit = limits.maximumMetadataSum
        let size = limit >= 1 << 20 ? "\(limit >> 20) MiB" : limit.of("byte")
        return "its texts and profiles are longer than \(size) together; left out: \(leftOut)"
    }
}
