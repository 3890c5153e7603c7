public import Raster

extension Mask {
    /// Reads a mask picture as its maker meant it: values 0 and 1 as off and on, an alpha of 254 and 255 as none, a
    /// layer painted in white by what is painted, and so on. `reading` tells what was seen.
    ///
    /// With a `meaning` that names what repaints, the picture is taken as it is.
    ///
    /// - Parameter isLossy: whether the file's compression may have changed values a little.
    /// - Throws: `MaskError` where the picture can be read in several ways, or is no mask.
    public init(reading picture: Picture, meaning: MaskMeaning = .repaint, isLossy: Bool = false) throws(MaskError) {
        if meaning == .transparent || meaning == .opaque, !picture.layout.hasAlpha { throw .noAlpha }
        guard !meaning.isLiteral else {
            self.init(picture, meaning: meaning)
            return
        }
        let isReversed = meaning == .keep
        let (plane, reading) =
            switch picture.samples {
            case .eight(let samples):
                try MaskInspector(samples, layout: picture.layout, size: picture.size, isLossy: isLossy).marked()
            case .sixteen(let samples):
                try MaskInspector(samples, layout: picture.layout, size: picture.size, isLossy: isLossy).marked()
            }
        let mask = Mask(coverage: plane)
        self.init(
            coverage: (isReversed ? mask.inverted : mask).coverage,
            reading: Reading(reading.source, isReversed: isReversed, findings: reading.findings))
    }

    /// Reads a mask picture for a picture of `size`.
    ///
    /// - Throws: `MaskError.sizeMismatch` where the sizes differ and `fit` is false; with `fit` the mask is resized.
    ///   Other cases as for a mask of any size.
    public init(
        _ picture: Picture, meaning: MaskMeaning = .repaint, isLossy: Bool = false, for size: PixelSize,
        fit: Bool = false
    ) throws(MaskError) {
        guard picture.size == size || fit else { throw .sizeMismatch(mask: picture.size, picture: size) }
        self = try Mask(reading: picture, meaning: meaning, isLossy: isLossy).fitted(to: size)
    }
}

/// Finds out what the values of a mask picture stand for.
///
/// Levels are luma at the picture's depth, rounded up, so that 0 is black alone. Thresholds are stated for 8 bits and
/// hold in proportion for 16.
struct MaskInspector<Sample: FixedWidthInteger & UnsignedInteger> {
    private let samples: [Sample]
    private let layout: Picture.Layout
    private let size: PixelSize
    private let isLossy: Bool
    private let channels: Int
    private let maximum = Int(Sample.max)

    init(_ samples: [Sample], layout: Picture.Layout, size: PixelSize, isLossy: Bool) {
        self.samples = samples
        self.layout = layout
        self.size = size
        self.isLossy = isLossy
        channels = layout.channels
    }

    /// What is marked, and how that was found. `isReversed` is never set.
    func marked() throws(MaskError) -> (Plane, Mask.Reading) {
        var findings: [Mask.Finding] = []
        if let alpha = MaskAlpha(samples, layout: layout), alpha.low < alpha.high {
            if !alpha.isSteady || alpha.low == 0 && isOfOneColor { return try markedByAlpha(alpha) }
            findings.append(alpha.steadyFinding)
        }
        if layout.colorChannels == 3, let (plane, reading) = try markedByColor() {
            return (plane, Mask.Reading(reading.source, findings: findings + reading.findings))
        }
        return try markedByLevel(findings)
    }

    // MARK: Alpha

