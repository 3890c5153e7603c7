import Foundation
import Raster
import Testing

@testable import ImageFiles

/// WebP and TIFF: every kind of file shows what Pillow and tifffile put into it (`fixtures/make_formats.py`).
@Suite struct FormatTests {
    /// A lossy WebP's chroma is enlarged by the decoder as it likes; two builds of libwebp agree to this.
    private let lossyRounding = 2

    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/formats").path()

    private func load(_ file: String) throws -> LoadedImage {
        try ImageFile.read(path: Self.folder + "/" + file)
    }

    @Test(arguments: [
        "plain", "bigendian", "bigtiff", "planar", "tiled", "strips", "orientation6", "lzw", "adobe_deflate",
        "packbits", "zstd", "lzma",
    ])
    func rgbIsRGBHoweverItIsStored(kind: String) throws {
        let loaded = try load("rgb-\(kind).tif")
        #expect(loaded.picture == (try load(kind == "orientation6" ? "rgb-orientation6.png" : "rgb.png").picture))
        #expect(loaded.format == .tiff)
        #expect(loaded.notes.isEmpty, "\(loaded.notes)")
        #expect(loaded.facts.orientation == (kind == "orientation6" ? 6 : 1))
    }

    @Test func otherKindsOfTIFF() throws {
        #expect(try load("gray-plain.tif").picture == load("gray.png").picture)
        #expect(try load("gray-white0.tif").picture == load("gray.png").picture)
        #expect(try load("gray16-plain.tif").picture == load("gray16.png").picture)
        #expect(try load("rgba-plain.tif").picture == load("rgba.png").picture)
        #expect(try load("palette.tif").picture == load("palette.png").picture)
        #expect(try load("palette.tif").facts.colorType == .palette)
        for kind in ["group3", "group4"] {
            #expect(try load("bits-\(kind).tif").picture == load("bits.png").picture, "\(kind)")
        }
        // The high bytes of all rows, then the low ones.
        let planes = try load("rgb16-planes.png").picture.bytes
        let half = planes.count / 2
        let expected = (0 ..< half).map { UInt16(planes[$0]) << 8 | UInt16(planes[half + $0]) }
        for kind in ["plain", "bigendian"] {
            #expect(try load("rgb16-\(kind).tif").picture.samples == .sixteen(expected))
        }
        let pages = try load("pages.tif")
        #expect(try pages.picture == load("rgb.png").picture)
        #expect(pages.notes.contains { $0.contains("several pages") })
        // Without black the product of inks is their complement.
        let inks = try load("cmyk.tif")
        #expect(try inks.picture == load("rgb.png").picture)
        #expect(inks.notes.contains { $0.contains("CMYK") })
        let float = #expect(throws: ImageFileError.self) { try load("float.tif") }
        guard case .unsupportedFeature(_, .tiff, let feature)? = float else {
            Issue.record("\(String(describing: float))")
            return
        }
        #expect(feature.contains("32-bit"))
    }

