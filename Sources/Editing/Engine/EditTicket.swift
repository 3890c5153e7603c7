internal import Parallel
public import Raster
internal import Synchronization

/// An edit of an `EditQueue`: where it stands, what it tells, and a way to cancel it.
///
/// Safe from any thread.
public final class EditTicket: Sendable {
    /// Where an edit stands.
    public enum State: Sendable {
        /// That many come before it.
        case waiting(before: Int)
        case running
        case done(EditOutcome)
        /// `Cancelled` where it was cancelled.
        case failed(any Error)
    }

    /// Names it among the queue's, from 1.
    public let number: Int
    let cancellation = Cancellation()
    private weak let queue: EditQueue?
    private let content = Mutex(Content())

    private struct Content {
        var isRunning = false
        var result: Result<EditOutcome, any Error>?
        var log = EventLog()
        var lastWaiter = 0
        /// Whoever waits for a change.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    init(number: Int, queue: EditQueue) {
        self.number = number
        self.queue = queue
    }

    public var state: State {
        let (isRunning, result) = content.withLock { ($0.isRunning, $0.result) }
        switch result {
        case .success(let outcome): return .done(outcome)
        case .failure(let error): return .failed(error)
        case nil: return isRunning ? .running : .waiting(before: queue?.countBefore(self) ?? 0)
        }
    }

    /// The last denoising step; `nil` before the first.
    public var progress: StepProgress? { content.withLock { $0.log.step?.value } }

    /// What the part that is worked on was last expected to become; `nil` where the request asks for no previews.
    public var preview: Picture? { content.withLock { $0.log.preview?.value } }

    /// Stops the edit: one that waits at once, one that runs as soon as it looks. Pictures that are in place by then stay.
    public func cancel() {
        cancellation.cancel()
        finish(.failure(Cancelled()), onlyIfWaiting: true)
    }

    /// What the edit did, once it is over. It goes on when the task that asks is cancelled.
    /// - Throws: what ended it; `Cancelled` where it was cancelled.
    public func outcome() async throws -> EditOutcome { try await end().get() }

    /// What the edit tells, from its beginning until it is over: of steps and previews the latest, all else in full.
    public var events: EditEvents { EditEvents(ticket: self) }

    /// Returns when the edit is over.
    @discardableResult
    func end() async -> Result<EditOutcome, any Error> {
        while true {
            if let result = content.withLock({ $0.result }) { return result }
            await change { $0.result == nil }
        }
    }

    // MARK: For who listens

    /// The first event after that one, once there is one; `nil` where no more will come, or nobody waits any more.
    fileprivate func event(after number: Int) async -> (number: Int, event: EditEvent)? {
        while !Task.isCancelled {
            let (found, isOver) = content.withLock { ($0.log.first(after: number), $0.result != nil) }
            if found != nil || isOver { return found }
            await withTaskCancellationHandler {
                await change { $0.result == nil && $0.log.count == number && !Task.isCancelled }
            } onCancel: {
                wake()
            }
        }
        return nil
    }

    /// Waits until something changes, unless it did already.
    private func change(while isUnchanged: (Content) -> Bool) async {
        await withCheckedContinuation { continuation in
            let waits = content.withLock { content in
                guard isUnchanged(content) else { return false }
                content.lastWaiter += 1
                content.waiters[content.lastWaiter] = continuation
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    private func wake() {
        let waiters = content.withLock { content in
            defer { content.waiters = [:] }
            return content.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    // MARK: For the queue

    /// Whether it is to run now: not where it was cancelled while it waited.
    func begin() -> Bool {
        content.withLock { content in
            guard content.result == nil else { return false }
            content.isRunning = true
            return true
        }
    }

    /// What the edit tells.
    func take(_ event: EditEvent) {
        content.withLock { $0.log.add(event) }
        wake()
    }

    /// It is over; the first end counts.
    func finish(_ result: Result<EditOutcome, any Error>, onlyIfWaiting: Bool = false) {
        let isNew = content.withLock { content in
            guard content.result == nil, !(onlyIfWaiting && content.isRunning) else { return false }
            content.result = result
            content.isRunning = false
            return true
        }
        guard isNew else { return }
        queue?.remove(self)
        wake()
    }
}

/// What an edit tells (`EditTicket.events`). Whoever is slow misses steps and previews, of which the latest count, and nothing
/// else; nothing is kept for him beside that.
public struct EditEvents: AsyncSequence, Sendable {
    let ticket: EditTicket

    public func makeAsyncIterator() -> Iterator { Iterator(ticket: ticket) }

    public struct Iterator: AsyncIteratorProtocol {
        let ticket: EditTicket
        private var last = 0

        fileprivate init(ticket: EditTicket) { self.ticket = ticket }

        /// `nil` once the edit is over, or the task that asks is cancelled.
        public mutating func next() async -> EditEvent? {
            guard let (number, event) = await ticket.event(after: last) else { return nil }
            last = number
            return event
        }
    }
}

/// Events in their order, each with its number, from 1: all but those that the next of their kind replaces.
private struct EventLog {
    private(set) var count = 0
    private var kept: [(number: Int, event: EditEvent)] = []
    private(set) var step: (number: Int, value: StepProgress)?
    private(set) var preview: (number: Int, value: Picture)?

    mutating func add(_ event: EditEvent) {
        if case .working = event { return }
        count += 1
        switch event {
        case .working: break
        case .step(let progress): step = (count, progress)
        case .preview(let picture): preview = (count, picture)
        case .note, .stage, .saved: kept.append((count, event))
        }
    }

    func first(after number: Int) -> (number: Int, event: EditEvent)? {
        let index = kept.partitioningIndex { $0.number > number }
        let all = [
            index < kept.count ? kept[index] : nil, step.map { ($0.number, .step($0.value)) },
            preview.map { ($0.number, .preview($0.value)) },
        ]
        return all.compactMap(\.self).filter { $0.number > number }.min { $0.number < $1.number }
    }
}

extension Array {
    /// The first index whose element, and so all that follow, fulfils the condition; `count` where none does.
    fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
