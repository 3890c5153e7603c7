internal import CParallel

/// The threads of everything that runs in parallel: networks, colour conversion, filling.
public enum Threads {
    /// Sets how many there are; at first one for each processor that the process may use, by its affinity and the quotas of
    /// its control groups.
    public static func use(_ count: Int) { parallel_set_threads(Int32(clamping: count)) }
}

/// Calls `body` with every index of `0 ..< count`, spread over the threads; returns when all are done. What takes long in it
/// looks at the `Cancellation`, which is that of the caller.
public func parallel(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
        var context = body
        unsafe withUnsafeMutablePointer(to: &context) { pointer in
            unsafe parallel_for(
                count,
                { context, index in
                    unsafe context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
                }, pointer)
        }
    }
}

/// Calls `body` with consecutive ranges that cover `0 ..< count`, of at least `minimum` each, spread over the threads.
/// The split depends on `count` and `minimum` alone, so that sums over the parts come out the same every time.
public func parallelRanges(_ count: Int, minimum: Int, _ body: (_ part: Int, _ range: Range<Int>) -> Void) {
    let parts = partCount(count, minimum: minimum)
    parallel(parts) { part in body(part, count * part / parts ..< count * (part + 1) / parts) }
}

/// How many parts `parallelRanges` makes: at most 32.
public func partCount(_ count: Int, minimum: Int) -> Int { max(1, min(32, count / max(1, minimum))) }
