import Raster

@testable import ImageFiles

/// Reads bytes as each kind of metadata and changes it as an edit does; the first byte chooses the kind.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = unsafe Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    switch unsafe data[0] % 5 {
    case 0:
        guard var block = EXIFBlock(bytes) else { return 0 }
        _ = block.orientation
        _ = block.saysAdobeRGB
        _ = block.userComment
        block.setOrientation(6)
        block.setPixelSize(width: 70000, height: 3)
        block.removeThumbnail()
        block.setUserComment("a red door 🚪")
        precondition(block.userComment == nil || block.userComment == "a red door 🚪")
        block.setUserComment("twice")
    case 1:
        var packet = XMPPacket(bytes)
        _ = packet.digitalSourceType
        packet.setOrientation(3)
        packet.digitalSourceType = .compositeWithTrainedAlgorithmicMedia
        packet.removePadding()
        _ = packet.removeCompanionClaims()
        _ = packet.setParameters("a red door 🚪 <&>")
        _ = packet.addTexts([TextEntry(keyword: "Title", text: "a")])
        if let split = ExtendedXMP.split(packet.bytes, limit: 900) {
            let joined = ExtendedXMP.joined(split.packet, split.segments.map { $0[...] })
            precondition(joined.isWhole)
        }
    case 2:
        if let page = TIFFDirectory.page(at: 8, of: bytes) {
            var notes: [String] = []
            _ = page.loss
            _ = TIFFDirectory.exifBlock(fromTIFF: bytes, page: page, notes: &notes)
        }
        _ = TIFFDirectory.adding(exifBlock: bytes, toTIFF: bytes)
    case 3:
        var metadata = JPEGMetadata(parsing: bytes)
        _ = JPEGMetadata.segments(metadata.metadata)
        _ = try? ColorSpace(metadata.metadata, layout: .rgb, followsEXIF: true, notes: &metadata.notes)
    default:
        guard let metadata = try? PNGMetadata(parsing: bytes, limits: DecodeLimits(maximumMetadataBytes: 1 << 20))
        else { return 0 }
        _ = try? PNGMetadata.chunks(metadata.metadata)
        var notes: [String] = []
        _ = try? ColorSpace(metadata.metadata, layout: .gray, notes: &notes)
    }
    return 0
}
