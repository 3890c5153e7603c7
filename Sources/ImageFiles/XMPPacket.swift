internal import PlainText

/// An XMP packet, changed by its bytes: an edit sets two properties and leaves every other one as it was written.
///
/// ISO 16684-1; the property of provenance is that of the IPTC Photo Metadata Standard 2023.2, section
/// "Digital Source Type".
struct XMPPacket {
    var bytes: [UInt8]

    /// A property by its namespace and name, and the name with the usual prefix.
    private struct Property {
        var prefix: String
        var namespace: String
        var name: String

        var usualName: String { "\(prefix):\(name)" }
    }

    private static let sourceType = Property(
        prefix: "Iptc4xmpExt", namespace: "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", name: "DigitalSourceType")
    private static let orientation = Property(
        prefix: "tiff", namespace: "http://ns.adobe.com/tiff/1.0/", name: "Orientation")

    private static let sizes = [
        (Property(prefix: "tiff", namespace: "http://ns.adobe.com/tiff/1.0/", name: "ImageWidth"), true),
        (Property(prefix: "tiff", namespace: "http://ns.adobe.com/tiff/1.0/", name: "ImageLength"), false),
        (Property(prefix: "exif", namespace: "http://ns.adobe.com/exif/1.0/", name: "PixelXDimension"), true),
        (Property(prefix: "exif", namespace: "http://ns.adobe.com/exif/1.0/", name: "PixelYDimension"), false),
    ]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A packet that says nothing yet.
    init() {
        bytes = Array(
            """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/">
             <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
             </rdf:RDF>
            </x:xmpmeta>
            <?xpacket end="w"?>
            """.utf8)
    }

    /// Whether a property can be added.
    var isWellFormed: Bool { XMPElements(bytes)?.root != nil || closingTag != nil }

    /// The tag behind all descriptions, in a packet that cannot be understood; nil where a comment holds it.
    private var closingTag: Range<Int>? {
        guard let end = bytes.lastRange(of: "</rdf:RDF>") else { return nil }
        let before = Array(bytes[..<end.lowerBound])
        if let comment = before.lastRange(of: "<!--"), before.range(of: "-->", from: comment.upperBound) == nil {
            return nil
        }
        return end
    }

    var digitalSourceType: DigitalSourceType? {
        get {
            guard let range = places(of: Self.sourceType).first, range.count <= LookupName.maximumBytes else {
                return nil
            }
            return DigitalSourceType(uri: String(XMPText.decoded(bytes[range]).filter { !$0.isWhitespace }))
        }
        set {
            guard let newValue else { return }
            let (property, uri) = (Self.sourceType, XMPText.encoded(newValue.uri))
            let known = places(of: property)
            if !known.isEmpty {
                replace(known, with: Array(uri.utf8))
                return
            }
            if XMPElements(bytes)?.root != nil {
                // One of a form that holds no value would contradict it.
                removeProperties { $0 == property.namespace && $1 == property.name }
                add(
                    "<\(property.usualName)>\(uri)</\(property.usualName)>",
                    declaring: [(property.prefix, property.namespace)])
                return
            }
            guard let end = closingTag else { return }
            // All descriptions of a packet are about the same thing; say so in the same words.
            let about = valueRange(of: "rdf:about").map { String(decoding: bytes[$0], as: UTF8.self) } ?? ""
            let quote = about.contains("\"") ? "'" : "\""
            let description = """
                 <rdf:Description rdf:about=\(quote)\(about)\(quote) xmlns:\(property.prefix)="\(property.namespace)">
                   <\(property.usualName)>\(uri)</\(property.usualName)>
                  </rdf:Description>\n
                """
            bytes.insert(contentsOf: Array(description.utf8), at: end.lowerBound)
        }
    }

    /// Says that the pixels are upright, where the packet says anything about it.
    mutating func resetOrientation() { setOrientation(1) }

    /// Says how the pixels are to be turned, 1…8, where the packet says anything about it.
    mutating func setOrientation(_ orientation: Int) {
        replace(places(of: Self.orientation), with: [0x30 + UInt8(orientation)])
    }

