public import Raster

/// Picture files: the first and the last stage of an edit.
///
/// Kinds are told from bytes, never from names. Reading turns the pixels upright; writing carries metadata over.
public enum ImageFile {
    /// The quality of a JPEG whose source was none.
    public static let defaultQuality = 95

    // MARK: Reading

    /// Reads the picture at `path`.
    public static func read(path: String, limits: DecodeLimits = DecodeLimits()) throws(ImageFileError) -> LoadedImage {
        try read(bytes: bytes(path: path, limits: limits), name: path, limits: limits)
    }

    /// The bytes of the file or pipe at `path`; of what is no picture only the beginning, which says so.
    public static func bytes(path: String, limits: DecodeLimits = DecodeLimits()) throws(ImageFileError) -> [UInt8] {
        try FileBytes.read(path: path, limit: limits.maximumBytes, goesOn: beginsAsPicture)
    }

    /// Reads from an open file or pipe to its end; `name` is what errors call it ("standard input").
    public static func read(
        descriptor: Int32, name: String, limits: DecodeLimits = DecodeLimits()
    ) throws(ImageFileError) -> LoadedImage {
        let bytes = try FileBytes.read(
            descriptor: descriptor, name: name, limit: limits.maximumBytes, goesOn: beginsAsPicture)
        return try read(bytes: bytes, name: name, limits: limits)
    }

    /// Whether the first bytes of a file are those of a picture, of a format that is read or of another.
    public static func beginsAsPicture(_ bytes: [UInt8]) -> Bool {
        if case .notAnImage = ImageFormat.sniff(bytes) { false } else { true }
    }

    /// Reads a file that is in memory already; `name` is what errors call it.
    public static func read(
        bytes: [UInt8], name: String, limits: DecodeLimits = DecodeLimits()
    ) throws(ImageFileError) -> LoadedImage {
        switch ImageFormat.sniff(bytes) {
        case .readable(.png): return try readPNG(bytes, name: name, limits: limits)
        case .readable(.jpeg): return try readJPEG(bytes, name: name, limits: limits)
        case .readable(.webp):
            return try loaded(WebPCodec.decode(bytes, name: name, limits: limits), format: .webp, name: name)
        case .readable(.tiff):
            return try loaded(TIFFCodec.decode(bytes, name: name, limits: limits), format: .tiff, name: name)
        case .readable(let format):
            let decoded = try StillCodec.decode(bytes, format: format, name: name, limits: limits)
            return try loaded(decoded, format: format, name: name)
        case .unsupported(let format): throw .unsupportedFormat(file: name, format: format)
        case .notAnImage(let found): throw .notAnImage(file: name, found: found)
        }
    }

    private static func readPNG(
        _ bytes: [UInt8], name: String, limits: DecodeLimits
    ) throws(ImageFileError) -> LoadedImage {
        let parsed = try ImageFileError.ofMemory(file: name, size: nil) { () throws(OutOfMemory) in
            try PNGMetadata(parsing: bytes, limits: limits)
        }
        let (picture, facts, lacksEnd) = try PNGCodec.decode(
            bytes, name: name, pixelDataCount: parsed.pixelDataCount, limits: limits)
        let (colorSpace, colorNotes) = try colorSpace(of: parsed.metadata, picture, name: name, followsEXIF: false)
        return LoadedImage(
            picture: picture, format: .png, facts: facts, metadata: parsed.metadata,
            colorSpace: colorSpace, provenance: Provenance(parsed.metadata), jpegSource: nil,
            notes: (lacksEnd ? ["it is cut short behind its last pixels, which are all there"] : []) + parsed.notes
                + colorNotes, losses: parsed.losses, companions: parsed.companions,
            colorNotes: colorNotes
        ).withoutClaims().upright()
    }

    private static func readJPEG(
        _ bytes: [UInt8], name: String, limits: DecodeLimits
    ) throws(ImageFileError) -> LoadedImage {
        var parsed = JPEGMetadata(parsing: bytes, limits: limits)
        let decoded = try JPEGCodec.decode(
            bytes, name: name, inkProfile: parsed.metadata.iccProfile, limits: limits)
        if decoded.coding.color == .cmyk || decoded.coding.color == .ycck { parsed.metadata.iccProfile = nil }
        let (colorSpace, colorNotes) = try colorSpace(of: parsed.metadata, decoded.picture, name: name)
        // The tables of 12 bits are for samples sixteen times as large as those of any JPEG that is written here.
        let isDeep = decoded.picture.depth > 8
        if !isDeep { parsed.metadata.jpegCoding = decoded.coding }
        var image = LoadedImage(
            picture: decoded.picture, format: .jpeg, facts: decoded.facts,
            metadata: parsed.metadata.stating(colorSpace),
            colorSpace: colorSpace, provenance: Provenance(parsed.metadata), jpegSource: nil,
            notes: decoded.notes + parsed.notes + colorNotes, losses: parsed.losses, companions: parsed.companions,
            colorNotes: colorNotes
        ).upright()
        let canBeKept = !isDeep && !decoded.isDamaged && [.gray, .yCbCr, .rgb].contains(decoded.coding.color)
        if canBeKept { image.jpegSource = JPEGSource(bytes: bytes, orientation: image.facts.orientation) }
        return image
    }

