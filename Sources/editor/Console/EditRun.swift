internal import Editing

/// One edit at the command line: runs it, shows its progress, and prints where the result is.
struct EditRun {
    private let shared: SharedOptions

    init(_ shared: SharedOptions) {
        self.shared = shared
    }

    func run(_ request: EditRequest) throws {
        Interruption.install()
    }
}
