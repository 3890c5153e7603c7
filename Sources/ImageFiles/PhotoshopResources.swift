/// The blocks that Photoshop writes into a JPEG's APP13 and a TIFF's tag 34377.
///
/// Adobe Photoshop File Formats, "Image Resource Blocks".
struct PhotoshopResources {
    private(set) var bytes: [UInt8]

    /// Small versions of the picture; the first as Photoshop 4 wrote it.
    private static let thumbnails: Set = [0x0409, 0x040C]
    /// What a block begins with: Photoshop's own, and those of programs beside it.
    private static let signatures: Set = ["8BIM", "MeSa", "PHUT", "AgHg", "DCSR"]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Takes out small versions of the picture; false, and nothing is changed, where there are none.
    mutating func removeThumbnails() -> Bool {
        var kept: [UInt8] = []
        var copied = 0
        var offset = 0
        while offset + 12 <= bytes.count,
            Self.signatures.contains(String(decoding: bytes[offset ..< offset + 4], as: UTF8.self))
        {
            let identifier = Int(bytes[offset + 4]) << 8 | Int(bytes[offset + 5])
            // A name of Pascal's kind, both padded to even lengths.
            let size = offset + 6 + (Int(bytes[offset + 6]) + 2) / 2 * 2
            guard size + 4 <= bytes.count else { break }
            let length = bytes[size ..< size + 4].reduce(0) { $0 << 8 | Int($1) }
            // One that is cut short is a thumbnail still.
            let end = min(bytes.count, size + 4 + length + length % 2)
            if Self.thumbnails.contains(identifier) {
                kept += bytes[copied ..< offset]
                copied = end
            }
            offset = end
        }
        guard copied > 0 else { return false }
        bytes = kept + bytes[copied...]
        return true
    }
}
