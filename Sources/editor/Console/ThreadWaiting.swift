internal import Editing
internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#endif

/// How compute threads wait for each other.
///
/// GNU OpenMP's threads spin for a long time by default. On a machine whose cores are busy with other programs each of
/// the hundreds of waits in a step then lasts as long as the scheduler's time slice: a step of the embedded model took
/// 0.95 s where it takes 0.05 s with short spinning (2 cores, load 4). The library reads the setting once, before any
/// code of this program runs, so the program sets it and starts itself anew.
enum ThreadWaiting {
    /// Spins, about 20 µs: long enough for the gap between two parallel parts of an idle machine.
    private static let spinCount = "1000"

    /// Returns at once where the user chose a setting, on other systems, and in the program started anew.
    static func restrain() {
        #if canImport(Glibc)
            guard getenv("OMP_WAIT_POLICY") == nil, getenv("GOMP_SPINCOUNT") == nil else { return }
            setenv("GOMP_SPINCOUNT", spinCount, 1)
            // Comes back only where it fails, and then nothing is lost but time. By the file's own name, which `ps` and
            // `top` show; one that was replaced meanwhile has none any more.
            execv(FileSystem.resolved("/proc/self/exe").nativePath, CommandLine.unsafeArgv)
            execv("/proc/self/exe", CommandLine.unsafeArgv)
        #endif
    }
}
