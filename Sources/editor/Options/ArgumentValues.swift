internal import ArgumentParser
internal import Editing
internal import Masking
internal import PlainText
internal import Raster

/// The axes of `--tileable`.
enum TileableAxes: String, Choice {
    case x, y, both

    static var aliases: [String: TileableAxes] { ["xy": .both, "horizontal": .x, "vertical": .y] }

    var axes: WrappedAxes {
        switch self {
        case .x: .x
        case .y: .y
        case .both: .both
        }
    }
}

/// "42", or "-1" for a new one as other programs of this kind have it.
struct SeedArgument {
    /// `nil` for a new one.
    let seed: UInt64?

    static let parse: Form.Transform<SeedArgument> = { text in
        let word = NumberWord(text)
        if word?.value == -1 || text.plainWord == "random" { return SeedArgument(seed: nil) }
        guard let word, !word.isPercent, let seed = UInt64(word.digits) ?? UInt64(exactly: word.value) else {
            throw Form.expected(
                "a whole number from 0 to 18446744073709551615, or -1 for a new one", example: "42")
        }
        return SeedArgument(seed: seed)
    }
}

/// "512x384", "512×384", "512*384"
struct SizeArgument {
    let size: PixelSize

    static let parse: Form.Transform<SizeArgument> = { text in
        let sides = text.lowercased().replacing("px", with: "")
            .split(omittingEmptySubsequences: false) { "x×*".contains($0) }
            .map { NumberWord(String($0))?.whole }
        guard sides.count == 2, let width = sides[0], let height = sides[1] else {
            throw Form.expected("width x height in pixels", example: "1024x768")
        }
        return SizeArgument(size: PixelSize(width: width, height: height))
    }

    /// Throws a `ValidationError` that names `option` for a side outside `EditSettings.sides.range`.
    func checked(option: String) throws -> PixelSize {
        let range = EditSettings.sides.range
        guard range.contains(size.width), range.contains(size.height) else {
            throw ValidationError(
                "\(option) must have sides of \(range.lowerBound) to \(range.upperBound) pixels, found \(size.width)x\(size.height)"
            )
        }
        return size
    }
}

/// "patchmatch", "#ff8800"
struct FillArgument {
    let fill: Fill

    static let parse: Form.Transform<FillArgument> = { text in
        let named: [Fill] = [.blurred, .patchmatch, .noise, .original]
        guard let fill = named.first(where: { $0.name == text.plainWord }) ?? HexColor(text)?.fill else {
            throw ValidationError(
                "expected fill, patchmatch, noise, original or a colour as #rrggbb, for example #ff8800")
        }
        return FillArgument(fill: fill)
    }
}

/// "#ff8800", "ff8800", "#f80"
struct HexColor {
    let fill: Fill

    init?(_ text: String) {
        var digits = text.trimmed
        if digits.hasPrefix("#") { digits.removeFirst() }
        if digits.count == 3 { digits = digits.map { "\($0)\($0)" }.joined() }
        guard digits.count == 6, case .color? = Fill(name: "#" + digits), let fill = Fill(name: "#" + digits) else {
            return nil
        }
        self.fill = fill
    }
}

/// "0.2:0.8", "20%-80%"
struct IntervalArgument {
    let shares: ClosedRange<Float>

    static let parse: Form.Transform<IntervalArgument> = { text in
        let ends = text.split(omittingEmptySubsequences: false) { ":-–".contains($0) }
            .map { NumberWord(String($0)).map { Float($0.value) } }
        guard ends.count == 2, let start = ends[0], let end = ends[1], 0 <= start, start < end, end <= 1 else {
            throw Form.expected("start:end, two shares from 0 to 1 of which the first is smaller", example: "0.2:0.8")
        }
        return IntervalArgument(shares: start ... end)
    }
}

/// "16:9", "16/9", "16x9", "2.39:1", "1.5"
struct AspectArgument {
    /// As it was written.
    let text: String
    let width: Int
    let height: Int

    static let parse: Form.Transform<AspectArgument> = { text in
        var sides = text.split(omittingEmptySubsequences: false) { ":/xX×".contains($0) }
            .map { NumberWord(String($0)) }
        if sides.count == 1 { sides.append(NumberWord("1")) }
        guard sides.count == 2, let width = sides[0], let height = sides[1], !width.isPercent, !height.isPercent else {
            throw Form.expected("width:height", example: "16:9 or 2.39:1")
        }
        if let width = width.whole, let height = height.whole {
            return AspectArgument(text: text, width: width, height: height)
        }
        // In hundredths, as films have it.
        guard let wide = Int(exactly: (width.value * 100).rounded()),
            let high = Int(exactly: (height.value * 100).rounded())
        else { throw Form.expected("width:height", example: "16:9 or 2.39:1") }
        var divisor = (wide, high)
        while divisor.1 != 0 { divisor = (divisor.1, divisor.0 % divisor.1) }
        guard divisor.0 > 0 else { return AspectArgument(text: text, width: wide, height: high) }
        return AspectArgument(text: text, width: wide / divisor.0, height: high / divisor.0)
    }
}

/// "800M", "6G", "6.5GB", "1000000": bytes, with binary multiples.
struct ByteSize {
    let bytes: Int

    static let parse: Form.Transform<ByteSize> = { text in
        var word = text.trimmed.uppercased()[...]
        if word.hasSuffix("IB") { word = word.dropLast(2) } else if word.hasSuffix("B") { word = word.dropLast() }
        let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var shift = 0
        if let last = word.last, let found = shifts[last] {
            shift = found
            word = word.dropLast()
        }
        guard let number = NumberWord(String(word)), !number.isPercent, number.value >= 0,
            let bytes = Int(exactly: (number.value * Double(1 << shift)).rounded())
        else { throw Form.expected("a number of bytes with K, M, G or T", example: "800M or 6G") }
        return ByteSize(bytes: bytes)
    }
}
