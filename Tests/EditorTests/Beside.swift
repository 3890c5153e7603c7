import Dispatch
import Testing

/// Runs the tests of a suite one after the other, on a thread of their own beside those that all other tests share: for
/// tests that mostly wait, and would keep tests that compute from one of the few threads.
struct Beside: TestTrait, SuiteTrait, TestScoping {
    let isRecursive = true
    private let line = Line()

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(line) { try await function() }
    }

    private final class Line: TaskExecutor {
        private let queue = DispatchQueue(label: "tests beside the others")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == Beside {
    static var beside: Self { Beside() }
}
