/// A TIFF put together by hand (TIFF 6.0, section 2): little endian, one strip a page, not compressed.
struct HandmadeTIFF {
    struct Field {
        var tag: Int
        /// 1 bytes, 2 ASCII, 3 SHORT, 4 LONG, 7 undefined.
        var type: Int
        var count: Int
        var data: [UInt8]

        static func short(_ tag: Int, _ values: Int...) -> Field {
            Field(tag: tag, type: 3, count: values.count, data: values.flatMap { little($0, 2) })
        }
        static func long(_ tag: Int, _ values: Int...) -> Field {
            Field(tag: tag, type: 4, count: values.count, data: values.flatMap { little($0, 4) })
        }
        static func text(_ tag: Int, _ text: String) -> Field {
            Field(tag: tag, type: 2, count: text.utf8.count + 1, data: Array(text.utf8) + [0])
        }
        static func bytes(_ tag: Int, type: Int = 7, _ data: [UInt8]) -> Field {
            Field(tag: tag, type: type, count: data.count, data: data)
        }
    }

    struct Page {
        var width: Int
        var height: Int
        var depth = 8
        var channels: Int
        /// 0 and 1 grey, 2 RGB, 5 inks.
        var photometric: Int
        /// As stored: channels together, or one after the other.
        var samples: [UInt8]
        var isPlanar = false
        var fields: [Field] = []
        /// Directories that only this one's SubIFDs name.
        var below: [Page] = []
    }

    static func little(_ value: Int, _ count: Int) -> [UInt8] { (0 ..< count).map { UInt8(value >> (8 * $0) & 255) } }

    static func bytes(_ pages: [Page]) -> [UInt8] {
        var file = Array("II*\0".utf8) + little(0, 4)
        var link = 4
        for page in pages {
            let below = page.below.map { append($0, to: &file).start }
            let place = append(page, below: below, to: &file)
            file.replaceSubrange(link ..< link + 4, with: little(place.start, 4))
            link = place.link
        }
        return file
    }

    /// Returns where the directory begins and where it says what comes next.
    private static func append(_ page: Page, below: [Int] = [], to file: inout [UInt8]) -> (start: Int, link: Int) {
        func place(_ data: [UInt8]) -> Int {
            if !file.count.isMultiple(of: 2) { file.append(0) }
            defer { file += data }
            return file.count
        }
        let plane = page.samples.count / page.channels
        let start = place(page.samples)
        var fields = page.fields
        let strips = page.isPlanar ? (0 ..< page.channels).map { start + $0 * plane } : [start]
        let lengths = page.isPlanar ? [Int](repeating: plane, count: page.channels) : [page.samples.count]
        func list(_ tag: Int, _ values: [Int], _ size: Int) -> Field {
            Field(tag: tag, type: size == 2 ? 3 : 4, count: values.count, data: values.flatMap { little($0, size) })
        }
        fields += [
            .long(256, page.width), .long(257, page.height),
            list(258, [Int](repeating: page.depth, count: page.channels), 2), .short(259, 1),
            .short(262, page.photometric), list(273, strips, 4), .short(277, page.channels), .long(278, page.height),
            list(279, lengths, 4), .short(284, page.isPlanar ? 2 : 1),
        ]
        if !below.isEmpty { fields.append(list(330, below, 4)) }
        fields.sort { $0.tag < $1.tag }
        var table = little(fields.count, 2)
        for field in fields {
            table += little(field.tag, 2) + little(field.type, 2) + little(field.count, 4)
            table +=
                field.data.count <= 4
                ? field.data + [UInt8](repeating: 0, count: 4 - field.data.count) : little(place(field.data), 4)
        }
        let directory = place(table + [0, 0, 0, 0])
        return (directory, directory + table.count)
    }

    /// The values of a SHORT or LONG of the first directory; nil where it has no such tag.
    static func values(_ tag: Int, of file: [UInt8]) -> [Int]? {
        func number(_ offset: Int, _ count: Int) -> Int {
            (0 ..< count).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
        }
        let directory = number(4, 4)
        for index in 0 ..< number(directory, 2) {
            let entry = directory + 2 + index * 12
            guard number(entry, 2) == tag else { continue }
            let (size, count) = (number(entry + 2, 2) == 3 ? 2 : 4, number(entry + 4, 4))
            let place = size * count <= 4 ? entry + 8 : number(entry + 8, 4)
            return (0 ..< count).map { number(place + $0 * size, size) }
        }
        return nil
    }
}
