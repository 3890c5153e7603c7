internal import Raster

/// DEC's sixel graphics (VT330/VT340 Programmer Reference Manual, volume 2, chapter 14): bands of six rows, in each one run
/// of characters a colour, whose six bits say which of the rows have it.
struct SixelEncoder {
    /// Colours of a picture: what terminals with sixels have at least.
    static let maximumColors = 256

    private let size: PixelSize
    /// 0…100 each, as the format has them.
    private let palette: [[Int]]
    private let indices: [UInt8]

    /// - Parameter image: display-encoded sRGB.
    init(_ image: RGBImage) {
        size = image.size
        let pixels = (0 ..< size.area).map { pixel in
            (0 ..< 3).map { Int(min(max(image.values[pixel * 3 + $0], 0), 1) * 255 + 0.5) }
        }
        (palette, indices) = Self.quantized(pixels)
    }

    /// The picture in a device control string.
    var escape: String {
        // P2 = 1: what no colour covers stays as it is. Raster attributes: square pixels, width and height.
        var text: [UInt8] = Array("\u{1B}P0;1q\"1;1;\(size.width);\(size.height)".utf8)
        for (index, color) in palette.enumerated() {
            text += Array("#\(index);2;\(color[0]);\(color[1]);\(color[2])".utf8)
        }
        for top in stride(from: 0, to: size.height, by: 6) {
            let rows = top ..< min(top + 6, size.height)
            var masks: [Int: [UInt8]] = [:]
            for y in rows {
                for x in 0 ..< size.width {
                    let color = Int(indices[y * size.width + x])
                    masks[color, default: [UInt8](repeating: 0, count: size.width)][x] |= 1 << UInt8(y - top)
                }
            }
            for (place, color) in masks.keys.sorted().enumerated() {
                if place > 0 { text.append(UInt8(ascii: "$")) }
                text += Array("#\(color)".utf8)
                Self.append(masks[color] ?? [], to: &text)
            }
            text.append(UInt8(ascii: "-"))
        }
        return String(decoding: text, as: UTF8.self) + "\u{1B}\\"
    }

    /// Runs of four and more are counted; blanks at the end of a row are left out.
    private static func append(_ masks: [UInt8], to text: inout [UInt8]) {
        var rest = masks[..<((masks.lastIndex { $0 != 0 } ?? -1) + 1)]
        while let mask = rest.first {
            let count = rest.prefix { $0 == mask }.count
            let sixel = 63 + mask
            text += count > 3 ? Array("!\(count)".utf8) + [sixel] : [UInt8](repeating: sixel, count: count)
            rest = rest.dropFirst(count)
        }
    }

    // MARK: Colours

    private struct Bin {
        /// 5 bits a channel.
        var key: Int
        var count: Int
        var sums: [Int]

        func mean(_ channel: Int) -> Int { sums[channel] / count }
    }

    /// Median cut (Heckbert 1982) over a histogram of 5 bits a channel.
    private static func quantized(_ pixels: [[Int]]) -> (palette: [[Int]], indices: [UInt8]) {
        func key(_ pixel: [Int]) -> Int { (pixel[0] & 0xF8) << 7 | (pixel[1] & 0xF8) << 2 | pixel[2] >> 3 }
        var histogram: [Int: Bin] = [:]
        for pixel in pixels {
            var bin = histogram[key(pixel)] ?? Bin(key: key(pixel), count: 0, sums: [0, 0, 0])
            bin.count += 1
            for channel in 0 ..< 3 { bin.sums[channel] += pixel[channel] }
            histogram[bin.key] = bin
        }
        /// How far a box reaches along its longest side, and which that is.
        func extent(_ box: [Bin]) -> (length: Int, channel: Int) {
            (0 ..< 3).map { channel in
                let values = box.map { $0.mean(channel) }
                return ((values.max() ?? 0) - (values.min() ?? 0), channel)
            }.max { $0.0 < $1.0 } ?? (0, 0)
        }
        func weight(_ box: [Bin]) -> Int { extent(box).length * box.reduce(0) { $0 + $1.count } }
        var boxes = [(bins: histogram.values.sorted { $0.key < $1.key }, weight: 0)]
        boxes[0].weight = weight(boxes[0].bins)
        while boxes.count < maximumColors, let widest = boxes.indices.max(by: { boxes[$0].weight < boxes[$1].weight }),
            boxes[widest].weight > 0
        {
            let channel = extent(boxes[widest].bins).channel
            let sorted = boxes[widest].bins.sorted { ($0.mean(channel), $0.key) < ($1.mean(channel), $1.key) }
            let half = sorted.reduce(0) { $0 + $1.count } / 2
            var taken = sorted[0].count
            var cut = 1
            while cut < sorted.count - 1, taken < half {
                taken += sorted[cut].count
                cut += 1
            }
            let parts = [Array(sorted[..<cut]), Array(sorted[cut...])]
            boxes[widest] = (parts[0], weight(parts[0]))
            boxes.append((parts[1], weight(parts[1])))
        }
        var indexOfKey: [Int: UInt8] = [:]
        let palette = boxes.enumerated().map { index, box in
            for bin in box.bins { indexOfKey[bin.key] = UInt8(index) }
            let count = max(box.bins.reduce(0) { $0 + $1.count }, 1)
            return (0 ..< 3).map { channel in
                let mean = box.bins.reduce(0) { $0 + $1.sums[channel] } / count
                return (mean * 100 + 127) / 255
            }
        }
        return (palette, pixels.map { indexOfKey[key($0)] ?? 0 })
    }
}
