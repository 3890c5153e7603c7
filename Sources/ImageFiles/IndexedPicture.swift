internal import Raster

/// The colours of an indexed PNG, in their order.
public struct PNGPalette: Sendable, Equatable {
    /// Red, green, blue and alpha, the highest byte first.
    var colors: [UInt32]
    /// Bits an index.
    var depth: Int

    /// Of the bodies of the chunks PLTE and tRNS. More alphas than colours count for none, as for libpng.
    init(_ entries: ArraySlice<UInt8>, alpha: ArraySlice<UInt8>, depth: Int) {
        let entries = Array(entries)
        let alpha = alpha.count <= entries.count / 3 ? Array(alpha) : []
        colors = (0 ..< min(256, entries.count / 3)).map { index in
            let opacity = index < alpha.count ? alpha[index] : 255
            return UInt32(entries[index * 3]) << 24 | UInt32(entries[index * 3 + 1]) << 16
                | UInt32(entries[index * 3 + 2]) << 8 | UInt32(opacity)
        }
        self.depth = depth
    }
}

/// A picture as numbers into a list of colours, or as greys of few bits.
struct IndexedPicture {
    let size: PixelSize
    /// One a pixel.
    let indices: [UInt8]
    /// Empty where the numbers are greys.
    let colors: [UInt32]
    /// 1, 2, 4 or 8 bits an index.
    let depth: Int

    /// As greys of `depth` bits or, where those do not hold every sample, of the next depth that does; nil where that
    /// is 8.
    init?(_ picture: Picture, grayDepth: Int) {
        guard case .eight(let values) = picture.samples, picture.layout == .gray else { return nil }
        var present = [Bool](repeating: false, count: 256)
        for value in values { present[Int(value)] = true }
        let fitting = [1, 2, 4].first { depth in
            depth >= grayDepth && present.indices.allSatisfy { !present[$0] || $0 % (255 / (1 << depth - 1)) == 0 }
        }
        guard let fitting else { return nil }
        let step = UInt8(255 / (1 << fitting - 1))
        indices = values.map { $0 / step }
        colors = []
        size = picture.size
        depth = fitting
    }

    /// With the colours of `palette` in their order as far as there is room, then those that are new.
    ///
    /// Nil where the picture has more than 256 colours, or more than 8 bits.
    init?(_ picture: Picture, following palette: PNGPalette) {
        guard case .eight(let values) = picture.samples, picture.layout.colorChannels == 3 else { return nil }
        let channels = picture.layout.channels
        func color(_ start: Int) -> UInt32 {
            UInt32(values[start]) << 24 | UInt32(values[start + 1]) << 16 | UInt32(values[start + 2]) << 8
                | (channels == 4 ? UInt32(values[start + 3]) : 255)
        }
        var used: [UInt32: Int] = [:]
        var last: UInt32?
        for start in stride(from: 0, to: values.count, by: channels) {
            let color = color(start)
            guard color != last else { continue }
            last = color
            if used[color] == nil {
                guard used.count < 256 else { return nil }
                used[color] = used.count
            }
        }
        let known = Set(palette.colors)
        // In the order in which they appear, so that the same picture is the same file.
        let new = used.filter { !known.contains($0.key) }.sorted { $0.value < $1.value }.map(\.key)
        let kept =
            palette.colors.count + new.count <= 256 ? palette.colors : palette.colors.filter { used[$0] != nil }
        // A palette may name a colour twice; then the first counts.
        let distinct = kept.count + new.count <= 256 ? kept : Array(Set(kept)).sorted()
        colors = distinct + new
        guard !colors.isEmpty, colors.count <= 256 else { return nil }
        let numbers = Dictionary(colors.enumerated().map { ($1, UInt8($0)) }) { first, _ in first }
        var indices: [UInt8] = []
        indices.reserveCapacity(picture.size.area)
        var (previous, number) = (UInt32(0), numbers[0] ?? 0)
        for start in stride(from: 0, to: values.count, by: channels) {
            let color = color(start)
            if color != previous || indices.isEmpty { (previous, number) = (color, numbers[color] ?? 0) }
            indices.append(number)
        }
        self.indices = indices
        size = picture.size
        let count = colors.count
        depth = [1, 2, 4].first { $0 >= palette.depth && count <= 1 << $0 } ?? 8
    }
}