    /// Multiplied colours become straight and, in a TIFF, what they were.
    @Test func associatedAlphaComesBackByteForByte() throws {
        let loaded = try load("associated.tif")
        #expect(loaded.metadata.hasAssociatedAlpha)
        let straight = try load("rgba.png").picture
        #expect(loaded.picture.layout == .rgba)
        let opaque = (0 ..< straight.size.area).filter { straight.bytes[$0 * 4 + 3] > 200 }
        for pixel in opaque {
            for channel in 0 ..< 4 {
                let difference =
                    Int(loaded.picture.bytes[pixel * 4 + channel]) - Int(straight.bytes[pixel * 4 + channel])
                #expect(abs(difference) <= 1)
            }
        }
        let again = try ImageFile.encode(loaded.picture, format: .tiff, metadata: loaded.metadata)
        // As stored: without the tag that says so, the samples are those of the file.
        func stored(_ bytes: [UInt8]) throws -> [UInt8] {
            var file = bytes
            let tag = try #require(
                (0 ..< file.count - 12).last { file[$0 ..< $0 + 8].elementsEqual([0x52, 1, 3, 0, 1, 0, 0, 0]) })
            #expect(file[tag + 8] == 1)
            file[tag + 8] = 2
            return try ImageFile.read(bytes: file, name: "s.tif").picture.bytes
        }
        #expect(try stored(again.bytes) == stored(contents(Self.folder + "/associated.tif")))
    }

    @Test func webP() throws {
        #expect(try load("rgb-lossless.webp").picture == load("rgb.png").picture)
        #expect(try load("rgb-lossless.webp").notes.isEmpty)
        #expect(try load("rgba-lossless.webp").picture == load("rgba.png").picture)
        let lossy = try load("lossy.webp")
        #expect(try lossy.picture.maximumDifference(load("lossy.png").picture) <= lossyRounding)
        #expect(lossy.notes.contains { $0.contains("with loss") })
        let animated = try load("animated.webp")
        #expect(try animated.picture.plainRGB == load("rgb.png").picture)
        #expect(animated.notes.contains { $0.contains("animated") })
    }

    @Test(arguments: [ImageFormat.webp, .tiff], Picture.Layout.allCases)
    func roundTripIsExactWhereTheFormatHoldsIt(format: ImageFormat, layout: Picture.Layout) throws {
        let sizes = [(1, 1), (1, 40), (40, 1), (64, 33), (300, 200)].map { PixelSize(width: $0.0, height: $0.1) }
        for (size, depth) in sizes.flatMap({ size in [8, 16].map { (size, $0) } }) {
            let picture = noise(size, layout, depth: depth)
            let encoded = try ImageFile.encode(picture, format: format)
            let loaded = try ImageFile.read(bytes: encoded.bytes, name: "a")
            #expect(loaded.format == format)
            if format == .tiff {
                #expect(loaded.picture == picture)
                #expect(encoded.notes.isEmpty && loaded.notes.isEmpty)
            } else {
                #expect(encoded.notes.isEmpty == (depth == 8))
                // 1 × 1 noise may be opaque by chance; alpha is then not stored.
                if depth == 8, layout == .rgb || layout == .rgba, size.area > 1 { #expect(loaded.picture == picture) }
                if depth == 8, layout == .gray { #expect(loaded.picture == picture.plainRGB) }
            }
        }
    }

    /// Profile, EXIF (the parts that TIFF keeps in directories of their own), XMP, density and orientation.
    @Test(arguments: [ImageFormat.webp, .tiff], ["metadata.tif", "metadata.webp"])
    func metadataComesBack(format: ImageFormat, file: String) throws {
        let loaded = try load(file)
        #expect(loaded.facts.orientation == 6)
        #expect(try loaded.picture == load("rgb-orientation6.png").picture)
        var metadata = loaded.metadata
        metadata.iccProfile = (0 ..< 3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        metadata.iccProfile?.replaceSubrange(16 ..< 20, with: Array("RGB ".utf8))
        if format == .tiff {
            metadata.density = PixelDensity(x: 300, y: 150, unit: .perInch)
            metadata.photoshopResources = Array("8BIM".utf8) + (0 ..< 200).map { UInt8($0) }
        }
        var infotext = Infotext(prompt: "a door")
        for (key, value) in [("Steps", "20"), ("Seed", "1"), ("Size", "17x23")] { infotext[key] = value }
        let encoded = try ImageFile.encode(
            loaded.picture, format: format, metadata: metadata, provenance: .edited(infotext))
        let again = try ImageFile.read(bytes: encoded.bytes, name: "b")
        #expect(again.picture == loaded.picture)
        #expect(again.facts.orientation == 1)
        #expect(again.metadata.iccProfile == metadata.iccProfile)
        #expect(again.metadata.density == metadata.density)
        #expect(again.metadata.photoshopResources == metadata.photoshopResources)
        #expect(again.provenance?.infotext?.prompt == "a door")
        #expect(again.provenance?.digitalSourceType == .compositeWithTrainedAlgorithmicMedia)
        #expect(loaded.metadata.xmp != nil && again.metadata.xmp != nil)

        let block = try #require(again.metadata.exif)
        let first = try #require(TIFFDirectory(first: block))
        func text(_ tag: Int) -> String? {
            first.entries.first { $0.tag == tag }.map { String(decoding: $0.data.prefix { $0 != 0 }, as: UTF8.self) }
        }
        #expect(text(0x010F) == "Maker" && text(0x0110) == "Model")
        let exif = try #require(first.directory(TIFFDirectory.Tag.exif, in: block))
        #expect(exif.entries.first { $0.tag == 0x829A }?.data == [1, 0, 0, 0, 100, 0, 0, 0])
        #expect(exif.entries.first { $0.tag == 0x9003 }?.data.starts(with: Array("2026:01:02".utf8)) == true)
        #expect(first.directory(TIFFDirectory.Tag.gps, in: block)?.entries.count == 1)
    }

    /// An IPTC record in a tag of its own goes where every format has a place for it.
    @Test(arguments: [ImageFormat.png, .jpeg, .tiff])
    func captionsComeBack(format: ImageFormat) throws {
        let loaded = try load("iptc.tif")
        let bytes = try ImageFile.encode(loaded.picture, format: format, metadata: loaded.metadata).bytes
        let resources = try #require(try ImageFile.read(bytes: bytes, name: "a").metadata.photoshopResources)
        #expect(resources == Array("8BIM".utf8) + [4, 4, 0, 0, 0, 0, 0, 10, 0x1C, 2, 0x78, 0, 5] + Array("Hills".utf8))
    }

    @Test func cutFilesThrow() throws {
        for file in [
            "rgb-strips.tif", "rgb16-bigendian.tif", "rgb-lzw.tif", "rgb-tiled.tif", "rgb-lossless.webp", "lossy.webp",
        ] {
            let bytes = try contents(Self.folder + "/" + file)
            for count in 8 ..< bytes.count - 40 {
                guard let cut = try? ImageFile.read(bytes: Array(bytes[..<count]), name: "cut") else { continue }
                // A TIFF's directory may come first and values after the pixels: then the pixels must be whole.
                #expect(try cut.picture == load(file).picture, "\(file) cut at \(count)")
            }
        }
    }

    @Test func hostileSizesAreRefused() throws {
        var limits = DecodeLimits()
        limits.maximumPixels = 390
        for file in ["rgb-plain.tif", "rgb-lossless.webp"] {
            #expect(
                throws: ImageFileError.tooManyPixels(
                    file: Self.folder + "/" + file, size: PixelSize(width: 23, height: 17), limit: 390)
            ) {
                try ImageFile.read(path: Self.folder + "/" + file, limits: limits)
            }
        }
        // A plain TIFF whose height says 16384 times more.
        var bytes = try contents(Self.folder + "/rgb-plain.tif")
        let found = (0 ..< bytes.count - 12).first { start -> Bool in
            bytes[start] == 1 && bytes[start + 1] == 1 && bytes[start + 8] == 17
        }
        let tag = try #require(found)
        bytes[tag + 9] = 64
        let hollow = #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: bytes, name: "h") }
        guard case .truncated? = hollow else {
            Issue.record("\(String(describing: hollow))")
            return
        }
    }

    @Test func eachByteMayBeWrong() throws {
        // No crash, and nothing larger than the limit; what is read need not be right.
        let limits = DecodeLimits(maximumPixels: 1 << 16)
        for file in [
            "rgb-strips.tif", "associated.tif", "palette.tif", "metadata.tif", "metadata.webp", "animated.webp",
        ] {
            let bytes = try contents(Self.folder + "/" + file)
            for index in bytes.indices {
                for value in [0, 0x7F, 0xFF] as [UInt8] {
                    var wrong = bytes
                    wrong[index] = value
                    if let loaded = try? ImageFile.read(bytes: wrong, name: "w", limits: limits) {
                        #expect(loaded.picture.size.area <= 1 << 16)
                    }
                }
            }
        }
    }
}
