import Parallel
import Testing

@testable import Tensors

/// Runs tests on the thread of the process's engine, as what they call does nowhere else.
struct OnEngine: TestTrait, SuiteTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // Starts the thread, and tells it how many others there are.
        try Engine.shared.run {}
        try await withTaskExecutorPreference(Engine.shared.thread) { try await function() }
    }
}

extension Trait where Self == OnEngine {
    static var onEngine: Self { OnEngine() }
}