    private static func loaded(
        _ decoded: DecodedFile, format: ImageFormat, name: String
    ) throws(ImageFileError) -> LoadedImage {
        let (colorSpace, colorNotes) = try colorSpace(of: decoded.metadata, decoded.picture, name: name)
        return LoadedImage(
            picture: decoded.picture, format: format, facts: decoded.facts,
            metadata: decoded.metadata.stating(colorSpace),
            colorSpace: colorSpace, provenance: Provenance(decoded.metadata), jpegSource: nil,
            notes: decoded.notes + colorNotes, losses: decoded.losses, companions: decoded.companions,
            colorNotes: colorNotes
        ).withoutClaims().upright()
    }

    /// The space of a picture, and what is to be said of it.
    private static func colorSpace(
        of metadata: ImageMetadata, _ picture: Picture, name: String, followsEXIF: Bool = true
    ) throws(ImageFileError) -> (space: ColorSpace, notes: [String]) {
        var notes: [String] = []
        let space = try ImageFileError.ofMemory(file: name, size: picture.size) { () throws(OutOfMemory) in
            try ColorSpace(metadata, layout: picture.layout, followsEXIF: followsEXIF, notes: &notes)
        }
        return (space, notes)
    }

    // MARK: Writing

    /// An encoded file and what to say about it.
    public struct Encoded: Sendable {
        public var bytes: [UInt8]
        /// Plain sentences: what the format could not hold.
        public var notes: [String]
        /// Of a JPEG that keeps what the edit did not touch of the JPEG it came from.
        public var blocks: JPEGSource.Blocks?
    }

    /// Encodes `picture` with what `metadata` carries and, where given, the provenance of the edit.
    ///
    /// A PNG and a TIFF hold every layout and depth exactly; a WebP, always written without loss, 8-bit RGB with or without
    /// alpha. A JPEG holds 8-bit grey or RGB: 16 bits are rounded and transparency is laid over white, each with a note. `quality` (1…100) overrides how the source JPEG was coded.
    ///
    /// With `jpegSource` a JPEG keeps the coefficients of every block in which no pixel differs from that file, and the
    /// orientation in which it is stored; pictures of another size or kind are encoded anew.
    public static func encode(
        _ picture: Picture, format: ImageFormat, metadata: ImageMetadata = ImageMetadata(),
        provenance: Provenance? = nil, quality: Int? = nil, jpegSource: JPEGSource? = nil, name: String = "the picture"
    ) throws(ImageFileError) -> Encoded {
        guard format.isWritten else {
            throw .cannotEncode(file: name, format: format, detail: "this build reads that format only")
        }
        var notes: [String] = []
        // A WebP is always RGB, and so must its profile be.
        let picture = format == .webp ? picture.flattenedForWebP(notes: &notes) : picture
        let metadata = try ImageFileError.ofMemory(file: name, size: picture.size) { () throws(OutOfMemory) in
            try metadata.prepared(for: picture, format: format, provenance: provenance, notes: &notes)
        }
        switch format {
        case .webp:
            return Encoded(bytes: try WebPCodec.encode(picture, metadata: metadata, name: name), notes: notes)
        case .tiff:
            let bytes = try TIFFCodec.encode(picture, metadata: metadata, name: name, notes: &notes)
            return Encoded(bytes: bytes, notes: notes)
        case .png:
            let chunks = try ImageFileError.ofMemory(file: name, size: picture.size) { () throws(OutOfMemory) in
                try PNGMetadata.chunks(metadata)
            }
            if let depth = metadata.grayDepth, let gray = IndexedPicture(picture, grayDepth: depth) {
                return Encoded(bytes: try PNGCodec.encode(gray, chunks: chunks, name: name), notes: notes)
            }
            if let palette = metadata.palette {
                if let indexed = IndexedPicture(picture, following: palette) {
                    return Encoded(bytes: try PNGCodec.encode(indexed, chunks: chunks, name: name), notes: notes)
                }
                notes.append(picture.noteWithoutPalette)
            }
            return Encoded(bytes: try PNGCodec.encode(picture, chunks: chunks, name: name), notes: notes)
        case .jpeg:
            let flat = picture.flattenedForJPEG(notes: &notes)
            if quality == nil, let source = jpegSource {
                let turned = source.turnedBack(metadata, stored: source.turnedBack(flat.size))
                let (segments, left) = JPEGMetadata.segments(turned)
                do throws(ImageFileError) {
                    let spliced = try JPEGCodec.splice(
                        flat, into: source, isProgressive: metadata.jpegCoding?.isProgressive == true,
                        density: turned.density, segments: segments, name: name)
                    return Encoded(bytes: spliced.bytes, notes: notes + left, blocks: spliced.blocks)
                } catch .cannotEncode {
                    // What cannot be spliced, such as a larger canvas, is encoded anew.
                }
            }
            let (segments, left) = JPEGMetadata.segments(metadata)
            let bytes = try JPEGCodec.encode(
                flat, coding: quality == nil ? metadata.jpegCoding : nil, quality: quality ?? defaultQuality,
                density: metadata.density, segments: segments, name: name)
            return Encoded(bytes: bytes, notes: notes + left)
        case .avif, .heic, .jxl: preconditionFailure("refused above")
        }
    }