    /// Corrects the size that the packet states of the picture, where it states one. What it says of the pictures that
    /// this one was made from stays.
    mutating func setPixelSize(width: Int, height: Int) {
        for (property, isWidth) in Self.sizes where bytes.range(of: property.name) != nil {
            let places = valueRanges(property.namespace, property.name, isNested: false) ?? []
            replace(places, with: Array("\(isWidth ? width : height)".utf8))
        }
    }

    /// Takes out the padding that writers leave before the packet's end, when a packet must be made to fit.
    mutating func removePadding() {
        guard let end = bytes.lastRange(of: "<?xpacket end="), end.lowerBound > 0 else { return }
        var start = end.lowerBound
        while start > 0, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[start - 1]) { start -= 1 }
        bytes.replaceSubrange(start ..< end.lowerBound, with: [0x0A])
    }

    /// Where the values of a simple property stand, whatever prefix the packet gives it; in a packet that cannot be
    /// understood, by the usual prefix.
    private func places(of property: Property) -> [Range<Int>] {
        valueRanges(property.namespace, property.name)
            ?? valueRange(of: property.usualName).map { [$0] } ?? []
    }

    /// Puts the same bytes in the place of each of `ranges`, which follow each other.
    private mutating func replace(_ ranges: [Range<Int>], with new: [UInt8]) {
        guard !ranges.isEmpty else { return }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        for range in ranges {
            result += bytes[position ..< range.lowerBound]
            result += new
            position = range.upperBound
        }
        bytes = result + bytes[position...]
    }

    /// Where the value of a property stands, written as an attribute, as an element, or as `rdf:resource`.
    ///
    /// No place is looked at again from one occurrence of the name to the next, so that a packet that repeats it many
    /// times is read as fast as any other.
    private func valueRange(of property: String) -> Range<Int>? {
        var from = 0
        while let name = bytes.range(of: property, from: from) {
            from = name.upperBound
            var index = skipSpace(name.upperBound)
            guard index < bytes.count, name.lowerBound > 0 else { return nil }
            if bytes[index] == UInt8(ascii: "=") { return quotedRange(skipSpace(index + 1)) }
            // A tag ends before the next one begins.
            guard bytes[name.lowerBound - 1] == UInt8(ascii: "<"),
                let close = bytes[index...].firstIndex(where: { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "<") }),
                bytes[close] == UInt8(ascii: ">")
            else { continue }
            if let resource = bytes.range(of: "rdf:resource", from: index, to: close) {
                index = skipSpace(resource.upperBound)
                guard index < close, bytes[index] == UInt8(ascii: "=") else { return nil }
                return quotedRange(skipSpace(index + 1))
            }
            guard bytes[close - 1] != UInt8(ascii: "/"),
                let end = bytes[close...].firstIndex(of: UInt8(ascii: "<"))
            else { continue }
            return close + 1 ..< end
        }
        return nil
    }

    private func quotedRange(_ start: Int) -> Range<Int>? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'"),
            let end = bytes[(start + 1)...].firstIndex(of: bytes[start])
        else { return nil }
        return start + 1 ..< end
    }

    private func skipSpace(_ start: Int) -> Int {
        var index = start
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
        return index
    }
}

extension [UInt8] {
    /// Where `text` next stands at or after `start` and, where given, before `end`.
    func range(of text: String, from start: Int = 0, to end: Int? = nil) -> Range<Int>? {
        let pattern = Array(text.utf8)
        let end = end ?? count
        guard let first = pattern.first, end >= pattern.count else { return nil }
        var index = start
        while index <= end - pattern.count {
            if self[index] == first, self[index ..< index + pattern.count].elementsEqual(pattern) {
                return index ..< index + pattern.count
            }
            index += 1
        }
        return nil
    }

    /// Where `text` stands last.
    func lastRange(of text: String) -> Range<Int>? {
        var last: Range<Int>?
        var from = 0
        while let found = range(of: text, from: from) {
            last = found
            from = found.upperBound
        }
        return last
    }
}
