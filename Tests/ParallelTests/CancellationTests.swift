import Parallel
import Synchronization
import Testing

@Suite struct CancellationTests {
    private struct Failure: Error {}

    @Test func workWithoutACancellationGoesOn() throws {
        #expect(!Cancellation.isCancelled)
        try Cancellation.check()
    }

    @Test func itIsLookedAtDuringItsWorkOnly() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: Cancelled()) { try cancellation.during { try Cancellation.check() } }
        try Cancellation.check()
    }

    @Test func theOneOfBeforeIsBackAfterwards() throws {
        let (outer, inner) = (Cancellation(), Cancellation())
        inner.cancel()
        try outer.during {
            #expect(throws: Cancelled()) { try inner.during { try Cancellation.check() } }
            try Cancellation.check()
            outer.cancel()
            #expect(Cancellation.isCancelled)
            // Work within work that was cancelled has one of its own.
            #expect(try Cancellation().during { !Cancellation.isCancelled })
        }
    }

    @Test("What fails once it is cancelled fails for that reason")
    func failuresAreTheCancellations() throws {
        let cancellation = Cancellation()
        #expect(throws: Failure.self) { try cancellation.during { throw Failure() } }
        #expect(throws: Cancelled()) {
            try cancellation.during {
                cancellation.cancel()
                throw Failure()
            }
        }
        #expect(try cancellation.during { 7 } == 7, "work that ended is work done")
    }

    @Test("Threads that work for somebody look at that somebody's", arguments: [false, true])
    func threadsLookAtTheCallers(isCancelled: Bool) throws {
        let cancellation = Cancellation()
        if isCancelled { cancellation.cancel() }
        let seen = Atomic(0)
        let calls = Atomic(0)
        try cancellation.during {
            parallel(1000) { _ in
                calls.add(1, ordering: .relaxed)
                if Cancellation.isCancelled { seen.add(1, ordering: .relaxed) }
            }
        }
        // All are called: what may be left out is for the body to know.
        #expect(calls.load(ordering: .relaxed) == 1000)
        #expect(seen.load(ordering: .relaxed) == (isCancelled ? 1000 : 0))
        // The team's threads are free of it again.
        let later = Atomic(0)
        parallel(1000) { _ in if Cancellation.isCancelled { later.add(1, ordering: .relaxed) } }
        #expect(later.load(ordering: .relaxed) == 0)
    }

    @Test func sequencesEndWhereItIsCancelled() throws {
        let cancellation = Cancellation()
        var rows: [Int] = []
        try cancellation.during {
            for row in (0 ..< 1000).untilCancelled {
                rows.append(row)
                if row == 41 { cancellation.cancel() }
            }
        }
        #expect(rows == Array(0 ... 41))
        #expect(Array((0 ..< 3).untilCancelled) == [0, 1, 2])
    }
}
