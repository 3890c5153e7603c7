import PlainText
import Testing

@Suite struct BytePiecesTests {
    /// Lengths around those of a piece.
    @Test(arguments: [0, 1, 63, 1 << 18, 4 << 20, (4 << 20) + 1, 13_000_000])
    func `Pieces come back as they came`(total: Int) {
        let bytes = (0 ..< total).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) }
        for step in [1 << 16, 1 << 18, 1_000_003] {
            for isReserved in [false, true] {
                var pieces = BytePieces()
                for start in stride(from: 0, to: total, by: step) {
                    pieces.append(bytes[start ..< min(total, start + step)])
                    if isReserved, start == 0 { pieces.reserve(total) }
                }
                #expect(pieces.count == total)
                #expect(bytes.starts(with: pieces.first))
                #expect(pieces.joined() == bytes)
            }
        }
    }
}
