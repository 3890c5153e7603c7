internal import CleanUp
internal import Editing
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Ctrl-C and its kin. A signal raises a flag, at which long work looks between its steps and throws. Work that has not
/// ended by then within a moment, such as a large file being decoded, is not waited for: what is unfinished is removed,
/// and the process ends.
enum Interruption {
    private static let flag = Atomic<Bool>(false)
    private static let isEnding = Atomic<Bool>(false)
    private static let failure = Mutex<@Sendable () -> any Error>({ EditInterrupted() })

    /// Microseconds in which work may end by itself.
    private static let grace: useconds_t = 100_000
    /// Bytes of stack of the thread that waits: under a limit on address space the usual 8 MB count.
    private static let stackSize = 256 << 10

    static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// Takes over SIGINT, SIGTERM and SIGHUP; a SIGHUP that is ignored stays so (`nohup`). A closed pipe becomes an
    /// error of the write instead of a signal, and so does the limit on the size of files.
    static func install() {
        var numbers = sigset_t()
        sigemptyset(&numbers)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            sigaction(number, nil, &action)
            if number == SIGHUP, action.ignoresSignal { continue }
            signal(number, SIG_DFL)
            sigaddset(&numbers, number)
        }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Threads take this over from the one that starts them: only the one below receives these signals.
        pthread_sigmask(SIG_BLOCK, &numbers, nil)
        let kept = UnsafeMutablePointer<sigset_t>.allocate(capacity: 1)
        kept.initialize(to: numbers)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackSize)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let isWaiting =
            pthread_create(
                &thread, &attributes,
                { numbers in
                    Interruption.wait(for: numbers)
                    return nil
                }, kept) == 0
        pthread_attr_destroy(&attributes)
        // Without the thread a signal ends the process as it does others.
        if !isWaiting { pthread_sigmask(SIG_UNBLOCK, &numbers, nil) }
    }

    /// Throws `EditInterrupted`, or what `says` settled, once a signal came.
    static func check() throws {
        if isRequested { throw failure.withLock { $0() } }
    }

    /// Settles what is said if a signal comes from now on.
    ///
    /// - Parameter error: called once it has come.
    static func says(_ error: @escaping @Sendable () -> any Error) { failure.withLock { $0 = error } }

    /// Whether the caller is the first that ends the process, and so the one that says why. Others wait for that end.
    static func beginEnd() {
        guard isEnding.exchange(true, ordering: .sequentiallyConsistent) else { return }
        while true { pause() }
    }

    private static func wait(for numbers: UnsafeMutableRawPointer?) {
        guard let numbers = numbers?.assumingMemoryBound(to: sigset_t.self) else { return }
        var number: Int32 = 0
        while sigwait(numbers, &number) != 0 {}
        flag.store(true, ordering: .relaxed)
        usleep(grace)
        beginEnd()
        CleanUp.end {
            let failure = Failure(failure.withLock { $0() })
            Console.clearLine()
            failure.report()
            _exit(failure.code)
        }
    }
}

extension sigaction {
    fileprivate var ignoresSignal: Bool {
        #if canImport(Darwin)
            let handler = __sigaction_u.__sa_handler
        #else
            let handler = __sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
