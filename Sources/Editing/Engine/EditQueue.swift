internal import Parallel
public import PlainText
internal import Synchronization

/// Edits that wait for their turn, first come first served, and run one after the other on a thread of the queue's own. Each
/// can be followed and cancelled by its `EditTicket`.
///
/// Safe from any thread. An edit belongs to its ticket: the queue forgets it when it is over.
public final class EditQueue: Sendable {
    /// Edits that wait, at most, beside the one that runs.
    public let limit: Int
    private let thread = WorkerThread(name: "editor-edits")
    private let state = Mutex(State())
    // Sendable: used on the thread only.
    private nonisolated(unsafe) let workbench: Workbench

    private struct State {
        var last = 0
        var isClosed = false
        /// Those that are not over: the one that runs, then those that wait.
        var tickets: [EditTicket] = []
    }

    /// - Parameters:
    ///   - limit: edits that may wait, 0 or more.
    ///   - workbench: where they are done; nobody else may use it.
    public init(limit: Int = 32, workbench: sending Workbench = Workbench()) {
        self.limit = max(0, limit)
        self.workbench = workbench
    }

    deinit { thread.end() }

    /// Edits that wait or run.
    public var count: Int { state.withLock { $0.tickets.count } }

    /// Puts an edit at the queue's end.
    ///
    /// - Parameters:
    ///   - randomSeed: the seed where the request names none.
    /// - Throws: `EditQueueError`, or `EditError` for a request that makes no sense whenever it is run.
    public func add(_ job: EditJob, with model: ModelChoice, randomSeed: UInt64) throws -> EditTicket {
        try job.request.validate()
        do { try thread.start() } catch { throw EditQueueError.noThread }
        let ticket = try state.withLock { state throws(EditQueueError) in
            guard !state.isClosed else { throw .closed }
            guard state.tickets.count <= limit else { throw .full(limit: limit) }
            state.last += 1
            let ticket = EditTicket(number: state.last, queue: self)
            state.tickets.append(ticket)
            return ticket
        }
        Task(executorPreference: thread) { self.run(job, with: model, randomSeed: randomSeed, ticket: ticket) }
        return ticket
    }

    /// Takes no more edits and cancels those that there are. Returns when none runs any more.
    public func close() async {
        let tickets = state.withLock { state in
            state.isClosed = true
            return state.tickets
        }
        for ticket in tickets { ticket.cancel() }
        for ticket in tickets { await ticket.end() }
        guard thread.isStarted else { return }
        await Task(executorPreference: thread) { self.workbench.close() }.value
    }

    /// How many edits come before that one; 0 for the one that runs.
    func countBefore(_ ticket: EditTicket) -> Int {
        state.withLock { $0.tickets.firstIndex { $0 === ticket } ?? 0 }
    }

    /// Takes one out that is over.
    func remove(_ ticket: EditTicket) { state.withLock { $0.tickets.removeAll { $0 === ticket } } }

    private func run(_ job: EditJob, with model: ModelChoice, randomSeed: UInt64, ticket: EditTicket) {
        guard ticket.begin() else { return }
        let result = Result {
            try ticket.cancellation.during {
                try workbench.run(job, with: model, randomSeed: randomSeed) { ticket.take($0) }
            }
        }
        ticket.finish(result)
        workbench.keepPackedWeights()
    }
}

/// Why an edit is not taken.
public enum EditQueueError: Error, Equatable, Sendable, Worded {
    /// As many wait as may.
    case full(limit: Int)
    /// The queue takes none any more.
    case closed
    /// The system has no thread to give.
    case noThread

    public var sentence: Sentence {
        switch self {
        case .full(let limit):
            limit == 0 ? "An edit runs; none may wait for it." : "\(limit.of("edit")) wait already; try again later."
        case .closed: "No more edits are taken."
        case .noThread: "There is no memory for a thread that edits."
        }
    }
}