    /// Encodes `picture` and writes it to `path`, whole or not at all: a temporary file beside it is renamed once it is
    /// on the disk, and removed on failure. Returns what to say aloud. With `replacing: false` an existing file stays
    /// and `.exists` is thrown.
    @discardableResult
    public static func write(
        _ picture: Picture, to path: String, format: ImageFormat, metadata: ImageMetadata = ImageMetadata(),
        provenance: Provenance? = nil, quality: Int? = nil, replacing: Bool = true
    ) throws(ImageFileError) -> [String] {
        let encoded = try encode(
            picture, format: format, metadata: metadata, provenance: provenance, quality: quality, name: path)
        try write(bytes: encoded.bytes, to: path, replacing: replacing)
        return encoded.notes
    }

    /// Writes bytes to `path` as `write(_:to:…)` does.
    ///
    /// - Parameter whenPlaced: called once the file has its name, in one step with that for a process that ends at once
    ///   (`CleanUp.whole`). It takes a moment only.
    public static func write(
        bytes: [UInt8], to path: String, replacing: Bool = true, whenPlaced: () -> Void = {}
    ) throws(ImageFileError) {
        try FileBytes.write(bytes, to: path, replacing: replacing, whenPlaced: whenPlaced)
    }

    /// Writes bytes to an open file or pipe; `name` is what errors call it ("standard output").
    public static func write(bytes: [UInt8], descriptor: Int32, name: String) throws(ImageFileError) {
        try FileBytes.write(bytes, descriptor: descriptor, name: name)
    }
}

extension ImageMetadata {
    /// With the profile of a space that only EXIF names: in a PNG EXIF would have no say.
    fileprivate func stating(_ colorSpace: ColorSpace) -> ImageMetadata {
        guard colorSpace.isStated, iccProfile == nil, colorChunks.isEmpty else { return self }
        var result = self
        result.iccProfile = colorSpace.profile
        return result
    }
}

extension Picture {
    /// Why an indexed source is followed by a PNG without a palette.
    fileprivate var noteWithoutPalette: String {
        let colors = layout.colorChannels == 1 ? "grey" : "RGB"
        let kind = layout.hasAlpha ? "\(colors) with alpha" : colors
        let reason =
            depth > 8
            ? "has \(depth) bits a sample and " : layout.colorChannels == 1 ? "" : "has more than 256 colours and "
        return "the source is indexed; the result \(reason)is written as \(kind)"
    }
}

extension LoadedImage {
    /// Takes out of the XMP packet what describes pictures and videos that a file of this format does not hold, or that
    /// are not read.
    fileprivate consuming func withoutClaims() -> LoadedImage {
        guard let bytes = metadata.xmp else { return self }
        var packet = XMPPacket(bytes)
        let claims = packet.removeCompanionClaims()
        metadata.xmp = packet.bytes
        if let note = claims.note {
            notes.append(note)
            losses.append(note)
        }
        return self
    }

    /// Turns the pixels as the EXIF orientation asks and says in the metadata that they are upright.
    fileprivate consuming func upright() -> LoadedImage {
        guard let bytes = metadata.exif else { return resettingXMP() }
        guard var exif = EXIFBlock(bytes) else {
            metadata.exif = nil
            let note = "its EXIF block cannot be read and was left out"
            notes.append(note)
            losses.append(note)
            return resettingXMP()
        }
        let orientation = exif.orientation
        exif.resetOrientation()
        metadata.exif = exif.bytes
        facts.orientation = orientation
        picture = picture.upright(from: orientation)
        // Assigned as a whole: what is assigned through an optional to its part is never freed (Swift 6.3, -O).
        if var source = metadata.associatedSource {
            source.picture = source.picture.upright(from: orientation)
            metadata.associatedSource = source
        }
        if orientation >= 5, let coding = metadata.jpegCoding { metadata.jpegCoding = coding.transposed }
        if orientation >= 5, let density = metadata.density {
            metadata.density = PixelDensity(x: density.y, y: density.x, unit: density.unit)
        }
        return resettingXMP()
    }

    private consuming func resettingXMP() -> LoadedImage {
        if var packet = metadata.xmp.map({ XMPPacket($0) }) {
            packet.resetOrientation()
            metadata.xmp = packet.bytes
        }
        return self
    }
}
