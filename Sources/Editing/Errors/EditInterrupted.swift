internal import CleanUp
internal import PlainText

/// The user stopped the work; whoever observes an edit throws it to stop within a step.
public struct EditInterrupted: Failing, CustomStringConvertible {
    /// What was in place by then. It stays.
    private let counts: [FinishedWork.Kind: Int]
    /// Whether a picture was on its way to standard output.
    private let isOutputCut: Bool

    /// With what this process has put in place so far.
    ///
    /// - Parameter isOutputCut: whether a picture was on its way to standard output.
    public init(isOutputCut: Bool = false) {
        self.init(FinishedWork.counts, isOutputCut: isOutputCut)
    }

    init(_ counts: [FinishedWork.Kind: Int], isOutputCut: Bool = false) {
        self.counts = counts
        self.isOutputCut = isOutputCut
    }

    public var description: String {
        let written = FinishedWork.Kind.allCases.compactMap { kind in
            kind.noun.flatMap { noun in counts[kind].map { (count: $0, text: $0.of(noun)) } }
        }
        var parts: [String] = []
        if !written.isEmpty {
            let sum = written.reduce(0) { $0 + $1.count }
            parts.append("\(Self.list(written.map(\.text))) \(sum.verb("was", "were")) written")
        }
        if let removed = counts[.removedModel] {
            parts.append("\(removed.of("model")) \(removed.verb("was", "were")) removed")
        }
        if isOutputCut { parts.append("the picture on standard output is not whole") }
        return "interrupted; " + (parts.isEmpty ? "nothing was written" : parts.joined(separator: ", "))
    }

    public var kind: FailureKind { .interrupted }

    /// "a, b and c"
    private static func list(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.joined() }
        return "\(parts.dropLast().joined(separator: ", ")) and \(last)"
    }
}

extension FinishedWork.Kind {
    /// `nil` for what is no file.
    fileprivate var noun: String? {
        switch self {
        case .picture: "picture"
        case .contactSheet: "contact sheet"
        case .mask: "mask"
        case .preview: "preview"
        case .model: "model"
        case .setting: "setting"
        case .removedModel: nil
        }
    }
}
