/// The texts of an IPTC record, and the XMP properties that say the same.
///
/// IPTC-NAA Information Interchange Model 4.2, chapters 3 and 6; IPTC Photo Metadata Standard 2023.2, which names the
/// property of each dataset; Adobe Photoshop File Formats, "Image Resource Blocks".
struct IPTCRecord {
    /// The datasets of record 2 in their order.
    private(set) var datasets: [(number: Int, text: String)] = []

    private enum Form {
        case text
        case date
        case languages
        case list
        case sequence
    }

    private static let dc = (prefix: "dc", namespace: "http://purl.org/dc/elements/1.1/")
    private static let photoshop = (prefix: "photoshop", namespace: "http://ns.adobe.com/photoshop/1.0/")

    private static let properties:
        [(dataset: Int, space: (prefix: String, namespace: String), name: String, form: Form)] = [
            (5, dc, "title", .languages), (25, dc, "subject", .list), (40, photoshop, "Instructions", .text),
            (55, photoshop, "DateCreated", .date), (80, dc, "creator", .sequence),
            (85, photoshop, "AuthorsPosition", .text), (90, photoshop, "City", .text), (95, photoshop, "State", .text),
            (101, photoshop, "Country", .text), (103, photoshop, "TransmissionReference", .text),
            (105, photoshop, "Headline", .text), (110, photoshop, "Credit", .text), (115, photoshop, "Source", .text),
            (116, dc, "rights", .languages), (120, dc, "description", .languages),
            (122, photoshop, "CaptionWriter", .text),
        ]

    /// Of the first resource that holds a record; nil where there is none.
    init?(resources: [UInt8]) {
        var offset = 0
        while offset + 12 <= resources.count, resources[offset...].starts(with: Array("8BIM".utf8)) {
            let identifier = Int(resources[offset + 4]) << 8 | Int(resources[offset + 5])
            // A name of Pascal's kind, both padded to even lengths.
            let name = (Int(resources[offset + 6]) + 2) / 2 * 2
            let size = offset + 6 + name
            guard size + 4 <= resources.count else { return nil }
            let length = resources[size ..< size + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= resources.count - size - 4 else { return nil }
            if identifier == 0x0404 {
                self.init(record: resources[(size + 4)...].prefix(length))
                return
            }
            offset = size + 4 + length + length % 2
        }
        return nil
    }

    private init?(record: ArraySlice<UInt8>) {
        var rest = record
        var isUTF8 = false
        while rest.count >= 5, rest.first == 0x1C {
            let head = Array(rest.prefix(5))
            let length = Int(head[3]) << 8 | Int(head[4])
            // The highest bit begins a length of another form, for what is no text.
            guard length < 0x8000, length <= rest.count - 5 else { break }
            let value = rest.dropFirst(5).prefix(length)
            rest = rest.dropFirst(5 + length)
            // The character set: ESC % G is UTF-8.
            if head[1] == 1, head[2] == 90 { isUTF8 = value.starts(with: [0x1B, 0x25, 0x47]) }
            guard head[1] == 2 else { continue }
            let text = String(validating: value, as: UTF8.self)
            // Without a stated set writers use UTF-8 or Latin-1.
            let latin = String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
            datasets.append((Int(head[2]), isUTF8 ? String(decoding: value, as: UTF8.self) : text ?? latin))
        }
        if datasets.isEmpty { return nil }
    }

    /// The properties of its texts that are not in `packet`, as XML; the texts for which `packet` has other words; and
    /// the datasets that have no property.
    fileprivate func content(without packet: XMPPacket) -> (xml: String, others: [TextEntry], left: [Int]) {
        var lines: [String] = []
        var others: [TextEntry] = []
        // Dataset 0 is the version of the record's form.
        var left = Set(datasets.map(\.number)).subtracting(Self.properties.map(\.dataset)).subtracting([0])
        for property in Self.properties {
            let stated = datasets.filter { $0.number == property.dataset && !$0.text.isEmpty }.map(\.text)
            func keepAside(_ texts: some Sequence<String>) {
                others += texts.map { TextEntry(keyword: "IPTC \(property.name)", text: $0) }
            }
            if packet.has(property.space.namespace, property.name) {
                let known =
                    packet.items(property.space.namespace, property.name)
                    + [packet.text(property.space.namespace, property.name)].compactMap(\.self)
                // A dataset has room for fewer letters than a property.
                keepAside(
                    stated.filter { text in
                        let words = property.form == .date ? Self.date(text) ?? text : text
                        return !known.contains { $0.hasPrefix(words) }
                    })
                continue
            }
            // These properties hold one text.
            if property.form == .text || property.form == .languages { keepAside(stated.dropFirst()) }
            var values = stated.map(XMPText.encoded)
            if property.form == .date { values = values.compactMap(Self.date) }
            guard let first = values.first else {
                if !stated.isEmpty { left.insert(property.dataset) }
                continue
            }
            let items = values.map { "<rdf:li>\($0)</rdf:li>" }.joined()
            let value =
                switch property.form {
                case .text, .date: first
                case .languages: "<rdf:Alt><rdf:li xml:lang=\"x-default\">\(first)</rdf:li></rdf:Alt>"
                case .list: "<rdf:Bag>\(items)</rdf:Bag>"
                case .sequence: "<rdf:Seq>\(items)</rdf:Seq>"
                }
            let name = "\(property.space.prefix):\(property.name)"
            lines.append("<\(name)>\(value)</\(name)>")
        }
        return (lines.joined(separator: "\n   "), others, left.sorted())
    }

    /// A date CCYYMMDD as ISO 8601 writes it, without the parts that are 00, which stands for unknown; nil for other
    /// text.
    private static func date(_ text: String) -> String? {
        let digits = Array(text.utf8)
        guard digits.count == 8, digits.allSatisfy({ (0x30 ... 0x39).contains($0) }) else { return nil }
        func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        let (year, month, day) = (part(0 ..< 4), part(4 ..< 6), part(6 ..< 8))
        guard year != "0000", month <= "12", day <= "31", month != "00" || day == "00" else { return nil }
        return ([year] + [month, day].filter { $0 != "00" }).joined(separator: "-")
    }

    fileprivate static var namespaces: [(prefix: String, namespace: String)] {
        [(dc.prefix, dc.namespace), (photoshop.prefix, photoshop.namespace)]
    }
}

extension XMPPacket {
    /// Adds the texts of an IPTC record that it does not hold; those for which it has other words stand in
    /// `editor:Texts`. Returns the datasets that no property takes, and whether there are such texts; nil where the
    /// packet cannot be understood.
    mutating func add(_ record: IPTCRecord) -> (left: [Int], hasOthers: Bool)? {
        let (xml, others, left) = record.content(without: self)
        let isAdded = xml.isEmpty ? XMPElements(bytes)?.root != nil : add(xml, declaring: IPTCRecord.namespaces)
        guard isAdded, addTexts(others) else { return nil }
        return (left: left, hasOthers: !others.isEmpty)
    }
}
