/// PNG chunks put together by hand, as no encoder would write them.
public enum HandmadePNG {
    /// The file with chunks behind its header.
    public static func adding(_ chunks: [(String, [UInt8])], to file: [UInt8]) -> [UInt8] {
        // Signature and IHDR take 33 bytes.
        Array(file[..<33]) + chunks.flatMap { chunk($0.0, $0.1) } + Array(file[33...])
    }

    public static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return big(UInt32(data.count)) + body + big(checksum(body))
    }

    /// A `zTXt` chunk's data, of a text that is one letter many times over: about a 160th of its size.
    public static func deflatedText(_ keyword: String, count: Int) -> [UInt8] {
        Array(keyword.utf8) + [0, 0] + deflated(UInt8(ascii: "A"), count: count)
    }

    /// `count` times the same byte, deflated (RFC 1950 and 1951): one letter, then as many copies of it as fit the
    /// fixed codes. `count` is 1 more than a multiple of 258, at least.
    public static func deflated(_ byte: UInt8, count: Int) -> [UInt8] {
        precondition(count % 258 == 1 && byte < 144, "one letter and whole copies of 258")
        var bits = Bits()
        bits.add(0b011, 3)  // The last block, fixed codes.
        bits.addCode(0x30 + UInt32(byte), 8)
        for _ in 0 ..< count / 258 {
            bits.addCode(0b1100_0101, 8)  // 258 bytes …
            bits.addCode(0, 5)  // … of one byte ago.
        }
        bits.addCode(0, 7)
        var (a, b) = (UInt32(1), UInt32(0))
        for _ in 0 ..< count {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        return [0x78, 0x01] + bits.bytes + big(b << 16 | a)
    }

    private struct Bits {
        var bytes: [UInt8] = []
        private var used = 8

        /// Lowest bit first.
        mutating func add(_ value: UInt32, _ count: Int) {
            for index in 0 ..< count {
                if used == 8 {
                    bytes.append(0)
                    used = 0
                }
                bytes[bytes.count - 1] |= UInt8(value >> UInt32(index) & 1) << UInt8(used)
                used += 1
            }
        }

        /// Highest bit first, as codes are.
        mutating func addCode(_ value: UInt32, _ count: Int) {
            for index in (0 ..< count).reversed() { add(value >> UInt32(index), 1) }
        }
    }

    public static func big(_ value: UInt32) -> [UInt8] {
        (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
    }

    /// CRC-32, table-driven (W3C PNG specification, annex D).
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var result = UInt32.max
        for byte in bytes { result = table[Int((result ^ UInt32(byte)) & 0xFF)] ^ result >> 8 }
        return ~result
    }

    private static let table: [UInt32] = (0 ..< 256).map { index in
        (0 ..< 8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
}
