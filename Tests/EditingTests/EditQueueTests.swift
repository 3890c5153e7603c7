import Diffusion
import Foundation
import Masking
import Parallel
import Raster
import Synchronization
import Testing

@testable import Editing

/// Edits come one after the other, and each can be followed and cancelled.
@Suite(.timeLimit(.minutes(2))) struct EditQueueTests {
    /// A model that stops in each run until it is told to go on.
    private final class Gate: Sendable {
        let began = Latch()
        let goOn = Latch()
    }

    /// Which edits were made, in their order.
    private final class Made: Sendable {
        private let seeds = Mutex<[UInt64]>([])
        var all: [UInt64] { seeds.withLock { $0 } }
        func add(_ seed: UInt64) { seeds.withLock { $0.append(seed) } }
    }

    private let scratch: Scratch
    private let made = Made()

    init() throws { scratch = try Scratch() }

    /// - Parameter gate: where the edit with seed 1 waits.
    private func queue(limit: Int = 32, gate: Gate? = nil) -> EditQueue {
        EditQueue(
            limit: limit,
            workbench: Workbench { [made] _ in
                StubModel { image, seed in
                    if seed == 1, let gate {
                        gate.began.open()
                        gate.goOn.wait()
                    }
                    made.add(seed)
                    return image
                }
            })
    }

    private func job(seed: UInt64, steps: Int = 3) throws -> EditJob {
        let image = try scratch.write(.patterned(width: 64, height: 48), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 48, white: PixelRect(x: 20, y: 10, width: 20, height: 20)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        request.settings.seed = seed
        request.settings.steps = steps
        return EditJob(request: request, output: OutputChoice(path: scratch.path("\(seed).png")))
    }

    private let model = ModelChoice(source: .embedded)

    @Test func `Who comes first is served first`() async throws {
        let gate = Gate()
        let queue = queue(gate: gate)
        let tickets = try (1 ... 4).map { try queue.add(job(seed: $0), with: model, randomSeed: 9) }
        gate.began.wait()
        #expect(tickets.map(\.number) == [1, 2, 3, 4] && queue.count == 4)
        guard case .running = tickets[0].state, case .waiting(before: 1) = tickets[1].state,
            case .waiting(before: 3) = tickets[3].state
        else {
            Issue.record("\(tickets.map(\.state))")
            return gate.goOn.open()
        }
        gate.goOn.open()
        for (number, ticket) in tickets.enumerated() {
            let outcome = try await ticket.outcome()
            #expect(outcome.seeds == [UInt64(number + 1)])
            guard case .done = ticket.state else {
                Issue.record("\(ticket.state)")
                return
            }
        }
        #expect(made.all == [1, 2, 3, 4] && queue.count == 0)
        #expect((1 ... 4).allSatisfy { scratch.names.contains("\($0).png") })
    }

    @Test func `One that waits is cancelled at once, one that runs when it looks`() async throws {
        let gate = Gate()
        let queue = queue(gate: gate)
        let tickets = try (1 ... 3).map { try queue.add(job(seed: $0), with: model, randomSeed: 9) }
        gate.began.wait()
        tickets[1].cancel()
        // While the first still runs.
        await #expect(throws: Cancelled.self) { _ = try await tickets[1].outcome() }
        #expect(queue.count == 2)
        tickets[0].cancel()
        gate.goOn.open()
        await #expect(throws: Cancelled.self) { _ = try await tickets[0].outcome() }
        #expect(try await tickets[2].outcome().seeds == [3])
        #expect(made.all == [1, 3])
        #expect(!scratch.names.contains("1.png") && !scratch.names.contains("2.png"))
        // Nothing changes what is over.
        tickets[2].cancel()
        #expect(try await tickets[2].outcome().seeds == [3])
    }

    @Test func `No more wait than may, and none once it is closed`() async throws {
        let gate = Gate()
        let queue = queue(limit: 1, gate: gate)
        let first = try queue.add(job(seed: 1), with: model, randomSeed: 9)
        gate.began.wait()
        let second = try queue.add(job(seed: 2), with: model, randomSeed: 9)
        #expect(throws: EditQueueError.full(limit: 1)) { try queue.add(job(seed: 3), with: model, randomSeed: 9) }
        second.cancel()
        let third = try queue.add(job(seed: 3), with: model, randomSeed: 9)
        async let closed: Void = queue.close()
        for ticket in [second, third] { await #expect(throws: Cancelled.self) { _ = try await ticket.outcome() } }
        // The first is cancelled before the third.
        gate.goOn.open()
        await closed
        await #expect(throws: Cancelled.self) { _ = try await first.outcome() }
        #expect(throws: EditQueueError.closed) { try queue.add(job(seed: 5), with: model, randomSeed: 9) }
        #expect(queue.count == 0)
    }

    @Test func `A request that makes no sense is not taken`() throws {
        let queue = queue()
        var job = try job(seed: 1)
        job.request.settings.steps = 0
        #expect(throws: EditError.self) { try queue.add(job, with: model, randomSeed: 9) }
        #expect(queue.count == 0)
    }

    @Test func `An edit that fails is over, and the next one runs`() async throws {
        let queue = queue()
        var bad = try job(seed: 1)
        bad.request.picture = .bytes([1, 2, 3], name: "nothing.png")
        let ticket = try queue.add(bad, with: model, randomSeed: 9)
        let next = try queue.add(job(seed: 2), with: model, randomSeed: 9)
        await #expect(throws: (any Error).self) { _ = try await ticket.outcome() }
        guard case .failed(let error) = ticket.state else {
            Issue.record("\(ticket.state)")
            return
        }
        #expect(!(error is Cancelled) && FailureKind(error) == .badData, "\(error)")
        #expect(try await next.outcome().seeds == [2])
    }

    private func stages(_ events: [EditEvent]) -> [EditStage] {
        events.compactMap { if case .stage(let stage) = $0 { stage } else { nil } }
    }

    @Test func `Whoever listens hears all in order, also who comes late`() async throws {
        let gate = Gate()
        let queue = queue(gate: gate)
        let ticket = try queue.add(job(seed: 1, steps: 200), with: model, randomSeed: 9)
        gate.began.wait()
        let early = Task {
            var all: [EditEvent] = []
            for await event in ticket.events { all.append(event) }
            return all
        }
        let left = Task {
            for await _ in ticket.events {}
            return Task.isCancelled
        }
        // It waits for more, of which there is none.
        left.cancel()
        #expect(await left.value)
        #expect(ticket.progress?.step == 200)
        gate.goOn.open()
        _ = try await ticket.outcome()
        var late: [EditEvent] = []
        for await event in ticket.events { late.append(event) }
        let heard = await early.value
        for events in [late, heard] {
            #expect(stages(events) == [.read, .load, .plan, .fill, .encode, .denoise, .decode, .composite, .save])
            let steps = events.compactMap { if case .step(let progress) = $0 { progress.step } else { nil } }
            #expect(steps.last == 200 && steps == steps.sorted())
            #expect(events.contains { if case .saved = $0 { true } else { false } })
        }
        // Of the steps only the last.
        #expect(late.count < 30)
    }

    @Test func `The queue of a real model cancels within it and goes on`() async throws {
        let queue = EditQueue()
        var long = try job(seed: 1, steps: 1000)
        long.request.prompt = "a red heart"
        long.request.settings.fill = nil
        long.request.settings.previewInterval = 1
        let ticket = try queue.add(long, with: model, randomSeed: 9)
        for await event in ticket.events {
            if case .preview = event { break }
        }
        #expect(ticket.preview != nil)
        ticket.cancel()
        await #expect(throws: Cancelled.self) { _ = try await ticket.outcome() }
        #expect(!scratch.names.contains("1.png"))
        var short = long
        short.request.settings.steps = 2
        short.delivery = .files(OutputChoice(path: scratch.path("2.png")))
        _ = try await queue.add(short, with: model, randomSeed: 9).outcome()
        let alone = EditJob(request: short.request, output: OutputChoice(path: scratch.path("3.png")))
        _ = try alone.run(randomSeed: 9, openModel: { _ in try model.open() }, observe: { _ in })
        #expect(
            FileManager.default.contents(atPath: scratch.path("2.png"))
                == FileManager.default.contents(atPath: scratch.path("3.png")))
        await queue.close()
    }
}
