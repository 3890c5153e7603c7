import Raster
import Testing

@testable import ImageFiles

@Suite struct JPEGTests {
    /// Two decoders may round the inverse DCT and the colour conversion differently by one each.
    private let rounding = 2
    /// One more where the reference interpolates chroma, or multiplies inks, at another precision.
    private let otherArithmetic = 3

    @Test(arguments: [Picture.Layout.gray, .rgb])
    func qualityAndSamplingAreKept(layout: Picture.Layout) throws {
        let picture = gradient(PixelSize(width: 61, height: 35), layout)
        for quality in [1, 30, 50, 75, 87, 95, 100] {
            let first = try ImageFile.encode(picture, format: .jpeg, quality: quality)
            let loaded = try ImageFile.read(bytes: first.bytes, name: "a.jpg")
            let coding = try #require(loaded.metadata.jpegCoding)
            #expect(coding.estimatedQuality == quality)
            #expect(coding.subsampling == (layout == .rgb ? "4:4:4" : nil))
            #expect(loaded.picture.layout == layout)
            let second = try ImageFile.encode(loaded.picture, format: .jpeg, metadata: loaded.metadata)
            let again = try ImageFile.read(bytes: second.bytes, name: "b.jpg")
            #expect(again.metadata.jpegCoding == coding)
        }
        let standard = try ImageFile.read(bytes: ImageFile.encode(picture, format: .jpeg).bytes, name: "c.jpg")
        #expect(standard.metadata.jpegCoding?.estimatedQuality == 95)
        #expect(standard.picture.maximumDifference(picture) <= 6)
    }

    @Test(arguments: [(1, 1), (1, 40), (40, 1), (17, 3), (16, 16)])
    func oddSizes(width: Int, height: Int) throws {
        for layout in [Picture.Layout.gray, .rgb] {
            let picture = gradient(PixelSize(width: width, height: height), layout)
            let loaded = try ImageFile.read(bytes: ImageFile.encode(picture, format: .jpeg).bytes, name: "a.jpg")
            #expect(loaded.picture.size == picture.size)
            #expect(loaded.picture.maximumDifference(picture) <= 12)
        }
    }

    @Test func whatAJPEGCannotHoldIsSaid() throws {
        let size = PixelSize(width: 8, height: 8)
        let deep = try ImageFile.encode(noise(size, .rgba, depth: 16), format: .jpeg)
        #expect(deep.notes.count == 2)
        var clear = Picture(size: size, layout: .rgba, samples: .eight([UInt8](repeating: 0, count: 256)))
        let white = try ImageFile.read(bytes: ImageFile.encode(clear, format: .jpeg).bytes, name: "w.jpg")
        #expect(white.picture.bytes.allSatisfy { $0 == 255 })
        clear.samples = .eight([UInt8](repeating: 255, count: 256))
        #expect(try ImageFile.encode(clear, format: .jpeg).notes.isEmpty)
    }

    @Test func metadataComesBack() throws {
        var metadata = ImageMetadata()
        metadata.iccProfile = (0 ..< 150_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        metadata.iccProfile?.replaceSubrange(16 ..< 20, with: Array("RGB ".utf8))
        metadata.density = PixelDensity(x: 300, y: 299, unit: .perInch)
        metadata.text = [TextEntry(keyword: "Comment", text: "Grüße 🎨")]
        metadata.photoshopResources = (0 ..< 70_000).map { UInt8(truncatingIfNeeded: $0) }
        metadata.xmp = Array("<x:xmpmeta/>".utf8)
        let encoded = try ImageFile.encode(gradient(PixelSize(width: 8, height: 8)), format: .jpeg, metadata: metadata)
        var loaded = try ImageFile.read(bytes: encoded.bytes, name: "a.jpg").metadata
        loaded.jpegCoding = nil
        #expect(loaded == metadata)
    }

    @Test func cutFilesThrow() throws {
        let picture = gradient(PixelSize(width: 120, height: 90))
        var progressive = try ImageFile.read(bytes: ImageFile.encode(picture, format: .jpeg).bytes, name: "a").metadata
        progressive.jpegCoding?.isProgressive = true
        for metadata in [ImageMetadata(), progressive] {
            let bytes = try ImageFile.encode(picture, format: .jpeg, metadata: metadata).bytes
            for count in Array(stride(from: 3, to: bytes.count - 8, by: 31)) + [bytes.count - 8] {
                let error = #expect(throws: ImageFileError.self, "cut at \(count) of \(bytes.count)") {
                    try ImageFile.read(bytes: Array(bytes[..<count]), name: "cut.jpg")
                }
                guard case .truncated? = error else {
                    Issue.record("cut at \(count): \(String(describing: error))")
                    continue
                }
                // Nor does an end marker after the cut make it whole. (Between two progressive scans it does, by the
                // letter of the standard; then a note says what is missing.)
                let ended = Result {
                    try ImageFile.read(bytes: Array(bytes[..<count]) + [0xFF, 0xD9], name: "cut.jpg")
                }
                guard case .success(let loaded) = ended else { continue }
                #expect(metadata.jpegCoding != nil && !loaded.notes.isEmpty, "cut at \(count) of \(bytes.count), ended")
            }
        }
    }

