internal import CParallel

/// The threads of everything that runs in parallel: networks, colour conversion, filling.
public enum Threads {
    /// Sets how many there are; at first one for each processor that the process may use, by its affinity and the quotas of
    /// its control groups.
    public static func use(_ count: Int) { parallel_set_threads(Int32(clamping: count)) }
}
