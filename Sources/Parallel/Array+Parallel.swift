extension Array where Element: BitwiseCopyable & Sendable {
    /// `count` elements, each what `element` gives for its index, made in parallel. Where the work of the calling thread is
    /// cancelled, those that are not made by then are `filler`.
    public init(parallel count: Int, filler: Element, _ element: (Int) -> Element) {
        unsafe self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
            nonisolated(unsafe) let target = unsafe buffer
            parallelRanges(count, minimum: 1 << 14) { _, range in
                for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 14) {
                    let part = start ..< Swift.min(range.upperBound, start + 1 << 14)
                    if Cancellation.isCancelled {
                        for index in part { unsafe target.initializeElement(at: index, to: filler) }
                    } else {
                        for index in part { unsafe target.initializeElement(at: index, to: element(index)) }
                    }
                }
            }
            initialized = count
        }
    }
}

extension Array {
    /// Appends `filler` until there are `count` elements: what is not made of a cancelled work's result.
    package mutating func fill(upTo count: Int, with filler: @autoclosure () -> Element) {
        if self.count < count { append(contentsOf: repeatElement(filler(), count: count - self.count)) }
    }
}
