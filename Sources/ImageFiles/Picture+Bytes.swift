internal import CImageIO
internal import Raster

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
}
