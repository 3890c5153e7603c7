internal import PlainText

/// The marker segments of a JPEG, read and written as bytes.
///
/// ITU-T T.81 annex B; Exif 2.32 section 4.7; XMP specification part 3, section 1.1.3; ICC.1:2022 annex B.4.
struct JPEGMetadata {
    var metadata = ImageMetadata()
    var notes: [String] = []
    /// Those of the notes that speak of what a file made from it will not hold.
    var losses: [String] = []
    /// Those that tell of pictures, videos and unknown bytes.
    private(set) var companions: [String] = []
    /// What a file has one of, where it holds more.
    private var repeats = NameList()

    /// A segment to write: its payload is at most 65533 bytes.
    struct Segment {
        var marker: Int32
        var payload: [UInt8]
    }

    private static let exifHeader = Array("Exif\0\0".utf8)
    private static let xmpHeader = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    private static let profileHeader = Array("ICC_PROFILE\0".utf8)
    private static let photoshopHeader = Array("Photoshop 3.0\0".utf8)
    private static let largestPayload = 65533
    /// Bytes of an EXIF block that one segment holds.
    static let largestEXIF = largestPayload - exifHeader.count
    private static let largestXMP = largestPayload - xmpHeader.count

    /// Walks the segments up to the first scan, as far as they are whole.
    init(parsing file: [UInt8], limits: DecodeLimits = DecodeLimits()) {
        var budget = TextBudget(limits)
        var profilePieces: [(number: UInt8, count: UInt8, data: ArraySlice<UInt8>)] = []
        var hasCredentials = false
        var extendedXMP: [ArraySlice<UInt8>] = []
        var companions = Companions()
        var unknown = NameList()
        var unread = NameList()
        var hasThumbnail = false
        var offset = 2
        while offset <= file.count - 4, file[offset] == 0xFF {
            let marker = file[offset + 1]
            if marker == 0xFF {
                offset += 1
                continue
            }
            if marker == 0x01 || (0xD0 ... 0xD8).contains(marker) {
                offset += 2
                continue
            }
            let length = Int(file[offset + 2]) << 8 | Int(file[offset + 3])
            guard marker != 0xDA, marker != 0xD9, length >= 2, length <= file.count - offset - 2 else { break }
            let payload = file[offset + 4 ..< offset + 2 + length]
            offset += 2 + length
            switch marker {
            case 0xE0 where payload.starts(with: Array("JFIF\0".utf8)):
                takeDensity(payload)
                let size = payload.dropFirst(12).prefix(2)
                if size.count == 2, size.allSatisfy({ $0 > 0 }) { hasThumbnail = true }
            case 0xE0 where payload.starts(with: Array("JFXX\0".utf8)): hasThumbnail = true
            case 0xE1 where payload.starts(with: ExtendedXMP.header): extendedXMP.append(payload)
            case 0xE1 where takeApplication1(payload): break
            case 0xE2 where payload.starts(with: Self.profileHeader) && payload.count >= 14:
                let rest = payload.dropFirst(12)
                profilePieces.append((rest.first ?? 0, rest.dropFirst().first ?? 0, rest.dropFirst(2)))
            case 0xE2 where payload.starts(with: Array("MPF\0".utf8)): companions.hasPictureList = true
            // ISO 21496-1, annex C.
            case 0xE2 where payload.starts(with: Array("urn:iso:std:iso:ts:21496".utf8)): companions.hasGainMap = true
            case 0xEB where payload.starts(with: Array("JP".utf8)): hasCredentials = true
            case 0xED where payload.starts(with: Self.photoshopHeader):
                // In place: a file may have thousands of such segments.
                if metadata.photoshopResources == nil { metadata.photoshopResources = [] }
                metadata.photoshopResources?.append(contentsOf: payload.dropFirst(14))
            case 0xFE: takeComment(payload, &budget)
            case 0xE0 ... 0xED, 0xEF: unknown.insert(Self.name(of: marker, payload))
            default: break
            }
        }
        takeProfile(profilePieces)
        let trailer = JPEGTrailer(of: file, from: offset)
        // Where the walk ended at something else, what follows may be no segments.
        let hasScan = offset <= file.count - 2 && file[offset] == 0xFF && file[offset + 1] == 0xDA
        for (marker, payload) in hasScan ? trailer.segments : [] {
            if marker == 0xFE {
                takeComment(payload, &budget)
            } else {
                unread.insert(Self.name(of: marker, payload))
            }
        }
        takeXMP(extendedXMP, companions: companions, trailer: trailer)
        if hasThumbnail { lose("its JFIF thumbnail is not carried over: it shows the picture before the edit") }
        if !repeats.isEmpty { lose("only the first of several is carried over: \(repeats)") }
        if let note = budget.note { lose(note) }
        if !unknown.isEmpty { lose("segments that this build does not know are not carried over: \(unknown)") }
        if !unread.isEmpty { lose("segments behind its first scan are not carried over: \(unread)") }
        if hasCredentials {
            lose("its content credentials (C2PA) are not carried over: an edit makes them invalid")
        }
    }

