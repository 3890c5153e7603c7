internal import CImageIO
internal import PlainText
internal import Raster

/// PNG pixels, through libpng.
enum PNGCodec {
    /// Decodes the pixels of `file`; `pixelDataCount` is how many compressed bytes it holds. `lacksEnd` says that all
    /// of them are there, and the chunk that ends a PNG is not.
    static func decode(
        _ file: [UInt8], name: String, pixelDataCount: Int, limits: DecodeLimits
    ) throws(ImageFileError) -> (picture: Picture, facts: SourceFacts, lacksEnd: Bool) {
        var info = cimageio_png_info()
        var result = cimageio_result()
        let opened = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_png_header(
                $0.baseAddress, $0.count, UInt64(clamping: limits.maximumPixels), &info, &result)
        }
        let size = PixelSize(width: Int(info.width), height: Int(info.height))
        func failure() -> ImageFileError {
            .decoding(result, file: name, format: .png, size: size, byteCount: file.count, limits: limits)
        }
        guard opened, let layout = Picture.Layout(rawValue: Int(info.channels)) else { throw failure() }

        // Deflate cannot shrink by more than 1032; a header that claims more than its data could hold is refused
        // before memory is taken for it.
        let storedChannels = [1, 0, 3, 1, 2, 0, 4][Int(info.stored_color_type)]
        let rawCount = size.area * storedChannels * Int(info.stored_depth) / 8
        guard rawCount <= (pixelDataCount + 64) * 1032 else {
            throw .corrupt(
                file: name, format: .png,
                detail: "\(pixelDataCount.of("byte")) of compressed pixels cannot hold the \(size) that it claims")
        }
        let count = size.area * layout.channels
        guard cimageio_can_allocate(count * Int(info.depth) / 8) else { throw .outOfMemory(file: name, size: size) }
        let depth = Int(info.depth)
        var lacksEnd = false
        let samples = unsafe Picture.Samples.filled(count: count, depth: depth) {
            unsafe decode(file, &info, $0, &lacksEnd, &result)
        }
        guard let samples else { throw failure() }
        let colors: [SourceFacts.ColorType] = [.gray, .gray, .rgb, .palette, .grayAlpha, .gray, .rgba]
        let facts = SourceFacts(
            storedSize: size, bitDepth: Int(info.stored_depth), colorType: colors[Int(info.stored_color_type)],
            isInterlaced: info.interlaced, orientation: 1, byteCount: file.count)
        return (Picture(size: size, layout: layout, samples: samples), facts, lacksEnd)
    }

    private static func decode(
        _ file: [UInt8], _ info: inout cimageio_png_info, _ pixels: UnsafeMutableRawBufferPointer,
        _ lacksEnd: inout Bool, _ result: inout cimageio_result
    ) -> Bool {
        unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_png_decode(
                $0.baseAddress, $0.count, &info, pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), pixels.count,
                &lacksEnd, &result)
        }
    }

    /// Encodes `picture` exactly, with `chunks` before its pixels.
    static func encode(_ picture: Picture, chunks: [PNGChunk], name: String) throws(ImageFileError) -> [UInt8] {
        try unsafe encoded(picture.size, chunks: chunks, name: name) { list, out, result in
            unsafe picture.withSampleBytes { pixels in
                unsafe cimageio_png_encode(
                    pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(picture.width),
                    UInt32(picture.height), Int32(picture.layout.channels), Int32(picture.depth), nil, list.baseAddress,
                    list.count, out, result)
            }
        }
    }

    /// The same for a picture of few colours.
    static func encode(_ picture: IndexedPicture, chunks: [PNGChunk], name: String) throws(ImageFileError) -> [UInt8] {
        let colors = picture.colors.flatMap { color in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: color >> UInt32($0)) }
        }
        return try unsafe encoded(picture.size, chunks: chunks, name: name) { list, out, result in
            unsafe colors.withUnsafeBufferPointer { colors in
                unsafe picture.indices.withUnsafeBufferPointer { indices in
                    var palette = unsafe cimageio_png_palette(
                        colors: colors.baseAddress, count: Int32(picture.colors.count))
                    return unsafe withUnsafePointer(to: &palette) { palette in
                        unsafe cimageio_png_encode(
                            indices.baseAddress, UInt32(picture.size.width), UInt32(picture.size.height), 1,
                            Int32(picture.depth), picture.colors.isEmpty ? nil : palette, list.baseAddress, list.count,
                            out, result)
                    }
                }
            }
        }
    }

    private typealias Writing = (
        UnsafeBufferPointer<cimageio_png_chunk>, UnsafeMutablePointer<cimageio_buffer>,
        UnsafeMutablePointer<cimageio_result>
    ) -> Bool

    /// The file that `write` makes with the chunks.
    private static func encoded(
        _ size: PixelSize, chunks: [PNGChunk], name: String, by write: Writing
    ) throws(ImageFileError) -> [UInt8] {
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        // The payloads stand in one array, so that one pointer serves them all.
        let payloads = chunks.flatMap(\.data)
        let done = unsafe payloads.withUnsafeBufferPointer { payload in
            var start = 0
            let list = unsafe chunks.map { chunk in
                let type = Array(chunk.type.utf8).map { CChar(bitPattern: $0) }
                precondition(type.count == 4, "a chunk type has four letters")
                defer { start += chunk.data.count }
                return unsafe cimageio_png_chunk(
                    type: (type[0], type[1], type[2], type[3]), data: payload.baseAddress.map { unsafe $0 + start },
                    count: chunk.data.count)
            }
            return unsafe list.withUnsafeBufferPointer { unsafe write($0, &out, &result) }
        }
        guard done else { throw .encoding(result, file: name, format: .png, size: size) }
        return unsafe out.array
    }
}
