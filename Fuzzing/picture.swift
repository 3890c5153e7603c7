import Raster

@testable import ImageFiles

/// Reads bytes as a picture file and writes what was read in every format, as an edit that changes nothing would: with
/// the record of the edit, at a quality, or into the JPEG that it came from, as the first byte says. What was written
/// must be read again, a PNG and a TIFF to the same samples.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let choice = unsafe data[0]
    let bytes = unsafe Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    let limits = DecodeLimits(maximumPixels: 1 << 14, maximumMetadataBytes: 1 << 20, maximumMetadataSum: 1 << 21)
    guard let image = try? ImageFile.read(bytes: bytes, name: "input", limits: limits) else { return 0 }
    let provenance: Provenance? =
        choice & 1 == 0
        ? nil
        : .edited(
            Infotext(
                prompt: "a red door 🚪",
                parameters: [
                    .init(key: "Steps", value: "4"), .init(key: "Seed", value: "7"), .init(key: "Size", value: "8x8"),
                ]))
    let format = ImageFormat.written[Int(choice >> 1) % ImageFormat.written.count]
    let quality = choice & 0x10 == 0 ? nil : 1 + Int(choice >> 5) * 14
    let encoded: ImageFile.Encoded
    do {
        encoded = try ImageFile.encode(
            image.picture, format: format, metadata: image.metadata, provenance: provenance, quality: quality,
            jpegSource: choice & 0x80 == 0 ? image.jpegSource : nil)
    } catch {
        // A picture may be too large for a format, or its metadata for a chunk.
        precondition(!"\(error)".isEmpty)
        return 0
    }
    guard let again = try? ImageFile.read(bytes: encoded.bytes, name: "output") else {
        preconditionFailure("\(format) that cannot be read was written")
    }
    // A JPEG may keep its orientation, and reads upright again.
    precondition(again.picture.size == image.picture.size)
    if format == .png { precondition(again.picture == image.picture) }
    if format == .tiff, !image.metadata.hasAssociatedAlpha { precondition(again.picture == image.picture) }
    return 0
}
