internal import CImageIO
public import Raster

extension Picture {
    /// The picture turned as EXIF orientation 1…8 asks of what is stored. Traps on another number.
    public func upright(from orientation: Int) -> Picture {
        precondition((1 ... 8).contains(orientation), "an EXIF orientation is 1 to 8")
        guard orientation > 1 else { return self }
        let turnedSize = orientation < 5 ? size : PixelSize(width: height, height: width)
        let pixelBytes = layout.channels * depth / 8
        func turn<Element: BitwiseCopyable>(_ values: [Element]) -> [Element] {
            var turned = [Element]()
            _ = unsafe fill(&turned, count: values.count) { target in
                unsafe values.withUnsafeBytes { source in
                    unsafe cimageio_orient(
                        source.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        target.baseAddress?.assumingMemoryBound(to: UInt8.self), width, height, pixelBytes,
                        Int32(orientation))
                }
                return true
            }
            return turned
        }
        let turned: Samples =
            switch samples {
            case .eight(let values): .eight(turn(values))
            case .sixteen(let values): .sixteen(turn(values))
            }
        return Picture(size: turnedSize, layout: layout, samples: turned)
    }
}

extension ImageFileError {
    /// What a shim's failure means for the person whose file it is.
    static func decoding(
        _ result: cimageio_result, file: String, format: ImageFormat, size: PixelSize, byteCount: Int,
        limits: DecodeLimits
    ) -> ImageFileError {
        let known = size.width > 0 && size.height > 0 ? size : nil
        switch UInt32(result.code) {
        case CIMAGEIO_TRUNCATED.rawValue:
            return .truncated(file: file, format: format, size: known, byteCount: byteCount)
        case CIMAGEIO_UNSUPPORTED.rawValue:
            return .unsupportedFeature(file: file, format: format, feature: result.text)
        case CIMAGEIO_TOO_LARGE.rawValue:
            return .tooManyPixels(file: file, size: size, limit: limits.maximumPixels)
        case CIMAGEIO_NO_MEMORY.rawValue:
            return .outOfMemory(file: file, size: known)
        default:
            return .corrupt(file: file, format: format, detail: "its decoder says: \(result.text)")
        }
    }
}
