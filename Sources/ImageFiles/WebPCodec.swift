internal import CImageIO
internal import PlainText
internal import Raster

/// WebP, through libwebp.
enum WebPCodec {
    static func decode(_ file: [UInt8], name: String, limits: DecodeLimits) throws(ImageFileError) -> DecodedFile {
        var info = cimageio_webp_info()
        var result = cimageio_result()
        let opened = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_webp_header(
                $0.baseAddress, $0.count, UInt64(clamping: limits.maximumPixels), &info, &result)
        }
        let size = PixelSize(width: Int(info.width), height: Int(info.height))
        func failure() -> ImageFileError {
            .decoding(result, file: name, format: .webp, size: size, byteCount: file.count, limits: limits)
        }
        guard opened, let layout = Picture.Layout(rawValue: Int(info.channels)) else { throw failure() }
        let count = size.area * layout.channels
        guard cimageio_can_allocate(count) else { throw .outOfMemory(file: name, size: size) }
        var values = [UInt8]()
        let decoded = unsafe fill(&values, count: count) { pixels in
            unsafe file.withUnsafeBufferPointer {
                unsafe cimageio_webp_decode(
                    $0.baseAddress, $0.count, &info, pixels.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    pixels.count, &result)
            }
        }
        guard decoded else { throw failure() }

        var metadata = ImageMetadata()
        func chunk(_ type: String) throws(ImageFileError) -> [UInt8]? {
            try ImageFileError.ofMemory(file: name, size: size) { () throws(OutOfMemory) in
                try Self.chunk(type, of: file)
            }
        }
        metadata.iccProfile = try chunk("ICCP")
        metadata.xmp = try chunk("XMP ").map { XMPPacket.inUTF8($0) }
        // Some writers leave the header that only a JPEG's segment has.
        let header = Array("Exif\0\0".utf8)
        metadata.exif = try chunk("EXIF").map { $0.starts(with: header) ? Array($0.dropFirst(6)) : $0 }
        let notes = info.frames > 1 ? ["it is animated; only its first picture is used"] : []
        let facts = SourceFacts(
            storedSize: size, bitDepth: 8, colorType: layout == .rgba ? .rgba : .rgb, isInterlaced: false,
            orientation: 1, byteCount: file.count, isLossyWebP: !info.is_lossless)
        let lossy =
            "its pixels were compressed with loss; a WebP made from it is compressed without, to keep them, and larger"
        let losses = (info.is_lossless ? [] : [lossy]) + losses(of: file)
        return DecodedFile(
            picture: Picture(size: size, layout: layout, samples: .eight(values)), facts: facts, metadata: metadata,
            notes: notes + losses, losses: losses, companions: notes)
    }

    /// What stands in the container and is not carried over. WebP Container Specification, "RIFF file format".
    private static func losses(of file: [UInt8]) -> [String] {
        func number(_ offset: Int) -> Int { (0 ..< 4).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) } }
        let known: Set = ["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "]
        guard file.count >= 12 else { return [] }
        let end = min(file.count, 8 + number(4) + number(4) % 2)
        var losses: [String] = []
        var unknown = NameList()
        var offset = 12
        while offset <= end - 8 {
            let name = String(
                decoding: file[offset ..< offset + 4].map { (0x20 ... 0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
            if !known.contains(name) { unknown.insert(name) }
            let length = number(offset + 4)
            offset += 8 + length + length % 2
        }
        if !unknown.isEmpty {
            losses.append("chunks that this build does not know are not carried over: \(unknown)")
        }
        if file[end...].contains(where: { $0 != 0 }) {
            let rest = file.count - end
            losses.append("\(rest.of("byte")) behind its end \(rest.verb("is", "are")) not carried over")
        }
        return losses
    }

    private static func chunk(_ type: String, of file: [UInt8]) throws(OutOfMemory) -> [UInt8]? {
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let found = unsafe file.withUnsafeBufferPointer { file in
            unsafe type.withCString { unsafe cimageio_webp_chunk(file.baseAddress, file.count, $0, &out, &result) }
        }
        if result.isOutOfMemory { throw OutOfMemory() }
        return found ? unsafe out.array : nil
    }

    /// Encodes 8-bit RGB or RGBA without loss.
    static func encode(_ picture: Picture, metadata: ImageMetadata, name: String) throws(ImageFileError) -> [UInt8] {
        precondition(picture.depth == 8 && picture.layout.colorChannels == 3, "a WebP holds 8-bit RGB")
        guard picture.width <= 16383, picture.height <= 16383 else {
            throw .cannotEncode(
                file: name, format: .webp,
                detail: "a WebP is at most 16383 pixels wide and high, the picture is \(picture.size)")
        }
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let (profile, exif, xmp) = (metadata.iccProfile ?? [], metadata.exif ?? [], metadata.xmp ?? [])
        let done = unsafe profile.withUnsafeBufferPointer { profile in
            unsafe exif.withUnsafeBufferPointer { exif in
                unsafe xmp.withUnsafeBufferPointer { xmp in
                    let chunks = unsafe [
                        cimageio_webp_metadata(type: name4("ICCP"), data: profile.baseAddress, count: profile.count),
                        cimageio_webp_metadata(type: name4("EXIF"), data: exif.baseAddress, count: exif.count),
                        cimageio_webp_metadata(type: name4("XMP "), data: xmp.baseAddress, count: xmp.count),
                    ]
                    return unsafe picture.withSampleBytes { pixels in
                        unsafe cimageio_webp_encode(
                            pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(picture.width),
                            UInt32(picture.height), Int32(picture.layout.channels), chunks, chunks.count, &out, &result)
                    }
                }
            }
        }
        guard done else { throw .encoding(result, file: name, format: .webp, size: picture.size) }
        return unsafe out.array
    }

    private static func name4(_ text: String) -> (CChar, CChar, CChar, CChar) {
        let letters = text.utf8.map { CChar(bitPattern: $0) }
        return (letters[0], letters[1], letters[2], letters[3])
    }
}