    private func markedByAlpha(_ alpha: MaskAlpha) throws(MaskError) -> (Plane, Mask.Reading) {
        var findings: [Mask.Finding] = []
        if alpha.high < maximum { findings.append(.thinAlpha(high: alpha.high, maximum: maximum)) }
        let high = alpha.high
        // A level of 8 bits is rounding; lossy compression leaves more.
        let slack = alpha.isSteady ? 0 : scaled(isLossy ? 16 : 1)
        func plane(_ share: (Int) -> Float) -> Plane {
            var plane = Plane(size: size)
            for pixel in 0 ..< size.area { plane.values[pixel] = share(Int(samples[pixel * channels + channels - 1])) }
            return plane
        }
        let transparent = plane { value in
            value >= high - slack ? 0 : isLossy && value <= slack ? 1 : Float(high - value) / Float(high)
        }
        switch paint(high: high) {
        case .one("#000000", let share):
            // Black keeps by colour as by alpha; but few strokes of it may be what is meant to change.
            let finding: [Mask.Finding] = share < 0.5 ? [.hole("#000000")] : []
            return (transparent, Mask.Reading(.alpha, findings: findings + finding))
        case .one(let color, let share):
            if share >= 0.5 { return (transparent, Mask.Reading(.alpha, findings: findings + [.hole(color)])) }
            let painted = plane { value in isLossy && value <= slack ? 0 : Float(value) / Float(high) }
            return (painted, Mask.Reading(.paint(color), findings: findings + [.layer(color)]))
        case .blackAndWhite: throw .contradictory
        case .any: return (transparent, Mask.Reading(.alpha, findings: findings))
        }
    }

    /// What the parts are painted in that are not transparent.
    private enum Paint {
        /// One colour on that share of the picture; what is nearly black is #000000.
        case one(String, share: Double)
        case blackAndWhite
        /// Many colours.
        case any
    }

    private func paint(high: Int) -> Paint {
        let visible = high / 8
        var (count, first, firstAlpha) = (0, 0, -1)
        for pixel in 0 ..< size.area {
            let alpha = alpha(of: pixel)
            if alpha > visible { count += 1 }
            if alpha > firstAlpha { (first, firstAlpha) = (pixel, alpha) }
        }
        let reference = color(of: first)
        let few = count / 100
        let tolerance = scaled(12)
        /// Whether that holds for all but a few of the pixels that are seen.
        func nearlyAll(_ holds: (Int) -> Bool) -> Bool {
            var others = 0
            for pixel in 0 ..< size.area where alpha(of: pixel) > visible && !holds(pixel) {
                others += 1
                if others > few { return false }
            }
            return true
        }
        // Some tools store colours times alpha.
        if nearlyAll({ distance(color(of: $0), reference) <= tolerance })
            || nearlyAll({ distance(color(of: $0), reference &* alpha(of: $0) / firstAlpha) <= tolerance })
        {
            let isBlack = reference.max() <= scaled(32)
            return .one(isBlack ? "#000000" : hexadecimal(reference), share: Double(count) / Double(size.area))
        }
        var (black, white) = (0, 0)
        let areExtremes = nearlyAll { pixel in
            let found = color(of: pixel)
            let (isBlack, isWhite) = (found.max() <= scaled(16), found.min() >= maximum - scaled(16))
            black += isBlack ? 1 : 0
            white += isWhite ? 1 : 0
            return isBlack || isWhite
        }
        return areExtremes && black > few && white > few ? .blackAndWhite : .any
    }

    private var isOfOneColor: Bool {
        let reference = color(of: 0)
        return (0 ..< size.area).allSatisfy { color(of: $0) == reference }
    }

    // MARK: Colour

    /// `nil` for a picture that is as good as grey.
    private func markedByColor() throws(MaskError) -> (Plane, Mask.Reading)? {
        let least = scaled(isLossy ? 64 : 24)
        var (colored, lit) = (0, 0)
        var (strongest, strongestChroma) = (0, -1)
        for pixel in 0 ..< size.area {
            let found = color(of: pixel)
            let chroma = found.max() - found.min()
            if found.max() > scaled(16) { lit += 1 }
            if chroma > least { colored += 1 }
            // Of equal chroma the first.
            if chroma > strongestChroma { (strongest, strongestChroma) = (pixel, chroma) }
        }
        guard colored > 0, colored > lit / 20 else { return nil }
        let reference = color(of: strongest)
        let peak = reference.max()
        let off = (0 ..< size.area).count { pixel in
            let found = color(of: pixel)
            return distance(found &* peak, reference &* min(peak, found.max())) > least * peak
        }
        guard off <= size.area / 100 else { throw colors() ?? .picture(colored: Double(colored) / Double(lit)) }
        let slack = isLossy ? scaled(16) : 0
        var plane = Plane(size: size)
        for pixel in 0 ..< size.area {
            let level = color(of: pixel).max()
            plane.values[pixel] =
                level >= peak - slack ? 1 : level <= slack ? 0 : Float(level) / Float(peak)
        }
        return (plane, Mask.Reading(.color(hexadecimal(reference))))
    }

