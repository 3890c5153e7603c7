import CKernels
import TestSupport
import Testing

@testable import Tensors

/// The memory that activations live in.
@Suite struct MemoryPoolTests {
    /// Blocks that live at once never share a byte, whatever was freed before them, and keep what is written to them.
    @Test func blocksDoNotOverlap() throws {
        let pool = MemoryPool()
        var live: [(block: Block, mark: UInt8)] = []
        var random = SplitMix(seed: 5)
        func check(_ block: Block, _ mark: UInt8) {
            let bytes = unsafe UnsafeRawBufferPointer(start: block.pointer, count: block.capacity)
            #expect(unsafe bytes.allSatisfy { $0 == mark })
        }
        for round in 0 ..< 600 {
            if live.count > 12 || (round % 3 == 2 && !live.isEmpty) {
                let gone = live.remove(at: Int(random.next() % UInt64(live.count)))
                check(gone.block, gone.mark)
            } else {
                let block = try pool.block(bytes: 1 + Int(random.next() % 200_000))
                let mark = UInt8(truncatingIfNeeded: round)
                unsafe block.pointer.initializeMemory(as: UInt8.self, repeating: mark, count: block.capacity)
                live.append((block, mark))
            }
            if round % 100 == 99 { pool.drain() }
        }
        for (block, mark) in live { check(block, mark) }
    }

    /// What is freed serves the next block, also where neighbours have to be joined for it, and a drained pool keeps nothing.
    @Test(.disabled(if: ckernels_is_address_sanitized(), "each block has bytes behind it that nobody may touch"))
    func freedMemoryIsUsedAgain() throws {
        let pool = MemoryPool()
        var blocks = try (0 ..< 4).map { _ in try pool.block(bytes: 1 << 20) }
        let end = try pool.block(bytes: 4096)
        let first = unsafe blocks[0].pointer
        #expect(pool.kept == 0)
        blocks = []
        #expect(pool.kept == 4 << 20)
        let joined = try pool.block(bytes: 3 << 20)
        #expect(unsafe joined.pointer == first)
        #expect(pool.kept == 1 << 20)
        pool.drain()
        #expect(pool.kept == 0)
        _ = (joined, end)
    }

    /// Above the limit, what is kept goes back before more is touched.
    @Test(.disabled(if: ckernels_is_address_sanitized(), "each block has bytes behind it that nobody may touch"))
    func limitIsKept() throws {
        let pool = MemoryPool()
        let limit = 3 << 20
        let pin = try pool.block(bytes: 1 << 20, limit: limit)
        var large: Block? = try pool.block(bytes: 2 << 20, limit: limit)
        let small = try pool.block(bytes: 1 << 16, limit: limit)
        large = nil
        #expect(pool.kept == 2 << 20)
        // Fits nowhere that was touched.
        let larger = try pool.block(bytes: 5 << 19, limit: limit)
        #expect(pool.kept == 0)
        _ = (pin, large, small, larger)
    }
}
