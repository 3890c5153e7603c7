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
