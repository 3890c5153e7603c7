/// The user stopped the edit; whoever observes an edit throws it to stop within a step.
public struct EditInterrupted: Failing, CustomStringConvertible {
    /// Pictures that were in place by then; they stay.
    public var saved: Int

    public init(saved: Int = 0) {
        self.saved = saved
    }

    public var description: String {
        switch saved {
        case 0: "interrupted; nothing was written"
        case 1: "interrupted; 1 picture was written"
        default: "interrupted; \(saved) pictures were written"
        }
    }
    public var kind: FailureKind { .interrupted }
}
