internal import CImageIO
internal import PlainText
internal import Raster

/// TIFF, through libtiff.
enum TIFFCodec {
    /// Tags whose bytes are carried over as they are.
    private enum Tag {
        static let xmp: UInt32 = 700
        static let photoshop: UInt32 = 34377
        static let profile: UInt32 = 34675
    }

    static func decode(_ file: [UInt8], name: String, limits: DecodeLimits) throws(ImageFileError) -> DecodedFile {
        var info = cimageio_tiff_info()
        var result = cimageio_result()
        let opened = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_tiff_header(
                $0.baseAddress, $0.count, UInt64(clamping: limits.maximumPixels), &info, &result)
        }
        let size = PixelSize(width: Int(info.width), height: Int(info.height))
        func failure() -> ImageFileError {
            .decoding(result, file: name, format: .tiff, size: size, byteCount: file.count, limits: limits)
        }
        guard opened, let layout = Picture.Layout(rawValue: Int(info.channels)) else { throw failure() }
        let count = size.area * layout.channels
        try checkPlausible(info, size: size, file: file, name: name)
        guard cimageio_can_allocate(count * Int(info.depth) / 8) else { throw .outOfMemory(file: name, size: size) }
        let depth = Int(info.depth)
        let samples = unsafe Picture.Samples.filled(count: count, depth: depth) {
            unsafe decode(file, &info, $0, &result)
        }
        guard let samples else { throw failure() }

