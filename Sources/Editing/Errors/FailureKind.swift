/// Whose fault a failure is: what a command's exit code and a server's status are made from.
public enum FailureKind: Sendable, CaseIterable {
    /// The request itself makes no sense.
    case usage
    /// A file is there but is not what it should be.
    case badData
    /// A file is missing or may not be read.
    case noInput
    /// No model, or one that cannot be used.
    case modelUnusable
    /// Our own fault.
    case internalFault
    /// The result may not be written where it was asked for.
    case cannotCreate
    /// Reading or writing failed on the way.
    case inputOutput
    /// The user stopped it.
    case interrupted
}

/// An error that knows whose fault it is.
public protocol Failing: Error {
    var kind: FailureKind { get }
}
