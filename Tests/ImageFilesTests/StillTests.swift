import Foundation
import PlainText
import Raster
import Testing

@testable import ImageFiles

/// AVIF, HEIC and JPEG XL: what their encoders were given comes back (`fixtures/make_stills.py`).
@Suite struct StillTests {
    private static let absence: Comment = "skipped: the library was not there when this was built, or is not now"
    /// `metadata.jxl` was made from a JPEG of quality 100, whose samples differ from what it was made of by as much.
    private let jpegRounding = 3
    /// heif-enc 1.15 stores YCbCr whatever it is asked, rounded to the depth of the file: one step there and back.
    private let chromaRounding = 1

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/formats").path()

    private func load(_ file: String) throws -> LoadedImage {
        try ImageFile.read(path: Self.folder + "/" + file)
    }

    /// The 16-bit picture of the fixtures with `bits` bits, spread over 16 again.
    private func samples(bits: Int) throws -> Picture.Samples {
        let planes = try load("rgb16-planes.png").picture.bytes
        let half = planes.count / 2
        let most = (1 << bits) - 1
        return .sixteen(
            (0 ..< half).map { index in
                let value = (Int(planes[index]) << 8 | Int(planes[half + index])) >> (16 - bits)
                return UInt16((value * 65535 + most / 2) / most)
            })
    }

    @Test(.enabled(if: ImageFormat.avif.isReadable, absence)) func avif() throws {
        let plain = try load("rgb.avif")
        #expect(plain.format == .avif && plain.notes.isEmpty)
        #expect(try plain.picture == load("rgb.png").picture)
        #expect(plain.colorSpace.isSRGB && plain.colorSpace.isStated)
        #expect(try load("rgba.avif").picture == load("rgba.png").picture)
        for bits in [10, 12] {
            let deep = try load("rgb-\(bits)bit.avif")
            #expect(try deep.picture.samples == samples(bits: bits))
            #expect(deep.facts.bitDepth == bits)
        }
        let rotated = try load("rgb-rotated.avif")
        #expect(try rotated.picture == load("rgb-orientation6.png").picture)
        let wide = try load("rgb-p3.avif")
        #expect(wide.colorSpace.name == "Display P3" && !wide.colorSpace.isSRGB)
        #expect(try wide.picture == load("rgb.png").picture)
        // In a PNG the code points stand as they stood.
        let png = try ImageFile.encode(wide.picture, format: .png, metadata: wide.metadata)
        let again = try ImageFile.read(bytes: png.bytes, name: "a")
        #expect(again.metadata.colorChunks == [PNGChunk(type: "cICP", data: [12, 13, 0, 1])])
        #expect(again.metadata.iccProfile == nil && again.colorSpace == wide.colorSpace)
    }

    @Test(.enabled(if: ImageFormat.heic.isReadable, absence)) func heic() throws {
        let plain = try load("rgb.heic")
        #expect(plain.format == .heic && plain.notes.isEmpty)
        #expect(try plain.picture.maximumDifference(load("rgb.png").picture) <= chromaRounding)
        guard case .sixteen(let deep) = try load("rgb-10bit.heic").picture.samples,
            case .sixteen(let expected) = try samples(bits: 10)
        else {
            Issue.record("10 bits became 8")
            return
        }
        let steps = zip(deep, expected).map { abs((Int($0) - Int($1)) * 1023 / 65535) }
        #expect(try #require(steps.max()) <= chromaRounding)
    }

    @Test(.enabled(if: ImageFormat.jxl.isReadable, absence)) func jpegXL() throws {
        for kind in ["rgb", "rgba", "gray", "gray16"] {
            let loaded = try load("\(kind).jxl")
            #expect(loaded.format == .jxl && loaded.notes.isEmpty && loaded.colorSpace.isSRGB)
            #expect(try loaded.picture == load("\(kind).png").picture)
        }
        #expect(try load("rgb16.jxl").picture.samples == samples(bits: 16))
    }

    /// Profile, EXIF and XMP come along; the container's orientation is followed, EXIF's is not.
    @Test(arguments: [ImageFormat.avif, .jxl]) func metadata(format: ImageFormat) throws {
        guard format.isReadable else { return }
        let loaded = try load("metadata.\(format.fileExtension)")
        let upright = try load("rgb-orientation6.png").picture
        #expect(loaded.picture.maximumDifference(upright) <= (format == .jxl ? jpegRounding : 0))
        #expect(loaded.metadata.iccProfile?.count == 480)
        #expect(!loaded.colorSpace.isSRGB)
        let exif = try #require(loaded.metadata.exif.flatMap { EXIFBlock($0) })
        #expect(exif.orientation == 1 && loaded.facts.orientation == 1)
        let first = try #require(TIFFDirectory(first: exif.bytes))
        #expect(first.entries.contains { $0.tag == 0x010F && $0.data.starts(with: Array("Maker".utf8)) })
        #expect(loaded.metadata.xmp != nil)
        let png = try ImageFile.encode(loaded.picture, format: .png, metadata: loaded.metadata)
        let again = try ImageFile.read(bytes: png.bytes, name: "a")
        #expect(again.picture == loaded.picture && again.metadata.iccProfile == loaded.metadata.iccProfile)
    }

    /// Cut at every byte, and every third byte wrong: read or refused.
    @Test(arguments: ["rgb.avif", "rgba.avif", "rgb-10bit.avif", "metadata.avif", "rgb.heic", "gray16.jxl", "rgba.jxl"])
    func brokenFilesAreReadOrRefused(file: String) throws {
        let bytes = try contents(Self.folder + "/" + file)
        guard case .readable(let format) = ImageFormat.sniff(bytes), format.isReadable else { return }
        for count in 0 ..< bytes.count {
            do throws(ImageFileError) {
                let read = try ImageFile.read(bytes: Array(bytes[..<count]), name: "cut")
                // What stands behind the picture may be missing.
                #expect(read.picture.size.area == 23 * 17)
            } catch {
                // Past the header a cut is called one.
                if format == .jxl, count > bytes.count / 2, case .corrupt = error { Issue.record("\(error)") }
            }
        }
        let limits = DecodeLimits(maximumPixels: 1 << 16)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            var wrong = bytes
            wrong[index] ^= 0xFF
            _ = try? ImageFile.read(bytes: wrong, name: "wrong", limits: limits)
        }
    }

    @Test func tooLargeOnesAreRefusedByTheirHeader() throws {
        for file in ["rgb.avif", "rgb.heic", "rgb.jxl"] {
            let bytes = try contents(Self.folder + "/" + file)
            guard case .readable(let format) = ImageFormat.sniff(bytes), format.isReadable else { continue }
            let size = PixelSize(width: 23, height: 17)
            #expect(throws: ImageFileError.tooManyPixels(file: "a", size: size, limit: 300)) {
                try ImageFile.read(bytes: bytes, name: "a", limits: DecodeLimits(maximumPixels: 300))
            }
        }
    }

    /// Nothing writes them, and a machine without their libraries says which one is missing.
    @Test func areNotWritten() throws {
        let picture = noise(PixelSize(width: 4, height: 4), .rgb, depth: 8)
        for format in ImageFormat.allCases where !format.isWritten {
            #expect(throws: ImageFileError.self) { try ImageFile.encode(picture, format: format) }
            #expect(ImageFormat(pathExtensionOf: "a." + format.fileExtension) == nil)
        }
        let error = ImageFileError.missingLibrary(file: "a.avif", format: .avif, library: "libheif")
        #expect(error.description.hasPrefix("a.avif is an AVIF file, which is read through libheif"))
        #expect(error.category == .badData)
    }
}
