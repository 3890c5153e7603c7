internal import PlainText

/// How a picture was made, beside what others wrote into its file: nobody's words make room for it.
extension ImageMetadata {
    /// The EXIF comment, a record or anyone's words.
    var exifComment: String? { exif.flatMap { EXIFBlock($0) }?.userComment }

    /// The words of the EXIF comment where they do not say how the picture was made.
    public var comment: String? { exifComment.flatMap { Provenance.looksLikeInfotext($0) ? nil : $0 } }

    /// The code and length of an EXIF comment that is there and cannot be read, such as one in JIS.
    public var unreadComment: (code: String, bytes: Int)? { exif.flatMap { EXIFBlock($0) }?.unreadComment }

    /// How the picture was made before its last edit, as far as the file still says it, in the order in which it stands
    /// there.
    public var earlierRecords: [String] {
        let texts = text.filter { $0.keyword == Provenance.keyword }.map(\.text)
        let packet = xmp.map { XMPPacket($0) }
        let comment = exifComment.flatMap { Provenance.looksLikeInfotext($0) ? $0 : nil }
        let latest = texts.last ?? packet?.parameters ?? comment
        // Those of a PNG, where a JPEG, WebP or TIFF made from it holds them.
        let label = Provenance.keyword + ": "
        // Of a JPEG's comment, where a WebP or TIFF made from that holds it.
        let comments = "Comment: "
        let moved = (text.map(\.text) + (packet?.items(XMPPacket.Own.namespace, XMPPacket.Own.texts) ?? []))
            .map {
                $0.startsWithBytes(of: comments + label)
                    ? String(decoding: $0.utf8.dropFirst(comments.utf8.count), as: UTF8.self) : $0
            }
            .filter { $0.startsWithBytes(of: label) }
            .map { String(decoding: $0.utf8.dropFirst(label.utf8.count), as: UTF8.self) }
        var seen: Set<[UInt8]> = []
        if let latest { seen.insert(Array(latest.utf8)) }
        return (moved + texts.dropLast() + [comment, packet?.parameters].compactMap(\.self))
            .filter { seen.insert(Array($0.utf8)).inserted }
    }

    /// States in XMP what kind of source the picture has.
    mutating func state(_ type: DigitalSourceType, notes: inout [String]) {
        var packet = xmp.map { XMPPacket($0) } ?? XMPPacket()
        guard packet.isWellFormed else {
            notes.append("the XMP packet cannot be understood and stays as it was, without the kind of source")
            return
        }
        packet.digitalSourceType = type
        xmp = packet.bytes
    }

    /// Puts the record of an edit where other programs look for it, which is PNG text or else the EXIF comment. A
    /// record that this program wrote before makes way. What others wrote stays where it is: then the record stands
    /// behind it in a PNG, and in XMP elsewhere. PNG texts that say how the picture was made find a place in every
    /// format.
    ///
    /// - Parameter record: nil for a file that is to say what it said, and nothing more.
    mutating func place(record: String?, format: ImageFormat, notes: inout [String]) {
        func makesWay(_ text: String) -> Bool {
            record.map { text.hasSameBytes(as: $0) } == true || Provenance.isOwn(text)
        }
        if record != nil {
            text.removeAll { $0.keyword == Provenance.keyword && makesWay($0.text) }
            if var packet = xmp.map({ XMPPacket($0) }), packet.parameters != nil {
                packet.setParameters(nil)
                xmp = packet.bytes
            }
        }
        let earlier = text.filter { $0.keyword == Provenance.keyword }
        let isOwnComment = record != nil && exifComment.map(makesWay) == true
        if format == .png {
            guard let record else { return }
            if !earlier.isEmpty {
                notes.append("the earlier “\(Provenance.keyword)” text stays; that of this edit stands behind it")
            }
            text.append(TextEntry(keyword: Provenance.keyword, text: record))
            // It must not contradict the text.
            if isOwnComment { _ = setComment(record, limit: nil) }
            return
        }
        text.removeAll { $0.keyword == Provenance.keyword }
        var waiting = earlier
        let isFree = exif.flatMap { EXIFBlock($0) }?.hasRoomForComment ?? true
        let limit = format == .jpeg ? JPEGMetadata.largestEXIF : nil
        if let record {
            let fits = (isFree || isOwnComment) && setComment(record, limit: limit)
            if !fits {
                // One of this program's that is too old must not pass for the new one.
                if isOwnComment { _ = setComment("", limit: limit) }
                let reason =
                    isFree || isOwnComment ? "EXIF has no room for the record of this edit" : "the EXIF comment stays"
                if setParameters(record, format: format) {
                    notes.append("\(reason); how this edit was made stands in XMP (editor:Parameters)")
                } else {
                    notes.append("\(reason), and the XMP packet cannot be added to: how this edit was made is left out")
                }
            }
        } else if let last = waiting.last {
            if isFree, setComment(last.text, limit: limit) {
                waiting.removeLast()
            } else if Provenance.isOwn(last.text), setParameters(last.text, format: format) {
                // Behind it stand earlier records, the comment among them.
                waiting.removeLast()
                let reason = isFree ? "EXIF has no room for the record of the last edit" : "the EXIF comment stays"
                notes.append("\(reason); how the last edit was made stands in XMP (editor:Parameters)")
            }
        }
        // Longer ones find another place.
        if format == .jpeg, waiting.contains(where: JPEGMetadata.holds) {
            let isEarlier = record != nil || waiting.count < earlier.count
            notes.append(
                "the \(isEarlier ? "earlier " : "")“\(Provenance.keyword)” text stands in a comment of the JPEG")
        }
        text += waiting
    }

