internal import PlainText

/// The elements of an XMP packet and where their bytes stand, found in one pass: what is needed to take a property out,
/// or to read or add one, without writing the rest anew.
///
/// XML 1.0 and Namespaces in XML 1.0, as far as packets use them (ISO 16684-1, 7.2): UTF-8, no document type.
struct XMPElements {
    struct Attribute {
        /// Empty without a prefix.
        var namespace: String
        var name: String
        /// The white space before it, its name and its value.
        var range: Range<Int>
        /// Between the quotes.
        var value: Range<Int>
        /// Of a declaration `xmlns:prefix`.
        var declaredPrefix: String?
    }

    struct Element {
        var namespace: String
        var name: String
        /// From `<` of its opening tag to behind `>` of its closing one.
        var range: Range<Int>
        /// Behind the opening tag, before the closing one; empty for `<a/>`.
        var content: Range<Int>
        /// Where its opening tag's name ends, so that an attribute can be added.
        var nameEnd: Int
        /// Index in `all`; nil for the outermost.
        var parent: Int?
        var hasChildren = false
        var attributes: [Attribute]
    }

    /// In the order in which they begin.
    private(set) var all: [Element] = []

    static let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    private static let xmlns = "http://www.w3.org/2000/xmlns/"
    /// More than any packet needs; each costs memory.
    private static let mostElements = 50_000
    private static let mostAttributes = 100_000
    private static let deepest = 200
    /// Bytes of a name with its prefix, and of a namespace.
    private static let longestName = LookupName.maximumBytes

    /// Why bytes are not understood, as a clause about the packet.
    enum Fault: Error {
        case malformed, tooManyElements, tooManyAttributes, tooDeep, longName

        var clause: String {
            switch self {
            case .malformed: "it is not well formed"
            case .tooManyElements: "it has more than 50,000 elements"
            case .tooManyAttributes: "it has more than 100,000 attributes"
            case .tooDeep: "its elements are nested more than \(deepest) deep"
            case .longName: "it has a name of more than \(longestName) bytes"
            }
        }
    }

    /// Nil for what `init(parsing:)` refuses.
    init?(_ bytes: [UInt8]) {
        guard let elements = try? Self(parsing: bytes) else { return nil }
        self = elements
    }

    /// Why a packet is not understood; nil where it is.
    static func fault(of bytes: [UInt8]) -> Fault? {
        do throws(Fault) {
            _ = try Self(parsing: bytes)
            return nil
        } catch { return error }
    }

