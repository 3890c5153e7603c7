internal import CKernels
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A block of memory, 64-byte aligned, that goes back to its pool when the last tensor that uses it is gone.
@safe final class Block {
    let pointer: UnsafeMutableRawPointer
    let capacity: Int
    private let pool: MemoryPool

    fileprivate init(pointer: UnsafeMutableRawPointer, capacity: Int, pool: MemoryPool) {
        unsafe self.pointer = unsafe pointer
        self.capacity = capacity
        self.pool = pool
    }

    deinit { unsafe pool.take(back: pointer, capacity: capacity) }
}

/// Where activations live: blocks are cut from large segments, and go back to them when they are freed. So a denoising step
/// touches no new page after the first, and a network's turn works in what the last one left: clearing pages for the same
/// activations again took 2 of a short edit's 18 seconds of CPU.
///
/// Of the places that a block fits into it takes the one with the fewest pages to touch, then the smallest.
/// Blocks go back on whatever thread the last tensor or packed weights go: a lock guards the rest.
@safe final class MemoryPool: @unchecked Sendable {
    // Sendable: everything is touched under `lock` only.

    private let lock = Mutex<Void>(())
    private var segments: [Segment] = []
    private var used = 0

    /// Address space, of which only what is touched takes memory; where it is limited, a small part of what there may be.
    /// AddressSanitizer takes an eighth of it to remember that nobody may touch it yet.
    private static let segmentSize =
        ckernels_is_address_sanitized() ? 16 << 20 : min(1 << 30, Int(ckernels_address_space() / 16))
    /// Bytes behind each block that belong to none, where AddressSanitizer looks at who reads them.
    private static let guardSize = ckernels_is_address_sanitized() ? pageSize : 0
    fileprivate static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// At most so many bytes are in memory that no block uses.
    var kept: Int { locked { unusedBytes } }

    /// Bytes that blocks take.
    var usedBytes: Int { locked { used } }

    /// A block of at least `bytes`, its content undefined. Throws when the system has none.
    /// - Parameter limit: bytes that blocks and what is kept for others may take; above them what is kept goes back to the
    ///   system before more is touched. What is in use at once can exceed it.
    func block(bytes: Int, limit: Int = .max) throws -> Block {
        let capacity = max(1, (bytes + Self.pageSize - 1) / Self.pageSize) * Self.pageSize
        let pointer: UnsafeMutableRawPointer? = unsafe locked {
            let room = capacity + Self.guardSize
            var place = place(room)
            if used + unusedBytes + capacity - min(capacity, place?.range.touched ?? 0) > limit {
                dropUnused()
                place = self.place(room)
            }
            guard let found = place ?? newSegment(room) else { return nil }
            used += capacity
            let pointer = unsafe found.segment.take(room, at: found.index)
            unsafe ckernels_unpoison(pointer, capacity)
            return unsafe pointer
        }
        guard let pointer = unsafe pointer else { throw ComputeError.outOfMemory(bytes: bytes) }
        return unsafe Block(pointer: pointer, capacity: capacity, pool: self)
    }

    /// Gives what no block uses back to the system.
    func drain() { locked { dropUnused() } }

