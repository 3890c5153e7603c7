#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What this process holds.
public enum ProcessMemory {
    /// The most memory that was ever resident, in bytes; 0 where the system does not say.
    public static var peakBytes: Int {
        var usage = rusage()
        guard getrusage(who, &usage) == 0 else { return 0 }
        #if canImport(Darwin)
            return Int(usage.ru_maxrss)
        #else
            return Int(usage.ru_maxrss) * 1024
        #endif
    }

    /// What is resident now, in bytes; the peak where the system does not say.
    public static var residentBytes: Int {
        #if os(Linux)
            // /proc/self/statm: sizes in pages, the second is the resident set (proc(5)).
            if let text = FileSystem.text(of: "/proc/self/statm"),
                let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            {
                return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
            }
        #endif
        return peakBytes
    }

    #if canImport(Glibc)
        private static var who: Int32 { RUSAGE_SELF.rawValue }
    #else
        private static var who: Int32 { RUSAGE_SELF }
    #endif
}
