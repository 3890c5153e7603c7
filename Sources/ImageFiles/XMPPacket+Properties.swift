/// Properties by namespace and name, whatever prefix a packet gives them.
extension XMPPacket {
    /// Where an edit's own record stands when the place that other programs read, EXIF's comment, holds someone else's
    /// words; and texts of a PNG or JPEG in a file that has no other place for them.
    enum Own {
        static let namespace = "urn:x-editor:record:1/"
        static let parameters = "Parameters"
        static let texts = "Texts"
    }

    /// The text of a simple property, written as an element or an attribute; nil where there is none.
    func text(_ namespace: String, _ name: String) -> String? {
        guard let elements = XMPElements(bytes) else { return nil }
        for element in elements.all {
            if element.namespace == namespace, element.name == name, !element.hasChildren {
                return XMPText.decoded(bytes[element.content])
            }
            if let attribute = element.attributes.first(where: { $0.namespace == namespace && $0.name == name }) {
                return XMPText.decoded(bytes[attribute.value])
            }
        }
        return nil
    }

    /// Where the values of a simple property stand, in their order: of an attribute, of `rdf:resource`, of an element's
    /// text. Nil where the packet cannot be understood.
    ///
    /// - Parameter isNested: whether those that stand inside of other properties count.
    func valueRanges(_ namespace: String, _ name: String, isNested: Bool = true) -> [Range<Int>]? {
        guard let elements = XMPElements(bytes), elements.root != nil else { return nil }
        let root = elements.all.firstIndex { $0.namespace == XMPElements.rdf && $0.name == "RDF" }
        var found: [Range<Int>] = []
        for element in elements.all {
            if isNested || element.parent == root {
                found += element.attributes.filter { $0.namespace == namespace && $0.name == name }.map(\.value)
            }
            guard isNested || element.parent.map({ elements.all[$0].parent == root }) == true else { continue }
            guard element.namespace == namespace, element.name == name else { continue }
            let resource = element.attributes.first { $0.namespace == XMPElements.rdf && $0.name == "resource" }
            if let resource {
                found.append(resource.value)
            } else if !element.hasChildren, !isClosedAtOnce(element) {
                found.append(element.content)
            }
        }
        return found.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Whether an element is written as `<a/>`.
    private func isClosedAtOnce(_ element: XMPElements.Element) -> Bool {
        element.content.isEmpty && bytes[element.range.upperBound - 2] == UInt8(ascii: "/")
    }

    /// The texts of an array property's items.
    func items(_ namespace: String, _ name: String) -> [String] {
        guard let elements = XMPElements(bytes),
            let property = elements.all.first(where: { $0.namespace == namespace && $0.name == name })
        else { return [] }
        return elements.all.filter {
            $0.namespace == XMPElements.rdf && $0.name == "li" && !$0.hasChildren
                && property.content.contains($0.range.lowerBound)
        }.map { XMPText.decoded(bytes[$0.content]) }
    }

    /// Whether a property of that name stands anywhere.
    func has(_ namespace: String, _ name: String) -> Bool {
        XMPElements(bytes)?.all.contains { element in
            element.namespace == namespace && element.name == name
                || element.attributes.contains { $0.namespace == namespace && $0.name == name }
        } == true
    }

    /// Takes out every property, and every declaration of a namespace, that `isGone` says; returns the bytes of each.
    @discardableResult
    mutating func removeProperties(
        _ isGone: (_ namespace: String, _ name: String) -> Bool, declarations: Set<String> = []
    ) -> [ArraySlice<UInt8>] {
        guard let elements = XMPElements(bytes) else { return [] }
        var cuts: [Range<Int>] = []
        var end = 0
        var properties: [ArraySlice<UInt8>] = []
        for element in elements.all where element.range.lowerBound >= end {
            if isGone(element.namespace, element.name) {
                cuts.append(element.range)
                properties.append(bytes[element.range])
                end = element.range.upperBound
                continue
            }
            for attribute in element.attributes {
                if attribute.declaredPrefix != nil {
                    if declarations.contains(XMPText.decoded(bytes[attribute.value])) { cuts.append(attribute.range) }
                } else if isGone(attribute.namespace, attribute.name) {
                    cuts.append(attribute.range)
                    properties.append(bytes[attribute.range])
                }
            }
        }
        guard !cuts.isEmpty else { return [] }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var position = 0
        for cut in cuts {
            kept += bytes[position ..< cut.lowerBound]
            position = cut.upperBound
        }
        bytes = kept + bytes[position...]
        return properties
    }

    /// Adds a description of that content behind all others; false where the packet cannot be understood.
    @discardableResult
    mutating func add(_ content: String, declaring namespaces: [(prefix: String, namespace: String)]) -> Bool {
        guard let elements = XMPElements(bytes), let root = elements.root else { return false }
        // All descriptions of a packet are about the same thing; say so in the same words.
        let about = elements.all.lazy.flatMap(\.attributes).first {
            $0.namespace == XMPElements.rdf && $0.name == "about"
        }
        let subject = about.map { String(decoding: bytes[$0.value], as: UTF8.self) } ?? ""
        let quote = subject.utf8.contains(UInt8(ascii: "\"")) ? "'" : "\""
        let declared = namespaces.map { " xmlns:\($0.prefix)=\"\($0.namespace)\"" }.joined()
        let rdf = "xmlns:rdf=\"\(XMPElements.rdf)\""
        let description =
            " <rdf:Description \(rdf) rdf:about=\(quote)\(subject)\(quote)\(declared)>\(content)\n  </rdf:Description>\n"
        insert(Array(description.utf8), asLastOf: root)
        return true
    }

    /// Puts bytes behind what an element holds.
    mutating func insert(_ new: [UInt8], asLastOf element: XMPElements.Element) {
        if isClosedAtOnce(element) {
            let name = bytes[element.range.lowerBound + 1 ..< element.nameEnd]
            let closing = Array("</".utf8) + name + Array(">".utf8)
            let slash = element.range.upperBound - 2
            bytes.replaceSubrange(slash ..< slash + 2, with: Array(">\n ".utf8) + new + closing)
        } else {
            bytes.insert(contentsOf: new, at: element.content.upperBound)
        }
    }

    // MARK: The record of an edit

    /// How the picture was made, where it stands here.
    var parameters: String? { text(Own.namespace, Own.parameters) }

    /// Sets the record, or takes it out; false where the packet cannot be understood.
    @discardableResult
    mutating func setParameters(_ text: String?) -> Bool {
        removeProperties { $0 == Own.namespace && $1 == Own.parameters }
        removeEmptyDescriptions()
        guard let text else { return true }
        return add(
            "<editor:\(Own.parameters)>\(XMPText.encoded(text))</editor:\(Own.parameters)>",
            declaring: [("editor", Own.namespace)])
    }

    /// Adds texts that the format has no other place for; false where the packet cannot be understood.
    mutating func addTexts(_ entries: [TextEntry]) -> Bool {
        guard !entries.isEmpty else { return true }
        let all = items(Own.namespace, Own.texts)
        let known = Set(all.map { Array($0.utf8) })
        let new = entries.map { "\($0.keyword): \($0.text)" }.filter { !known.contains(Array($0.utf8)) }
        guard !new.isEmpty else { return true }
        removeProperties { $0 == Own.namespace && $1 == Own.texts }
        removeEmptyDescriptions()
        let list = (all + new).map { "<rdf:li>\(XMPText.encoded($0))</rdf:li>" }.joined()
        return add(
            "<editor:\(Own.texts)><rdf:Seq>\(list)</rdf:Seq></editor:\(Own.texts)>",
            declaring: [("editor", Own.namespace)])
    }

    /// Takes out descriptions of an edit's own that hold nothing any more, so that editing again does not grow the
    /// packet.
    private mutating func removeEmptyDescriptions() {
        guard let elements = XMPElements(bytes) else { return }
        var kept: [UInt8] = []
        var position = 0
        for element in elements.all
        where element.namespace == XMPElements.rdf && element.name == "Description" && !element.hasChildren {
            let isOwn = element.attributes.contains {
                $0.declaredPrefix != nil && bytes[$0.value].elementsEqual(Own.namespace.utf8)
            }
            let isEmpty = bytes[element.content].allSatisfy(XMPElements.isSpace)
            let hasProperties = element.attributes.contains {
                $0.declaredPrefix == nil && !($0.namespace == XMPElements.rdf && $0.name == "about")
            }
            guard isOwn, isEmpty, !hasProperties, element.range.lowerBound >= position else { continue }
            var (start, end) = (element.range.lowerBound, element.range.upperBound)
            // With the white space that came with it.
            if start > position, bytes[start - 1] == 0x20 { start -= 1 }
            if end < bytes.count, bytes[end] == 0x0A { end += 1 }
            kept += bytes[position ..< start]
            position = end
        }
        if position > 0 { bytes = kept + bytes[position...] }
    }
}

extension XMPPacket {
    /// A packet in UTF-8, whichever of the encodings that ISO 16684-1, 7.1, allows it was written in.
    static func inUTF8(_ bytes: [UInt8]) -> [UInt8] {
        let isBig = bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0, 0x3C])
        guard isBig || bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0x3C, 0]) else { return bytes }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        for index in stride(from: 0, to: bytes.count - 1, by: 2) {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(isBig ? first << 8 | second : second << 8 | first)
        }
        return Array(String(decoding: units.first == 0xFEFF ? units[1...] : units[...], as: UTF16.self).utf8)
    }
}