    fileprivate func take(back pointer: UnsafeMutableRawPointer, capacity: Int) {
        locked {
            used -= capacity
            guard let index = segments.firstIndex(where: { unsafe $0.contains(pointer) }) else {
                preconditionFailure("a block of another pool")
            }
            unsafe ckernels_poison(pointer, capacity)
            unsafe segments[index].give(back: pointer, capacity + Self.guardSize)
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        var result: Result?
        lock.withLock { _ in result = body() }
        return result!
    }

    // MARK: Under the lock

    private var unusedBytes: Int { segments.reduce(0) { $0 + $1.free.reduce(0) { $0 + $1.touched } } }

    private func dropUnused() {
        segments.removeAll { $0.isUnused }
        for segment in segments { segment.dropFreePages() }
    }

    private typealias Place = (segment: Segment, index: Int, range: Segment.FreeRange)

    private func place(_ capacity: Int) -> Place? {
        var best: Place?
        for segment in segments {
            for (index, range) in segment.free.enumerated() where range.count >= capacity {
                if let best, range.isBetter(than: best.range, for: capacity) == false { continue }
                best = (segment, index, range)
            }
        }
        return best
    }

    private func newSegment(_ capacity: Int) -> Place? {
        // Where address space is scarce, no more than what is asked for.
        guard let segment = Segment(max(capacity, Self.segmentSize)) ?? Segment(capacity) ?? drained(capacity) else {
            return nil
        }
        segments.append(segment)
        return (segment, 0, segment.free[0])
    }

    private func drained(_ capacity: Int) -> Segment? {
        dropUnused()
        return Segment(capacity)
    }
}

/// A part of a pool's address space.
@safe private final class Segment {
    /// Bytes that no block uses, of which those in front may be in memory.
    struct FreeRange {
        var start: Int
        var count: Int
        var touched: Int

        func isBetter(than other: FreeRange, for capacity: Int) -> Bool {
            (max(0, capacity - touched), count) < (max(0, capacity - other.touched), other.count)
        }
    }

    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// By address; no two touch.
    private(set) var free: [FreeRange]
    var isUnused: Bool { free.first?.count == capacity }

    init?(_ capacity: Int) {
        var pointer: UnsafeMutableRawPointer?
        // Large ones on 2 MiB boundaries, so that the kernel can back them with huge pages.
        let alignment = capacity >= 4 << 20 ? 2 << 20 : MemoryPool.pageSize
        guard unsafe posix_memalign(&pointer, alignment, capacity) == 0, let pointer = unsafe pointer else {
            return nil
        }
        #if os(Linux)
            if capacity >= 4 << 20 { _ = unsafe madvise(pointer, capacity, MADV_HUGEPAGE) }
        #endif
        unsafe base = unsafe pointer
        unsafe ckernels_poison(pointer, capacity)
        self.capacity = capacity
        free = [FreeRange(start: 0, count: capacity, touched: 0)]
    }

    deinit {
        unsafe ckernels_unpoison(base, capacity)
        unsafe releaseMemory(base)
    }

    func contains(_ pointer: UnsafeMutableRawPointer) -> Bool {
        unsafe pointer >= base && pointer < base + capacity
    }

    /// The front of a free range.
    func take(_ count: Int, at index: Int) -> UnsafeMutableRawPointer {
        let start = free[index].start
        free[index].start += count
        free[index].count -= count
        free[index].touched = max(0, free[index].touched - count)
        if free[index].count == 0 { free.remove(at: index) }
        return unsafe base + start
    }

    func give(back pointer: UnsafeMutableRawPointer, _ count: Int) {
        let start = unsafe pointer - base
        let index = free.firstIndex { $0.start > start } ?? free.count
        free.insert(FreeRange(start: start, count: count, touched: count), at: index)
        for first in [index, index - 1] where first >= 0 && first + 1 < free.count {
            let (front, back) = (free[first], free[first + 1])
            guard front.start + front.count == back.start else { continue }
            free[first].count += back.count
            if back.touched > 0 { free[first].touched = front.count + back.touched }
            free.remove(at: first + 1)
        }
    }

    /// Gives the pages of free ranges back to the system.
    func dropFreePages() {
        for index in free.indices where free[index].touched > 0 {
            #if os(Linux)
                _ = unsafe madvise(base + free[index].start, free[index].touched, MADV_DONTNEED)
            #else
                _ = unsafe madvise(base + free[index].start, free[index].touched, MADV_FREE)
            #endif
            free[index].touched = 0
        }
    }
}

private func releaseMemory(_ pointer: UnsafeMutableRawPointer) { unsafe free(pointer) }
