internal import CParallel

/// Stops work from outside: whoever does the work looks at it (`check`), and so does all that is done for it on other
/// threads.
///
/// Work is `during` one cancellation, so that no function in between has to hand it on. A loop that takes long on a large
/// picture looks at it every few milliseconds. One that cannot throw ends early with a result of the right size and no
/// meaning (`isCancelled`); the stage that it is a part of throws before that is used.
///
/// Safe from any thread.
public final class Cancellation: Sendable {
    // A plain number that C's atomics change, so that C's loops can look at it, too.
    private let flag: CancellationFlag

    public init() { flag = CancellationFlag() }

    /// All work during this is to stop. Cannot be undone.
    public func cancel() { unsafe parallel_cancel(flag.pointer) }

    public var isCancelled: Bool { unsafe parallel_is_set(flag.pointer) }

    /// Runs `body`, during which this is what `check` looks at; the one of before is again when it returns.
    ///
    /// - Throws: what `body` throws; `Cancelled` in its place once this is cancelled, as what fails then, such as a decoder
    ///   that was stopped, fails for that reason.
    public func during<Result>(_ body: () throws -> Result) throws -> Result {
        let outer = unsafe parallel_cancellation()
        unsafe parallel_set_cancellation(flag.pointer)
        defer { unsafe parallel_set_cancellation(outer) }
        do {
            return try body()
        } catch {
            try Self.check()
            throw error
        }
    }

    /// Whether the work that the calling thread does is to stop. Takes a nanosecond or two.
    public static var isCancelled: Bool { parallel_is_cancelled() }

    /// Throws `Cancelled` where the work that the calling thread does is to stop.
    public static func check() throws(Cancelled) {
        guard !isCancelled else { throw Cancelled() }
    }
}

/// Work was stopped from outside, before it was done.
public struct Cancelled: Error, CustomStringConvertible, Equatable {
    public init() {}
    public var description: String { "it was cancelled" }
}

/// Owns the number.
@safe private final class CancellationFlag: @unchecked Sendable {
    // Sendable: C changes and reads the number atomically.
    let pointer = unsafe parallel_make_flag()!
    deinit { unsafe parallel_free_flag(pointer) }
}

extension Sequence {
    /// The elements, until the work of the calling thread is cancelled: for the rows of what is large, where what has been
    /// made by then may be left as it is.
    public var untilCancelled: UntilCancelled<Self> { UntilCancelled(base: self) }
}

/// A sequence that ends early where work is cancelled (`Sequence.untilCancelled`).
public struct UntilCancelled<Base: Sequence>: Sequence {
    let base: Base

    public func makeIterator() -> Iterator { Iterator(base: base.makeIterator()) }

    public struct Iterator: IteratorProtocol {
        var base: Base.Iterator

        public mutating func next() -> Base.Element? { Cancellation.isCancelled ? nil : base.next() }
    }
}
