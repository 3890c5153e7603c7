internal import Editing
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Ctrl-C and its kin: a signal only raises a flag; the running edit looks at it between steps and throws.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// Takes over SIGINT, SIGTERM and SIGHUP once each: a second signal ends the process at once. A closed pipe
    /// becomes an error of the write instead of a signal.
    static func install() {
        // Initialised before a handler may run, as initialisation itself is not safe in one.
        _ = isRequested
        var numbers = sigset_t()
        sigemptyset(&numbers)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            sigaddset(&numbers, number)
            var action = sigaction()
            #if canImport(Darwin)
                action.__sigaction_u.__sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
                action.sa_flags = Int32(SA_RESETHAND)
            #else
                action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
                action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
            #endif
            sigaction(number, &action, nil)
        }
        // Whoever started the program may have left them blocked.
        sigprocmask(SIG_UNBLOCK, &numbers, nil)
        signal(SIGPIPE, SIG_IGN)
        // So does the limit on the size of files.
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Throws `EditInterrupted` once a signal came.
    static func check() throws {
        if isRequested { throw EditInterrupted() }
    }
}
