internal import Editing
internal import PlainText
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What is said when memory runs out.
///
/// Much of what allocates ends the process when it cannot: Swift's runtime aborts, libgomp exits with 1, oneDNN's code
/// generator writes to the null pointer it was given. Each time this asks whether memory is short, and if so says that
/// with the exit code of a picture that is too large. Everything else stays the crash that it is.
enum MemoryShortage {
    /// A process that cannot have this much more is taken to have failed for it.
    private static let probeSize = 64 << 20
    private static let numbers = [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP]
    private static let hasSaid = Atomic<Bool>(false)

    /// What a handler may touch: made before it may run, and never freed.
    private struct Prepared: @unchecked Sendable {
        // Sendable: the texts are only read. `former` is written by `install`, before there is a second thread.
        let text: UnsafeBufferPointer<UInt8>
        let json: UnsafeBufferPointer<UInt8>
        /// The same where `--max-memory` cannot be lowered.
        let textAtLowest: UnsafeBufferPointer<UInt8>
        let jsonAtLowest: UnsafeBufferPointer<UInt8>
        let former: UnsafeMutablePointer<sigaction>
        /// What handlers run on: the usual stack may be what could not grow.
        let stack: UnsafeMutableRawPointer
    }
    private static let stackSize = 64 << 10
    private static let prepared: Prepared = {
        let failures = [false, true].map { isLimitLowest in
            Failure(
                sentence:
                    "there is not enough memory for this; \(MemoryAdvice.clause(isLimitLowest: isLimitLowest).worded(by: .options))",
                kind: .badData)
        }
        func kept(_ text: String) -> UnsafeBufferPointer<UInt8> {
            let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
            _ = bytes.initialize(from: text.utf8)
            return UnsafeBufferPointer(bytes)
        }
        let former = UnsafeMutablePointer<sigaction>.allocate(capacity: 64)
        former.initialize(repeating: sigaction(), count: 64)
        return Prepared(
            text: kept(failures[0].text + "\n"), json: kept(failures[0].json.line(namedBy: .options) + "\n"),
            textAtLowest: kept(failures[1].text + "\n"),
            jsonAtLowest: kept(failures[1].json.line(namedBy: .options) + "\n"), former: former,
            stack: .allocate(byteCount: stackSize, alignment: 16))
    }()

    static func install() {
        _ = (prepared.text, hasSaid.load(ordering: .relaxed), Failure.isReportedAsJSON, MemoryAdvice.isLimitLowest)
        var stack = stack_t()
        stack.ss_sp = prepared.stack
        stack.ss_size = stackSize
        sigaltstack(&stack, nil)
        for number in numbers {
            var action = sigaction()
            #if canImport(Darwin)
                action.__sigaction_u.__sa_handler = { MemoryShortage.handle($0) }
                action.sa_flags = Int32(SA_ONSTACK)
            #else
                action.__sigaction_handler.sa_handler = { MemoryShortage.handle($0) }
                action.sa_flags = Int32(SA_ONSTACK)
            #endif
            sigaction(number, &action, prepared.former + Int(number))
        }
        #if canImport(Glibc)
            on_exit({ status, _ in if status == 1 { MemoryShortage.endIfShort(errno) } }, nil)
        #endif
    }

    /// In a signal handler: calls nothing that takes a lock or allocates.
    private static func handle(_ number: Int32) {
        endIfShort(errno)
        // Whoever handled it before, or the system, gets it once this returns.
        sigaction(number, prepared.former + Int(number), nil)
        raise(number)
    }

    private static func endIfShort(_ lastError: Int32) {
        guard lastError == ENOMEM || isShort else { return }
        if !hasSaid.exchange(true, ordering: .relaxed) {
            let isLowest = MemoryAdvice.isLimitLowest
            let said =
                Failure.isReportedAsJSON
                ? (isLowest ? prepared.jsonAtLowest : prepared.json) : isLowest ? prepared.textAtLowest : prepared.text
            _ = write(STDERR_FILENO, said.baseAddress, said.count)
            _exit(65)
        }
        while true { pause() }
    }

    private static var isShort: Bool {
        #if canImport(Darwin)
            let anonymous = MAP_ANON
        #else
            let anonymous = MAP_ANONYMOUS
        #endif
        let probe = mmap(nil, probeSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous, -1, 0)
        guard probe == MAP_FAILED else {
            munmap(probe, probeSize)
            return false
        }
        return errno == ENOMEM
    }
}
