internal import PlainText

/// The user stopped the edit; whoever observes an edit throws it to stop within a step.
public struct EditInterrupted: Failing, CustomStringConvertible {
    /// Pictures that were in place by then; they stay.
    public var saved: Int

    public init(saved: Int = 0) {
        self.saved = saved
    }

    public var description: String {
        saved == 0
            ? "interrupted; nothing was written"
            : "interrupted; \(saved.of("picture")) \(saved.verb("was", "were")) written"
    }
    public var kind: FailureKind { .interrupted }
}
