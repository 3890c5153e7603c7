internal import Raster

extension ImageMetadata {
    /// The metadata as it goes into a file that holds `picture`: sizes corrected, the old thumbnail gone, a profile of
    /// another colour space gone, the provenance in XMP and EXIF.
    func prepared(
        for picture: Picture, format: ImageFormat, provenance: Provenance?, notes: inout [String]
    ) throws(OutOfMemory) -> ImageMetadata {
        var result = self
        if let profile = iccProfile, let space = Self.colorSpace(of: profile),
            space != (picture.layout.colorChannels == 1 ? "GRAY" : "RGB ")
        {
            result.iccProfile = nil
            notes.append("the colour profile is for \(space.filter { $0 != " " }) samples and was left out")
        }
        if var block = exif.flatMap({ EXIFBlock($0) }) {
            if block.thumbnailHasOwnWords {
                notes.append("what EXIF says beside its thumbnail is left out with the thumbnail")
            }
            // A TIFF has one place for it, which is not EXIF's.
            if format == .tiff, let stated = block.density,
                density.map({ $0.unit == .aspect && stated.unit != .aspect }) ?? true
            {
                result.density = stated
            }
            block.resetOrientation()
            block.removeThumbnail()
            block.setPixelSize(width: picture.width, height: picture.height)
            result.exif = block.bytes
        }
        result.removeOldViews(notes: &notes)
        if var packet = result.xmp.map({ XMPPacket($0) }) {
            packet.setPixelSize(width: picture.width, height: picture.height)
            result.xmp = packet.bytes
        }
        switch format {
        case .png, .avif, .heic, .jxl: break
        case .jpeg, .webp, .tiff:
            if let profile = try ColorSpace.profile(replacing: self, layout: picture.layout) {
                result.iccProfile = profile
                notes.append(
                    "the colours, which the PNG states in chunks, are stated by a profile in the \(format.displayName)")
            }
        }
        if format != .png, !plainChunks.isEmpty {
            let names = plainChunks.map(\.type).joined(separator: ", ")
            notes.append("chunks of a PNG have no place in a \(format.displayName) and were left out: \(names)")
        }
        if format != .tiff, associatedSource != nil {
            notes.append(
                "colours larger than their alpha, as those of a glow, have no place in a \(format.displayName) "
                    + "and were cut off"
            )
        }
        if let type = provenance?.digitalSourceType { result.state(type, notes: &notes) }
        result.place(record: provenance?.infotext?.rendered, format: format, notes: &notes)
        if format != .png { result.placeTexts(format: format, notes: &notes) }
        if format == .webp, photoshopResources != nil { result.placeCaptions(notes: &notes) }
        return result
    }

    /// Takes out what shows the picture as it was before the edit, beside EXIF's thumbnail.
    private mutating func removeOldViews(notes: inout [String]) {
        var gone: [String] = []
        if var resources = photoshopResources.map({ PhotoshopResources($0) }), resources.removeThumbnails() {
            photoshopResources = resources.bytes.isEmpty ? nil : resources.bytes
            gone.append("Photoshop's thumbnail")
        }
        if var packet = xmp.map({ XMPPacket($0) }) {
            let views = packet.removeOldViews()
            if views.thumbnails { gone.append("thumbnails in XMP") }
            if views.depthOrPicture { gone.append("a depth map or second picture in XMP") }
            if views.isUnread {
                notes.append(
                    "the XMP packet cannot be understood and stays as it was; it may show the picture before the edit")
            }
            xmp = packet.bytes
        }
        guard !gone.isEmpty else { return }
        notes.append("what shows the picture before the edit is left out: \(gone.joined(separator: ", "))")
    }

    /// The colour space of a profile's samples: "RGB ", "GRAY", "CMYK" … (ICC.1:2022, 7.2.8).
    private static func colorSpace(of profile: [UInt8]) -> String? {
        guard profile.count >= 128 else { return nil }
        return String(decoding: profile[16 ..< 20], as: UTF8.self)
    }
}

extension Picture {
    /// The picture as a WebP holds it: 8-bit RGB, with alpha where it has alpha.
    func flattenedForWebP(notes: inout [String]) -> Picture {
        if depth == 8, layout.colorChannels == 3 { return self }
        if depth == 16 { notes.append("a WebP holds 8 bits a sample; the picture's 16 were rounded") }
        let values = eightBitSamples
        guard layout.colorChannels == 1 else { return Picture(size: size, layout: layout, samples: .eight(values)) }
        var spread = [UInt8]()
        spread.reserveCapacity(size.area * (layout.hasAlpha ? 4 : 3))
        for start in stride(from: 0, to: values.count, by: layout.channels) {
            spread += [values[start], values[start], values[start]]
            if layout.hasAlpha { spread.append(values[start + 1]) }
        }
        return Picture(size: size, layout: layout.hasAlpha ? .rgba : .rgb, samples: .eight(spread))
    }

    /// Rounded to nearest where there are 16 bits.
    private var eightBitSamples: [UInt8] {
        switch samples {
        case .eight(let values): values
        case .sixteen(let values): values.map { UInt8((Int($0) * 255 + 32767) / 65535) }
        }
    }

    /// The picture as 8-bit grey or RGB without alpha.
    func flattenedForJPEG(notes: inout [String]) -> Picture {
        if depth == 8, !layout.hasAlpha { return self }
        if depth == 16 { notes.append("a JPEG holds 8 bits a sample; the picture's 16 were rounded") }
        let values = eightBitSamples
        guard layout.hasAlpha else { return Picture(size: size, layout: layout, samples: .eight(values)) }
        if stride(from: layout.colorChannels, to: values.count, by: layout.channels).contains(where: {
            values[$0] != 255
        }) {
            notes.append("a JPEG holds no transparency; the picture was laid over white")
        }
        let colors = layout.colorChannels
        var flat = [UInt8]()
        flat.reserveCapacity(size.area * colors)
        for start in stride(from: 0, to: values.count, by: layout.channels) {
            let alpha = Int(values[start + colors])
            for channel in 0 ..< colors {
                flat.append(UInt8((Int(values[start + channel]) * alpha + 255 * (255 - alpha) + 127) / 255))
            }
        }
        return Picture(size: size, layout: colors == 1 ? .gray : .rgb, samples: .eight(flat))
    }
}
