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

/// Keeps freed activation memory for the next tensor of about the same size, so that a denoising step neither asks the
/// system for memory nor faults pages in after the first.
@safe final class MemoryPool {
    private var free: [(pointer: UnsafeMutableRawPointer, capacity: Int)] = unsafe []
    /// Bytes of all blocks, above which unused ones are given back before another is made.
    var limit = Int.max
    private var total = 0

    deinit { drain() }

    /// A block of at least `bytes`, its content undefined. Throws when the system has none.
    func block(bytes: Int) throws -> Block {
        let capacity = max(64, (bytes + 4095) & ~4095)
        var best: Int?
        for index in unsafe free.indices {
            let size = unsafe free[index].capacity
            if size >= capacity, size <= capacity + capacity / 4 {
                if let other = best, unsafe free[other].capacity <= size { continue }
                best = index
            }
        }
        if let best {
            let found = unsafe free.remove(at: best)
            return unsafe Block(pointer: found.pointer, capacity: found.capacity, pool: self)
        }
        if total + capacity > limit { drain() }
        var pointer = unsafe Self.allocate(capacity)
        if unsafe pointer == nil {
            drain()
            unsafe pointer = unsafe Self.allocate(capacity)
        }
        guard let pointer = unsafe pointer else { throw ComputeError.outOfMemory(bytes: bytes) }
        total += capacity
        return unsafe Block(pointer: pointer, capacity: capacity, pool: self)
    }

    /// Gives every unused block back to the system.
    func drain() {
        // By index: the formatter loses the mark of an unsafe loop variable.
        for index in unsafe free.indices {
            unsafe total -= free[index].capacity
            unsafe releaseMemory(free[index].pointer)
        }
        unsafe free.removeAll()
    }

    fileprivate func take(back pointer: UnsafeMutableRawPointer, capacity: Int) {
        unsafe free.append((pointer, capacity))
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
        var pointer: UnsafeMutableRawPointer?
        // Large blocks on 2 MiB boundaries, so that the kernel can back them with huge pages.
        let alignment = capacity >= 4 << 20 ? 2 << 20 : 64
        guard unsafe posix_memalign(&pointer, alignment, capacity) == 0, let pointer = unsafe pointer else {
            return nil
        }
        #if os(Linux)
            if capacity >= 4 << 20 { _ = unsafe madvise(pointer, capacity, MADV_HUGEPAGE) }
        #endif
        return unsafe pointer
    }
}

private func releaseMemory(_ pointer: UnsafeMutableRawPointer) { unsafe free(pointer) }
