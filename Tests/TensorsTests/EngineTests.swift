import CParallel
import Foundation
import Parallel
import Synchronization
import Testing

@testable import Tensors

@Suite struct EngineTests {
    private struct Failure: Error, Equatable { let number: Int }
    private enum Local { @TaskLocal static var number = 0 }

    /// Whoever asks first is served first, however many threads ask while the engine is busy.
    @Test func requestsAreServedInTheOrderInWhichTheyCame() throws {
        let engine = Engine()
        let (isBusy, gate) = (Latch(), Latch())
        let served = Mutex<[Int]>([])
        for number in 0 ..< 12 {
            let thread = Thread {
                try? engine.run {
                    // The first holds all others up.
                    if number == 0 {
                        isBusy.open()
                        gate.wait()
                    }
                    served.withLock { $0.append(number) }
                }
            }
            thread.start()
            if number == 0 { isBusy.wait() } else { while engine.thread.waiting < number { usleep(200) } }
        }
        gate.open()
        // Behind all of them.
        #expect(try engine.run { served.withLock { $0 } } == Array(0 ..< 12))
    }

    /// Two threads at once, without a lock of their own.
    @Test func noTwoRequestsRunAtOnce() throws {
        let engine = Engine()
        // Of the engine's thread.
        nonisolated(unsafe) var running = 0
        nonisolated(unsafe) var (most, count) = (0, 0)
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            for _ in 0 ..< 300 {
                try? engine.run {
                    running += 1
                    most = max(most, running)
                    usleep(10)
                    count += 1
                    running -= 1
                }
            }
        }
        #expect(try engine.run { most } == 1)
        #expect(try engine.run { count } == 600)
    }

    @Test func resultsAndErrorsComeBack() throws {
        let engine = Engine()
        #expect(try engine.run { [1, 2] } == [1, 2])
        #expect(throws: Failure(number: 3)) { try engine.run { throw Failure(number: 3) } }
        #expect(try engine.run { 4 } == 4)
    }

    @Test func aRequestWithinARequestRunsAtOnce() throws {
        let engine = Engine()
        let threads = try engine.run {
            let outer = pthread_self()
            return try engine.run { (outer, pthread_self()) }
        }
        #expect(pthread_equal(threads.0, threads.1) != 0)
        #expect(pthread_equal(threads.0, pthread_self()) == 0)
        // Another engine's is another thread, which waits for nobody.
        let other = Engine()
        #expect(try engine.run { try other.run { engine.isCurrent } } == false)
    }

    /// Inside a task and outside of any.
    @Test func taskLocalValuesComeAlong() async throws {
        let engine = Engine()
        let found = try Local.$number.withValue(7) {
            try engine.run { (Local.number, try Local.$number.withValue(8) { try engine.run { Local.number } }) }
        }
        #expect(found == (7, 8))
        let outside = Mutex(0)
        let thread = Thread {
            Local.$number.withValue(9) {
                let number = try? engine.run { Local.number }
                outside.withLock { $0 = number ?? -1 }
            }
        }
        thread.start()
        while !thread.isFinished { try await Task.sleep(for: .milliseconds(1)) }
        #expect(outside.withLock { $0 } == 9)
        #expect(try engine.run { Local.number } == 0)
    }

    @Test func eachRequestHasItsNumberOfThreads() throws {
        let engine = Engine()
        let usual = parallel_threads()
        let numbers = try engine.run(threads: 3) {
            [
                parallel_threads(), try engine.run(threads: 1) { parallel_threads() },
                try engine.run { parallel_threads() }, parallel_threads(),
            ]
        }
        #expect(numbers == [3, 1, 3, 3])
        #expect(parallel_threads() == usual)
        #expect(try engine.run { parallel_threads() } == usual)
        let compute = Compute(type: .float32, threads: 5, engine: engine)
        #expect(try compute.perform { parallel_threads() } == 5)
    }

    @Test func itsMemoryIsOfItsThread() async {
        await #expect(processExitsWith: .failure) {
            _ = try Compute(type: .float32).tensor([1], shape: [1])
        }
        await #expect(processExitsWith: .failure) {
            let engine = Engine()
            _ = try Engine().run { engine.resources.store.count }
        }
        await #expect(processExitsWith: .success) {
            let compute = Compute(type: .float32)
            _ = try compute.perform { try compute.tensor([1], shape: [1]) }
        }
    }
}

/// Prepared products are kept by their bytes.
@Suite struct PrimitiveCacheTests {
    private static func shape(_ rows: Int) -> Product.Shape {
        .linear(
            rows: rows, inChannels: 48, outChannels: 32, type: .float32, bias: false, accumulate: false,
            quantized: false, activation: .none)
    }

    @Test func thoseNotUsedForLongestLeave() throws {
        let engine = Engine(primitiveMemory: 1_000_000)
        try engine.run {
            let cache = engine.resources.primitives
            let first = try cache.product(Self.shape(1))
            let second = try cache.product(Self.shape(2))
            for rows in 3 ... 40 {
                _ = try cache.product(Self.shape(rows))
                #expect(try cache.product(Self.shape(1)) === first, "used again and again")
                #expect(cache.bytes <= 1_000_000)
            }
            #expect(cache.count == 1_000_000 / first.estimatedBytes)
            // Held here, it went on working; asked for again, it is another.
            #expect(second.scratchSize >= 0 && !second.implementation.isEmpty)
            #expect(try cache.product(Self.shape(2)) !== second)
        }
    }

    @Test func anotherNumberOfThreadsIsAnother() throws {
        let engine = Engine()
        let one = try engine.run(threads: 1) { try engine.resources.primitives.product(Self.shape(7)) }
        let two = try engine.run(threads: 2) { try engine.resources.primitives.product(Self.shape(7)) }
        #expect(one !== two)
        #expect(try engine.run(threads: 1) { try engine.resources.primitives.product(Self.shape(7)) === one })
    }

    #if os(Linux)
        /// A process makes more of them than fit and stays as large as it was, as oneDNN keeps none that was let go.
        @Test(.disabled(if: ProcessInfo.processInfo.environment["EDITOR_SANITIZER"] != nil, "it keeps what is freed"))
        func thoseThatLeftTakeNoMemory() async {
            await #expect(processExitsWith: .success) {
                let engine = Engine(primitiveMemory: 2_000_000)
                func resident() throws -> Int {
                    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                    return (Int(text.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
                }
                try engine.run {
                    for rows in 1 ... 100 { _ = try engine.resources.primitives.product(Self.shape(rows)) }
                    let before = try resident()
                    for rows in 101 ... 700 { _ = try engine.resources.primitives.product(Self.shape(rows)) }
                    // Kept, 600 would take some 50 MB.
                    #expect(try resident() - before < 15_000_000)
                }
            }
        }
    #endif
}
