internal import PlainText

/// The entries of a zip archive whose entries are stored uncompressed, as PyTorch writes them (PKWARE APPNOTE 6.3.10).
struct ZipDirectory {
    /// Bytes from the start of the file, by the entry's name.
    let entries: [String: Range<Int>]

    /// The most entries that are read.
    static let maximumEntries = 100_000

    /// - Throws: `WeightError` where the archive is cut short, damaged, compressed or in several files.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(WeightError) {
        entries = try Self.read(bytes, file: file)
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer, file: String
    ) throws(WeightError) -> [String: Range<Int>] {
        func number(_ offset: Int, _ count: Int) throws(WeightError) -> Int {
            guard offset >= 0, count <= bytes.count, offset <= bytes.count - count else {
                throw .badHeader(file: file, reason: "its zip directory points beyond its end")
            }
            var result: UInt64 = 0
            for index in 0 ..< count { result |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
            guard let value = Int(exactly: result) else {
                throw .badHeader(file: file, reason: "its zip directory has a size too large to address")
            }
            return value
        }
        // The end record lies before a comment of up to 65535 bytes.
        var end = bytes.count - 22
        let first = max(0, end - 65535)
        while end >= first, try number(end, 4) != 0x0605_4B50 { end -= 1 }
        guard end >= first else {
            throw .badHeader(file: file, reason: "it is a zip archive without a directory, so it was cut short")
        }
        var count = try number(end + 10, 2)
        var offset = try number(end + 16, 4)
        if end >= 20, try number(end - 20, 4) == 0x0706_4B50 {
            let record = try number(end - 12, 8)
            guard try number(record, 4) == 0x0606_4B50 else {
                throw .badHeader(file: file, reason: "its zip64 directory is not where it should be")
            }
            count = try number(record + 32, 8)
            offset = try number(record + 48, 8)
        }
        guard count <= maximumEntries else {
            throw .badHeader(file: file, reason: "its zip directory has \(count.of("entry", plural: "entries"))")
        }
        var entries: [String: Range<Int>] = [:]
        for _ in 0 ..< count {
            guard try number(offset, 4) == 0x0201_4B50 else {
                throw .badHeader(file: file, reason: "its zip directory is damaged")
            }
            let method = try number(offset + 10, 2)
            var packed = try number(offset + 20, 4)
            var size = try number(offset + 24, 4)
            let nameLength = try number(offset + 28, 2)
            let extraLength = try number(offset + 30, 2)
            let commentLength = try number(offset + 32, 2)
            var local = try number(offset + 42, 4)
            _ = try number(offset + 46 + nameLength + extraLength + commentLength, 0)
            guard nameLength <= LookupName.maximumBytes else {
                throw .badHeader(
                    file: file,
                    reason: "an entry's name has \(nameLength) bytes, expected at most \(LookupName.maximumBytes)")
            }
            let name = String(decoding: bytes[offset + 46 ..< offset + 46 + nameLength], as: UTF8.self)
            // Sizes of 4 GiB and more are in an extra field.
            var extra = offset + 46 + nameLength
            let extraEnd = extra + extraLength
            while extra + 4 <= extraEnd {
                let (kind, length) = (try number(extra, 2), try number(extra + 2, 2))
                var place = extra + 4
                if kind == 1 {
                    if size == 0xFFFF_FFFF { (size, place) = (try number(place, 8), place + 8) }
                    if packed == 0xFFFF_FFFF { (packed, place) = (try number(place, 8), place + 8) }
                    if local == 0xFFFF_FFFF { local = try number(place, 8) }
                }
                extra += 4 + length
            }
            guard try number(local, 4) == 0x0403_4B50 else {
                throw .badHeader(file: file, reason: "entry '\(name.prefix(60))' is not where its directory says")
            }
            let start = local + 30 + (try number(local + 26, 2)) + (try number(local + 28, 2))
            guard start <= bytes.count, packed <= bytes.count - start else {
                throw .truncated(
                    file: file, expected: start.addingReportingOverflow(packed).partialValue, actual: bytes.count)
            }
            // Folders are of no interest; what else is compressed is missed only where it is asked for.
            if method == 0, packed == size {
                entries[name] = start ..< start + size
            } else if name.hasSuffix("/data.pkl") || name.contains("/data/") {
                throw .compressed(file: file, entry: name)
            }
            offset += 46 + nameLength + extraLength + commentLength
        }
        return entries
    }
}