        var metadata = ImageMetadata()
        var losses = losses(info)
        let (chosen, first) = (info.directory, info.first_directory)
        func tag(_ tag: UInt32, _ directories: UInt64...) throws(ImageFileError) -> [UInt8]? {
            try ImageFileError.ofMemory(file: name, size: size) { () throws(OutOfMemory) in
                for directory in directories {
                    if let found = try Self.tag(tag, of: file, directory: directory) { return found }
                }
                return nil
            }
        }
        // What describes the picture may stand only where the file begins; a profile belongs to its samples.
        if !info.inks { metadata.iccProfile = try tag(Tag.profile, chosen) }
        metadata.xmp = try tag(Tag.xmp, chosen, first).map { XMPPacket.inUTF8($0) }
        metadata.photoshopResources = try tag(Tag.photoshop, chosen, first)
        if let page = TIFFDirectory.page(at: Int(clamping: chosen), of: file) {
            if metadata.photoshopResources == nil { metadata.photoshopResources = iptcResource(of: page) }
            metadata.exif = TIFFDirectory.exifBlock(fromTIFF: file, page: page, notes: &losses)
            if let loss = page.loss { losses.append(loss) }
        }
        metadata.density = density(info)
        metadata.hasAssociatedAlpha = info.alpha_associated
        metadata.hasUnspecifiedAlpha = info.alpha_unspecified
        var picture = Picture(size: size, layout: layout, samples: samples)
        if info.alpha_associated, !info.inks {
            metadata.associatedSource = AssociatedSource(picture)
            AssociatedSource.straighten(&picture)
        }
        return DecodedFile(
            picture: picture,
            facts: SourceFacts(
                storedSize: size, bitDepth: Int(info.stored_depth), colorType: colorType(info, layout: layout),
                isInterlaced: false, orientation: 1, byteCount: file.count),
            metadata: metadata, notes: notes(info) + losses, losses: losses, companions: companions(info))
    }

    /// Refuses a header that claims more than its data could hold, before memory is taken for it.
    private static func checkPlausible(
        _ info: cimageio_tiff_info, size: PixelSize, file: [UInt8], name: String
    ) throws(ImageFileError) {
        // None; LZW, JPEG, deflate, PackBits. Others (fax codes) have no bound.
        let mostOfOneByte = [1: 1, 5: 4096, 7: 1024, 8: 1032, 32773: 64, 32946: 1032][Int(info.compression)]
        guard let mostOfOneByte else { return }
        // At least one sample a pixel, half of them (YCbCr) or a bit each.
        let least = size.area * Int(info.stored_depth) / 8
        guard least / mostOfOneByte <= file.count else {
            throw .truncated(file: name, format: .tiff, size: size, byteCount: file.count)
        }
    }

    private static func decode(
        _ file: [UInt8], _ info: inout cimageio_tiff_info, _ pixels: UnsafeMutableRawBufferPointer,
        _ result: inout cimageio_result
    ) -> Bool {
        unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_tiff_decode($0.baseAddress, $0.count, &info, pixels.baseAddress, pixels.count, &result)
        }
    }

    private static func tag(
        _ tag: UInt32, of file: [UInt8], directory: UInt64
    ) throws(OutOfMemory) -> [UInt8]? {
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let found = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_tiff_tag($0.baseAddress, $0.count, directory, tag, &out, &result)
        }
        if result.isOutOfMemory { throw OutOfMemory() }
        return found ? unsafe out.array : nil
    }

    /// An IPTC record that stands in a tag of its own, as the Photoshop resource that other formats hold.
    private static func iptcResource(of page: TIFFDirectory) -> [UInt8]? {
        guard let record = page.entries.first(where: { $0.tag == 33723 })?.data, record.first == 0x1C else {
            return nil
        }
        let count = (0 ..< 4).map { UInt8(truncatingIfNeeded: record.count >> (24 - 8 * $0)) }
        return Array("8BIM".utf8) + [4, 4, 0, 0] + count + record + [UInt8](repeating: 0, count: record.count & 1)
    }

    private static func density(_ info: cimageio_tiff_info) -> PixelDensity? {
        guard info.density_x >= 1, info.density_y >= 1, info.density_x < 1e9, info.density_y < 1e9 else { return nil }
        let units: [PixelDensity.Unit?] = [nil, .aspect, .perInch, .perCentimetre]
        return units[Int(info.density_unit)].map {
            PixelDensity(x: UInt32(info.density_x.rounded()), y: UInt32(info.density_y.rounded()), unit: $0)
        }
    }

    private static func colorType(_ info: cimageio_tiff_info, layout: Picture.Layout) -> SourceFacts.ColorType {
        if info.inks { return .cmyk }
        // TIFF 6.0, PhotometricInterpretation: 3 is a palette, 6 YCbCr.
        if info.photometric == 3 { return .palette }
        if info.photometric == 6 { return .yCbCr }
        return switch layout {
        case .gray: .gray
        case .grayAlpha: .grayAlpha
        case .rgb: .rgb
        case .rgba: .rgba
        }
    }

    /// What is to be said of pages beside the one that is used; `nil` where there is none.
    private static func pages(_ info: cimageio_tiff_info) -> String? {
        if info.is_reduced {
            return "every page says that it is a smaller version of another picture; the first is used"
        }
        if info.page == 0 {
            return "its first page is a smaller version; the picture of full resolution that belongs to it is used"
        }
        if info.page > 1 { return "it has several pages; the first of full resolution, page \(info.page), is used" }
        return info.other_pages ? "it has several pages; only the first is used" : nil
    }

    /// What is to be said of further channels; `nil` where there is none.
    private static func channels(_ info: cimageio_tiff_info) -> String? {
        guard info.dropped_samples > 0 else { return nil }
        let dropped = info.dropped_samples
        return "\(dropped.of("further channel")) of its samples (spot colours, masks or alpha) "
            + "\(dropped.verb("is", "are")) not carried over"
    }

    private static func companions(_ info: cimageio_tiff_info) -> [String] {
        // A page alone that calls itself a smaller version has no other beside it.
        let pages = info.is_reduced && !info.other_pages ? nil : pages(info)
        return [pages, channels(info)].compactMap(\.self)
    }

    private static func notes(_ info: cimageio_tiff_info) -> [String] {
        var notes = [pages(info)].compactMap(\.self)
        if info.inks {
            notes.append(
                info.used_ink_profile
                    ? "it is a CMYK picture and was converted to sRGB by its ink profile"
                    : "it is a CMYK picture without a usable ink profile and was converted to RGB by multiplying inks")
        }
        if info.photometric == 8 || info.photometric == 9 || info.photometric == 10 {
            notes.append("it is a CIELab picture and was converted to sRGB")
        }
        return notes
    }

    private static func losses(_ info: cimageio_tiff_info) -> [String] {
        var losses = [channels(info)].compactMap(\.self)
        // TIFF 6.0, PhotometricInterpretation: 3 is a palette.
        if info.photometric == 3 { losses.append("it is indexed; a TIFF made from it is RGB") }
        return losses
    }

    // MARK: Writing

    /// Encodes every layout and depth exactly.
    static func encode(
        _ picture: Picture, metadata: ImageMetadata, name: String, notes: inout [String]
    ) throws(ImageFileError) -> [UInt8] {
        var request = unsafe cimageio_tiff_request()
        unsafe request.width = UInt32(picture.width)
        unsafe request.height = UInt32(picture.height)
        unsafe request.channels = UInt8(picture.layout.channels)
        unsafe request.depth = UInt8(picture.depth)
        unsafe request.associate_alpha = metadata.hasAssociatedAlpha
        unsafe request.unspecified_alpha = metadata.hasUnspecifiedAlpha
        if let density = metadata.density {
            let scale: Float = density.unit == .perMetre ? 0.01 : 1
            unsafe request.density_x = Float(density.x) * scale
            unsafe request.density_y = Float(density.y) * scale
            unsafe request.density_unit =
                switch density.unit {
                case .aspect: 1
                case .perInch: 2
                case .perCentimetre, .perMetre: 3
                }
        }
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let (profile, xmp) = (metadata.iccProfile ?? [], metadata.xmp ?? [])
        let source = metadata.associatedSource.flatMap { $0.fits(picture) ? $0 : nil }
        let done = unsafe profile.withUnsafeBufferPointer { profile in
            unsafe xmp.withUnsafeBufferPointer { xmp in
                unsafe (metadata.photoshopResources ?? []).withUnsafeBufferPointer { photoshop in
                    unsafe request.profile = profile.baseAddress
                    unsafe request.profile_count = profile.count
                    unsafe request.xmp = xmp.baseAddress
                    unsafe request.xmp_count = xmp.count
                    unsafe request.photoshop = photoshop.baseAddress
                    unsafe request.photoshop_count = photoshop.count
                    func encode() -> Bool {
                        unsafe picture.withSampleBytes {
                            unsafe cimageio_tiff_encode($0.baseAddress, &request, &out, &result)
                        }
                    }
                    guard let source else { return encode() }
                    unsafe request.associated_width = UInt32(source.picture.width)
                    unsafe request.associated_height = UInt32(source.picture.height)
                    unsafe request.associated_x = UInt32(source.x)
                    unsafe request.associated_y = UInt32(source.y)
                    return unsafe source.picture.withSampleBytes {
                        unsafe request.associated = unsafe UnsafeRawPointer($0.baseAddress)
                        return encode()
                    }
                }
            }
        }
        guard done else { throw .encoding(result, file: name, format: .tiff, size: picture.size) }
        let bytes = unsafe out.array
        guard let exif = metadata.exif else { return bytes }
        if let loss = TIFFDirectory(first: exif)?.loss { notes.append(loss) }
        if TIFFDirectory.lacksValues(exifBlock: exif) {
            notes.append("some values of the EXIF block cannot be read, lie outside it or overlap, and were left out")
        }
        if let described = TIFFDirectory.adding(exifBlock: exif, toTIFF: bytes) { return described }
        notes.append("the EXIF block could not be added and was left out")
        return bytes
    }
}