extension XMPPacket {
    /// What a packet says of pictures and videos that stand beside the picture in its file.
    struct CompanionClaims {
        var gainMap = false
        var motion = false
        var other = false
        /// Whether the packet cannot be understood, but has words of such claims in it.
        var isUnread = false

        /// For a file that holds none of it.
        var note: String? {
            if isUnread { return Self.unread }
            guard gainMap || motion || other else { return nil }
            let what =
                gainMap
                ? (motion ? "a gain map and a motion video" : "a gain map")
                : motion ? "a motion video" : "further pictures"
            return "its XMP speaks of \(what) that it does not hold; those properties are not carried over"
        }

        static let unread =
            "its XMP cannot be understood and stays as it was; it may speak of a gain map or motion video that is not "
            + "carried over"
    }

    private static let camera = "http://ns.google.com/photos/1.0/camera/"
    private static let vendorCamera = "http://ns.oplus.com/photos/1.0/camera/"
    private static let gainMaps: Set = [
        "http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.apple.com/HDRGainMap/1.0/",
    ]
    /// Namespaces of which every property describes what is appended to a JPEG: Google's container, the older one of
    /// Dynamic Depth, and Apple's kinds of auxiliary pictures.
    private static let containers: Set = [
        "http://ns.google.com/photos/1.0/container/", "http://ns.google.com/photos/1.0/container/item/",
        "http://ns.google.com/photos/dd/1.0/container/", "http://ns.google.com/photos/dd/1.0/item/",
        "http://ns.google.com/photos/dd/1.0/device/", "http://ns.apple.com/pixeldatainfo/1.0/",
    ]

