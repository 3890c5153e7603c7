import Foundation
import ImageFiles
import Raster
import Testing

@testable import editor

/// Sixels are read back by a decoder of their own, written from the format's description.
@Suite struct SixelTests {
    /// A hundredth of full intensity, the format's unit, and rounding.
    private let colorStep = 2

    private struct Decoded {
        var width = 0
        var height = 0
        var colors: [Int: [Int]] = [:]
        /// 8 bits a channel; `nil` where nothing was drawn.
        var pixels: [[Int]?] = []
    }

    private func decoded(_ escape: String) throws -> Decoded {
        var text = Array(escape.utf8)[...]
        #expect(escape.hasPrefix("\u{1B}P0;1q\"1;1;"))
        #expect(escape.hasSuffix("\u{1B}\\"))
        #expect(escape.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 == 0x1B })
        text = text.dropFirst(try #require(text.firstIndex(of: UInt8(ascii: "q"))) + 1).dropLast(2)
        func numbers() -> [Int] {
            let end = text.firstIndex { !(0x30 ... 0x39).contains($0) && $0 != UInt8(ascii: ";") } ?? text.endIndex
            let found = String(decoding: text[..<end], as: UTF8.self).split(separator: ";").compactMap { Int($0) }
            text = text[end...]
            return found
        }
        var result = Decoded()
        var (x, top, color) = (0, 0, 0)
        func draw(_ sixel: UInt8, _ count: Int) throws {
            let value = try #require(result.colors[color])
            for bit in 0 ..< 6 where (sixel - 63) >> UInt8(bit) & 1 == 1 {
                for column in x ..< x + count {
                    try #require(column < result.width && top + bit < result.height)
                    // No pixel is drawn twice.
                    #expect(result.pixels[(top + bit) * result.width + column] == nil)
                    result.pixels[(top + bit) * result.width + column] = value
                }
            }
            x += count
        }
        while let byte = text.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                let raster = numbers()
                (result.width, result.height) = (raster[2], raster[3])
                result.pixels = [[Int]?](repeating: nil, count: raster[2] * raster[3])
            case UInt8(ascii: "#"):
                let values = numbers()
                color = values[0]
                guard values.count == 5 else { continue }
                #expect(values[1] == 2 && values[2...].allSatisfy { (0 ... 100).contains($0) })
                result.colors[color] = values[2...].map { ($0 * 255 + 50) / 100 }
            case UInt8(ascii: "!"):
                let count = numbers()[0]
                let sixel = text.popFirst()
                try draw(try #require(sixel), count)
            case UInt8(ascii: "$"): x = 0
            case UInt8(ascii: "-"): (x, top) = (0, top + 6)
            case 63 ... 126: try draw(byte, 1)
            default: Issue.record("unexpected byte \(byte)")
            }
        }
        return result
    }

    /// The largest and the mean difference of a channel.
    private func difference(_ decoded: Decoded, _ picture: Picture) throws -> (largest: Int, mean: Double) {
        guard case .eight(let samples) = picture.samples else { return (255, 255) }
        #expect(decoded.width == picture.width && decoded.height == picture.height)
        var largest = 0
        var sum = 0
        for (index, pixel) in decoded.pixels.enumerated() {
            let pixel = try #require(pixel, "pixel \(index) was not drawn")
            for channel in 0 ..< 3 {
                let error = abs(pixel[channel] - Int(samples[index * 3 + channel]))
                largest = max(largest, error)
                sum += error
            }
        }
        return (largest, Double(sum) / Double(samples.count))
    }

    @Test(arguments: [(1, 1), (7, 5), (40, 6), (33, 13), (300, 2)])
    func `A picture of few colours comes back in these colours`(width: Int, height: Int) throws {
        let size = PixelSize(width: width, height: height)
        let colors: [[UInt8]] = [[0, 0, 0], [255, 255, 255], [200, 30, 90], [10, 250, 128], [90, 91, 92]]
        let samples = (0 ..< size.area).flatMap { (pixel: Int) -> [UInt8] in
            colors[(pixel / 5 + pixel % width * 3) % colors.count]
        }
        let picture = Picture(size: size, layout: .rgb, samples: .eight(samples))
        let result = try decoded(try TerminalGraphics.sixel.escape(for: picture))
        #expect(try difference(result, picture).largest <= colorStep)
        #expect(result.colors.count <= colors.count)
    }

    @Test func `A photo comes back in 256 colours`() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "fixtures/images/hills.jpg").path()
        let photo = try ImageFile.read(path: path).picture
        let small = Picture(RGBImage(photo).resized(to: PixelSize(width: 240, height: 160), filter: .area))
        let result = try decoded(try TerminalGraphics.sixel.escape(for: small))
        #expect(result.colors.count == 256)
        // A palette of that size by Pillow 13 (median cut, no dithering) is off by 1.55 of 255 in the mean, and is not
        // rounded to hundredths, which costs up to 1.3.
        let mean = try difference(result, small).mean
        #expect(mean < 3, "\(mean)")
    }

    @Test func `What a terminal answers is read to its end and no further`() {
        func names(_ text: String) -> Bool? { TerminalGraphics.namesSixels(Array(text.utf8)) }
        #expect(names("\u{1B}[?62;4;6;9;22c") == true)
        #expect(names("q\u{1B}[?63;1;4c") == true)
        #expect(names("\u{1B}[?62;22c") == false)
        // Class 4 is no attribute, 14 and 44 are others.
        #expect(names("\u{1B}[?4;14;44c") == false)
        #expect(names("\u{1B}[?6c") == false)
        for part in ["", "\u{1B}", "\u{1B}[?62;4", "\u{1B}[?62;4;", "\u{1B}[24;80R"] { #expect(names(part) == nil) }
    }

    @Test func `A live preview takes the place of the one before`() throws {
        func picture(_ width: Int, _ height: Int) -> Picture {
            Picture(
                size: PixelSize(width: width, height: height), layout: .rgb,
                samples: .eight([UInt8](repeating: 9, count: 3 * width * height)))
        }
        let (up, save, back) = ("\r\u{1B}[12A\u{1B}7", "\u{1B}7", "\u{1B}8\u{1B}[12B")
        for graphics in [TerminalGraphics.kitty, .iterm, .sixel] {
            let first = try graphics.previewEscape(for: picture(30, 20), isFirst: true)
            let next = try graphics.previewEscape(for: picture(30, 20), isFirst: false)
            #expect(first == String(repeating: "\n", count: 12) + next)
            #expect(next.hasPrefix(up) && next.hasSuffix(back) && next.contains(save))
        }
        let kitty = try TerminalGraphics.kitty.previewEscape(for: picture(30, 20), isFirst: false)
        #expect(kitty.contains("a=T,f=100,i=6,p=1,q=2,C=1,r=12,m=0;"))
        let iterm = try TerminalGraphics.iterm.previewEscape(for: picture(30, 20), isFirst: false)
        #expect(iterm.contains("height=12;"))
        // Sixels are measured in pixels: no higher than the lines that were made free.
        let sixel = try TerminalGraphics.sixel.previewEscape(for: picture(100, 400), isFirst: false)
        #expect(sixel.contains("\"1;1;48;192"))
    }
}
