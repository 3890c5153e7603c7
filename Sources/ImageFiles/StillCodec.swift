internal import CImageIO
internal import Raster

/// AVIF and HEIC through libheif, JPEG XL through libjxl: libraries that are loaded when such a file is read, and may be
/// absent. Their files are read and not written.
enum StillCodec {
    static func decode(
        _ file: [UInt8], format: ImageFormat, name: String, limits: DecodeLimits
    ) throws(ImageFileError) -> DecodedFile {
        precondition(!format.isWritten, "a format of its own codec")
        guard format.isReadable else {
            let lacksMemory = format == .jxl ? cimageio_jxl_lacks_memory() : cimageio_heif_lacks_memory()
            if lacksMemory { throw .outOfMemory(file: name, size: nil) }
            throw .missingLibrary(file: name, format: format, library: format == .jxl ? "libjxl" : "libheif")
        }
        var info = unsafe cimageio_still_info()
        var result = cimageio_result()
        defer {
            unsafe cimageio_free(&info.profile)
            unsafe cimageio_free(&info.exif)
            unsafe cimageio_free(&info.xmp)
        }
        let limit = UInt64(clamping: limits.maximumPixels)
        let opened = unsafe file.withUnsafeBufferPointer { file in
            if format == .jxl { return unsafe cimageio_jxl_header(file.baseAddress, file.count, limit, &info, &result) }
            return unsafe cimageio_heif_header(file.baseAddress, file.count, limit, &info, &result)
        }
        let size = unsafe PixelSize(width: Int(info.width), height: Int(info.height))
        func failure() -> ImageFileError {
            .decoding(result, file: name, format: format, size: size, byteCount: file.count, limits: limits)
        }
        guard opened, let layout = unsafe Picture.Layout(rawValue: Int(info.channels)) else { throw failure() }
        let depth = unsafe Int(info.depth)
        let count = size.area * layout.channels
        guard cimageio_can_allocate(count * depth / 8) else { throw .outOfMemory(file: name, size: size) }
        let samples = unsafe Picture.Samples.filled(count: count, depth: depth) { pixels in
            unsafe file.withUnsafeBufferPointer { file in
                let (bytes, target) = (file.baseAddress, pixels.baseAddress)
                if format == .jxl {
                    return unsafe cimageio_jxl_decode(bytes, file.count, &info, target, pixels.count, &result)
                }
                return unsafe cimageio_heif_decode(bytes, file.count, &info, target, pixels.count, &result)
            }
        }
        guard let samples else { throw failure() }

        return DecodedFile(
            picture: Picture(size: size, layout: layout, samples: samples),
            facts: SourceFacts(
                storedSize: size, bitDepth: unsafe Int(info.stored_depth),
                colorType: layout.colorChannels == 1
                    ? (layout.hasAlpha ? .grayAlpha : .gray) : (layout.hasAlpha ? .rgba : .rgb), isInterlaced: false,
                orientation: 1, byteCount: file.count),
            metadata: unsafe metadata(of: info),
            notes: unsafe info.other_pictures ? ["it holds several pictures; only the first is used"] : [])
    }

    private static func metadata(of info: cimageio_still_info) -> ImageMetadata {
        var metadata = ImageMetadata()
        if unsafe info.profile.count > 0 {
            metadata.iccProfile = unsafe info.profile.array
        } else if unsafe ![0, 2].contains(info.color_primaries), unsafe ![0, 2].contains(info.transfer_characteristics)
        {
            // The decoder has undone the matrix and the range of video.
            let codes = unsafe [info.color_primaries, info.transfer_characteristics, 0, 1]
            metadata.colorChunks = [PNGChunk(type: "cICP", data: codes)]
        }
        if unsafe info.xmp.count > 0 { metadata.xmp = unsafe XMPPacket.inUTF8(info.xmp.array) }
        // Four bytes, big endian, say how far behind them the TIFF header is. What EXIF says of the orientation holds for
        // other programs: the container's own was followed (ISO/IEC 23008-12, annex A; ISO/IEC 18181-2).
        let stored = unsafe info.exif.array
        guard stored.count > 4 else { return metadata }
        let offset = stored[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard offset < stored.count - 4, var block = EXIFBlock(Array(stored[(4 + offset)...])) else { return metadata }
        block.resetOrientation()
        metadata.exif = block.bytes
        return metadata
    }
}
