import ImageFiles
import Raster
import Testing

@Suite struct MetadataTests {
    private let settings = Infotext(
        prompt: "a lake, at dawn 🏞️", negativePrompt: "blurry",
        parameters: [
            .init(key: "Steps", value: "20"), .init(key: "Sampler", value: "Euler a"), .init(key: "Seed", value: "7"),
            .init(key: "Model", value: "x, y"), .init(key: "Version", value: "editor 0.1.0"),
        ])
    private let picture = gradient(PixelSize(width: 24, height: 16))

    // MARK: Orientation

    /// A little-endian EXIF block: orientation, an Exif directory with the pixel size, and a thumbnail.
    private func exif(orientation: UInt8) -> [UInt8] {
        func entry(_ tag: Int, _ type: UInt8, _ value: Int) -> [UInt8] {
            [UInt8(tag & 255), UInt8(tag >> 8), type, 0, 1, 0, 0, 0, UInt8(value & 255), UInt8(value >> 8), 0, 0]
        }
        let head: [UInt8] = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]
        let first = [2, 0] + entry(0x0112, 3, Int(orientation)) + entry(0x8769, 4, 38) + [68, 0, 0, 0]
        let second = [2, 0] + entry(0xA002, 4, 999) + entry(0xA003, 3, 888) + [0, 0, 0, 0]
        let third = [2, 0] + entry(0x0201, 4, 98) + entry(0x0202, 4, 6) + [0, 0, 0, 0]
        return head + first + second + third + [0xFF, 0xD8, 1, 2, 0xFF, 0xD9]
    }

    /// Encodes with the block put in as it is: as a PNG chunk it would be reset on writing.
    private func stored(
        _ picture: Picture, orientation: UInt8, metadata: ImageMetadata = ImageMetadata()
    ) throws -> [UInt8] {
        var bytes = try ImageFile.encode(picture, format: .jpeg, metadata: metadata).bytes
        let payload = Array("Exif\0\0".utf8) + exif(orientation: orientation)
        bytes.insert(contentsOf: [0xFF, 0xE1, 0, UInt8(payload.count + 2)] + payload, at: 2)
        return bytes
    }

    @Test(arguments: 1 ... 8)
    func orientationIsAppliedAndReset(orientation: Int) throws {
        let plain = try ImageFile.read(bytes: stored(picture, orientation: 1), name: "1.jpg").picture
        let loaded = try ImageFile.read(bytes: stored(picture, orientation: UInt8(orientation)), name: "o.jpg")
        #expect(loaded.facts.orientation == orientation)
        #expect(loaded.facts.storedSize == picture.size)
        let (w, h) = (picture.width, picture.height)
        #expect(loaded.picture.size == (orientation < 5 ? picture.size : PixelSize(width: h, height: w)))
        // EXIF 2.32, table of tag 0x0112: which stored pixel shows at upright (x, y).
        func storedPixel(_ x: Int, _ y: Int) -> (Int, Int) {
            switch orientation {
            case 2: (w - 1 - x, y)
            case 3: (w - 1 - x, h - 1 - y)
            case 4: (x, h - 1 - y)
            case 5: (y, x)
            case 6: (y, h - 1 - x)
            case 7: (w - 1 - y, h - 1 - x)
            case 8: (w - 1 - y, x)
            default: (x, y)
            }
        }
        for y in 0 ..< loaded.picture.height {
            for x in 0 ..< loaded.picture.width {
                let (sx, sy) = storedPixel(x, y)
                let mine = (y * loaded.picture.width + x) * 3
                let theirs = (sy * w + sx) * 3
                #expect(loaded.picture.bytes[mine ..< mine + 3] == plain.bytes[theirs ..< theirs + 3])
            }
        }
        // Written again: upright, the size corrected, the thumbnail gone.
        let again = try ImageFile.encode(loaded.picture, format: .png, metadata: loaded.metadata)
        let reloaded = try ImageFile.read(bytes: again.bytes, name: "again.png")
        #expect(reloaded.facts.orientation == 1)
        #expect(reloaded.picture == loaded.picture)
        let block = try #require(reloaded.metadata.exif)
        #expect(block.count == exif(orientation: 1).count - 6)
        #expect(block[48] == UInt8(loaded.picture.width) && block[60] == UInt8(loaded.picture.height))
        #expect(block[34 ..< 38].allSatisfy { $0 == 0 })
    }

    /// A picture stored on its side keeps its tables and its halved chroma along the direction in which they were.
    @Test func codingTurnsWithThePicture() throws {
        let picture = gradient(PixelSize(width: 64, height: 48))
        var metadata = try ImageFile.read(
            bytes: ImageFile.encode(picture, format: .jpeg, quality: 80).bytes, name: "a"
        ).metadata
        metadata.jpegCoding?.components[0].horizontal = 2
        let source = try stored(picture, orientation: 6, metadata: metadata)
        let loaded = try ImageFile.read(bytes: source, name: "b")
        #expect(loaded.metadata.jpegCoding?.subsampling == "4:4:0")
        let again = try ImageFile.read(
            bytes: ImageFile.encode(loaded.picture, format: .jpeg, metadata: loaded.metadata).bytes, name: "c")
        #expect(again.metadata.jpegCoding?.tables == loaded.metadata.jpegCoding?.tables)
        #expect(again.picture.meanDifference(loaded.picture) < 0.25)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func photosInEveryOrientationComeOutUpright() throws {
        let root = try #require(Corpora.root) + "/exif/orientation/"
        for kind in ["Landscape", "Portrait"] {
            let upright = try ImageFile.read(path: root + "\(kind)_1.jpg").picture
            for orientation in 2 ... 8 {
                let loaded = try ImageFile.read(path: root + "\(kind)_\(orientation).jpg")
                #expect(loaded.facts.orientation == orientation)
                #expect(loaded.picture.size == upright.size)
                // Each was compressed by itself, and each shows its own number: most pixels are alike, not all.
                let difference = loaded.picture.meanDifference(upright, step: 97)
                #expect(difference < 6, "\(kind)_\(orientation): \(difference)")
            }
        }
    }

    // MARK: Print density

    /// What EXIF alone says of the size in print, as in a WebP, stands in a TIFF's own fields.
    @Test(arguments: [ImageFormat.webp, .png, .jpeg], [1, 2, 3])
    func densityOfEXIFStaysInATIFF(format: ImageFormat, unit: Int) throws {
        typealias T = HandmadeTIFF
        let entries: [[UInt8]] = [
            T.little(0x011A, 2) + T.little(5, 2) + T.little(1, 4) + T.little(50, 4),
            T.little(0x011B, 2) + T.little(5, 2) + T.little(1, 4) + T.little(58, 4),
            T.little(0x0128, 2) + T.little(3, 2) + T.little(1, 4) + T.little(unit, 4),
        ]
        let values = [1200, 4, 1501, 10].flatMap { T.little($0, 4) }
        var metadata = ImageMetadata()
        metadata.exif =
            Array("II*\0".utf8) + T.little(8, 4) + T.little(3, 2) + entries.flatMap { $0 } + T.little(0, 4) + values
        let source = try ImageFile.encode(gradient(PixelSize(width: 8, height: 6)), format: format, metadata: metadata)
        let loaded = try ImageFile.read(bytes: source.bytes, name: "a")
        let made = try ImageFile.encode(loaded.picture, format: .tiff, metadata: loaded.metadata)
        let units: [PixelDensity.Unit] = [.aspect, .perInch, .perCentimetre]
        // A JPEG states a ratio of its own in JFIF.
        if format == .jpeg, unit == 1 { return #expect(made.notes.isEmpty) }
        #expect(
            try ImageFile.read(bytes: made.bytes, name: "b").metadata.density
                == PixelDensity(x: 300, y: 150, unit: units[unit - 1]))
    }

    // MARK: Provenance

    @Test(arguments: ImageFormat.written)
    func provenanceIsWrittenAndRead(format: ImageFormat) throws {
        let provenance = Provenance.edited(settings)
        var file = try ImageFile.encode(picture, format: format, provenance: provenance)
        #expect(file.notes.isEmpty)
        var loaded = try ImageFile.read(bytes: file.bytes, name: "a")
        #expect(loaded.provenance == provenance)
        // Editing again and again replaces it and does not grow the file.
        var next = settings
        next["Seed"] = "8"
        let size = file.bytes.count
        for _ in 0 ..< 3 {
            file = try ImageFile.encode(
                picture, format: format, metadata: loaded.metadata, provenance: .edited(next))
            loaded = try ImageFile.read(bytes: file.bytes, name: "b")
        }
        #expect(loaded.provenance == .edited(next))
        #expect(abs(file.bytes.count - size) < 16)
        // Left out when it is to be: what the source said of its own settings does not stick to the new picture.
        if format == .png {
            let bare = try ImageFile.encode(picture, format: format, metadata: ImageMetadata(), provenance: nil)
            #expect(try ImageFile.read(bytes: bare.bytes, name: "c").provenance == nil)
        }
    }

    @Test func latinTextIsTEXtAndOtherIsITXt() throws {
        func chunkTypes(_ text: String) throws -> [String] {
            let bytes = try ImageFile.encode(
                picture, format: .png,
                provenance: Provenance(infotext: Infotext(prompt: text), digitalSourceType: nil)
            ).bytes
            return ["tEXtparameters", "iTXtparameters"].filter { needle in
                let pattern = Array(needle.utf8)
                return (0 ..< bytes.count - pattern.count).contains {
                    bytes[$0 ..< $0 + pattern.count].elementsEqual(pattern)
                }
            }
        }
        #expect(try chunkTypes("café") == ["tEXtparameters"])
        #expect(try chunkTypes("猫") == ["iTXtparameters"])
    }

    @Test func provenanceJoinsWhatIsThere() throws {
        let xmp = """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
            <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1"
            xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6">
            <dc:creator>Zoë</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>
            """ + String(repeating: " ", count: 2000) + "<?xpacket end=\"w\"?>"
        for format in ImageFormat.written {
            // The maker's EXIF block stays, its comment comes beside it.
            var loaded = try ImageFile.read(bytes: stored(picture, orientation: 6), name: "a.jpg")
            loaded.metadata.xmp = Array(xmp.utf8)
            let file = try ImageFile.encode(
                loaded.picture, format: format, metadata: loaded.metadata, provenance: .edited(settings))
            let again = try ImageFile.read(bytes: file.bytes, name: "b")
            #expect(again.provenance == .edited(settings))
            let text = String(decoding: try #require(again.metadata.xmp), as: UTF8.self)
            #expect(text.contains("<dc:creator>Zoë</dc:creator>"))
            #expect(text.contains("tiff:Orientation=\"1\""))
            #expect(text.components(of: "rdf:about=\"uuid:1\"") == 2)
            #expect(text.components(of: "<Iptc4xmpExt:DigitalSourceType>") == 1)
            #expect(again.facts.orientation == 1)
            #expect(again.picture.size == loaded.picture.size)
            let twice = try ImageFile.encode(
                again.picture, format: format, metadata: again.metadata, provenance: .generated(settings))
            let third = try ImageFile.read(bytes: twice.bytes, name: "c")
            #expect(third.provenance == .generated(settings))
            #expect(third.metadata.xmp?.count == again.metadata.xmp.map { $0.count - "compositeWith".utf8.count })
        }
    }

    @Test func settingsTooLongForAJPEGAreSaid() throws {
        let long = Infotext(prompt: String(repeating: "🎨", count: 25_000), parameters: settings.parameters)
        let jpeg = try ImageFile.encode(picture, format: .jpeg, provenance: .edited(long))
        #expect(jpeg.notes.count == 1)
        #expect(try ImageFile.read(bytes: jpeg.bytes, name: "a").provenance?.digitalSourceType != nil)
        let png = try ImageFile.encode(picture, format: .png, provenance: .edited(long))
        #expect(try ImageFile.read(bytes: png.bytes, name: "a").provenance == .edited(long))
    }

    @Test func brokenBlocksNeverCrash() throws {
        // Every byte of a small block set to each of a few values, then cut at every length.
        let block = exif(orientation: 6)
        func attempt(_ block: [UInt8]) throws {
            var metadata = ImageMetadata()
            metadata.exif = block
            metadata.xmp = block
            let tiny = noise(PixelSize(width: 1, height: 1), .gray, depth: 8)
            let file = try ImageFile.encode(tiny, format: .jpeg, metadata: metadata, provenance: .edited(settings))
            _ = try ImageFile.read(bytes: file.bytes, name: "a")
        }
        for index in block.indices {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var changed = block
                changed[index] = value
                try attempt(changed)
            }
            try attempt(Array(block[..<index]))
        }
    }
}

extension String {
    /// How often `part` stands in the text.
    fileprivate func components(of part: String) -> Int {
        let (whole, pattern) = (Array(utf8), Array(part.utf8))
        guard whole.count >= pattern.count else { return 0 }
        return (0 ... whole.count - pattern.count).count { whole[$0 ..< $0 + pattern.count].elementsEqual(pattern) }
    }
}
