/// What lies behind a JPEG's end-of-image marker, where programs append videos and further pictures.
struct JPEGTrailer {
    /// How many bytes; 0 where there are none but zeros.
    let count: Int
    let holdsVideo: Bool
    let holdsPicture: Bool

    /// - Parameter scan: where the first start-of-scan marker stands in the file.
    init(of file: [UInt8], from scan: Int) {
        let rest = Self.end(of: file, from: scan).map { file[$0...] } ?? []
        guard let start = rest.firstIndex(where: { $0 != 0 }) else {
            (count, holdsVideo, holdsPicture) = (0, false, false)
            return
        }
        count = rest.count
        // A box of ISO base media: its length, then its type.
        holdsVideo = file.range(of: "ftyp", from: start) != nil
        holdsPicture = rest[start...].starts(with: [0xFF, 0xD8, 0xFF])
    }

    /// Where the picture's last byte is followed by the next; nil where there is no end marker.
    private static func end(of file: [UInt8], from scan: Int) -> Int? {
        var offset = scan
        while offset < file.count - 1 {
            // Entropy-coded data, in which 00 follows every FF that is no marker, and restart markers.
            guard file[offset] == 0xFF, ![0x00, 0x01, 0xFF].contains(file[offset + 1]),
                !(0xD0 ... 0xD8).contains(file[offset + 1])
            else {
                offset += 1
                continue
            }
            if file[offset + 1] == 0xD9 { return offset + 2 }
            guard offset <= file.count - 4 else { return nil }
            offset += 2 + max(2, Int(file[offset + 2]) << 8 | Int(file[offset + 3]))
        }
        return nil
    }
}
