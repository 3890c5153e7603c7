internal import CParallel
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A thread that runs jobs in the order in which they are enqueued, as the executor of tasks: what is a task brings its
/// task-local values along.
final class EngineThread: TaskExecutor, @unchecked Sendable {
    // Sendable: `jobs` and the flags are touched under `monitor` only.

    /// As much as a main thread usually has, and twice that: decoders and matting recurse on it.
    private static let stackSize = 16 << 20

    private let monitor = Monitor()
    private var jobs: [UnownedJob] = []
    private var isRunning = false
    private var isEnding = false
    /// The thread's number; 0 before it runs.
    private let number = Atomic<UInt>(0)

    var isCurrent: Bool { number.load(ordering: .acquiring) == Self.currentNumber }

    var isStarted: Bool { monitor.locked { isRunning } }

    /// Jobs that wait for their turn.
    var waiting: Int { monitor.locked { jobs.count } }

    private static var currentNumber: UInt {
        #if canImport(Darwin)
            unsafe UInt(bitPattern: pthread_self())
        #else
            pthread_self()
        #endif
    }

    /// Starts the thread where it does not run yet.
    /// - Throws: `ComputeError.outOfMemory` where the system has none to give.
    func start() throws {
        try monitor.locked {
            guard !isRunning else { return }
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
                        unsafe Unmanaged<EngineThread>.fromOpaque(context).takeRetainedValue().serve()
                    #else
                        unsafe Unmanaged<EngineThread>.fromOpaque(context!).takeRetainedValue().serve()
                    #endif
                    return nil
                }, own.toOpaque())
            guard status == 0 else {
                unsafe own.release()
                throw ComputeError.outOfMemory(bytes: Self.stackSize)
            }
            isRunning = true
        }
    }

    /// Lets the thread end once it has run what is enqueued.
    func end() {
        monitor.locked {
            isEnding = true
            monitor.signal()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        monitor.locked {
            jobs.append(job)
            monitor.signal()
        }
    }

    private func serve() {
        number.store(Self.currentNumber, ordering: .releasing)
        unsafe parallel_name_thread("editor-engine")
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

/// What one thread opens and another waits for.
final class Latch: @unchecked Sendable {
    // Sendable: `isOpen` is touched under `monitor` only.
    private let monitor = Monitor()
    private var isOpen = false

    func open() {
        monitor.locked {
            isOpen = true
            monitor.signal()
        }
    }

    func wait() { monitor.locked { while !isOpen { monitor.wait() } } }
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
