import Raster
import TestSupport
import Testing

@testable import ImageFiles

/// What colours mean, and the way to sRGB and back.
@Suite struct ColorTests {
    /// Half a step of 16 bits: samples come back as they were.
    private let exactAt16 = Float(0.5 / 65535)
    /// Profiles whose curves are tables of a few dozen points are turned round by interpolation: half a step of 8 bits.
    private let exactAt8 = Float(0.5 / 255)
    /// Curves of the standards, read from tables or computed: a step of 8 bits.
    private let sameColor = Float(1.0 / 255)

    /// Black to white, the corners of the cube and what lies between.
    private var probes: RGBImage {
        var values: [Float] = []
        for index in 0 ..< 17 * 17 * 17 {
            values += [index % 17, index / 17 % 17, index / 289].map { Float($0) / 16 }
        }
        values += RandomValues.uniform(3000, seed: 5)
        for step in 0 ... 255 { values += [Float](repeating: Float(step) / 255, count: 3) }
        return RGBImage(size: PixelSize(width: values.count / 3, height: 1), values: values)
    }

    private func largestDifference(_ one: RGBImage, _ other: RGBImage) -> Float {
        zip(one.values, other.values).map { abs($0 - $1) }.max() ?? 0
    }

    private func space(icc profile: [UInt8], layout: Picture.Layout = .rgb) throws -> (ColorSpace, notes: [String]) {
        var metadata = ImageMetadata()
        metadata.iccProfile = profile
        var notes: [String] = []
        return (try ColorSpace(metadata, layout: layout, notes: &notes), notes)
    }

    private func space(_ chunks: [PNGChunk], layout: Picture.Layout = .rgb) throws -> (ColorSpace, notes: [String]) {
        var metadata = ImageMetadata()
        metadata.colorChunks = chunks
        var notes: [String] = []
        return (try ColorSpace(metadata, layout: layout, notes: &notes), notes)
    }

