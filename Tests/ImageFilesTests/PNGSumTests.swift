import Foundation
import ImageFiles
import Raster
import Testing

/// Every sample of public PNG files as a decoder that shares no code with ours sees it (`fixtures/make_png_sums.py`).
@Suite struct PNGSumTests {
    @Test(.enabled(if: Corpora.isPresent, Corpora.absence))
    func everySampleIsAsAnIndependentDecoderSeesIt() throws {
        let root = try #require(Corpora.root)
        let list = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "fixtures/sums/png.txt").path()
        let lines = String(decoding: try contents(list), as: UTF8.self).split(separator: "\n")
        var mismatches: [Substring] = []
        for line in lines {
            let fields = line.split(separator: " ", maxSplits: 3)
            let picture = try ImageFile.read(path: root + "/" + fields[3]).picture
            let same =
                String(sum(of: picture), radix: 16) == fields[0].drop { $0 == "0" }
                && picture.layout.channels == Int(fields[1]) && picture.depth == Int(fields[2])
            if !same { mismatches.append(fields[3]) }
        }
        #expect(mismatches.isEmpty)
        #expect(lines.count > 300)
    }

    /// FNV-1a over the samples as 16 bits, big endian.
    private func sum(of picture: Picture) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: UInt16) {
            sum = (sum ^ UInt64(value >> 8)) &* 0x100_0000_01B3
            sum = (sum ^ UInt64(value & 255)) &* 0x100_0000_01B3
        }
        switch picture.samples {
        case .eight(let values): for value in values { add(UInt16(value) * 257) }
        case .sixteen(let values): for value in values { add(value) }
        }
        return sum
    }
}