    /// The error for a picture of a few flat colours; `nil` for one of many.
    private func colors() -> MaskError? {
        // 16 levels a channel: edges and noise spread over few of these.
        var bins = [(count: Int, first: Int)](repeating: (0, 0), count: 4096)
        let shift = Sample.bitWidth - 4
        for pixel in 0 ..< size.area {
            let found = color(of: pixel)
            let bin = (found.x >> shift) << 8 | (found.y >> shift) << 4 | found.z >> shift
            if bins[bin].count == 0 { bins[bin].first = pixel }
            bins[bin].count += 1
        }
        let largest = bins.sorted { ($0.count, $1.first) > ($1.count, $0.first) }.prefix(24)
        guard largest.reduce(0, { $0 + $1.count }) * 100 >= 97 * size.area else { return nil }
        let named = largest.filter { $0.count * 200 >= size.area && color(of: $0.first).max() > scaled(16) }
        guard !named.isEmpty else { return nil }
        return .colors(named.prefix(4).map { hexadecimal(color(of: $0.first)) })
    }

    // MARK: Levels

    private func markedByLevel(_ before: [Mask.Finding]) throws(MaskError) -> (Plane, Mask.Reading) {
        var counts = [Int](repeating: 0, count: maximum + 1)
        for pixel in 0 ..< size.area { counts[level(of: pixel)] += 1 }
        let present = counts.indices.filter { counts[$0] > 0 }
        let (lowest, highest) = (present.first ?? 0, present.last ?? 0)
        // 8-bit values in samples of 16 are white at 255.
        let white = Sample.bitWidth > 8 && highest > 0 && highest <= 255 ? 255 : maximum
        let small = white / 8
        func read(_ findings: [Mask.Finding], _ share: (Int) -> Float?) -> (Plane, Mask.Reading) {
            let full = Float(layout.colorChannels == 1 ? white : white * 10_000)
            var plane = Plane(size: size)
            for pixel in 0 ..< size.area {
                plane.values[pixel] = share(level(of: pixel)) ?? Float(luma(of: pixel)) / full
            }
            return (plane, Mask.Reading(.luma, findings: before + findings))
        }

        if present.count == 2 {
            let isFaint = lowest == 0 && highest < small
            let isOffset = lowest > 0 && lowest <= small && highest >= white - small
            if isFaint || isOffset {
                return read([.offAndOn(low: lowest, high: highest, maximum: white)]) { $0 > lowest ? 1 : 0 }
            }
        }
        if present.count > 1, highest < small { throw .classes(values: present, maximum: white) }
        let between = present.drop { $0 == 0 }.prefix { $0 < small }
        if !isLossy, !between.isEmpty, present.count <= 64, highest == white,
            present.count == between.count + (lowest == 0 ? 2 : 1),
            between.reduce(0, { $0 + counts[$1] }) > counts[white]
        {
            throw .classes(values: present, maximum: white)
        }
        if isLossy, highest > maximum / 2 {
            let slack = scaled(16)
            let nearBlack = counts[...slack].reduce(0, +)
            let nearWhite = counts[(maximum - slack)...].reduce(0, +)
            let exact = counts[0] + counts[maximum]
            if (nearBlack + nearWhite) * 10 >= 9 * size.area, nearBlack + nearWhite > exact {
                return read([.compressionNoise(levels: 16)]) { $0 <= slack ? 0 : $0 >= maximum - slack ? 1 : nil }
            }
        }
        var findings: [Mask.Finding] = white < maximum ? [.eightBitsInSixteen] : []
        if present.count <= 4, present.contains(where: { $0 != 0 && $0 != white }) {
            findings.append(.values(present, maximum: white))
        }
        if looksLikePhoto(white: white) { findings.append(.grayPicture) }
        return read(findings) { _ in nil }
    }

