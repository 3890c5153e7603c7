internal import CImageIO
internal import Raster

/// Memory ran out in a part that does not know the file; who does says so as `ImageFileError.outOfMemory`.
struct OutOfMemory: Error {}

extension cimageio_result {
    var isOutOfMemory: Bool { UInt32(code) == CIMAGEIO_NO_MEMORY.rawValue }
}

extension ImageFileError {
    /// What a shim's failure to encode means for the person whose file it is.
    static func encoding(
        _ result: cimageio_result, file: String, format: ImageFormat, size: PixelSize
    ) -> ImageFileError {
        result.isOutOfMemory
            ? .outOfMemory(file: file, size: size) : .cannotEncode(file: file, format: format, detail: result.text)
    }

    /// What `body` gives; where it lacks memory, said of a file whose pixels are so many.
    static func ofMemory<Value>(
        file: String, size: PixelSize?, _ body: () throws(OutOfMemory) -> Value
    ) throws(ImageFileError) -> Value {
        do { return try body() } catch { throw .outOfMemory(file: file, size: size) }
    }
}
