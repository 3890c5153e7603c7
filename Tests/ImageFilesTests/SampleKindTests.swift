import PlainText
import Raster
import Testing

@testable import ImageFiles

/// Samples that a picture of grey or colour and alpha cannot hold as they are: what is kept is kept truly, what is not
/// is named.
@Suite struct SampleKindTests {
    private static let size = PixelSize(width: 9, height: 7)

    private func bytes(_ picture: Picture) -> [UInt8] {
        switch picture.samples {
        case .eight(let values): values
        case .sixteen(let values): values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        }
    }

    /// Channels of several pictures, pixel by pixel or plane by plane.
    private func mixed(_ planes: [[UInt8]], depth: Int, isPlanar: Bool = false) -> [UInt8] {
        if isPlanar { return planes.flatMap { $0 } }
        let step = depth / 8
        var result: [UInt8] = []
        for start in stride(from: 0, to: planes[0].count, by: step) {
            for plane in planes { result += plane[start ..< start + step] }
        }
        return result
    }

    private func planes(_ picture: Picture) -> [[UInt8]] {
        let (all, channels, step) = (bytes(picture), picture.layout.channels, picture.depth / 8)
        var result = [[UInt8]](repeating: [], count: channels)
        for sample in 0 ..< picture.size.area * channels {
            result[sample % channels] += all[sample * step ..< (sample + 1) * step]
        }
        return result
    }

    private func page(
        _ planes: [[UInt8]], depth: Int = 8, photometric: Int, extra: [Int] = [], isPlanar: Bool = false,
        fields: [HandmadeTIFF.Field] = []
    ) -> HandmadeTIFF.Page {
        let field = HandmadeTIFF.Field(
            tag: 338, type: 3, count: extra.count, data: extra.flatMap { HandmadeTIFF.little($0, 2) })
        return HandmadeTIFF.Page(
            width: Self.size.width, height: Self.size.height, depth: depth, channels: planes.count,
            photometric: photometric, samples: mixed(planes, depth: depth, isPlanar: isPlanar), isPlanar: isPlanar,
            fields: fields + (extra.isEmpty ? [] : [field]))
    }

    private func read(_ pages: HandmadeTIFF.Page...) throws -> LoadedImage {
        try ImageFile.read(bytes: HandmadeTIFF.bytes(pages), name: "a.tif")
    }

    // MARK: Further channels

