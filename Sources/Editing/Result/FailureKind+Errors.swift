internal import Diffusion

extension FailureKind {
    /// Whose fault an error of any stage is; `nil` for an error that no stage declares.
    public init?(_ error: any Error) {
        switch error {
        case let error as any Failing: self = error.kind
        case is ModelError: self = .modelUnusable
        case is CancellationError: self = .interrupted
        default: return nil
        }
    }
}