    private mutating func lose(_ note: String) {
        notes.append(note)
        losses.append(note)
    }

    private mutating func loseCompanion(_ note: String) {
        lose(note)
        companions.append(note)
    }

    /// "APP12 (Ducky)": by the letters that an application's segment begins with.
    private static func name(of marker: UInt8, _ payload: ArraySlice<UInt8>) -> String {
        let letters = payload.prefix(16).prefix { (0x20 ... 0x7E).contains($0) }
        let name = "APP\(marker - 0xE0)"
        return letters.count < 3 ? name : "\(name) (\(String(decoding: letters, as: UTF8.self)))"
    }

    /// What segments say of pictures that stand behind the picture in its file.
    private struct Companions {
        /// CIPA DC-007, Multi-Picture Format.
        var hasPictureList = false
        var hasGainMap = false
    }

    /// Joins the parts of the XMP packet, and takes out of it what describes pictures and videos that are not carried
    /// over.
    private mutating func takeXMP(
        _ extended: [ArraySlice<UInt8>], companions: Companions, trailer: JPEGTrailer
    ) {
        var claims = XMPPacket.CompanionClaims()
        if let packet = metadata.xmp {
            let joined = ExtendedXMP.joined(XMPPacket.inUTF8(packet), extended)
            if !joined.isWhole { lose("its extended XMP is incomplete or belongs to another packet, and was left out") }
            var result = XMPPacket(joined.packet)
            claims = result.removeCompanionClaims()
            metadata.xmp = result.bytes
        } else if !extended.isEmpty {
            lose("its extended XMP belongs to no packet and was left out")
        }
        let isAlone = trailer.count == 0 && !companions.hasPictureList && !companions.hasGainMap
        guard !isAlone else {
            if let note = claims.note { lose(note) }
            return
        }
        if claims.isUnread { lose(XMPPacket.CompanionClaims.unread) }
        var parts: [String] = []
        let hasGainMap = companions.hasGainMap || claims.gainMap
        if hasGainMap { parts.append("gain map (HDR)") }
        if trailer.holdsVideo || claims.motion { parts.append("motion video") }
        if !hasGainMap, companions.hasPictureList || trailer.holdsPicture {
            parts.append("further pictures (previews, a gain map or a second view)")
        }
        let place = "\(trailer.count.of("byte")) behind its end-of-image marker"
        guard !parts.isEmpty else {
            return loseCompanion("\(place) \(trailer.count.verb("is", "are")) not carried over")
        }
        let verb = parts.count > 1 || parts[0].hasPrefix("further") ? "are" : "is"
        loseCompanion(
            "its \(parts.joined(separator: " and ")) \(verb) not carried over: \(verb == "is" ? "it shows" : "they show") "
                + "the picture before the edit" + (trailer.count > 0 ? " (\(place))" : ""))
    }

    private mutating func takeComment(_ payload: ArraySlice<UInt8>, _ budget: inout TextBudget) {
        let text =
            String(validating: payload.filter { $0 != 0 }, as: UTF8.self)
            ?? String(String.UnicodeScalarView(payload.map { Unicode.Scalar($0) }))
        let entry = TextEntry(keyword: "Comment", text: text)
        if budget.admit(entry) { metadata.text.append(entry) }
    }

    private mutating func takeDensity(_ payload: ArraySlice<UInt8>) {
        let bytes = Array(payload.prefix(12))
        guard bytes.count == 12, bytes.starts(with: Array("JFIF\0".utf8)), metadata.density == nil else { return }
        let x = UInt32(bytes[8]) << 8 | UInt32(bytes[9])
        let y = UInt32(bytes[10]) << 8 | UInt32(bytes[11])
        guard x > 0, y > 0, bytes[7] <= 2 else { return }
        let units: [PixelDensity.Unit] = [.aspect, .perInch, .perCentimetre]
        metadata.density = PixelDensity(x: x, y: y, unit: units[Int(bytes[7])])
    }

