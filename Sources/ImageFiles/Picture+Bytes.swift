internal import CImageIO
public import Raster

/// Fills `values` with `count` elements that `write` writes as bytes. Where `write` fails it stays empty.
func fill<Element>(
    _ values: inout [Element], count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Bool
) -> Bool where Element: BitwiseCopyable {
    var done = false
    values = unsafe Array(unsafeUninitializedCapacity: count) { buffer, filled in
        // Exactly `count` elements: the capacity may be larger.
        let exact = unsafe UnsafeMutableBufferPointer(rebasing: buffer.prefix(count))
        done = unsafe write(UnsafeMutableRawBufferPointer(exact))
        filled = done ? count : 0
    }
    return done
}

extension Picture.Samples {
    /// `count` samples of 8 or 16 bits, which `write` writes as bytes; `nil` where it fails.
    static func filled(
        count: Int, depth: Int, _ write: (UnsafeMutableRawBufferPointer) -> Bool
    ) -> Picture.Samples? {
        if depth == 16 {
            var values = [UInt16]()
            return unsafe fill(&values, count: count, write) ? .sixteen(values) : nil
        }
        var values = [UInt8]()
        return unsafe fill(&values, count: count, write) ? .eight(values) : nil
    }
}

/// The elements of a C array, which Swift sees as a tuple.
func elements<Tuple, Element: BitwiseCopyable>(of tuple: Tuple, _ type: Element.Type) -> [Element] {
    unsafe withUnsafeBytes(of: tuple) { unsafe Array($0.bindMemory(to: Element.self)) }
}

extension cimageio_result {
    /// The library's own words.
    var text: String {
        unsafe withUnsafePointer(to: self) { unsafe String(cString: cimageio_message($0)) }
    }
}

extension Picture {
    /// The samples as bytes, native endian.
    func withSampleBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch samples {
        case .eight(let values): unsafe values.withUnsafeBytes { unsafe body($0) }
        case .sixteen(let values): unsafe values.withUnsafeBytes { unsafe body($0) }
        }
    }

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
