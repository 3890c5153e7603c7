import Foundation
import PlainText
import Raster
import Testing

@testable import ImageFiles

/// JPEGs of 12 bits a sample (`fixtures/make_deep_jpegs.py`).
@Suite struct DeepJPEGTests {
    private static let absence: Comment = "skipped: no libjpeg-turbo 3 (scripts/setup gets it; not under a sanitizer)"
    /// A twelfth bit in 16.
    private static let step = 16
    /// At quality 100 every coefficient is rounded to a whole: some steps of 12 bits in a sample of noise.
    private let codingLoss = 6 * step

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/formats").path()
    private static let kinds = [
        "rgb-12bit", "rgb-12bit-420-progressive", "gray-12bit", "gray-12bit-arithmetic", "cmyk-12bit",
        "ycck-12bit-progressive",
    ]

    private func load(_ file: String) throws -> LoadedImage {
        try ImageFile.read(path: Self.folder + "/" + file)
    }

    private func samples(_ picture: Picture) throws -> [UInt16] {
        guard case .sixteen(let values) = picture.samples else {
            Issue.record("12 bits became 8")
            return []
        }
        return values
    }

    /// To the last bit what imagecodecs reads, 12 bits spread over 16.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG, absence), arguments: kinds) func equalsAnotherDecoder(
        kind: String
    ) throws {
        let loaded = try load(kind + ".jpg")
        #expect(loaded.format == .jpeg && loaded.facts.bitDepth == 12 && loaded.picture.depth == 16)
        #expect(loaded.picture == (try load(kind + ".png").picture))
        #expect(loaded.notes.contains { $0.contains("CMYK") } == (kind.hasPrefix("cmyk") || kind.hasPrefix("ycck")))
        // What is made of it is a PNG; a JPEG of 8 bits is rounded aloud.
        #expect(loaded.formatOfResults == .png && loaded.jpegSource == nil && loaded.metadata.jpegCoding == nil)
        let rounded = try ImageFile.encode(
            loaded.picture, format: .jpeg, metadata: loaded.metadata, jpegSource: loaded.jpegSource)
        #expect(rounded.notes.contains { $0.contains("16 were rounded") })
    }

    /// And what the encoder was given, but for what quality 100 loses.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG, absence)) func isWhatWasStored() throws {
        let planes = try load("rgb16-planes.png").picture.bytes
        let half = planes.count / 2
        let given = (0 ..< half).map { (Int(planes[$0]) << 8 | Int(planes[half + $0])) >> 4 }
        let color = try samples(load("rgb-12bit.jpg").picture)
        #expect(color.count == given.count)
        func largest(_ found: [UInt16], _ expected: [Int]) -> Int {
            var largest = 0
            for (value, twelve) in zip(found, expected) {
                largest = max(largest, abs(Int(value) - (twelve * 65535 + 2047) / 4095))
            }
            return largest
        }
        #expect(largest(color, given) <= codingLoss)
        let gray = try samples(load("gray-12bit.jpg").picture)
        let greens = stride(from: 1, to: given.count, by: 3).map { given[$0] }
        #expect(largest(gray, greens) <= codingLoss)
    }

    /// Profile, EXIF and XMP come along and it stands upright, as of 8 bits.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG, absence)) func metadata() throws {
        let loaded = try load("metadata-12bit.jpg")
        let orientation = loaded.facts.orientation
        #expect(orientation > 1)
        #expect(loaded.picture == (try load("rgb-12bit.png").picture.upright(from: orientation)))
        #expect(loaded.metadata.iccProfile?.count == 480 && loaded.colorSpace.name.contains("P3"))
        let exif = try #require(loaded.metadata.exif.flatMap { EXIFBlock($0) })
        #expect(exif.orientation == 1 && loaded.metadata.xmp != nil)
        let png = try ImageFile.encode(loaded.picture, format: .png, metadata: loaded.metadata)
        let again = try ImageFile.read(bytes: png.bytes, name: "a")
        #expect(again.picture == loaded.picture && again.metadata.iccProfile == loaded.metadata.iccProfile)
        #expect(again.metadata.exif == loaded.metadata.exif)
    }

    /// A profile of inks says the same of 12 bits (and of a TIFF's 16) as of 8.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG && Corpora.isPresent, absence)) func inkProfiles() throws {
        let profiled = try contents(#require(Corpora.root) + "/jpeg/jpeg-decoder/tests/reftest/images/ycck.jpg")
        let profile = try #require(JPEGMetadata(parsing: profiled).metadata.iccProfile)
        func decoded(_ file: String, _ profile: [UInt8]?) throws -> Picture {
            let bytes = try contents(Self.folder + "/" + file)
            return try JPEGCodec.decode(bytes, name: file, inkProfile: profile, limits: DecodeLimits()).picture
        }
        let (deep, eight) = try (decoded("cmyk-12bit.jpg", profile), decoded("cmyk-8bit.jpg", profile))
        #expect(try deep != decoded("cmyk-12bit.jpg", nil))
        // Both lose at quality 95, the one of 8 bits more; inks of little lightness differ by more than their light does.
        #expect(deep.plainRGB.meanDifference(eight) < 2)
        let inks = noise(PixelSize(width: 16, height: 16), .rgba, depth: 16)
        let flat = try ImageFile.read(bytes: tiff(ofInks: inks, depth: 16, profile: profile), name: "a.tif")
        let coarse = try ImageFile.read(bytes: tiff(ofInks: inks, depth: 8, profile: profile), name: "b.tif")
        #expect(flat.picture.depth == 16 && flat.notes.contains { $0.contains("by its ink profile") })
        #expect(flat.picture.plainRGB.maximumDifference(coarse.picture) <= 3)
    }

    /// A TIFF of CMYK samples (TIFF 6.0, section 16) with a profile.
    private func tiff(ofInks inks: Picture, depth: Int, profile: [UInt8]) throws -> [UInt8] {
        let values = try samples(inks)
        var strip: [UInt8] = []
        for value in values {
            if depth == 16 { strip.append(UInt8(value & 255)) }
            strip.append(UInt8(value >> 8))
        }
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0 ..< count).map { UInt8(value >> (8 * $0) & 255) } }
        let entries = 11
        let (bits, data) = (8 + 2 + entries * 12 + 4, 8 + 2 + entries * 12 + 4 + 8)
        // Tag, type (3 of 16 bits, 4 of 32, 7 bytes), count, value or offset.
        let directory: [(Int, Int, Int, Int)] = [
            (256, 4, 1, inks.width), (257, 4, 1, inks.height), (258, 3, 4, bits), (259, 3, 1, 1), (262, 3, 1, 5),
            (273, 4, 1, data), (277, 3, 1, 4), (278, 4, 1, inks.height), (279, 4, 1, strip.count), (284, 3, 1, 1),
            (34675, 7, profile.count, data + strip.count),
        ]
        var file = Array("II*\0".utf8) + little(8, 4) + little(entries, 2)
        for (tag, type, count, value) in directory {
            file += little(tag, 2)
            file += little(type, 2)
            file += little(count, 4)
            file += little(value, 4)
        }
        file += little(0, 4)
        for _ in 0 ..< 4 { file += little(depth, 2) }
        return file + strip + profile
    }

    /// Cut at every byte and every byte wrong: read or refused, and a cut is called one.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG, absence), arguments: kinds + ["metadata-12bit"])
    func brokenFilesAreReadOrRefused(kind: String) throws {
        let bytes = try contents(Self.folder + "/" + kind + ".jpg")
        let limits = DecodeLimits(maximumPixels: 1 << 16)
        let scan = try #require((0 ..< bytes.count - 1).last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
        for count in 0 ..< bytes.count {
            do throws(ImageFileError) {
                let read = try ImageFile.read(bytes: Array(bytes[..<count]), name: "cut", limits: limits)
                // The end marker may be missing.
                #expect(read.picture.size.area == 23 * 17 && count >= bytes.count - 8, "\(count) of \(bytes.count)")
            } catch {
                guard count > scan, case .truncated = error else {
                    if count > scan { Issue.record("\(count) of \(bytes.count): \(error)") }
                    continue
                }
            }
        }
        for index in bytes.indices {
            for flip in [0xFF, 0x01, 0x10] as [UInt8] {
                var wrong = bytes
                wrong[index] ^= flip
                _ = try? ImageFile.read(bytes: wrong, name: "wrong", limits: limits)
            }
        }
    }

    @Test(.enabled(if: ImageFormat.readsDeepJPEG, absence)) func hostileSizesAreRefused() throws {
        var bytes = try contents(Self.folder + "/gray-12bit.jpg")
        let frame = try #require((0 ..< bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC1 })
        #expect(bytes[frame + 4] == 12)
        bytes.replaceSubrange(frame + 5 ..< frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let size = PixelSize(width: 65500, height: 65500)
        #expect(throws: ImageFileError.tooManyPixels(file: "b", size: size, limit: 1 << 28)) {
            try ImageFile.read(bytes: bytes, name: "b")
        }
        bytes.replaceSubrange(frame + 5 ..< frame + 9, with: [0x20, 0, 0x20, 0])
        #expect(throws: ImageFileError.self) { try ImageFile.read(bytes: bytes, name: "b") }
    }

    /// libjpeg-turbo's own: the sum of its samples by imagecodecs 2026.3.6.
    @Test(.enabled(if: ImageFormat.readsDeepJPEG && Corpora.isPresent, absence)) func libjpegOwnFile() throws {
        let loaded = try ImageFile.read(path: #require(Corpora.root) + "/jpeg/libjpeg-turbo/monkey12.jpg")
        let values = try samples(loaded.picture)
        #expect(loaded.picture.size == PixelSize(width: 149, height: 227) && values.count == 3 * 149 * 227)
        // Each comes from one of 12 bits alone.
        var sum = 0
        for value in values { sum += (Int(value) * 4095 + 32767) / 65535 }
        #expect(sum == 158_467_309)
    }

    @Test(.enabled(if: !ImageFormat.readsDeepJPEG, "there is a library")) func isRefusedByName() throws {
        let error = #expect(throws: ImageFileError.self) { try load("rgb-12bit.jpg") }
        #expect(error?.description.contains("libjpeg-turbo 3") == true && error?.category == .badData)
    }
}