    @Test(arguments: [8, 16], [true, false]) func alphaIsFoundAmongFurtherChannels(depth: Int, isPlanar: Bool) throws {
        let picture = noise(Self.size, .rgba, depth: depth)
        let spot = planes(noise(Self.size, .gray, depth: depth, seed: 5))
        let parts = planes(picture)
        let alphaFirst = try read(
            page(parts + spot, depth: depth, photometric: 2, extra: [2, 0], isPlanar: isPlanar))
        let spotFirst = try read(
            page(parts[..<3] + spot + parts[3...], depth: depth, photometric: 2, extra: [0, 2], isPlanar: isPlanar))
        for image in [alphaFirst, spotFirst] {
            #expect(image.picture == picture)
            #expect(
                image.losses == [
                    "1 further channel of its samples (spot colours, masks or alpha) is not carried over"
                ])
            let again = try ImageFile.encode(image.picture, format: .tiff, metadata: image.metadata).bytes
            #expect(HandmadeTIFF.values(277, of: again) == [4] && HandmadeTIFF.values(338, of: again) == [2])
            #expect(try ImageFile.read(bytes: again, name: "b").picture == picture)
        }
        // Channels of which none is alpha.
        let spots = try read(page(parts[..<3] + spot + spot, depth: depth, photometric: 2, extra: [0, 0]))
        #expect(spots.picture.layout == .rgb && spots.losses.count == 1 && spots.losses[0].hasPrefix("2 further"))
    }

    /// Associated, unassociated, unspecified: a TIFF made from it says what its source said.
    @Test(arguments: [0, 1, 2]) func theKindOfAlphaIsKept(kind: Int) throws {
        // Multiplied colours are no larger than alpha.
        let alpha = [UInt8](repeating: 255, count: Self.size.area)
        let image = try read(page(planes(noise(Self.size, .rgb, depth: 8)) + [alpha], photometric: 2, extra: [kind]))
        #expect(image.picture.layout == .rgba && image.losses.isEmpty)
        let again = try ImageFile.encode(image.picture, format: .tiff, metadata: image.metadata).bytes
        #expect(HandmadeTIFF.values(338, of: again) == [kind])
        #expect(try ImageFile.read(bytes: again, name: "b").picture == image.picture)
        // Grey that grows dark with its value, too.
        let gray = try read(page(planes(noise(Self.size, .gray, depth: 8)) + [alpha], photometric: 0, extra: [kind]))
        #expect(gray.picture.layout == .grayAlpha && gray.facts.colorType == .grayAlpha)
    }

    @Test(arguments: [8, 16], [1, 2]) func inksWithAlphaAreInks(depth: Int, kind: Int) throws {
        let inks = planes(noise(Self.size, .rgba, depth: depth))
        let alpha = kind == 1 ? [UInt8](repeating: 255, count: Self.size.area * depth / 8) : inks[1]
        let plain = try read(page(inks, depth: depth, photometric: 5))
        #expect(plain.facts.colorType == .cmyk)
        for isPlanar in [true, false] {
            let image = try read(
                page(inks + [alpha], depth: depth, photometric: 5, extra: [kind], isPlanar: isPlanar))
            #expect(image.facts.colorType == .cmyk && image.picture.layout == .rgba && image.losses.isEmpty)
            #expect(image.notes.contains { $0.contains("CMYK") })
            let parts = planes(image.picture)
            #expect(Array(parts[..<3]) == planes(plain.picture) && parts[3] == alpha)
        }
        // A spot colour beside them, and inks that are no CMYK.
        let spot = try read(page(inks + [alpha], depth: depth, photometric: 5, extra: [0]))
        #expect(spot.picture.layout == .rgba)
        let two = try read(page(inks + [alpha, alpha], depth: depth, photometric: 5, extra: [0, 2]))
        #expect(planes(two.picture)[3] == alpha && two.losses.count == 1)
        let others = #expect(throws: ImageFileError.self) {
            try read(
                page(
                    inks + [alpha], depth: depth, photometric: 5, fields: [.short(332, 2), .short(334, 5)]))
        }
        #expect(others?.description.contains("inks other than cyan, magenta, yellow and black") == true)
    }

    @Test func multipliedInksBecomeStraight() throws {
        // Half covered: the inks are stored at half their strength.
        let count = Self.size.area
        let stored = [100, 40, 0, 20].map { [UInt8](repeating: UInt8($0), count: count) }
        let full = [199, 80, 0, 40].map { [UInt8](repeating: UInt8($0), count: count) }
        let half = [UInt8](repeating: 128, count: count)
        let image = try read(page(stored + [half], photometric: 5, extra: [1]))
        let plain = try read(page(full, photometric: 5))
        let parts = planes(image.picture)
        for channel in 0 ..< 3 {
            #expect(zip(parts[channel], planes(plain.picture)[channel]).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
    }

    // MARK: Light without cover

    /// Colours larger than alpha, as those of a glow: straight samples cannot give them back.
    @Test(arguments: [8, 16], [Picture.Layout.rgba, .grayAlpha])
    func coloursBeyondAlphaComeBackByteForByte(depth: Int, layout: Picture.Layout) throws {
        let stored = noise(Self.size, layout, depth: depth)
        let photometric = layout == .rgba ? 2 : 1
        let image = try read(page(planes(stored), depth: depth, photometric: photometric, extra: [1]))
        #expect(image.losses.isEmpty)
        let again = try ImageFile.encode(image.picture, format: .tiff, metadata: image.metadata)
        #expect(again.notes.isEmpty && HandmadeTIFF.values(338, of: again.bytes) == [1])
        #expect(try asStored(again.bytes) == stored)
        // On a larger canvas they stand where the picture does; a pixel that was painted is its colour times alpha.
        let canvas = PixelSize(width: Self.size.width + 5, height: Self.size.height + 3)
        var picture = Picture(
            size: canvas, layout: layout,
            samples: depth == 8
                ? .eight([UInt8](repeating: 255, count: canvas.area * layout.channels))
                : .sixteen([UInt16](repeating: 65535, count: canvas.area * layout.channels)))
        picture.paste(image.picture, x: 2, y: 3)
        var metadata = image.metadata
        metadata.associatedSource?.x = 2
        metadata.associatedSource?.y = 3
        let larger = try asStored(ImageFile.encode(picture, format: .tiff, metadata: metadata).bytes)
        #expect(larger.cropped(to: PixelRect(x: 2, y: 3, width: Self.size.width, height: Self.size.height)) == stored)
        #expect(
            larger.cropped(to: PixelRect(x: 0, y: 0, width: canvas.width, height: 3))
                == picture.cropped(to: PixelRect(x: 0, y: 0, width: canvas.width, height: 3)))
        // Another format cannot hold them, which is said.
        let other = try ImageFile.encode(image.picture, format: .png, metadata: image.metadata)
        #expect(other.notes.count == 1 && other.notes[0].hasPrefix("colours larger than their alpha"))
    }

    @Test func coloursBeyondAlphaAreTurnedWithThePicture() throws {
        let stored = noise(Self.size, .rgba, depth: 8)
        let image = try read(
            page(planes(stored), photometric: 2, extra: [1], fields: [.short(274, 6)]))
        #expect(image.picture.size == PixelSize(width: Self.size.height, height: Self.size.width))
        let again = try ImageFile.encode(image.picture, format: .tiff, metadata: image.metadata).bytes
        #expect(try asStored(again) == stored.upright(from: 6))
    }

    /// The samples of a TIFF with associated alpha, as they are stored: without the tag that says what alpha is.
    private func asStored(_ bytes: [UInt8]) throws -> Picture {
        var file = bytes
        let tag = try #require(
            (0 ..< file.count - 12).last { file[$0 ..< $0 + 8].elementsEqual([0x52, 1, 3, 0, 1, 0, 0, 0]) })
        #expect(file[tag + 8] == 1)
        file[tag + 8] = 2
        return try ImageFile.read(bytes: file, name: "s.tif").picture
    }

    // MARK: Pages

    /// A directory that names itself, or a place outside the file, as the next has no page behind it.
    @Test func pagesAreCountedOnce() throws {
        let picture = noise(Self.size, .rgb, depth: 8)
        let one = page(planes(picture), photometric: 2, fields: [])
        let file = HandmadeTIFF.bytes([one])
        let start = (0 ..< 4).reduce(0) { $0 | Int(file[4 + $1]) << (8 * $1) }
        let link = start + 2 + 12 * (Int(file[start]) | Int(file[start + 1]) << 8)
        for next in [start, file.count + 100] {
            var looped = file
            looped.replaceSubrange(link ..< link + 4, with: HandmadeTIFF.little(next, 4))
            let image = try ImageFile.read(bytes: looped, name: "a.tif")
            #expect(image.picture == picture)
            #expect(!image.notes.contains { $0.contains("several pages") }, "\(next): \(image.notes)")
        }
        #expect(try read(one, one).notes.contains { $0.contains("several pages") })
    }

    @Test func thePictureIsThePageOfFullResolution() throws {
        let picture = noise(Self.size, .rgb, depth: 8)
        let small = HandmadeTIFF.Page(
            width: 2, height: 2, channels: 3, photometric: 2, samples: [UInt8](0 ..< 12),
            fields: [.long(254, 1), .text(270, "A hill at noon"), .text(315, "Ada Lens")])
        var full = page(planes(picture), photometric: 2, fields: [.text(315, "Bo Lens")])
        let image = try read(small, full)
        #expect(image.picture == picture)
        #expect(image.notes == ["it has several pages; the first of full resolution, page 2, is used"])
        // Both describe the picture; its own page has the first word.
        let exif = try #require(image.metadata.exif)
        #expect(exif.contains("A hill at noon") && exif.contains("Bo Lens") && !exif.contains("Ada Lens"))

        // The older tag, and a transparency mask that comes first.
        for field in [HandmadeTIFF.Field.short(255, 2), .long(254, 4), .long(254, 5)] {
            var other = small
            other.fields = [field]
            #expect(try read(other, small, full).picture == picture)
        }
        // Below the first page, as some cameras have it.
        var parent = small
        parent.below = [small, full]
        let below = try read(parent)
        #expect(below.picture == picture)
        #expect(below.notes.contains { $0.contains("its first page is a smaller version") })
        // Only smaller versions: the first, and it is said.
        let none = try read(small, small)
        #expect(none.picture.size == PixelSize(width: 2, height: 2))
        #expect(none.notes.contains { $0.contains("every page says that it is a smaller version") })
        // The first of two that are whole, as before.
        full.fields = [.long(254, 2)]
        #expect(try read(full, small).notes == ["it has several pages; only the first is used"])
    }

    /// Chains that lead back, out of the file, or on and on.
    @Test func chainsOfPagesEnd() throws {
        let small = HandmadeTIFF.Page(
            width: 2, height: 2, channels: 3, photometric: 2, samples: [UInt8](0 ..< 12), fields: [.long(254, 1)])
        let bytes = HandmadeTIFF.bytes([HandmadeTIFF.Page](repeating: small, count: 200))
        #expect(try ImageFile.read(bytes: bytes, name: "a").picture.size.width == 2)
        var parent = small
        parent.below = [small, small]
        for file in [HandmadeTIFF.bytes([small, small]), HandmadeTIFF.bytes([parent])] {
            for index in file.indices {
                for value: UInt8 in [0, 8, 0x7F, 0xFF] {
                    var wrong = file
                    wrong[index] = value
                    _ = try? ImageFile.read(bytes: wrong, name: "w", limits: DecodeLimits(maximumPixels: 1 << 16))
                }
            }
        }
    }

    /// Windows' words, a rating, and tags that are carried over in no way.
    @Test func descriptionsOfATIFFComeBack() throws {
        let own: [UInt8] = Array("own note".utf8).flatMap { [$0, 0] as [UInt8] } + [0, 0]
        let fields: [HandmadeTIFF.Field] = [
            .text(269, "Roll 7"), .text(270, "A hill"), .short(0x4746, 4), .bytes(0x9C9C, type: 1, own),
            .bytes(33550, type: 7, [UInt8](0 ..< 24)), .short(50_001, 7),
            HandmadeTIFF.Field(tag: 316, type: 129, count: 5, data: Array("Zoë\0".utf8)),
        ]
        let image = try read(page(planes(noise(Self.size, .rgb, depth: 8)), photometric: 2, fields: fields))
        #expect(image.losses == ["some tags of its directory are not carried over: map coordinates, tag 50001"])
        for format in ImageFormat.written {
            let file = try ImageFile.encode(image.picture, format: format, metadata: image.metadata).bytes
            let exif = try #require(try ImageFile.read(bytes: file, name: "b").metadata.exif)
            #expect(exif.contains("Roll 7") && exif.contains("A hill") && exif.contains("Zoë"))
            #expect(exif.containsBytes(own))
        }
    }

    /// A BigTIFF of one pixel with a description, and an artist whose letters stand in the entry itself.
    @Test func descriptionsOfABigTIFFComeBack() throws {
        func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: [UInt8]) -> [UInt8] {
            HandmadeTIFF.little(tag, 2) + HandmadeTIFF.little(type, 2) + HandmadeTIFF.little(count, 8)
                + value + [UInt8](repeating: 0, count: 8 - value.count)
        }
        func little(_ value: Int) -> [UInt8] { HandmadeTIFF.little(value, 8) }
        let text = Array("A hill at noon\0".utf8)
        let comment = Handmade.ownComment
        let entries: [[UInt8]] = [
            entry(256, 4, 1, [1, 0, 0, 0]), entry(257, 4, 1, [1, 0, 0, 0]), entry(258, 3, 1, [8, 0]),
            entry(259, 3, 1, [1, 0]), entry(262, 3, 1, [1, 0]), entry(270, 2, text.count, little(300)),
            entry(273, 16, 1, little(299)), entry(277, 3, 1, [1, 0]), entry(278, 4, 1, [1, 0, 0, 0]),
            entry(279, 4, 1, [1, 0, 0, 0]), entry(315, 2, 8, Array("Bo Lens\0".utf8)), entry(34665, 18, 1, little(320)),
        ]
        var file = Array("II+\0".utf8) + [8, 0, 0, 0] + little(16) + little(entries.count)
        file += entries.flatMap { $0 } + little(0)
        file += [UInt8](repeating: 0, count: 299 - file.count) + [200] + text
        file += [UInt8](repeating: 0, count: 320 - file.count)
        file += little(1) + entry(0x9286, 7, comment.count, little(360)) + little(0)
        file += [UInt8](repeating: 0, count: 360 - file.count) + comment
        let image = try ImageFile.read(bytes: file, name: "a.tif")
        #expect(image.picture.bytes == [200] && image.notes.isEmpty)
        #expect(image.metadata.comment == Handmade.ownWords)
        for format in ImageFormat.written {
            let again = try ImageFile.encode(image.picture, format: format, metadata: image.metadata).bytes
            #expect(again.contains("A hill at noon") && again.contains("Bo Lens") && again.contains(Handmade.ownWords))
        }
        for index in file.indices {
            for value: UInt8 in [0, 0x7F, 0xFF] {
                var wrong = file
                wrong[index] = value
                _ = try? ImageFile.read(bytes: wrong, name: "w", limits: DecodeLimits(maximumPixels: 1 << 16))
            }
        }
    }

    /// A chain of pages that ends in zeros or in a directory without a size: neither is the picture.
    @Test func directoriesThatAreNoPicturesAreNotChosen() throws {
        let picture = noise(Self.size, .rgb, depth: 8)
        let first = page(planes(picture), photometric: 2, fields: [.long(254, 1)])
        let empty = [UInt8](repeating: 0, count: 64)
        let entry = HandmadeTIFF.little(305, 2) + HandmadeTIFF.little(2, 2) + HandmadeTIFF.little(4, 4)
        let sizeless = HandmadeTIFF.little(1, 2) + entry + Array("abc\0".utf8) + [0, 0, 0, 0]
        for end in [empty, sizeless] {
            var file = HandmadeTIFF.bytes([first])
            // The directory ends with the place of the next one.
            let link = file.count - 4
            file.replaceSubrange(link..., with: HandmadeTIFF.little(link + 4, 4))
            let image = try ImageFile.read(bytes: file + end, name: "a.tif")
            #expect(image.picture == picture)
            #expect(image.notes.contains { $0.hasPrefix("every page says that it is a smaller version") })
        }
    }

    // MARK: Few colours

    /// An indexed PNG of that depth, its pixels' indices a byte each.
    private func indexed(_ indices: [UInt8], colors: [[UInt8]], depth: Int, size: PixelSize) throws -> [UInt8] {
        let entries: [UInt8] = colors.flatMap { $0[..<3] }
        let alpha: [UInt8] = colors.map { $0[3] }
        let palette = PNGPalette(entries[...], alpha: alpha[...], depth: depth)
        let values = indices.flatMap { colors[Int($0)] }
        let picture = Picture(size: size, layout: .rgba, samples: .eight(values))
        return try PNGCodec.encode(
            try #require(IndexedPicture(picture, following: palette)), chunks: [], name: "a.png")
    }

    @Test(arguments: [1, 2, 4, 8]) func indexedPicturesStayIndexed(depth: Int) throws {
        let size = PixelSize(width: 23, height: 11)
        let count = 1 << depth
        // As a drawing program writes it: an unused colour, some transparency.
        let colors = (0 ..< count).map { (number: Int) -> [UInt8] in
            [UInt8(number * 37 & 255), UInt8(number), UInt8(255 - number), number == 0 ? 0 : 255]
        }
        let indices = (0 ..< size.area).map { UInt8($0 * 7 % max(1, count - 1)) }
        let file = try indexed(indices, colors: colors, depth: depth, size: size)
        let image = try ImageFile.read(bytes: file, name: "a.png")
        #expect(image.facts.colorType == .palette && image.facts.bitDepth == depth)
        var metadata = image.metadata
        metadata.density = PixelDensity(x: 300, y: 300, unit: .perMetre)
        metadata.colorChunks = [PNGChunk(type: "gAMA", data: [0, 0, 0xB1, 0x8F])]
        let again = try ImageFile.encode(
            image.picture, format: .png, metadata: metadata, provenance: .edited(Infotext(prompt: "x")))
        let next = try ImageFile.read(bytes: again.bytes, name: "b.png")
        #expect(again.notes.isEmpty && next.facts.colorType == .palette && next.facts.bitDepth == depth)
        #expect(next.picture == image.picture && next.metadata.palette == image.metadata.palette)
        #expect(next.metadata.density == metadata.density && next.metadata.colorChunks == metadata.colorChunks)
        // The order that the specification asks for: colour before the palette, its transparency behind.
        let order = ["gAMA", "PLTE", "tRNS", "IDAT"].compactMap { again.bytes.range(of: $0)?.lowerBound }
        #expect(order.count == 4 && order == order.sorted())

        // A new colour takes the room that there is, or the next depth.
        guard case .eight(var values) = image.picture.samples else { return }
        values.replaceSubrange(0 ..< 4, with: [9, 9, 9, 200])
        let edited = Picture(size: size, layout: image.picture.layout, samples: .eight(values))
        let third = try ImageFile.encode(edited, format: .png, metadata: image.metadata)
        let last = try ImageFile.read(bytes: third.bytes, name: "c.png")
        #expect(last.facts.colorType == .palette && last.picture == edited)
        #expect(last.facts.bitDepth == (depth == 8 ? 8 : depth * 2))
    }

    @Test(arguments: [1, 2, 4]) func greysOfFewBitsStayThat(depth: Int) throws {
        let size = PixelSize(width: 21, height: 9)
        let step = 255 / (1 << depth - 1)
        let values = (0 ..< size.area).map { UInt8($0 * 5 % (1 << depth) * step) }
        let picture = Picture(size: size, layout: .gray, samples: .eight(values))
        var metadata = ImageMetadata()
        metadata.grayDepth = depth
        let file = try ImageFile.encode(picture, format: .png, metadata: metadata).bytes
        let image = try ImageFile.read(bytes: file, name: "a.png")
        #expect(image.picture == picture && image.facts.bitDepth == depth && image.facts.colorType == .gray)
        let again = try ImageFile.encode(image.picture, format: .png, metadata: image.metadata).bytes
        #expect(again == file)
        // A grey that needs more bits takes the next depth, and one between all of them eight.
        for (value, expected) in [(UInt8(17), 4), (18, 8)] {
            var other = values
            other[0] = value
            let edited = Picture(size: size, layout: .gray, samples: .eight(other))
            let next = try ImageFile.read(
                bytes: ImageFile.encode(edited, format: .png, metadata: image.metadata).bytes, name: "b.png")
            #expect(next.picture == edited && next.facts.bitDepth == expected)
        }
    }

    @Test func tooManyColoursAreSaid() throws {
        let size = PixelSize(width: 20, height: 20)
        let file = try indexed(
            [UInt8](repeating: 1, count: 400), colors: [[0, 0, 0, 255], [9, 9, 9, 255]], depth: 1, size: size)
        let image = try ImageFile.read(bytes: file, name: "a.png")
        let picture = noise(size, .rgb, depth: 8)
        let again = try ImageFile.encode(picture, format: .png, metadata: image.metadata)
        #expect(
            again.notes == ["the source is indexed; the result has more than 256 colours and is written as RGB"])
        let others = [
            (noise(size, .rgba, depth: 16), "has 16 bits a sample and is written as RGB with alpha"),
            (noise(size, .gray, depth: 8), "is written as grey"),
            (noise(size, .grayAlpha, depth: 16), "has 16 bits a sample and is written as grey with alpha"),
        ]
        for (picture, end) in others {
            let file = try ImageFile.encode(picture, format: .png, metadata: image.metadata)
            #expect(file.notes == ["the source is indexed; the result \(end)"])
        }
        #expect(try ImageFile.read(bytes: again.bytes, name: "b.png").picture == picture)
        // Other formats have no indices.
        #expect(try ImageFile.encode(image.picture, format: .webp, metadata: image.metadata).notes.isEmpty)
    }

    // MARK: Inks of a JPEG

    /// Without Adobe's marker the samples are light all the same: browsers, Pillow and ImageMagick read them so.
    @Test func inksOfAJPEGAreLightWithAndWithoutAdobesMarker() throws {
        for name in ["cmyk-8bit", "cmyk-12bit"] {
            if name == "cmyk-12bit", !ImageFormat.readsDeepJPEG { continue }
            let checkout = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let file = try contents("/\(checkout)/fixtures/formats/\(name).jpg")
            let marker = try #require(file.range(of: "Adobe")).lowerBound - 4
            #expect(file[marker ..< marker + 2] == [0xFF, 0xEE])
            let length = 2 + (Int(file[marker + 2]) << 8 | Int(file[marker + 3]))
            let bare = Array(file[..<marker] + file[(marker + length)...])
            let (with, without) = try (
                ImageFile.read(bytes: file, name: "a"), ImageFile.read(bytes: bare, name: "b")
            )
            #expect(without.facts.colorType == .cmyk)
            #expect(without.picture == with.picture)
        }
    }
}

@Suite struct PNGPaletteTests {
    /// Found by fuzzing: the picture was read as opaque, and its copy was not.
    @Test func `More alphas than colours count for none`() {
        let colors: [UInt8] = [0, 0, 255, 255, 0, 0]
        #expect(PNGPalette(colors[...], alpha: [0, 85][...], depth: 1).colors == [0x0000_FF00, 0xFF00_0055])
        #expect(PNGPalette(colors[...], alpha: [0, 85, 170][...], depth: 1).colors == [0x0000_FFFF, 0xFF00_00FF])
    }
}
