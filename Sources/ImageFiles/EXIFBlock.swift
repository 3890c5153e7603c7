internal import PlainText

/// An EXIF block: a TIFF structure whose offsets count from its first byte. Only what an edit must change is
/// understood; everything else, maker notes included, stays where it is.
///
/// CIPA DC-008 (Exif 2.32) section 4; TIFF 6.0 section 2.
struct EXIFBlock {
    private(set) var bytes: [UInt8]
    private let isBigEndian: Bool

    enum Tag {
        static let imageWidth = 0x0100
        static let imageHeight = 0x0101
        static let orientation = 0x0112
        static let exifDirectory = 0x8769
        static let gpsDirectory = 0x8825
        static let userComment = 0x9286
        static let colorSpace = 0xA001
        static let interoperability = 0xA005
        static let pixelWidth = 0xA002
        static let pixelHeight = 0xA003
        static let thumbnailOffset = 0x0201
        static let thumbnailLength = 0x0202
    }

    /// Nil unless the block begins with a TIFF header whose first directory lies inside it.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 14 else { return nil }
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) {
            isBigEndian = false
        } else if bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
            isBigEndian = true
        } else {
            return nil
        }
        self.bytes = bytes
        guard entries(at: firstDirectory) != nil else { return nil }
    }

    /// A block that holds nothing but the comment.
    init(userComment: String) {
        isBigEndian = true
        // Header, a first directory with one entry (the pointer to the Exif directory), no second directory.
        bytes = [0x4D, 0x4D, 0x00, 0x2A, 0, 0, 0, 8, 0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]
        bytes += [0, 0, 0, 0, 0, 0]
        setUserComment(userComment)
    }

    /// 1…8; 1 where the block says nothing or nonsense.
    var orientation: Int {
        guard let entry = entry(Tag.orientation, in: firstDirectory), let value = number(at: entry),
            (1 ... 8).contains(value)
        else { return 1 }
        return value
    }

    /// What it says of the size in print, in its first directory; `nil` where that is nothing, or nonsense.
    var density: PixelDensity? {
        let sides = [0x011A, 0x011B].map { rational($0, in: firstDirectory) }
        guard let x = sides[0], let y = sides[1] else { return nil }
        // TIFF 6.0, section 8: inches where nothing is said.
        let unit = entry(0x0128, in: firstDirectory).flatMap { number(at: $0) } ?? 2
        let units: [PixelDensity.Unit] = [.aspect, .perInch, .perCentimetre]
        return (1 ... 3).contains(unit) ? PixelDensity(x: x, y: y, unit: units[unit - 1]) : nil
    }

    /// A RATIONAL from 1 to a million, rounded.
    private func rational(_ tag: Int, in directory: Int) -> UInt32? {
        guard let entry = entry(tag, in: directory), read16(entry + 2) == 5, read32(entry + 4) == 1,
            let place = values(of: entry)?.lowerBound
        else { return nil }
        let (upper, lower) = (read32(place), read32(place + 4))
        guard lower > 0, upper >= lower, upper / lower <= 1_000_000 else { return nil }
        return UInt32((upper + lower / 2) / lower)
    }

    /// Says that the pixels are upright.
    mutating func resetOrientation() { setOrientation(1) }

    /// Says how the pixels are to be turned, 1…8, where the block says anything about it.
    mutating func setOrientation(_ orientation: Int) {
        guard let entry = entry(Tag.orientation, in: firstDirectory) else { return }
        setNumber(orientation, at: entry)
    }

    /// Corrects the size that the block states, where it states one.
    mutating func setPixelSize(width: Int, height: Int) {
        let places: [(tag: Int, directory: Int?, value: Int)] = [
            (Tag.imageWidth, firstDirectory, width), (Tag.imageHeight, firstDirectory, height),
            (Tag.pixelWidth, exifDirectory, width), (Tag.pixelHeight, exifDirectory, height),
        ]
        for place in places {
            guard let directory = place.directory, let entry = entry(place.tag, in: directory) else { continue }
            setNumber(place.value, at: entry)
        }
    }

    /// Whether the thumbnail's directory says in words what the first directory does not.
    var thumbnailHasOwnWords: Bool {
        guard let all = entries(at: firstDirectory), all.upperBound + 4 <= bytes.count else { return false }
        let second = read32(all.upperBound)
        // Description, artist, copyright; Windows' title, comment, author, keywords and subject.
        return [0x010E, 0x013B, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F].contains { tag in
            guard let words = words(tag, in: second) else { return false }
            return words.contains { $0 != 0 && $0 != 0x20 } && words != self.words(tag, in: firstDirectory)
        }
    }

    private func words(_ tag: Int, in directory: Int) -> ArraySlice<UInt8>? {
        guard let entry = entry(tag, in: directory), let range = payload(of: entry) ?? values(of: entry) else {
            return nil
        }
        return bytes[range]
    }

    /// Takes out the thumbnail, which shows the picture as it was before the edit: its directory, and its bytes where
    /// they are nothing else's.
    mutating func removeThumbnail() {
        guard let all = entries(at: firstDirectory) else { return }
        let link = all.upperBound
        guard link + 4 <= bytes.count else { return }
        let second = read32(link)
        guard second != 0 else { return }
        if let offsetEntry = entry(Tag.thumbnailOffset, in: second), let offset = number(at: offsetEntry),
            let lengthEntry = entry(Tag.thumbnailLength, in: second), let length = number(at: lengthEntry),
            length > 2, offset >= 8, offset <= bytes.count, length <= bytes.count - offset,
            bytes[offset] == 0xFF, bytes[offset + 1] == 0xD8,
            !overlapsWhatStays(offset ..< offset + length)
        {
            if offset + length == bytes.count {
                bytes.removeLast(length)
            } else {
                for index in offset ..< offset + length { bytes[index] = 0 }
            }
        }
        write32(0, at: link)
    }

    /// Whether bytes hold a part of a directory or a value that stays, where a file says that its thumbnail lies there.
    private func overlapsWhatStays(_ range: Range<Int>) -> Bool {
        let exif = exifDirectory
        let places: [Int?] = [
            firstDirectory, exif, directory(Tag.gpsDirectory, in: firstDirectory),
            exif.flatMap { directory(Tag.interoperability, in: $0) },
        ]
        return places.contains { place in
            guard let place, let all = entries(at: place) else { return false }
            if range.overlaps(place ..< all.upperBound + 4) { return true }
            return stride(from: all.lowerBound, to: all.upperBound, by: 12).contains { entry in
                values(of: entry).map { range.overlaps($0) } ?? false
            }
        }
    }

    /// Whether the colours are said to be Adobe RGB: by the interoperability index R03 of DCF 2.0 (Exif 2.32, annex
    /// and 4.6.8 A), or by the value 2 of ColorSpace that some cameras write.
    var saysAdobeRGB: Bool {
        guard let directory = exifDirectory, let entry = entry(Tag.colorSpace, in: directory),
            let value = number(at: entry)
        else { return false }
        if value == 2 { return true }
        guard value == 0xFFFF, let pointer = self.entry(Tag.interoperability, in: directory),
            let place = number(at: pointer), let index = self.entry(1, in: place), let range = payload(of: index)
        else { return false }
        return bytes[range].starts(with: Array("R03".utf8))
    }

    // MARK: The user comment

    /// The comment, where there is one in Unicode or ASCII.
    var userComment: String? {
        guard let directory = exifDirectory, let entry = entry(Tag.userComment, in: directory),
            let range = payload(of: entry), range.count > 8
        else { return nil }
        let code = bytes[range.prefix(8)]
        let body = bytes[range.dropFirst(8)]
        if code.starts(with: Array("UNICODE".utf8)) { return Self.decodeUTF16(body, blockIsBigEndian: isBigEndian) }
        guard code.starts(with: Array("ASCII".utf8)) || code.allSatisfy({ $0 == 0 }) else { return nil }
        let text = String(decoding: body.prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    /// What a comment that is there is written in, if it is neither Unicode nor ASCII, and its bytes: "JIS" for JIS X 0208
    /// (CIPA DC-008, 4.6.6, character code). Such a comment is kept and not read: its characters need tables.
    var unreadComment: (code: String, bytes: Int)? {
        guard !hasRoomForComment, userComment == nil, let directory = exifDirectory,
            let entry = entry(Tag.userComment, in: directory), let range = payload(of: entry), range.count > 8
        else { return nil }
        let code = bytes[range.prefix(8)].prefix { $0 != 0 }
        let isName = !code.isEmpty && code.allSatisfy { (0x20 ... 0x7E).contains($0) }
        return (isName ? String(decoding: code, as: UTF8.self) : "an unknown code", range.count - 8)
    }

    /// Whether a comment takes nobody's place: none is there, or only blanks, as cameras leave them.
    var hasRoomForComment: Bool {
        guard let directory = exifDirectory, let entry = entry(Tag.userComment, in: directory) else { return true }
        // Of another type it is broken, but may be someone's words.
        guard let range = payload(of: entry) else { return false }
        let codes = ["ASCII\0\0\0", "UNICODE\0", "JIS\0\0\0\0\0"].map { Array($0.utf8) }
        let words = codes.contains { bytes[range].starts(with: $0) } ? range.dropFirst(8) : range
        return bytes[words].allSatisfy { $0 == 0 || $0 == 0x20 }
    }

    /// Sets the comment, in UTF-16 big endian whatever the block's own order, as every program that writes
    /// `parameters` here does (piexif's `UserComment.dump`) and as their readers expect; behind a byte order mark only
    /// where it would be read in the other order, as "一" alone would.
    ///
    /// The comment and a new Exif directory go to the end, so no other offset changes; where an earlier call put
    /// them there, they are replaced.
    ///
    /// - Returns: whether there was room: a directory has at most 65535 entries, an offset 32 bits.
    @discardableResult
    mutating func setUserComment(_ text: String) -> Bool {
        let parts = [firstDirectory, exifDirectory].map { $0.flatMap { entries(at: $0) }?.count ?? 0 }
        guard parts.allSatisfy({ $0 < 12 * 65535 }), text.utf16.count < Self.largestSize,
            bytes.count + parts.reduce(0, +) + 2 * text.utf16.count < Self.largestSize
        else { return false }
        var words: [UInt8] = []
        for unit in text.utf16 { words += [UInt8(unit >> 8), UInt8(unit & 0xFF)] }
        let isMistaken = !(Self.decodeUTF16(words[...], blockIsBigEndian: isBigEndian) ?? "").hasSameBytes(as: text)
        let comment = Array("UNICODE\0".utf8) + (isMistaken ? [0xFE, 0xFF] : []) + words

        var kept: [[UInt8]] = []
        var next: [UInt8] = [0, 0, 0, 0]
        if let directory = exifDirectory, let all = entries(at: directory) {
            for offset in stride(from: all.lowerBound, to: all.upperBound, by: 12)
            where read16(offset) != Tag.userComment {
                kept.append(Array(bytes[offset ..< offset + 12]))
            }
            if all.upperBound + 4 <= bytes.count { next = Array(bytes[all.upperBound ..< all.upperBound + 4]) }
            if let old = entry(Tag.userComment, in: directory).flatMap({ payload(of: $0) }),
                all.upperBound + 4 == bytes.count, old.upperBound + (old.upperBound & 1) == directory,
                let first = entries(at: firstDirectory), first.upperBound + 4 <= old.lowerBound
            {
                bytes.removeLast(bytes.count - old.lowerBound)
            }
        } else {
            addExifDirectoryEntry()
        }
        if !bytes.count.isMultiple(of: 2) { bytes.append(0) }
        let commentOffset = bytes.count
        bytes += comment
        if !bytes.count.isMultiple(of: 2) { bytes.append(0) }
        let directoryOffset = bytes.count
        let entry = in16(Tag.userComment) + in16(7) + in32(comment.count) + in32(commentOffset)
        let place = kept.firstIndex { value16($0) > Tag.userComment } ?? kept.count
        kept.insert(entry, at: place)
        bytes += in16(kept.count) + kept.flatMap { $0 } + next
        guard let pointer = self.entry(Tag.exifDirectory, in: firstDirectory) else { return false }
        write32(directoryOffset, at: pointer + 8)
        return true
    }

    /// Offsets stay below this, with room for what is added besides a comment.
    private static let largestSize = Int(UInt32.max) - (1 << 16)

    /// Copies the first directory to the end with one more entry, the pointer to an Exif directory that is to come.
    private mutating func addExifDirectoryEntry() {
        guard self.entry(Tag.exifDirectory, in: firstDirectory) == nil, let all = entries(at: firstDirectory) else {
            return
        }
        var kept = stride(from: all.lowerBound, to: all.upperBound, by: 12).map { Array(bytes[$0 ..< $0 + 12]) }
        let next =
            all.upperBound + 4 <= bytes.count ? Array(bytes[all.upperBound ..< all.upperBound + 4]) : [0, 0, 0, 0]
        let entry = in16(Tag.exifDirectory) + in16(4) + in32(1) + in32(0)
        kept.insert(entry, at: kept.firstIndex { value16($0) > Tag.exifDirectory } ?? kept.count)
        if !bytes.count.isMultiple(of: 2) { bytes.append(0) }
        let offset = bytes.count
        bytes += in16(kept.count) + kept.flatMap { $0 } + next
        write32(offset, at: 4)
    }

    /// UTF-16 without a mark is guessed from where its zero bytes stand: writers disagree about the order.
    private static func decodeUTF16(_ body: ArraySlice<UInt8>, blockIsBigEndian: Bool) -> String? {
        var data = Array(body)
        var isBig = blockIsBigEndian
        if data.starts(with: [0xFE, 0xFF]) {
            isBig = true
            data.removeFirst(2)
        } else if data.starts(with: [0xFF, 0xFE]) {
            isBig = false
            data.removeFirst(2)
        } else {
            var zeros = (even: 0, odd: 0)
            for (index, byte) in data.enumerated() where byte == 0 {
                if index.isMultiple(of: 2) { zeros.even += 1 } else { zeros.odd += 1 }
            }
            if zeros.even != zeros.odd { isBig = zeros.even > zeros.odd }
        }
        var units: [UInt16] = []
        for offset in stride(from: 0, to: data.count - 1, by: 2) {
            let (high, low) = isBig ? (data[offset], data[offset + 1]) : (data[offset + 1], data[offset])
            units.append(UInt16(high) << 8 | UInt16(low))
        }
        while units.last == 0 { units.removeLast() }
        return units.isEmpty ? nil : String(decoding: units, as: UTF16.self)
    }

    // MARK: Directories

    private var firstDirectory: Int { read32(4) }

    private var exifDirectory: Int? { directory(Tag.exifDirectory, in: firstDirectory) }

    /// The directory to which an entry points, where it lies inside the block.
    private func directory(_ tag: Int, in parent: Int) -> Int? {
        guard let pointer = entry(tag, in: parent) else { return nil }
        let offset = read32(pointer + 8)
        return entries(at: offset) == nil ? nil : offset
    }

    /// The bytes of a directory's entries, nil where they do not lie inside the block.
    private func entries(at directory: Int) -> Range<Int>? {
        guard directory >= 8, directory <= bytes.count - 2 else { return nil }
        let end = directory + 2 + read16(directory) * 12
        return end <= bytes.count ? directory + 2 ..< end : nil
    }

    /// Where the entry with that tag begins.
    private func entry(_ tag: Int, in directory: Int) -> Int? {
        guard let all = entries(at: directory) else { return nil }
        return stride(from: all.lowerBound, to: all.upperBound, by: 12).first { read16($0) == tag }
    }

    /// The value of an entry that is one SHORT or LONG.
    private func number(at entry: Int) -> Int? {
        guard read32(entry + 4) == 1 else { return nil }
        switch read16(entry + 2) {
        case 3: return read16(entry + 8)
        case 4: return read32(entry + 8)
        default: return nil
        }
    }

    private mutating func setNumber(_ value: Int, at entry: Int) {
        guard number(at: entry) != nil else { return }
        if read16(entry + 2) == 4 {
            write32(value, at: entry + 8)
        } else if let short = UInt16(exactly: value) {
            let encoded = in16(Int(short))
            bytes[entry + 8] = encoded[0]
            bytes[entry + 9] = encoded[1]
        }
    }

    /// The bytes of an entry of UNDEFINED or ASCII type.
    private func payload(of entry: Int) -> Range<Int>? {
        guard [2, 7].contains(read16(entry + 2)) else { return nil }
        let count = read32(entry + 4)
        let offset = count <= 4 ? entry + 8 : read32(entry + 8)
        guard offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return offset ..< offset + count
    }

    /// The bytes of an entry's values, of whatever type, where they lie outside the directory and inside the block.
    private func values(of entry: Int) -> Range<Int>? {
        // Bytes of a value of each type, from BYTE to IFD.
        let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]
        let type = read16(entry + 2)
        guard type < sizes.count else { return nil }
        let (count, offset) = (read32(entry + 4) * sizes[type], read32(entry + 8))
        guard count > 4, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return offset ..< offset + count
    }

    // MARK: Numbers

    private func value16(_ slice: [UInt8]) -> Int {
        isBigEndian ? Int(slice[0]) << 8 | Int(slice[1]) : Int(slice[1]) << 8 | Int(slice[0])
    }

    private func read16(_ offset: Int) -> Int {
        isBigEndian
            ? Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) : Int(bytes[offset + 1]) << 8 | Int(bytes[offset])
    }

    private func read32(_ offset: Int) -> Int {
        let (high, low) = isBigEndian ? (offset, offset + 2) : (offset + 2, offset)
        return read16(high) << 16 | read16(low)
    }

    private func in16(_ value: Int) -> [UInt8] {
        let (high, low) = (UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF))
        return isBigEndian ? [high, low] : [low, high]
    }

    private func in32(_ value: Int) -> [UInt8] {
        isBigEndian ? in16(value >> 16) + in16(value & 0xFFFF) : in16(value & 0xFFFF) + in16(value >> 16)
    }

    private mutating func write32(_ value: Int, at offset: Int) {
        bytes.replaceSubrange(offset ..< offset + 4, with: in32(value))
    }
}
