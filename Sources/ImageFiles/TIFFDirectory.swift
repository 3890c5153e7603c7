/// One directory of a TIFF structure, taken out of its file: every value with its bytes, in little endian.
///
/// TIFF 6.0, section 2. What lies behind offsets inside values (maker notes, further directories) is not followed.
struct TIFFDirectory {
    struct Entry {
        var tag: Int
        var type: Int
        var count: Int
        /// `count` values of the type, little endian.
        var data: [UInt8]

        /// One SHORT or LONG.
        var number: Int? {
            guard count == 1, type == 3 || type == 4 else { return nil }
            return data.reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        init(tag: Int, type: Int, count: Int, data: [UInt8]) {
            self.tag = tag
            self.type = type
            self.count = count
            self.data = data
        }

        /// One LONG.
        init(tag: Int, number: Int) {
            self.init(tag: tag, type: 4, count: 1, data: TIFFDirectory.little(number, count: 4))
        }
    }

    var entries: [Entry]
    /// Whether values were left out because they are of a type that is not known, lie outside the file or, together, are
    /// larger than it: they overlap.
    private(set) var lacksValues = false

    enum Tag {
        static let exif = 0x8769
        static let gps = 0x8825
        static let orientation = 0x0112
    }

    /// Bytes of one value, and of the numbers it is made of, by type 1…12.
    private static let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]
    private static let words = [0, 1, 1, 2, 4, 4, 1, 1, 2, 4, 4, 4, 8]
    /// Bytes of what points to a directory, by its type beside LONG: IFD, LONG8, IFD8.
    private static let pointerSizes = [13: 4, 16: 8, 18: 8]

    /// The first directory of a TIFF or BigTIFF structure; nil where it is none or does not lie inside.
    init?(first bytes: [UInt8]) {
        guard let isBig = Self.isBigEndian(bytes) else { return nil }
        let word = Self.offsetSize(bytes)
        guard bytes.count >= 2 * word else { return nil }
        self.init(bytes, at: Self.number(bytes, word, word, isBig), isBigEndian: isBig)
    }

    /// The directory that an entry of this one points to, in the same structure.
    func directory(_ tag: Int, in bytes: [UInt8]) -> TIFFDirectory? {
        guard let isBig = Self.isBigEndian(bytes), let offset = entries.first(where: { $0.tag == tag })?.number else {
            return nil
        }
        return TIFFDirectory(bytes, at: offset, isBigEndian: isBig)
    }

    init(entries: [Entry]) { self.entries = entries }

    /// The directory at `offset` of such a structure.
    init?(at offset: Int, of bytes: [UInt8]) {
        guard let isBig = Self.isBigEndian(bytes) else { return nil }
        self.init(bytes, at: offset, isBigEndian: isBig)
    }

