/// Bytes as text of 64 characters (RFC 4648, section 4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each character; 255 for others.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()
    private static let padding = UInt8(ascii: "=")

    static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = 0
            for place in 0 ..< 3 { group = group << 8 | (place < count ? Int(bytes[start + place]) : 0) }
            for place in 0 ..< 4 {
                text.append(place <= count ? alphabet[group >> (18 - 6 * place) & 63] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Of lines (RFC 2045, section 6.8) or without. `nil` for a text of other characters, with a length that is no
    /// multiple of four, or bits behind its end.
    static func bytes(of text: String) -> [UInt8]? {
        let breaks: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        let characters = text.utf8.filter { !breaks.contains($0) }
        guard characters.count.isMultiple(of: 4) else { return nil }
        guard !characters.isEmpty else { return [] }
        let padded = characters.suffix(2).reversed().prefix { $0 == padding }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        for start in stride(from: 0, to: characters.count, by: 4) {
            let isLast = start + 4 == characters.count
            let missing = isLast ? padded : 0
            var group = 0
            for place in 0 ..< 4 {
                let value = place < 4 - missing ? values[Int(characters[start + place])] : 0
                guard value < 64 else { return nil }
                group = group << 6 | Int(value)
            }
            guard group & ((1 << (8 * missing)) - 1) == 0 else { return nil }
            for place in 0 ..< 3 - missing { bytes.append(UInt8(group >> (16 - 8 * place) & 255)) }
        }
        return bytes
    }
}
