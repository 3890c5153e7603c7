internal import CParallel
internal import Parallel

/// What computes: one a process (`shared`), with a thread of its own on which everything that multiplies runs, one
/// request after the other in the order in which they came.
///
/// It owns what requests share: the team of threads that parallel work runs on, oneDNN's primitives (`PrimitiveCache`),
/// packed weights (`PackedStore`) and the memory of activations. All of that is touched on its thread only, which is
/// checked at run time. Another engine than the shared one is for tests, which want one without a past; oneDNN's own
/// state is the process's all the same.
public final class Engine: @unchecked Sendable {
    // Sendable: `state` is reached through `resources` alone, which checks that it is used on the engine's thread; what
    // one use leaves there, the queue's lock hands to the next.

    /// The process's engine.
    public static let shared = Engine()

    let thread = WorkerThread(name: "editor-engine")
    private let state: Resources

    /// What is confined to the engine's thread.
    final class Resources {
        let primitives: PrimitiveCache
        let store: PackedStore
        /// Blocks may be given back on any thread.
        let activations = MemoryPool()
        /// The `Compute`s that there are.
        var users: Set<Int> = []

        init(primitiveMemory: Int, unusedWeightMemory: Int) {
            primitives = PrimitiveCache(limit: primitiveMemory)
            store = PackedStore(unusedLimit: unusedWeightMemory)
        }
    }

    /// - Parameters:
    ///   - primitiveMemory: bytes that prepared products may take, by estimate.
    ///   - unusedWeightMemory: bytes of packed weights that are kept in memory for models that are opened again, while
    ///     no open model uses them.
    init(primitiveMemory: Int = 128 << 20, unusedWeightMemory: Int = 512 << 20) {
        state = Resources(primitiveMemory: primitiveMemory, unusedWeightMemory: unusedWeightMemory)
    }

    deinit { thread.end() }

    /// Whether the caller is on the engine's thread.
    var isCurrent: Bool { thread.isCurrent }

    /// What requests share. Traps on any other thread than the engine's.
    var resources: Resources {
        precondition(isCurrent, "used outside Engine.run")
        return state
    }

    /// Runs `body` on the engine's thread after all that was asked for before, and returns what it gives. The caller
    /// waits. On the engine's thread itself it runs at once.
    ///
    /// Task-local values are the caller's, and so is the `Cancellation`. `body` runs in a task of its own, which the
    /// cancellation of the caller's task does not reach.
    /// - Parameter threads: how many threads parallel work in `body` uses; `nil` for as many as all else, or as the request
    ///   that `body` is part of.
    /// - Throws: what `body` throws, or `ComputeError.outOfMemory` where the system has no thread to give.
    public func run<Result>(threads: Int? = nil, _ body: () throws -> Result) throws -> Result {
        guard !isCurrent else { return try threads == nil ? body() : Self.using(threads, body) }
        do { try thread.start() } catch { throw ComputeError.outOfMemory(bytes: error.stackSize) }
        return try withoutActuallyEscaping(body) { body in
            var request = unsafe Request(threads: threads, cancellation: parallel_cancellation(), body: body)
            let done = Latch()
            unsafe withUnsafeMutablePointer(to: &request) { pointer in
                // The task must not hold `body` itself, which it may outlive by a moment. It touches the request before
                // the latch opens only, and the caller does so after it only.
                nonisolated(unsafe) let pointer = unsafe pointer
                Task(executorPreference: thread) {
                    unsafe pointer.pointee.perform()
                    done.open()
                }
                done.wait()
            }
            guard let outcome = request.outcome else { preconditionFailure("a request was not served") }
            return try outcome.get()
        }
    }

    /// Runs `body` on the engine's thread after all that was asked for before, without waiting for it. Does nothing
    /// where nothing was asked for yet.
    func post(_ body: @escaping @Sendable (Resources) -> Void) {
        guard thread.isStarted else { return }
        Task(executorPreference: thread) { body(self.resources) }
    }

    @safe private struct Request<Value> {
        let threads: Int?
        let cancellation: OpaquePointer?
        let body: () throws -> Value
        var outcome: Swift.Result<Value, any Error>?

        // Not inlined, so that nothing of it is left when it returns.
        @inline(never) mutating func perform() {
            unsafe parallel_set_cancellation(cancellation)
            outcome = Swift.Result { try Engine.using(threads, body) }
            parallel_set_cancellation(nil)
        }
    }

    /// oneDNN and the team ask the calling thread how many threads they use.
    private static func using<Value>(_ threads: Int?, _ body: () throws -> Value) rethrows -> Value {
        let before = parallel_use_threads(threads.map { Int32(clamping: $0) } ?? 0)
        defer { parallel_use_threads(before) }
        return try body()
    }
}