    /// Whether half of the picture is grey, in 64 levels or more of 256, and a value in seven of these lies 4 levels or
    /// more off the mean of its two neighbours. Of 80 photos all but some very smooth ones do so; soft edges,
    /// gradients, maps of depth, and masks of a photo's lightness do not, JPEGs of low quality among them. Gradients
    /// with grain do.
    private func looksLikePhoto(white: Int) -> Bool {
        guard size.area >= Self.leastOfPhoto else { return false }
        let black = white / 16
        // As many pixels apart as in a photo of about 1000: larger ones are smooth from pixel to pixel.
        let step = max(1, max(size.width, size.height) / 1000)
        let levels = layout.colorChannels == 1 ? 1 : 10_000
        func isGray(_ value: Int) -> Bool { value > black * levels && value < (white - black) * levels }
        var (gray, rough, seen) = (0, 0, 0)
        var present = Set<Int>()
        for y in stride(from: 0, to: size.height, by: step) {
            for x in stride(from: step, to: size.width - step, by: step) {
                let pixel = y * size.width + x
                let (left, middle, right) = (luma(of: pixel - step), luma(of: pixel), luma(of: pixel + step))
                seen += 1
                guard isGray(left), isGray(middle), isGray(right) else { continue }
                gray += 1
                if abs(left - 2 * middle + right) * 255 >= 4 * white * levels { rough += 1 }
                present.insert(middle / levels * 255 / white)
            }
        }
        return 2 * gray >= seen && 7 * rough >= gray && present.count >= 64
    }

    /// Pixels below which nothing can be told.
    private static var leastOfPhoto: Int { 4096 }

    // MARK: Pixels

    private func scaled(_ levels: Int) -> Int { levels * (maximum / 255) }

    private func alpha(of pixel: Int) -> Int { Int(samples[pixel * channels + channels - 1]) }

    private func color(of pixel: Int) -> SIMD3<Int> {
        let base = pixel * channels
        guard layout.colorChannels == 3 else { return SIMD3(repeating: Int(samples[base])) }
        return SIMD3(Int(samples[base]), Int(samples[base + 1]), Int(samples[base + 2]))
    }

    /// The largest difference of a channel.
    private func distance(_ one: SIMD3<Int>, _ other: SIMD3<Int>) -> Int {
        let difference = one &- other
        return max(difference.max(), -difference.min())
    }

    /// Luma in integers: of colours, 10,000 times as large.
    private func luma(of pixel: Int) -> Int {
        let base = pixel * channels
        guard layout.colorChannels == 3 else { return Int(samples[base]) }
        return 2126 * Int(samples[base]) + 7152 * Int(samples[base + 1]) + 722 * Int(samples[base + 2])
    }

    private func level(of pixel: Int) -> Int {
        layout.colorChannels == 1 ? luma(of: pixel) : (luma(of: pixel) + 9_999) / 10_000
    }

    private func hexadecimal(_ color: SIMD3<Int>) -> String {
        "#"
            + [color.x, color.y, color.z].map { value in
                let byte = String(value >> (Sample.bitWidth - 8), radix: 16)
                return byte.count < 2 ? "0\(byte)" : byte
            }.joined()
    }
}

/// The least and the largest alpha of a picture.
struct MaskAlpha {
    let low: Int
    let high: Int
    let maximum: Int

    /// `nil` for a picture without alpha.
    init?<Sample: FixedWidthInteger>(_ samples: [Sample], layout: Picture.Layout) {
        guard layout.hasAlpha else { return nil }
        var (low, high) = (Sample.max, Sample.min)
        for index in stride(from: layout.channels - 1, to: samples.count, by: layout.channels) {
            low = min(low, samples[index])
            high = max(high, samples[index])
        }
        (self.low, self.high, maximum) = (Int(low), Int(high), Int(Sample.max))
    }

    init?(_ picture: Picture) {
        switch picture.samples {
        case .eight(let samples): self.init(samples, layout: picture.layout)
        case .sixteen(let samples): self.init(samples, layout: picture.layout)
        }
    }

    /// Whether it varies too little to mark anything.
    var isSteady: Bool { high - low <= maximum / 16 }

    /// Whether every pixel is as good as opaque.
    var isNearlyOpaque: Bool { low >= maximum - maximum / 16 }

    var steadyFinding: Mask.Finding { .steadyAlpha(low: low, high: high, maximum: maximum) }
}