    @Test func hostileSizesAreRefused() throws {
        let picture = gradient(PixelSize(width: 16, height: 16))
        var bytes = try ImageFile.encode(picture, format: .jpeg).bytes
        let frame = try #require((0 ..< bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange(frame + 5 ..< frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let size = PixelSize(width: 65500, height: 65500)
        #expect(throws: ImageFileError.tooManyPixels(file: "b", size: size, limit: 1 << 28)) {
            try ImageFile.read(bytes: bytes, name: "b")
        }
        bytes.replaceSubrange(frame + 5 ..< frame + 9, with: [0x20, 0, 0x20, 0])
        #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: bytes, name: "b") }
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func decodesAsTheReferences() throws {
        var pairs = 0
        for folder in ["", "/mozilla"] {
            for path in try Corpora.files("jpeg/jpeg-decoder/tests/reftest/images" + folder, suffix: ".jpg") {
                let reference = path.dropLast(4) + ".png"
                guard let expected = try? ImageFile.read(path: String(reference)).picture.plainRGB,
                    ImageFormat.sniff(try contents(path)) == .readable(.jpeg)
                else { continue }
                let loaded = try ImageFile.read(path: path)
                // The references multiply inks whatever the file's profile says; ColorTests look at profiles.
                let isInk = [.cmyk, .ycck].contains(loaded.facts.colorType)
                let picture =
                    isInk
                    ? try JPEGCodec.decode(contents(path), name: path, inkProfile: nil, limits: DecodeLimits()).picture
                    : loaded.picture.plainRGB
                let differs = ["mjpeg.jpg", "ycck.jpg"].contains(name(path))
                let difference = picture.maximumDifference(expected)
                #expect(difference <= (differs ? otherArithmetic : rounding), "\(name(path)): \(difference)")
                #expect(picture.meanDifference(expected) < 0.35, "\(name(path))")
                if isInk {
                    #expect(loaded.notes.contains { $0.contains("CMYK") })
                }
                pairs += 1
            }
        }
        #expect(pairs == 36)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func libjpegOwnFiles() throws {
        let root = try #require(Corpora.root) + "/jpeg/libjpeg-turbo"
        let original = try ImageFile.read(path: root + "/testorig.jpg")
        #expect(original.metadata.jpegCoding?.subsampling != nil)
        // Arithmetic coding and interlaced scans of the same samples.
        let arithmetic = try ImageFile.read(path: root + "/testimgari.jpg")
        let plain = try ImageFile.read(path: root + "/testimgint.jpg")
        #expect(arithmetic.metadata.jpegCoding?.isArithmetic == true)
        #expect(arithmetic.picture.maximumDifference(plain.picture) <= rounding)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func hostileFilesNeverCrash() throws {
        var (read, refused) = (0, 0)
        func attempt(_ paths: [String], every step: Int) {
            for index in stride(from: 0, to: paths.count, by: step) {
                do {
                    _ = try ImageFile.read(path: paths[index], limits: DecodeLimits(maximumPixels: 1 << 22))
                    read += 1
                } catch { refused += 1 }
            }
        }
        try attempt(Corpora.files("fuzz/png/corpus", suffix: ""), every: 1)
        try attempt(Corpora.files("fuzz/jpeg/corpus", suffix: ""), every: 1)
        try attempt(Corpora.files("jpeg/jpeg-decoder/tests/crashtest/images", suffix: ".jpg"), every: 1)
        try attempt(Corpora.files("jpeg/jpeg-decoder/tests/crashtest/images/imagetestsuite", suffix: ".jpg"), every: 1)
        try attempt(Corpora.files("jpeg/jpeg-decoder/fuzz-afl/in", suffix: ""), every: 1)
        #expect(read > 100 && refused > 100)
        #expect(read + refused == 780)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func brokenProfilesAreLeftOut() throws {
        let root = try #require(Corpora.root) + "/jpeg/jpeg-decoder/tests/icc/"
        for file in ["icc_missing_chunk", "icc_chunk_count_mismatch", "icc_chunk_double_seq_no", "icc_chunk_seq_no_0"] {
            guard let loaded = try? ImageFile.read(path: root + file + ".jpeg") else { continue }
            #expect(loaded.metadata.iccProfile == nil, "\(file)")
            #expect(loaded.notes.contains { $0.contains("profile") }, "\(file)")
        }
        #expect(try ImageFile.read(path: root + "icc_chunk_order.jpeg").metadata.iccProfile != nil)
    }
}
