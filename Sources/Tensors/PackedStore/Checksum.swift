internal import Parallel

/// A 64-bit sum of bytes: no single change of a word goes unseen, and others do as rarely as chance has it. Not against
/// forgery.
public enum Checksum {
    private static let start: UInt64 = 0xcbf2_9ce4_8422_2325
    private static let prime: UInt64 = 0x100_0000_01b3
    /// Bytes that are summed by themselves, so that threads can share the work.
    private static let chunk = 1 << 20

    /// The same on every machine and with any number of threads.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = (bytes.count + chunk - 1) / chunk
        var sums = [UInt64](repeating: 0, count: count)
        unsafe sums.withUnsafeMutableBufferPointer { sums in
            parallelRanges(count, minimum: 4) { _, range in
                for index in range {
                    let part = unsafe bytes[index * chunk ..< min(bytes.count, (index + 1) * chunk)]
                    unsafe sums[index] = sum(UnsafeRawBufferPointer(rebasing: part))
                }
            }
        }
        return sums.reduce(start ^ UInt64(bytes.count)) { step($0, $1) }
    }

    /// FNV-1a's step on a word. A product's upper bits change no lower ones, so its upper half is mixed into the lower:
    /// else two changes of the highest bit would cancel each other.
    private static func step(_ sum: UInt64, _ word: UInt64) -> UInt64 {
        let product = (sum ^ word) &* prime
        return product ^ product >> 32
    }

    /// In four lanes that do not wait for each other.
    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        func word(_ offset: Int) -> UInt64 {
            unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        var (a, b, c, d) = (start, start &+ 1, start &+ 2, start &+ 3)
        let whole = bytes.count / 32 * 32
        for offset in stride(from: 0, to: whole, by: 32) {
            a = step(a, word(offset))
            b = step(b, word(offset + 8))
            c = step(c, word(offset + 16))
            d = step(d, word(offset + 24))
        }
        for offset in whole ..< bytes.count { a = unsafe step(a, UInt64(bytes[offset])) }
        return [a, b, c, d].reduce(start) { step($0, $1) }
    }
}
