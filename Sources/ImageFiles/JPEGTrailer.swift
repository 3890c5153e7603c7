/// What lies behind a JPEG's end-of-image marker, where programs append videos and further pictures.
struct JPEGTrailer {
    /// How many bytes; 0 where there are none but zeros.
    let count: Int
    let holdsVideo: Bool
    let holdsPicture: Bool
    /// The segments of applications and the comments between the first scan and the end.
    let segments: [(marker: UInt8, payload: ArraySlice<UInt8>)]

    /// - Parameter scan: where the first start-of-scan marker stands in the file.
    init(of file: [UInt8], from scan: Int) {
        var segments: [(marker: UInt8, payload: ArraySlice<UInt8>)] = []
        let rest = Self.end(of: file, from: scan, segments: &segments).map { file[$0...] } ?? []
        self.segments = segments
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
    private static func end(
        of file: [UInt8], from scan: Int, segments: inout [(marker: UInt8, payload: ArraySlice<UInt8>)]
    ) -> Int? {
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
            let (marker, length) = (file[offset + 1], Int(file[offset + 2]) << 8 | Int(file[offset + 3]))
            if marker == 0xFE || (0xE0 ... 0xEF).contains(marker), length >= 2, length <= file.count - offset - 2 {
                segments.append((marker, file[offset + 4 ..< offset + 2 + length]))
            }
            offset += 2 + max(2, length)
        }
        return nil
    }
}
