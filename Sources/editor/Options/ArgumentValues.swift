public import ArgumentParser
public import Diffusion
public import Editing
public import Masking
internal import Raster

// Choices are spelled on the command line as in JSON: by their raw values.
extension Detail: ExpressibleByArgument {}
extension ModelConversion.Weights: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension PartTiming.Part: ExpressibleByArgument {}
extension RandomSource: ExpressibleByArgument {}
extension Sampler.Kind: ExpressibleByArgument {}
extension NoiseSchedule.Spacing: ExpressibleByArgument {}
extension DenoiseRequest.KnownLatents: ExpressibleByArgument {}
extension DenoiseRequest.CoherenceMethod: ExpressibleByArgument {}
extension EditArea: ExpressibleByArgument {}
extension Composite.Mode: ExpressibleByArgument {}
extension MaskMeaning: ExpressibleByArgument {}
extension MaskCombination: ExpressibleByArgument {}
extension TextShape.Alignment: ExpressibleByArgument {}
extension OutpaintPlan.Anchor: ExpressibleByArgument {}
extension Composite.AlphaPolicy: ExpressibleByArgument {}

/// The axes of `--tileable`.
enum TileableAxes: String, CaseIterable, ExpressibleByArgument {
    case x, y, both

    var axes: WrappedAxes {
        switch self {
        case .x: .x
        case .y: .y
        case .both: .both
        }
    }
}

/// "512x384"
struct SizeArgument: ExpressibleByArgument {
    let size: PixelSize

    init?(argument: String) {
        let sides = argument.split(whereSeparator: { $0 == "x" || $0 == "X" || $0 == "×" }, omittingEmpty: false)
        guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]) else { return nil }
        size = PixelSize(width: width, height: height)
    }

    /// Throws a `ValidationError` that names `option` for a side outside `EditSettings.sideRange`.
    func checked(option: String) throws -> PixelSize {
        let range = EditSettings.sideRange
        guard range.contains(size.width), range.contains(size.height) else {
            throw ValidationError(
                "\(option) must have sides of \(range.lowerBound) to \(range.upperBound) pixels, found \(size.width)x\(size.height)"
            )
        }
        return size
    }
}

/// "patchmatch", "#ff8800"
struct FillArgument: ExpressibleByArgument {
    let fill: Fill

    static let allValueStrings = ["fill", "patchmatch", "noise", "original", "#rrggbb"]

    init?(argument: String) {
        guard let fill = Fill(name: argument) else { return nil }
        self.fill = fill
    }
}

/// "0.2:0.8"
struct IntervalArgument: ExpressibleByArgument {
    let shares: ClosedRange<Float>

    init?(argument: String) {
        let ends = argument.split(whereSeparator: { $0 == ":" }, omittingEmpty: false)
        guard ends.count == 2, let start = Float(ends[0]), let end = Float(ends[1]), 0 <= start, start < end, end <= 1
        else { return nil }
        shares = start ... end
    }
}

/// "16:9"
struct AspectArgument: ExpressibleByArgument {
    let width: Int
    let height: Int

    init?(argument: String) {
        let sides = argument.split(whereSeparator: { $0 == ":" }, omittingEmpty: false)
        guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]) else { return nil }
        self.width = width
        self.height = height
    }
}

/// "800M", "6G", "6.5GB", "1000000": bytes, with binary multiples.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
    static let smallestLimit = ByteSize(bytes: 256 << 20)

    let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        var text = argument.uppercased()[...]
        if text.hasSuffix("IB") { text = text.dropLast(2) } else if text.hasSuffix("B") { text = text.dropLast() }
        let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var shift = 0
        if let last = text.last, let found = shifts[last] {
            shift = found
            text = text.dropLast()
        }
        guard let number = Double(text), number.isFinite, number >= 0 else { return nil }
        guard let bytes = Int(exactly: (number * Double(1 << shift)).rounded()) else { return nil }
        self.bytes = bytes
    }

    var description: String { bytes >= 1 << 30 ? "\(bytes >> 30)G" : "\(bytes >> 20)M" }
}

extension StringProtocol {
    fileprivate func split(
        whereSeparator isSeparator: (Character) -> Bool, omittingEmpty: Bool
    ) -> [SubSequence] {
        split(maxSplits: .max, omittingEmptySubsequences: omittingEmpty, whereSeparator: isSeparator)
    }
}
