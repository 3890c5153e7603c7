/// The user stopped the edit; whoever observes an edit throws it to stop within a step.
public struct EditInterrupted: Failing, CustomStringConvertible {
    public init() {}

    public var description: String { "interrupted; nothing was written" }
    public var kind: FailureKind { .interrupted }
}
