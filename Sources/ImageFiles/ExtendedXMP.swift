/// XMP that outgrew a JPEG's segment of 64 KiB: the packet names a second one by its digest, and further segments hold
/// that in pieces. Here both are one packet; only a JPEG is written with two.
///
/// XMP specification part 3 (January 2020), section 1.1.3.1.
enum ExtendedXMP {
    static let header = Array("http://ns.adobe.com/xmp/extension/\0".utf8)
    private static let note = "http://ns.adobe.com/xmp/note/"
    private static let claim = "HasExtendedXMP"
    /// What stands before a piece: the header, the digest, the whole length and the piece's place.
    private static let prefixCount = header.count + 32 + 8
    private static let largestPiece = 65400 - prefixCount

    /// The packet with what `segments`, payloads that begin with the header, add to it; without the claim that there is
    /// more. False where pieces are missing or do not belong to it.
    static func joined(_ packet: [UInt8], _ segments: [ArraySlice<UInt8>]) -> (packet: [UInt8], isWhole: Bool) {
        var result = XMPPacket(packet)
        guard let digest = result.text(note, claim) else { return (packet, segments.isEmpty) }
        result.removeProperties({ $0 == note && $1 == claim }, declarations: [note])
        guard let rest = assembled(segments, digest: Array(digest.utf8)),
            let added = descriptions(of: rest), let root = XMPElements(result.bytes)?.root
        else { return (result.bytes, false) }
        result.insert(added, asLastOf: root)
        return (result.bytes, true)
    }

    /// The pieces of that digest in their order; nil where they do not make a whole.
    private static func assembled(_ segments: [ArraySlice<UInt8>], digest: [UInt8]) -> [UInt8]? {
        func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
        var pieces: [(offset: Int, data: ArraySlice<UInt8>)] = []
        var length: Int?
        for segment in segments where segment.count >= prefixCount {
            let rest = segment.dropFirst(header.count)
            guard rest.prefix(32).elementsEqual(digest) else { continue }
            let stated = number(rest.dropFirst(32).prefix(4))
            guard length == nil || length == stated else { return nil }
            length = stated
            pieces.append((number(rest.dropFirst(36).prefix(4)), rest.dropFirst(40)))
        }
        var whole: [UInt8] = []
        for piece in pieces.sorted(by: { $0.offset < $1.offset }) {
            guard piece.offset == whole.count else { return nil }
            whole += piece.data
        }
        return whole.isEmpty || whole.count != length ? nil : whole
    }

    /// The descriptions of a packet, each with the namespaces that it takes from around it; nil where that would be
    /// many times as large as the packet.
    private static func descriptions(of packet: [UInt8]) -> [UInt8]? {
        guard let elements = XMPElements(packet),
            let root = elements.all.firstIndex(where: { $0.namespace == XMPElements.rdf && $0.name == "RDF" })
        else { return nil }
        let declared = declarations(around: root, elements)
        let children = elements.all.filter { $0.parent == root }
        // Each gets all of them: a small packet could ask for gigabytes.
        let each = declared.reduce(0) { $0 + $1.range.count }
        let (size, overflow) = each.multipliedReportingOverflow(by: children.count)
        guard !overflow, size <= 4 * packet.count + 65536 else { return nil }
        var result: [UInt8] = []
        for child in children {
            let own = Set(child.attributes.compactMap(\.declaredPrefix))
            result += packet[child.range.lowerBound ..< child.nameEnd]
            for attribute in declared where !own.contains(attribute.declaredPrefix ?? "") {
                result += packet[attribute.range]
            }
            result += packet[child.nameEnd ..< child.range.upperBound]
            result.append(0x0A)
        }
        return result
    }

    /// The namespaces that hold within an element, the innermost of each prefix.
    private static func declarations(around index: Int, _ elements: XMPElements) -> [XMPElements.Attribute] {
        var found: [XMPElements.Attribute] = []
        var prefixes: Set<String> = []
        var current: Int? = index
        while let element = current {
            for attribute in elements.all[element].attributes {
                if let prefix = attribute.declaredPrefix, prefixes.insert(prefix).inserted { found.append(attribute) }
            }
            current = elements.all[element].parent
        }
        return found
    }

    /// A packet of at most `limit` bytes and the payloads of the segments that hold the rest; nil where it cannot be
    /// split.
    static func split(_ packet: [UInt8], limit: Int) -> (packet: [UInt8], segments: [[UInt8]])? {
        guard let elements = XMPElements(packet),
            let rootIndex = elements.all.firstIndex(where: { $0.namespace == XMPElements.rdf && $0.name == "RDF" })
        else { return nil }
        let root = elements.all[rootIndex]
        let children = elements.all.filter { $0.parent == rootIndex }
        // Room for the claim and the line ends.
        var room = limit - (packet.count - root.content.count) - 400 - children.count
        guard room > 0 else { return nil }
        // The small ones are what most programs ask for.
        var stays = [Bool](repeating: false, count: children.count)
        for index in children.indices.sorted(by: { children[$0].range.count < children[$1].range.count }) {
            guard children[index].range.count <= room else { break }
            room -= children[index].range.count
            stays[index] = true
        }
        func content(_ isKept: Bool) -> [UInt8] {
            zip(children, stays).filter { $0.1 == isKept }.flatMap { packet[$0.0.range] + [0x0A] }
        }
        let name = packet[root.range.lowerBound + 1 ..< root.nameEnd]
        // Namespaces that are declared outside of the list of descriptions.
        let outer = root.parent.map { declarations(around: $0, elements) } ?? []
        let around = outer.filter { $0.declaredPrefix != "x" }.flatMap { packet[$0.range] }
        var rest = Array("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"".utf8) + around + Array(">".utf8)
        rest += packet[root.range.lowerBound ..< root.content.lowerBound] + [0x0A] + content(false)
        rest += Array("</".utf8) + name + Array("></x:xmpmeta>".utf8)
        // What is written must be read again.
        guard rest.count <= Int(UInt32.max), descriptions(of: rest) != nil else { return nil }
        let digest = MD5.hexadecimal(rest)

        var main = XMPPacket(
            packet[..<root.content.lowerBound] + [0x0A] + content(true) + packet[root.content.upperBound...])
        guard
            main.add(
                "<xmpNote:\(claim)>\(digest)</xmpNote:\(claim)>", declaring: [("xmpNote", note)]),
            main.bytes.count <= limit
        else { return nil }
        func number(_ value: Int) -> [UInt8] { (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        let segments = stride(from: 0, to: rest.count, by: largestPiece).map { start in
            header + Array(digest.utf8) + number(rest.count) + number(start)
                + rest[start ..< min(rest.count, start + largestPiece)]
        }
        return (main.bytes, segments)
    }
}
