internal import Synchronization

/// What helps where memory runs out, in words.
public enum MemoryAdvice {
    private static let isLowest = Atomic<Bool>(false)

    /// Says that the limit on memory is as low as it goes, so that nobody is advised to lower it.
    public static func limitIsLowest() { isLowest.store(true, ordering: .relaxed) }

    /// Whether it is. May be asked in a signal handler.
    public static var isLimitLowest: Bool { isLowest.load(ordering: .relaxed) }

    /// What ends a sentence about an edit that found too little.
    public static var clause: Sentence { clause(isLimitLowest: isLimitLowest) }

    /// The same for what may come to be said later.
    public static func clause(isLimitLowest: Bool) -> Sentence {
        let lower: Sentence = isLimitLowest ? "" : ", a smaller \(.maxMemory)"
        return "a smaller picture\(lower) or a higher limit (ulimit -v) helps"
    }
}