    /// False where it is of no known kind.
    private mutating func takeApplication1(_ payload: ArraySlice<UInt8>) -> Bool {
        if payload.starts(with: Self.exifHeader) {
            let block = Array(payload.dropFirst(Self.exifHeader.count))
            if metadata.exif == nil { metadata.exif = block } else if metadata.exif != block { repeats.insert("EXIF") }
        } else if payload.starts(with: Self.xmpHeader) {
            let packet = Array(payload.dropFirst(Self.xmpHeader.count))
            if metadata.xmp == nil { metadata.xmp = packet } else if metadata.xmp != packet { repeats.insert("XMP") }
        } else {
            return false
        }
        return true
    }

    private mutating func takeProfile(_ pieces: [(number: UInt8, count: UInt8, data: ArraySlice<UInt8>)]) {
        guard let count = pieces.first?.count else { return }
        let sorted = pieces.sorted { $0.number < $1.number }
        guard pieces.count == Int(count), pieces.allSatisfy({ $0.count == count }),
            zip(sorted, 1...).allSatisfy({ Int($0.0.number) == $0.1 })
        else {
            lose("its colour profile is incomplete and was left out")
            return
        }
        metadata.iccProfile = sorted.flatMap { $0.data }
    }

    // MARK: Writing

    /// The segments to write for `metadata`, and what could not be.
    static func segments(_ metadata: ImageMetadata) -> (segments: [Segment], notes: [String]) {
        var segments: [Segment] = []
        var notes: [String] = []
        func add(_ marker: Int32, _ payload: [UInt8], named name: String) {
            if payload.count <= largestPayload {
                segments.append(Segment(marker: marker, payload: payload))
            } else {
                notes.append("\(name) is longer than a JPEG segment holds (64 KiB) and was left out")
            }
        }
        if let exif = metadata.exif { add(0xE1, exifHeader + exif, named: "the EXIF block") }
        if let xmp = metadata.xmp {
            if let payloads = payloads(ofXMP: xmp) {
                for payload in payloads { add(0xE1, payload, named: "the XMP packet") }
            } else {
                let fault = XMPElements.fault(of: xmp)?.clause ?? "a part of it alone is longer"
                notes.append(
                    "the XMP packet is longer than a JPEG segment holds (64 KiB) and cannot be split, as \(fault); "
                        + "it was left out")
            }
        }
        if let profile = metadata.iccProfile {
            let pieceSize = largestPayload - 14
            let count = (profile.count + pieceSize - 1) / pieceSize
            if count <= 255 {
                for number in 0 ..< count {
                    let piece = profile[number * pieceSize ..< min(profile.count, (number + 1) * pieceSize)]
                    add(0xE2, profileHeader + [UInt8(number + 1), UInt8(count)] + piece, named: "the colour profile")
                }
            } else {
                notes.append("the colour profile is longer than a JPEG holds (16 MiB) and was left out")
            }
        }
        if let resources = metadata.photoshopResources {
            let pieceSize = largestPayload - photoshopHeader.count
            for start in stride(from: 0, to: resources.count, by: pieceSize) {
                let piece = resources[start ..< min(resources.count, start + pieceSize)]
                add(0xED, photoshopHeader + piece, named: "the IPTC record")
            }
        }
        for entry in metadata.text { add(0xFE, comment(entry), named: "the text “\(entry.keyword)”") }
        return (segments, notes)
    }

    /// What a comment says of a text. What a PNG calls by another name is told apart by it; `Comment` is the name of a
    /// JPEG's own.
    private static func comment(_ entry: TextEntry) -> [UInt8] {
        Array((entry.keyword == "Comment" ? entry.text : "\(entry.keyword): \(entry.text)").utf8)
    }

    /// Whether a text fits into a comment.
    static func holds(_ entry: TextEntry) -> Bool { comment(entry).count <= largestPayload }

    /// The segments of an XMP packet: more than one where it is longer than one holds; nil where it cannot be split.
    static func payloads(ofXMP bytes: [UInt8]) -> [[UInt8]]? {
        var packet = XMPPacket(bytes)
        if bytes.count > largestXMP { packet.removePadding() }
        guard packet.bytes.count > largestXMP else { return [xmpHeader + packet.bytes] }
        return ExtendedXMP.split(packet.bytes, limit: largestXMP).map { [xmpHeader + $0.packet] + $0.segments }
    }
}