    private static func isBigEndian(_ bytes: [UInt8]) -> Bool? {
        guard bytes.count >= 8 else { return nil }
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) || bytes.starts(with: [0x49, 0x49, 0x2B, 0x00]) {
            return false
        }
        return bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) || bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2B]) ? true : nil
    }

    /// Bytes of an offset, and of a count of values: 8 in a BigTIFF.
    private static func offsetSize(_ bytes: [UInt8]) -> Int { bytes[2] == 0x2B || bytes[3] == 0x2B ? 8 : 4 }

    private init?(_ bytes: [UInt8], at offset: Int, isBigEndian: Bool) {
        let word = Self.offsetSize(bytes)
        let (countSize, entrySize) = (word == 8 ? 8 : 2, 4 + 2 * word)
        guard offset >= 8, offset <= bytes.count - countSize else { return nil }
        let count = Self.number(bytes, offset, countSize, isBigEndian)
        let start = offset + countSize
        guard count >= 0, count <= (bytes.count - start) / entrySize else { return nil }
        entries = []
        // Entries that lie on each other could else ask for the file many times over.
        var room = bytes.count
        for start in stride(from: start, to: start + count * entrySize, by: entrySize) {
            let tag = Self.number(bytes, start, 2, isBigEndian)
            let stored = Self.number(bytes, start + 2, 2, isBigEndian)
            let values = Self.number(bytes, start + 4, word, isBigEndian)
            let value = start + 4 + word
            if let size = Self.pointerSizes[stored], size <= word, values == 1, tag == Tag.exif || tag == Tag.gps {
                entries.append(Entry(tag: tag, number: Self.number(bytes, value, size, isBigEndian)))
                continue
            }
            // UTF-8 (Exif 3.0, 4.6.2) is to be carried over as ASCII is.
            let type = stored == 129 ? 2 : stored
            guard (1 ..< Self.sizes.count).contains(type) else {
                // Places of further directories, and how samples are stored, are not carried over anyway.
                if !Self.structural.contains(tag) { lacksValues = true }
                continue
            }
            guard values >= 0, values <= bytes.count else {
                lacksValues = true
                continue
            }
            let length = values * Self.sizes[type]
            let place = length <= word ? value : Self.number(bytes, value, word, isBigEndian)
            // A value outside the file is left out, not the whole directory.
            guard place >= 0, place <= bytes.count, length <= bytes.count - place, length <= room else {
                lacksValues = true
                continue
            }
            room -= length
            var data = Array(bytes[place ..< place + length])
            if isBigEndian { Self.swap(&data, by: Self.words[type]) }
            entries.append(Entry(tag: tag, type: stored, count: values, data: data))
        }
    }

    private static func swap(_ data: inout [UInt8], by word: Int) {
        guard word > 1 else { return }
        for start in stride(from: 0, to: data.count, by: word) { data[start ..< start + word].reverse() }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int, _ isBigEndian: Bool) -> Int {
        let slice = bytes[offset ..< offset + count]
        return isBigEndian
            ? slice.reduce(0) { $0 << 8 | Int($1) } : slice.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func little(_ value: Int, count: Int) -> [UInt8] {
        (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The directory as it stands at `offset` (even) of a little-endian structure, its longer values after it. The
    /// directory is the last of its chain.
    func serialized(at offset: Int) -> [UInt8] {
        let sorted = entries.sorted { $0.tag < $1.tag }
        var table = Self.little(sorted.count, count: 2)
        var values: [UInt8] = []
        let valuesOffset = offset + 2 + sorted.count * 12 + 4
        for entry in sorted {
            table += Self.little(entry.tag, count: 2) + Self.little(entry.type, count: 2)
            table += Self.little(entry.count, count: 4)
            if entry.data.count <= 4 {
                table += entry.data + [UInt8](repeating: 0, count: 4 - entry.data.count)
            } else {
                table += Self.little(valuesOffset + values.count, count: 4)
                values += entry.data
                if !values.count.isMultiple(of: 2) { values.append(0) }
            }
        }
        return table + [0, 0, 0, 0] + values
    }
}

extension TIFFDirectory {
    /// Tags of a page's directory that describe the picture and not how it is stored: document, description, make,
    /// model, page, software, date, artist, host, copyright, and Windows' rating, title, comment, author, keywords and
    /// subject.
    private static let descriptive: Set<Int> = [
        269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,
    ]
    /// Those that say how the samples are stored, or are carried over in another way.
    private static let structural: Set<Int> = {
        let ranges: [ClosedRange<Int>] = [
            254 ... 266, 273 ... 284, 290 ... 301, 317 ... 332, 334 ... 336, 338 ... 347, 512 ... 532,
        ]
        return Set(ranges.joined()).union([700, 33723, 34377, 34665, 34675, 34853, 40965, 59932])
    }()
    private static let names = [
        333: "names of inks", 337: "target printer",
        33550: "map coordinates", 33922: "map coordinates", 34264: "map coordinates", 34735: "map coordinates",
        34736: "map coordinates", 34737: "map coordinates", 37724: "Photoshop's layers",
    ]

    /// A sentence that names the tags of a page's directory that are carried over in no way; nil where there are none.
    var loss: String? {
        let tags = Set(entries.map(\.tag)).subtracting(Self.descriptive).subtracting(Self.structural).sorted()
        guard !tags.isEmpty else { return nil }
        let words = NameList(tags.map { Self.names[$0] ?? "tag \($0)" })
        return "some tags of its directory are not carried over: \(words)"
    }

    /// The page's directory, completed with descriptive tags of the first directory: some programs describe a picture
    /// only there.
    static func page(at offset: Int, of file: [UInt8]) -> TIFFDirectory? {
        guard let first = TIFFDirectory(first: file) else { return nil }
        guard var page = TIFFDirectory(at: offset, of: file) else { return first }
        let stated = Set(page.entries.map(\.tag))
        let shared = descriptive.union([Tag.exif, Tag.gps, Tag.orientation, 33723])
        page.entries += first.entries.filter { shared.contains($0.tag) && !stated.contains($0.tag) }
        page.lacksValues = page.lacksValues || first.lacksValues
        return page
    }

    /// An EXIF block of what a TIFF file says about the picture of that directory; nil where it says nothing.
    static func exifBlock(fromTIFF file: [UInt8], page first: TIFFDirectory, notes: inout [String]) -> [UInt8]? {
        var top = first.entries.filter { descriptive.contains($0.tag) || $0.tag == Tag.orientation }.firstOfEachTag
        // A pointer inside these would point to where nothing is.
        let exif = first.directory(Tag.exif, in: file).map { $0.without(0xA005) }
        let gps = first.directory(Tag.gps, in: file)
        if first.lacksValues || exif?.lacksValues == true || gps?.lacksValues == true {
            notes.append(
                "some of what it says about itself cannot be read, lies outside it or overlaps, and was left out")
        }
        if exif == nil, gps == nil, !top.contains(where: { $0.tag != Tag.orientation || $0.number != 1 }) { return nil }
        if exif != nil { top.append(Entry(tag: Tag.exif, number: 0)) }
        if gps != nil { top.append(Entry(tag: Tag.gps, number: 0)) }
        return Array("II*\0".utf8) + little(8, count: 4)
            + TIFFDirectory(entries: top).linked(at: 8, exif: exif, gps: gps)
    }

    /// Whether values of an EXIF block could not be read.
    static func lacksValues(exifBlock block: [UInt8]) -> Bool {
        guard let first = TIFFDirectory(first: block) else { return false }
        return [first, first.directory(Tag.exif, in: block), first.directory(Tag.gps, in: block)]
            .contains { $0?.lacksValues == true }
    }

    /// The TIFF `file` (little endian) with what the EXIF block says added to its first directory.
    static func adding(exifBlock block: [UInt8], toTIFF file: [UInt8]) -> [UInt8]? {
        guard let source = TIFFDirectory(first: block), var first = TIFFDirectory(first: file),
            file.count + 3 * block.count < Int(UInt32.max) - (1 << 22)
        else { return nil }
        let taken = Set(first.entries.map(\.tag))
        first.entries +=
            source.entries.filter { descriptive.contains($0.tag) && !taken.contains($0.tag) }.firstOfEachTag
        let exif = source.directory(Tag.exif, in: block).map { $0.without(0xA005) }
        let gps = source.directory(Tag.gps, in: block)
        if exif != nil { first.entries.append(Entry(tag: Tag.exif, number: 0)) }
        if gps != nil { first.entries.append(Entry(tag: Tag.gps, number: 0)) }
        var result = file
        if !result.count.isMultiple(of: 2) { result.append(0) }
        let offset = result.count
        result += first.linked(at: offset, exif: exif, gps: gps)
        result.replaceSubrange(4 ..< 8, with: little(offset, count: 4))
        return result
    }

    /// This directory at `offset`, followed by those that its entries for them then point to.
    private func linked(at offset: Int, exif: TIFFDirectory?, gps: TIFFDirectory?) -> [UInt8] {
        var top = self
        // The length does not depend on the numbers.
        var end = offset + serialized(at: offset).count
        var rest: [UInt8] = []
        for (tag, directory) in [(Tag.exif, exif), (Tag.gps, gps)] {
            guard let directory, let index = top.entries.firstIndex(where: { $0.tag == tag }) else { continue }
            top.entries[index] = Entry(tag: tag, number: end)
            let bytes = directory.serialized(at: end)
            rest += bytes
            end += bytes.count
        }
        return top.serialized(at: offset) + rest
    }

    private func without(_ tag: Int) -> TIFFDirectory {
        var result = self
        result.entries.removeAll { $0.tag == tag }
        return result
    }
}

extension [TIFFDirectory.Entry] {
    /// A directory has a tag once; more of them could be more entries than a directory can count.
    fileprivate var firstOfEachTag: [Element] {
        var seen: Set<Int> = []
        return filter { seen.insert($0.tag).inserted }
    }
}