    /// Namespaces of which every property describes the picture as it was taken, its depth or a second view of it.
    private static let views: Set = [
        "http://ns.google.com/photos/1.0/depthmap/", "http://ns.google.com/photos/1.0/image/",
        "http://ns.google.com/photos/dd/1.0/depthmap/", "http://ns.google.com/photos/dd/1.0/image/",
    ]

    /// Takes out pictures that stand in the packet itself, and what describes them.
    ///
    /// - Returns: what there was; whether a packet that cannot be understood has such names in it, and keeps them.
    mutating func removeOldViews() -> (thumbnails: Bool, depthOrPicture: Bool, isUnread: Bool) {
        let views = Self.views
        var (thumbnails, depthOrPicture) = (false, false)
        removeProperties(
            { namespace, name in
                if namespace == "http://ns.adobe.com/xap/1.0/", name == "Thumbnails" {
                    thumbnails = true
                    return true
                }
                guard views.contains(namespace) else { return false }
                depthOrPicture = true
                return true
            }, declarations: views)
        let isUnread =
            !thumbnails && !depthOrPicture
            && holdsUnread(["xmp:Thumbnails", "xap:Thumbnails", "GDepth:Data", "GImage:Data"])
        return (thumbnails, depthOrPicture, isUnread)
    }

    /// Whether the packet cannot be understood and has one of `words` in it.
    private func holdsUnread(_ words: [String]) -> Bool {
        XMPElements(bytes) == nil && words.contains { bytes.range(of: $0) != nil }
    }

    /// Takes out what is no longer true once the picture stands alone.
    mutating func removeCompanionClaims() -> CompanionClaims {
        var claims = CompanionClaims()
        let containers = Self.containers
        let gainMaps = Self.gainMaps
        let removed = removeProperties(
            { namespace, name in
                if gainMaps.contains(namespace) {
                    claims.gainMap = true
                    return true
                }
                if containers.contains(namespace) { return true }
                guard namespace == Self.camera || namespace == Self.vendorCamera,
                    ["MotionPhoto", "MicroVideo", "OLivePhoto", "VideoLength"].contains(where: name.hasPrefix)
                else { return false }
                claims.motion = true
                return true
            }, declarations: containers.union(gainMaps))
        for property in removed {
            // Of a container: what the items are called.
            let bytes = Array(property)
            if bytes.range(of: "GainMap") != nil { claims.gainMap = true }
            if bytes.range(of: "MotionPhoto") != nil { claims.motion = true }
            claims.other = true
        }
        if removed.isEmpty {
            claims.isUnread = holdsUnread(["MotionPhoto", "MicroVideo", "OLivePhoto", "GainMap", "hdrgm", "Container:"])
        }
        return claims
    }
}
