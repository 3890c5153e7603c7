internal import CParallel
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A thread that runs jobs in the order in which they are enqueued, as the executor of tasks: what is a task brings its
/// task-local values along.
public final class WorkerThread: TaskExecutor, @unchecked Sendable {
    // Sendable: `jobs` and the flags are touched under `monitor` only.

    /// As much as a main thread usually has, and twice that: decoders and matting recurse on it.
    private static let stackSize = 16 << 20

    private let name: String
    private let monitor = Monitor()
    private var jobs: [UnownedJob] = []
    private var isRunning = false
    private var isEnding = false
    /// The thread's number; 0 before it runs.
    private let number = Atomic<UInt>(0)

    /// - Parameter name: what the system calls it; of 15 bytes at most.
    public init(name: String) { self.name = name }

    /// Whether the caller runs on it.
    public var isCurrent: Bool { number.load(ordering: .acquiring) == Self.currentNumber }

    public var isStarted: Bool { monitor.locked { isRunning } }

    /// Jobs that wait for their turn.
    package var waiting: Int { monitor.locked { jobs.count } }

    private static var currentNumber: UInt {
        #if canImport(Darwin)
            unsafe UInt(bitPattern: pthread_self())
        #else
            pthread_self()
        #endif
    }

    /// Starts the thread where it does not run yet.
    /// - Throws: `NoThread` where the system has none to give.
    public func start() throws(NoThread) {
        let isThere = monitor.locked {
            guard !isRunning else { return true }
            var attributes = pthread_attr_t()
            unsafe pthread_attr_init(&attributes)
            defer { unsafe pthread_attr_destroy(&attributes) }
            unsafe pthread_attr_setstacksize(&attributes, Self.stackSize)
            unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
            #if canImport(Darwin)
                var handle: pthread_t?
            #else
                var handle = pthread_t()
            #endif
            let own = unsafe Unmanaged.passRetained(self)
            let status = unsafe pthread_create(
                &handle, &attributes,
                { context in
                    #if canImport(Darwin)
                        unsafe Unmanaged<WorkerThread>.fromOpaque(context).takeRetainedValue().serve()
                    #else
                        unsafe Unmanaged<WorkerThread>.fromOpaque(context!).takeRetainedValue().serve()
                    #endif
                    return nil
                }, own.toOpaque())
            isRunning = status == 0
            if !isRunning { unsafe own.release() }
            return isRunning
        }
        guard isThere else { throw NoThread(stackSize: Self.stackSize) }
    }

    /// Lets the thread end once it has run what is enqueued.
    public func end() {
        monitor.locked {
            isEnding = true
            monitor.signal()
        }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        monitor.locked {
            jobs.append(job)
            monitor.signal()
        }
    }

    private func serve() {
        number.store(Self.currentNumber, ordering: .releasing)
        unsafe parallel_name_thread(name)
        let executor = unsafe asUnownedTaskExecutor()
        while let job = next() { unsafe job.runSynchronously(on: executor) }
    }

    /// The job that came first; `nil` where the thread is to end.
    private func next() -> UnownedJob? {
        monitor.locked {
            while jobs.isEmpty {
                guard !isEnding else { return nil }
                monitor.wait()
            }
            return jobs.removeFirst()
        }
    }
}

/// The system has no thread to give.
public struct NoThread: Error, Equatable {
    /// Bytes that its stack would have taken.
    public let stackSize: Int
}

/// What one thread opens and another waits for.
public final class Latch: @unchecked Sendable {
    // Sendable: `isOpen` is touched under `monitor` only.
    private let monitor = Monitor()
    private var isOpen = false

    public init() {}

    public func open() {
        monitor.locked {
            isOpen = true
            monitor.signal()
        }
    }

    public func wait() { monitor.locked { while !isOpen { monitor.wait() } } }
}

/// A lock, and a condition that one thread waits for.
@safe private final class Monitor {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Gives up the lock, which the caller has, until somebody signals.
    func wait() { unsafe pthread_cond_wait(condition, mutex) }

    func signal() { unsafe pthread_cond_signal(condition) }
}
