@testable import Masking
@testable import Raster

/// Reads bytes as a mask argument and draws it on a small picture; the first byte chooses the kind and the fill rule.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let kind = unsafe data[0]
    let text = unsafe String(decoding: UnsafeRawBufferPointer(start: data + 1, count: count - 1), as: UTF8.self)
    let size = PixelSize(width: 48, height: 37)
    let rule: VectorPath.FillRule = kind & 0x80 == 0 ? .nonZero : .evenOdd
    let shape: MaskShape
    do {
        switch (kind & 0x0F) % 10 {
        case 0: shape = try MaskShape(box: text)
        case 1: shape = try MaskShape(ellipse: text)
        case 2: shape = try MaskShape(polygon: text, rule: rule)
        case 3: shape = try MaskShape(stroke: text, width: kind & 0x40 == 0 ? 0.1 : 30)
        case 4, 5: shape = try MaskShape(svgPath: text, rule: rule)
        case 6:
            _ = try MaskShape.Place(text).pixel(in: size)
            return 0
        case 8:
            // Without this font an error.
            let font = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
            let words = try TextShape(text, fonts: [font]).fitted(x: 0, y: 0, width: 48, height: 37)
            _ = Mask(words, size: size)
            return 0
        case 9:
            // The bytes as the samples of a mask, a layout by the two bits that are left.
            let layout = Picture.Layout.allCases[Int(kind >> 4) % 4]
            let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: data + 1, count: count - 1))
            let pixels = bytes.count / layout.channels
            guard pixels > 0 else { return 0 }
            let samples = Array(bytes.prefix(pixels * layout.channels))
            let picture = Picture(
                size: PixelSize(width: pixels, height: 1), layout: layout,
                samples: kind & 0x40 == 0 ? .eight(samples) : .sixteen(samples.map { UInt16($0) << 5 }))
            let mask = try Mask(reading: picture, isLossy: kind & 0x80 != 0)
            precondition(mask.coverage.values.allSatisfy { $0 >= 0 && $0 <= 1 } && !"\(mask.summary.verdict)".isEmpty)
            return 0
        default:
            _ = MaskMeaning(rawValue: text)
            return 0
        }
    } catch {
        precondition(!"\(error)".isEmpty)
        return 0
    }
    if let rect = shape.pixelRect(in: size) { precondition(rect.x + rect.width <= 48 && rect.y + rect.height <= 37) }
    let mask = shape.mask(size: size)
    for value in mask.coverage.values { precondition(value >= 0 && value <= 1, "coverage \(value)") }
    _ = mask.summary.verdict
    return 0
}