    /// Puts a record into XMP; false, and nothing is changed, where that cannot be added to.
    private mutating func setParameters(_ record: String, format: ImageFormat) -> Bool {
        var packet = xmp.map { XMPPacket($0) } ?? XMPPacket()
        guard packet.setParameters(record), format.holds(packet) else { return false }
        xmp = packet.bytes
        return true
    }

    /// Sets the EXIF comment; false, and nothing is changed, where the block then has more than `limit` bytes.
    private mutating func setComment(_ comment: String, limit: Int?) -> Bool {
        var block = exif.flatMap { EXIFBlock($0) }
        if block == nil { block = EXIFBlock(userComment: comment) } else { block?.setUserComment(comment) }
        guard let block, (block.userComment ?? "").hasSameBytes(as: comment),
            limit.map({ block.bytes.count <= $0 }) ?? true
        else {
            return false
        }
        exif = block.bytes
        return true
    }

    /// Texts of a PNG and comments of a JPEG go into the XMP of a file that has no place of its own for them; into that of
    /// a JPEG, those that are longer than its comments.
    mutating func placeTexts(format: ImageFormat, notes: inout [String]) {
        let moved = format == .jpeg ? text.filter { !JPEGMetadata.holds($0) } : text
        guard !moved.isEmpty else { return }
        let names = NameList(moved.map { "“\($0.keyword)”" })
        let reason =
            format == .jpeg
            ? "texts are longer than a JPEG segment holds (64 KiB)"
            : "texts have no place of their own in a \(format.displayName)"
        var packet = xmp.map { XMPPacket($0) } ?? XMPPacket()
        if packet.addTexts(moved), format.holds(packet) {
            xmp = packet.bytes
            notes.append("\(reason); its XMP holds them: \(names)")
        } else {
            notes.append("\(reason), and its XMP cannot be added to; they were left out: \(names)")
        }
        text = format == .jpeg ? text.filter { JPEGMetadata.holds($0) } : []
    }

    /// The texts of the IPTC record go into the XMP of a file that has no place for such a record.
    mutating func placeCaptions(notes: inout [String]) {
        guard let photoshopResources else { return }
        var packet = xmp.map { XMPPacket($0) } ?? XMPPacket()
        if let record = IPTCRecord(resources: photoshopResources), let (left, hasOthers) = packet.add(record) {
            xmp = packet.bytes
            let rest = "\(left.count.verb("dataset", "datasets")) \(NameList(left.map { "\($0)" }))"
            notes.append(
                "the IPTC record has no place in a WebP; its XMP holds the record's texts"
                    + (hasOthers ? ", those that differ from its own in editor:Texts" : "")
                    + (left.isEmpty ? "" : "; not carried over: \(rest)"))
        } else {
            let isUnread = IPTCRecord(resources: photoshopResources) == nil
            notes.append(
                isUnread
                    ? "Photoshop's resources have no place in a WebP and were left out"
                    : "the IPTC record has no place in a WebP, and its XMP cannot be added to; the record was left out")
        }
    }
}

extension ImageFormat {
    /// Whether a file of this format holds a packet of that length.
    fileprivate func holds(_ packet: XMPPacket) -> Bool {
        self != .jpeg || JPEGMetadata.payloads(ofXMP: packet.bytes) != nil
    }
}
