/// Photoshop resources as PNG text: the `Raw profile type iptc` that ImageMagick writes and ExifTool reads, which is the
/// name, the length in decimal and the bytes in hexadecimal, a line each. PNG has no chunk for IPTC records.
enum RawProfileText {
    static let keyword = "Raw profile type iptc"

    static func encode(_ resources: [UInt8]) -> TextEntry {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\niptc\n".utf8)
        let length = String(resources.count)
        text += Array((String(repeating: " ", count: max(0, 8 - length.count)) + length).utf8)
        for (index, byte) in resources.enumerated() {
            if index.isMultiple(of: 36) { text.append(0x0A) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text.append(0x0A)
        return TextEntry(keyword: keyword, text: String(decoding: text, as: UTF8.self))
    }

    /// The resources, nil where the text is something else.
    static func decode(_ entry: TextEntry) -> [UInt8]? {
        guard entry.keyword == keyword else { return nil }
        let lines = entry.text.utf8.split(separator: 0x0A)
        guard lines.count >= 2,
            let count = Int(String(decoding: lines[1].filter { $0 != 0x20 }, as: UTF8.self))
        else { return nil }
        // The length is the file's word: the digits that are there count.
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in lines.dropFirst(2).joined().lazy.compactMap({ Character(Unicode.Scalar($0)).hexDigitValue }) {
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        guard high == nil, bytes.count == count else { return nil }
        return bytes.starts(with: Array("8BIM".utf8)) ? bytes : nil
    }
}