    private func big(_ values: Int...) -> [UInt8] {
        values.flatMap { value in (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func profilesOfTheWorldGoThereAndBack() throws {
        var tried = 0
        var atSixteen = 0
        for path in try Corpora.files("icc/compact/profiles", suffix: ".icc") {
            let file = name(path)
            let isGray = file.hasPrefix("sGrey")
            let (space, notes) = try space(icc: contents(path), layout: isGray ? .gray : .rgb)
            if file.hasPrefix("CGATS") {
                #expect(notes.count == 1 && notes[0].contains("CMYK"), "\(notes)")
                continue
            }
            #expect(notes.isEmpty, "\(file): \(notes)")
            #expect(space.isStated)
            #expect(space.isSRGB == (file.hasPrefix("sRGB") || isGray), "\(file)")
            var image = probes
            if isGray {
                for pixel in 0 ..< image.size.area {
                    image.values[pixel * 3 + 1] = image.values[pixel * 3]
                    image.values[pixel * 3 + 2] = image.values[pixel * 3]
                }
            }
            let difference = largestDifference(space.fromSRGB(space.toSRGB(image)), image)
            #expect(difference < exactAt8, "\(file): \(difference * 65535) of 65535")
            if difference < exactAt16 { atSixteen += 1 }
            tried += 1
        }
        #expect(tried == 43)
        // Those whose curves are formulas.
        #expect(atSixteen >= 20)
    }

    @Test func chunksComeInTheOrderOfTheSpecification() throws {
        let icc = PNGChunk(type: "gAMA", data: big(100_000))
        let srgb = PNGChunk(type: "sRGB", data: [0])
        let p3 = PNGChunk(type: "cICP", data: [12, 13, 0, 1])
        #expect(try space([]).0 == .assumed)
        #expect(try space([icc]).0.name == "gamma 1.00")
        #expect(try space([icc, srgb]).0 == .sRGB)
        #expect(try space([icc, srgb, p3]).0.name == "Display P3")
        #expect(try space([PNGChunk(type: "cICP", data: [1, 13, 0, 1])]).0.isSRGB)
        // Grey has a curve and no primaries.
        let gray = try space([icc, PNGChunk(type: "cHRM", data: big(0, 0, 0, 0, 0, 0, 0, 0))], layout: .gray)
        #expect(gray.0.name == "gamma 1.00" && gray.notes.isEmpty)
    }

    @Test func nonsenseIsSaidAndTakenAsSRGB() throws {
        let primaries = PNGChunk(type: "cHRM", data: big(0, 0, 0, 0, 0, 0, 0, 0))
        for chunks in [
            [PNGChunk(type: "gAMA", data: big(0))], [PNGChunk(type: "gAMA", data: [1])],
            [PNGChunk(type: "gAMA", data: big(45455)), primaries], [PNGChunk(type: "cICP", data: [9, 16, 0, 1])],
            [PNGChunk(type: "cICP", data: [1, 13, 1, 1])], [PNGChunk(type: "cICP", data: [77, 13, 0, 1])],
        ] {
            let (found, notes) = try space(chunks)
            #expect(found == .assumed)
            #expect(notes.count == 1, "\(notes)")
        }
        for profile in [[], [1, 2, 3], [UInt8](repeating: 0, count: 200)] as [[UInt8]] {
            let (found, notes) = try space(icc: profile)
            #expect(found == .assumed)
            #expect(notes.count == 1 && notes[0].contains("taken as sRGB"))
        }
    }

    /// sRGB's white point, primaries and curve as chunks; Adobe RGB's green outside sRGB; linear light.
    @Test func colorsAreTheRightOnes() throws {
        let p3 = try space([PNGChunk(type: "cICP", data: [12, 13, 0, 1])]).0
        let one = PixelSize(width: 1, height: 1)
        // CSS Color 4, sample conversions: color(display-p3 0 1 0) is color(srgb -0.5116 1.01827 -0.3107).
        let green = p3.toSRGB(RGBImage(size: one, values: [0, 1, 0])).values
        for (found, expected) in zip(green, [-0.5116, 1.01827, -0.3107] as [Float]) {
            #expect(abs(found - expected) < 0.001, "\(green)")
        }
        let linear = try space([PNGChunk(type: "gAMA", data: big(100_000))]).0
        // IEC 61966-2-1: light of 0.5 is 0.735 encoded.
        let gray = linear.toSRGB(RGBImage(size: one, values: [0.5, 0.5, 0.5])).values
        for value in gray { #expect(abs(value - 0.73536) < 0.001) }
        // A gray space takes luma back.
        let dark = try space([PNGChunk(type: "gAMA", data: big(100_000))], layout: .gray).0
        let back = dark.fromSRGB(RGBImage(size: one, values: [0.73536, 0.73536, 0.73536])).values
        for value in back { #expect(abs(value - 0.5) < 0.001) }
    }

    /// PngSuite stores one picture under six gammas: told apart by gAMA, they are one picture again.
    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func gammasOfPngSuiteAreOnePicture() throws {
        for kind in ["n0g16", "n2c08", "n3p04"] {
            let all = try ["03", "04", "05", "07", "10", "25"].map { gamma in
                let loaded = try ImageFile.read(path: #require(Corpora.root) + "/png/pngsuite/g\(gamma)\(kind).png")
                return loaded.colorSpace.toSRGB(RGBImage(loaded.picture))
            }
            // The darkest tones were lost when the suite was made (0 in one file, not in another): the median tells.
            let reference = all[2]
            for image in all {
                let differences = zip(image.values, reference.values).map { abs($0 - $1) }.sorted()
                #expect(differences[differences.count / 2] < sameColor, "\(kind)")
            }
        }
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func exifNamesAdobeRGB() throws {
        // Exif directory with ColorSpace 0xFFFF and the interoperability index R03, big endian.
        let exif: [UInt8] =
            [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]
            + [0, 2, 0xA0, 0x01, 0, 3, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0xA0, 0x05, 0, 4, 0, 0, 0, 1, 0, 0, 0, 56]
            + [0, 0, 0, 0]
            + [0, 1, 0, 1, 0, 2, 0, 0, 0, 4] + Array("R03\0".utf8) + [0, 0, 0, 0]
        var metadata = ImageMetadata()
        metadata.exif = exif
        let bytes = try ImageFile.encode(gradient(PixelSize(width: 8, height: 8)), format: .jpeg, metadata: metadata)
            .bytes
        let jpeg = try ImageFile.read(bytes: bytes, name: "a.jpg")
        let adobe = jpeg.colorSpace
        // A PNG made from it says so in a profile.
        let made = try ImageFile.encode(jpeg.picture, format: .png, metadata: jpeg.metadata)
        #expect(try ImageFile.read(bytes: made.bytes, name: "b.png").colorSpace == adobe)
        #expect(adobe.name.contains("Adobe RGB"))
        let official = try space(icc: contents(#require(Corpora.root) + "/icc/compact/profiles/AdobeCompat-v4.icc")).0
        // That profile's curve begins with a straight line, as Photoshop converts: other by two steps near black.
        #expect(largestDifference(adobe.toSRGB(probes), official.toSRGB(probes)) < 3 * sameColor)
        // In a PNG the EXIF block has no say.
        let png = try ImageFile.encode(gradient(PixelSize(width: 8, height: 8)), format: .png, metadata: metadata).bytes
        #expect(try ImageFile.read(bytes: png, name: "a.png").colorSpace == .assumed)
    }

    /// A large picture is converted over all cores, each pixel as alone.
    @Test func largePicturesAreConvertedAsSmallOnes() throws {
        let (p3, _) = try space([PNGChunk(type: "cICP", data: [12, 13, 0, 1])])
        let image = RGBImage(noise(PixelSize(width: 701, height: 503), .rgb, depth: 16))
        let (there, back) = (p3.toSRGB(image), p3.fromSRGB(image))
        #expect(there != image && back != image)
        for y in stride(from: 0, to: 503, by: 7) {
            let row = PixelRect(x: 0, y: y, width: 701, height: 1)
            #expect(p3.toSRGB(image.cropped(to: row)) == there.cropped(to: row))
            #expect(p3.fromSRGB(image.cropped(to: row)) == back.cropped(to: row))
        }
    }

    /// What a PNG says in chunks a JPEG says in a profile, and the colours stay.
    @Test func chunksBecomeAProfileElsewhere() throws {
        var metadata = ImageMetadata()
        metadata.colorChunks = [PNGChunk(type: "cICP", data: [12, 13, 0, 1])]
        let picture = gradient(PixelSize(width: 16, height: 16))
        let jpeg = try ImageFile.encode(picture, format: .jpeg, metadata: metadata)
        #expect(jpeg.notes.count == 1)
        let loaded = try ImageFile.read(bytes: jpeg.bytes, name: "a.jpg")
        #expect(loaded.colorSpace.name == "Display P3")
        let p3 = try space(metadata.colorChunks).0
        #expect(largestDifference(loaded.colorSpace.toSRGB(probes), p3.toSRGB(probes)) < exactAt8)
        // The same file every time.
        #expect(try ImageFile.encode(picture, format: .jpeg, metadata: metadata).bytes == jpeg.bytes)
    }

    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func inksAreConvertedByTheirProfile() throws {
        let root = try #require(Corpora.root)
        let file = root + "/jpeg/jpeg-decoder/tests/reftest/images/ycck.jpg"
        let bytes = try contents(file)
        let plain = try JPEGCodec.decode(bytes, name: "a.jpg", inkProfile: nil, limits: DecodeLimits())
        #expect(plain.notes.contains { $0.contains("CMYK") && $0.contains("multiplying") })
        let profiled = try ImageFile.read(bytes: bytes, name: "a.jpg")
        #expect(profiled.notes.contains { $0.contains("CMYK") && $0.contains("by its ink profile") })
        #expect(profiled.metadata.iccProfile == nil)
        #expect(profiled.picture != plain.picture)
        // Real inks are duller than their product, but the picture is the same one.
        let difference = profiled.picture.meanDifference(plain.picture)
        #expect(difference > 1 && difference < 60, "\(difference)")
    }
}
