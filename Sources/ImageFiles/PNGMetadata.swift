internal import CImageIO
internal import PlainText

/// The ancillary chunks of a PNG, read and written as bytes. W3C PNG specification, third edition, sections 5 and 11.
struct PNGMetadata {
    var metadata = ImageMetadata()
    var notes: [String] = []
    /// Those of the notes that speak of what a file made from it will not hold.
    var losses: [String] = []
    /// Those that tell of further pictures and unknown bytes.
    private(set) var companions: [String] = []
    private var hints = NameList()
    /// Bytes of compressed pixels.
    private(set) var pixelDataCount = 0
    private var budget: TextBudget
    private var unreadable = NameList()
    /// What a file has one of, where it holds more.
    private var repeats = NameList()
    private var hasProfile = false
    /// Whether something was not inflated for a lack of memory.
    private var lacksMemory = false

    static let xmpKeyword = "XML:com.adobe.xmp"
    private static let colorChunkTypes: Set<String> = ["gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI"]
    /// Chunks that stay true after an edit.
    private static let plainChunkTypes: Set<String> = ["pCAL", "sCAL"]
    /// Chunks that are read elsewhere, and the frames of an animation.
    private static let silent: Set<String> = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "fcTL", "fdAT"]

    /// Walks the chunks of a file that begins with the PNG signature, as far as they are whole.
    init(parsing file: [UInt8], limits: DecodeLimits) throws(OutOfMemory) {
        budget = TextBudget(limits)
        var offset = 8
        var unknown = NameList()
        var damaged = NameList()
        var palette: (colors: ArraySlice<UInt8>, alpha: ArraySlice<UInt8>) = ([], [])
        while offset <= file.count - 12 {
            let length =
                Int(file[offset]) << 24 | Int(file[offset + 1]) << 16 | Int(file[offset + 2]) << 8
                | Int(file[offset + 3])
            let type = String(decoding: file[offset + 4 ..< offset + 8], as: UTF8.self)
            guard length <= file.count - offset - 12 else {
                if type == "IDAT" { pixelDataCount += file.count - offset - 8 }
                break
            }
            let body = offset + 8 ..< offset + 8 + length
            offset = body.upperBound + 4
            if type == "IDAT" {
                pixelDataCount += length
                continue
            }
            if type == "IEND" {
                if file[offset...].contains(where: { $0 != 0 }) {
                    let rest = file.count - offset
                    let note = "\(rest.of("byte")) behind its end chunk \(rest.verb("is", "are")) not carried over"
                    lose(note)
                    companions.append(note)
                }
                break
            }
            if type == "PLTE", palette.colors.isEmpty { palette.colors = file[body] }
            if type == "tRNS" { palette.alpha = file[body] }
            if ["IHDR", "PLTE", "tRNS", "fdAT"].contains(type) { continue }
            guard Self.checksumMatches(file, body: body) else {
                damaged.insert(type)
                continue
            }
            if !take(type, Array(file[body])), !Self.silent.contains(type) { unknown.insert(type) }
        }
        if lacksMemory { throw OutOfMemory() }
        // A grey that is transparent becomes alpha, for which there are no few bits.
        if file.count > 25, file[25] == 0, [1, 2, 4].contains(file[24]), palette.alpha.isEmpty {
            metadata.grayDepth = Int(file[24])
        }
        // Bit depth and colour type: of an indexed picture 3. What PLTE is to others is a hint.
        if file.count > 25, file[25] == 3, !palette.colors.isEmpty {
            metadata.palette = PNGPalette(palette.colors, alpha: palette.alpha, depth: Int(file[24]))
        }
        if !damaged.isEmpty { lose("damaged chunks were left out: \(damaged)") }
        if !unreadable.isEmpty { lose("texts that cannot be read were left out: \(unreadable)") }
        if !repeats.isEmpty { lose("only the first of several is carried over: \(repeats)") }
        if let note = budget.note { lose(note) }
        if !hints.isEmpty { lose("hints on how to show it are not carried over: \(hints)") }
        if !unknown.isEmpty {
            lose("chunks that this build does not know are not carried over: \(unknown)")
        }
    }

    private mutating func lose(_ note: String) {
        noteOnce(note)
        if !losses.contains(note) { losses.append(note) }
    }

    private static func checksumMatches(_ file: [UInt8], body: Range<Int>) -> Bool {
        let stored = file[body.upperBound ..< body.upperBound + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let computed = unsafe file.withUnsafeBufferPointer { buffer -> UInt32 in
            let start = body.lowerBound - 4
            return unsafe cimageio_crc32(buffer.baseAddress! + start, body.upperBound - start)
        }
        return stored == computed
    }

    /// Takes one chunk; false where it is of no known kind.
    private mutating func take(_ type: String, _ data: [UInt8]) -> Bool {
        switch type {
        case "iCCP":
            // A file has one; further ones would only cost time.
            guard !hasProfile else { return true }
            hasProfile = true
            if let (_, rest) = Self.splitKeyword(data), rest.first == 0,
                let profile = inflate(Array(rest.dropFirst()))
            {
                metadata.iccProfile = profile
            } else {
                lose("its colour profile cannot be read and was left out")
            }
        case "eXIf":
            // Some writers leave the header that only a JPEG's segment has.
            let header = Array("Exif\0\0".utf8)
            let block = data.starts(with: header) ? Array(data.dropFirst(6)) : data
            if metadata.exif == nil { metadata.exif = block } else if metadata.exif != block { repeats.insert("EXIF") }
        case "pHYs":
            guard data.count == 9 else { return true }
            func number(_ start: Int) -> UInt32 { data[start ..< start + 4].reduce(0) { $0 << 8 | UInt32($1) } }
            metadata.density = PixelDensity(x: number(0), y: number(4), unit: data[8] == 1 ? .perMetre : .aspect)
        case "tEXt":
            guard let (keyword, rest) = Self.splitKeyword(data) else {
                unreadable.insert(type)
                return true
            }
            take(TextEntry(keyword: keyword, text: Self.latin1(rest)))
        case "zTXt":
            guard let (keyword, rest) = Self.splitKeyword(data) else {
                unreadable.insert(type)
                return true
            }
            guard rest.first == 0 else {
                unreadable.insert("“\(keyword)”")
                return true
            }
            guard let text = inflate(Array(rest.dropFirst()), named: keyword) else { return true }
            take(TextEntry(keyword: keyword, text: Self.latin1(text[...])), isCounted: true)
        case "iTXt":
            takeInternationalText(data)
        // Of the file before the edit.
        case "tIME": lose("its time of last change (tIME) is not carried over")
        case "acTL":
            let note = "it is animated; only its first picture is used"
            noteOnce(note)
            companions = [note]
        case "caBX":
            lose("its content credentials (C2PA) are not carried over: an edit makes them invalid")
        case _ where Self.plainChunkTypes.contains(type):
            // The specification allows one of each.
            if !metadata.plainChunks.contains(where: { $0.type == type }) {
                metadata.plainChunks.append(PNGChunk(type: type, data: data))
            }
        case "bKGD", "hIST", "sBIT", "sPLT", "sTER", "oFFs", "gIFg", "gIFx", "gIFt": hints.insert(type)
        case _ where Self.colorChunkTypes.contains(type):
            // The last of several counts.
            metadata.colorChunks.removeAll { $0.type == type }
            metadata.colorChunks.append(PNGChunk(type: type, data: data))
        default: return false
        }
        return true
    }

    private mutating func noteOnce(_ note: String) {
        if !notes.contains(note) { notes.append(note) }
    }

    private mutating func takeInternationalText(_ data: [UInt8]) {
        guard let (keyword, rest) = Self.splitKeyword(data) else {
            unreadable.insert("iTXt")
            return
        }
        let parts = rest.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard let isCompressed = rest.first, parts.count == 3 else {
            unreadable.insert("“\(keyword)”")
            return
        }
        var text = Array(parts[2])
        if isCompressed == 1 {
            guard let inflated = inflate(text, named: keyword) else { return }
            text = inflated
        }
        if keyword == Self.xmpKeyword {
            let packet = XMPPacket.inUTF8(text)
            if metadata.xmp == nil { metadata.xmp = packet } else if metadata.xmp != packet { repeats.insert("XMP") }
            return
        }
        take(
            TextEntry(
                keyword: keyword, text: String(decoding: text, as: UTF8.self),
                language: String(decoding: parts[0], as: UTF8.self),
                translatedKeyword: String(decoding: parts[1], as: UTF8.self)), isCounted: isCompressed == 1)
    }

    /// - Parameter isCounted: whether it was counted as it was inflated.
    private mutating func take(_ entry: TextEntry, isCounted: Bool = false) {
        guard isCounted || budget.admit(entry) else { return }
        if metadata.photoshopResources == nil, let resources = RawProfileText.decode(entry) {
            metadata.photoshopResources = resources
        } else {
            metadata.text.append(entry)
        }
    }

    /// A text's bytes; nil, and it is noted, where they cannot be read or are too many.
    private mutating func inflate(_ data: [UInt8], named keyword: String) -> [UInt8]? {
        let isShort = budget.isShort
        if let bytes = inflate(data) { return bytes }
        if isShort { budget.leaveOut(keyword) } else { unreadable.insert("“\(keyword)”") }
        return nil
    }

    private mutating func inflate(_ data: [UInt8]) -> [UInt8]? {
        let limit = budget.room
        guard limit > 0 else { return nil }
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let done = unsafe data.withUnsafeBufferPointer {
            unsafe cimageio_inflate($0.baseAddress, $0.count, limit, &out, &result)
        }
        if result.isOutOfMemory { lacksMemory = true }
        // What was made in vain took its time too; deflate makes at most 1032 bytes of one.
        let (most, overflow) = data.count.multipliedReportingOverflow(by: 1032)
        budget.spend(done ? unsafe out.count : overflow ? limit : min(limit, most))
        return done ? unsafe out.array : nil
    }

    /// The keyword and what follows its zero byte.
    private static func splitKeyword(_ data: [UInt8]) -> (String, ArraySlice<UInt8>)? {
        guard let zero = data.prefix(80).firstIndex(of: 0), zero > 0 else { return nil }
        return (latin1(data[..<zero]), data[(zero + 1)...])
    }

    private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte < 0x80 { text.append(byte) } else { text += [0xC0 | byte >> 6, 0x80 | byte & 0x3F] }
        }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Writing

    /// The chunks to write for `metadata`, in an order that the specification allows before the first IDAT.
    static func chunks(_ metadata: ImageMetadata) throws(OutOfMemory) -> [PNGChunk] {
        var chunks = metadata.colorChunks
        if let profile = metadata.iccProfile {
            // A profile and sRGB exclude each other; the profile says more.
            chunks.removeAll { $0.type == "sRGB" }
            chunks.append(PNGChunk(type: "iCCP", data: Array("ICC profile\0\0".utf8) + (try deflate(profile))))
        }
        if let density = metadata.density { chunks.append(PNGChunk(type: "pHYs", data: physical(density))) }
        if let exif = metadata.exif { chunks.append(PNGChunk(type: "eXIf", data: exif)) }
        if let xmp = metadata.xmp {
            chunks.append(PNGChunk(type: "iTXt", data: Array(xmpKeyword.utf8) + [0, 0, 0, 0, 0] + xmp))
        }
        chunks += metadata.plainChunks
        var entries = metadata.text
        if let resources = metadata.photoshopResources { entries.append(RawProfileText.encode(resources)) }
        return chunks + entries.compactMap(textChunk)
    }

    /// tEXt where the text is Latin-1 and in no stated language, else iTXt.
    private static func textChunk(_ entry: TextEntry) -> PNGChunk? {
        guard let keyword = latin1Bytes(entry.keyword), (1 ... 79).contains(keyword.count) else { return nil }
        if entry.language.isEmpty, entry.translatedKeyword.isEmpty, let text = latin1Bytes(entry.text) {
            return PNGChunk(type: "tEXt", data: keyword + [0] + text)
        }
        let text = entry.text.utf8.filter { $0 != 0 }
        return PNGChunk(
            type: "iTXt",
            data: keyword + [0, 0, 0] + Array(entry.language.utf8.filter { $0 != 0 }) + [0]
                + Array(entry.translatedKeyword.utf8.filter { $0 != 0 }) + [0] + text)
    }

    /// Nil where a character has no Latin-1 code (zero counts as none: it ends the field).
    private static func latin1Bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value), byte != 0 else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func physical(_ density: PixelDensity) -> [UInt8] {
        // 100 cm and 39.3701 inches to the metre.
        let scale: Double? =
            switch density.unit {
            case .aspect: nil
            case .perMetre: 1
            case .perCentimetre: 100
            case .perInch: 1 / 0.0254
            }
        let values = [density.x, density.y].map { value in
            UInt32(min((Double(value) * (scale ?? 1)).rounded(), Double(Int32.max)))
        }
        return values.flatMap { value in (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }
            + [scale == nil ? 0 : 1]
    }

    private static func deflate(_ data: [UInt8]) throws(OutOfMemory) -> [UInt8] {
        var out = unsafe cimageio_buffer()
        defer { unsafe cimageio_free(&out) }
        let done = unsafe data.withUnsafeBufferPointer { unsafe cimageio_deflate($0.baseAddress, $0.count, &out) }
        guard done else { throw OutOfMemory() }
        return unsafe out.array
    }
}

extension cimageio_buffer {
    /// A copy of the bytes.
    var array: [UInt8] { unsafe Array(UnsafeBufferPointer(start: bytes, count: count)) }
}