    /// Throws where the bytes are not well formed, of more elements than a packet has, or where a name or a namespace is
    /// longer than any is.
    init(parsing bytes: [UInt8]) throws(Fault) {
        var open: [(index: Int, name: Range<Int>, declared: [String])] = []
        var namespaces: [String: [String]] = [:]
        var attributeCount = 0
        var position = 0
        while let start = bytes[position...].firstIndex(of: UInt8(ascii: "<")) {
            guard start + 1 < bytes.count else { throw .malformed }
            switch bytes[start + 1] {
            case UInt8(ascii: "?"):
                guard let end = bytes.range(of: "?>", from: start + 2) else { throw .malformed }
                position = end.upperBound
            case UInt8(ascii: "!"):
                let close = bytes[start...].starts(with: Array("<!--".utf8)) ? "-->" : "]]>"
                // A document type could declare anything.
                guard close == "-->" || bytes[start...].starts(with: Array("<![CDATA[".utf8)),
                    let end = bytes.range(of: close, from: start + 4)
                else { throw .malformed }
                position = end.upperBound
            case UInt8(ascii: "/"):
                guard let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")), let last = open.popLast() else {
                    throw .malformed
                }
                var nameEnd = end
                while nameEnd > start + 2, Self.isSpace(bytes[nameEnd - 1]) { nameEnd -= 1 }
                guard bytes[start + 2 ..< nameEnd].elementsEqual(bytes[last.name]) else { throw .malformed }
                all[last.index].content = all[last.index].content.lowerBound ..< start
                all[last.index].range = all[last.index].range.lowerBound ..< end + 1
                for prefix in last.declared { _ = namespaces[prefix]?.popLast() }
                position = end + 1
            default:
                let tag = try Self.tag(bytes, at: start)
                guard all.count < Self.mostElements else { throw .tooManyElements }
                guard open.count < Self.deepest else { throw .tooDeep }
                attributeCount += tag.attributes.count
                guard attributeCount <= Self.mostAttributes else { throw .tooManyAttributes }
                var attributes = tag.attributes
                var declared: [String] = []
                for attribute in attributes {
                    guard let prefix = attribute.declaredPrefix else { continue }
                    guard attribute.value.count <= Self.longestName else { throw .longName }
                    let uri = XMPText.decoded(bytes[attribute.value])
                    namespaces[prefix, default: []].append(uri)
                    declared.append(prefix)
                }
                for index in attributes.indices where attributes[index].declaredPrefix == nil {
                    let (prefix, local) = Self.split(attributes[index].name)
                    attributes[index].name = local
                    if let prefix { attributes[index].namespace = namespaces[prefix]?.last ?? "" }
                }
                let (prefix, local) = Self.split(String(decoding: bytes[tag.name], as: UTF8.self))
                all.append(
                    Element(
                        namespace: namespaces[prefix ?? ""]?.last ?? "", name: local, range: start ..< tag.end,
                        content: tag.end ..< tag.end, nameEnd: tag.name.upperBound, parent: open.last?.index,
                        attributes: attributes))
                if let parent = open.last?.index { all[parent].hasChildren = true }
                if tag.isEmpty {
                    for prefix in declared { _ = namespaces[prefix]?.popLast() }
                } else {
                    open.append((all.count - 1, tag.name, declared))
                }
                position = tag.end
            }
        }
        guard open.isEmpty else { throw .malformed }
    }

    /// The element that holds all descriptions.
    var root: Element? { all.first { $0.namespace == Self.rdf && $0.name == "RDF" } }

    private static func tag(
        _ bytes: [UInt8], at start: Int
    ) throws(Fault) -> (name: Range<Int>, attributes: [Attribute], isEmpty: Bool, end: Int) {
        func nameEnd(_ from: Int) -> Int {
            var index = from
            while index < bytes.count, !isSpace(bytes[index]), !"/>=<\"'".utf8.contains(bytes[index]) { index += 1 }
            return index
        }
        let name = start + 1 ..< nameEnd(start + 1)
        guard !name.isEmpty else { throw .malformed }
        guard name.count <= longestName else { throw .longName }
        var attributes: [Attribute] = []
        var index = name.upperBound
        while true {
            let before = index
            while index < bytes.count, isSpace(bytes[index]) { index += 1 }
            guard index < bytes.count else { throw .malformed }
            if bytes[index] == UInt8(ascii: ">") { return (name, attributes, false, index + 1) }
            if bytes[index] == UInt8(ascii: "/") {
                guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: ">") else { throw .malformed }
                return (name, attributes, true, index + 2)
            }
            let key = index ..< nameEnd(index)
            index = key.upperBound
            while index < bytes.count, isSpace(bytes[index]) { index += 1 }
            guard !key.isEmpty, index < bytes.count, bytes[index] == UInt8(ascii: "=") else { throw .malformed }
            guard key.count <= longestName else { throw .longName }
            index += 1
            while index < bytes.count, isSpace(bytes[index]) { index += 1 }
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "'"),
                let close = bytes[(index + 1)...].firstIndex(of: bytes[index])
            else { throw .malformed }
            let text = String(decoding: bytes[key], as: UTF8.self)
            var attribute = Attribute(
                namespace: "", name: text, range: before ..< close + 1, value: index + 1 ..< close)
            if text == "xmlns" {
                attribute.declaredPrefix = ""
                attribute.namespace = xmlns
            } else if text.hasPrefix("xmlns:") {
                attribute.declaredPrefix = String(text.dropFirst("xmlns:".count))
                attribute.namespace = xmlns
            }
            attributes.append(attribute)
            index = close + 1
        }
    }

    private static func split(_ name: String) -> (prefix: String?, local: String) {
        guard let colon = name.firstIndex(of: ":") else { return (nil, name) }
        return (String(name[..<colon]), String(name[name.index(after: colon)...]))
    }

    static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}

/// Text as it stands in XML.
enum XMPText {
    /// With the characters that XML reserves replaced, and without those that it cannot hold.
    static func encoded(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            // A reader would make a line end of it.
            case "\r": result += "&#13;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The text between tags or quotes.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var rest = bytes
        while let ampersand = rest.firstIndex(of: UInt8(ascii: "&")) {
            result += rest[..<ampersand]
            // The longest reference is &#x10FFFF; and its like.
            let name = rest[(ampersand + 1)...].prefix(10)
            guard let end = name.firstIndex(of: UInt8(ascii: ";")),
                let scalar = scalar(String(decoding: name[..<end], as: UTF8.self))
            else {
                result.append(UInt8(ascii: "&"))
                rest = rest[(ampersand + 1)...]
                continue
            }
            result += Array(String(Character(scalar)).utf8)
            rest = rest[(end + 1)...]
        }
        return String(decoding: result + rest, as: UTF8.self)
    }

    private static func scalar(_ name: String) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.hasPrefix("#") else { return nil }
            let digits = name.dropFirst()
            let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return code.flatMap { Unicode.Scalar($0) }
        }
    }
}
