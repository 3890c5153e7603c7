internal import Synchronization

/// Something that must not outlive the process: a file that is not whole yet, a setting of the terminal.
///
/// Whoever makes it says how to undo it, and calls `finish` once it is whole or gone. A process that has to end at once
/// calls `end`. Safe from any thread.
public struct CleanUp: Sendable {
    private let number: Int

    private struct Pending {
        var undo: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }
    private static let pending = Mutex(Pending())
    private static let moves = Mutex(())

    /// - Parameter undo: called by `end`, on its thread. Must not register or finish anything.
    public init(_ undo: @escaping @Sendable () -> Void) {
        number = Self.pending.withLock { pending in
            defer { pending.next += 1 }
            pending.undo[pending.next] = undo
            return pending.next
        }
    }

    /// It is whole, or gone: there is nothing to undo any more.
    public func finish() {
        Self.pending.withLock { _ = $0.undo.removeValue(forKey: number) }
    }

    /// Runs steps of which none may be the last, such as two renames: `end` waits for them. They should take a moment only,
    /// and may not call `whole` themselves.
    public static func whole<Failure: Error>(_ steps: () throws(Failure) -> Void) throws(Failure) {
        try moves.withLock { _ throws(Failure) in try steps() }
    }

    /// Undoes all that is registered and not finished, the newest first, then calls `exit`. Nothing is registered
    /// meanwhile: other threads that try wait for the end of the process.
    public static func end(_ exit: () -> Never) -> Never {
        moves.withLock { _ in
            pending.withLock { pending in
                for undo in pending.undo.sorted(by: { $0.key > $1.key }) { undo.value() }
                exit()
            }
        }
    }
}
