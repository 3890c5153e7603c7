internal import Parallel

/// The axes along which a picture repeats: what leaves it at one side comes in at the other.
public struct WrappedAxes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The right border meets the left one.
    public static let x = WrappedAxes(rawValue: 1)
    /// The bottom border meets the top one.
    public static let y = WrappedAxes(rawValue: 2)
    public static let both: WrappedAxes = [.x, .y]

    /// Margins of that many samples, along these axes only.
    public func margins(_ count: Int) -> Margins {
        let (x, y) = (contains(.x) ? count : 0, contains(.y) ? count : 0)
        return Margins(left: x, right: x, top: y, bottom: y)
    }
}

/// `values`, which are `[height, width, channels]`, continued by themselves: the sample at column x and row y of the result
/// is the one at x − `left` and y − `top`, counted around. Positive margins are the picture repeated; with `left` and
/// `right` (or `top` and `bottom`) opposite, the picture is rolled; negative margins cut off. Traps on margins that leave nothing.
public func wrapPaddedSamples<Sample>(_ values: [Sample], of size: PixelSize, channels: Int, by margins: Margins)
    -> [Sample]
{
    let padded = size.padded(by: margins)
    precondition(padded.width > 0 && padded.height > 0, "\(margins) leave nothing of \(size)")
    precondition(values.count == size.area * channels, "sample count does not fit \(size)")
    if margins.isZero { return values }
    var result: [Sample] = []
    result.reserveCapacity(padded.area * channels)
    let first = wrappedIndex(-margins.left, count: size.width)
    for y in (0 ..< padded.height).untilCancelled {
        let row = wrappedIndex(y - margins.top, count: size.height) * size.width
        var (column, left) = (first, padded.width)
        while left > 0 {
            let run = min(left, size.width - column)
            result.append(contentsOf: values[(row + column) * channels ..< (row + column + run) * channels])
            left -= run
            column = 0
        }
    }
    result.fill(upTo: padded.area * channels, with: values[0])
    return result
}

/// The index inside `0 ..< count` that `index` falls on when a line of samples repeats.
private func wrappedIndex(_ index: Int, count: Int) -> Int { ((index % count) + count) % count }

extension Plane {
    /// This plane with margins in which it repeats.
    public func wrapPadded(by margins: Margins) -> Plane {
        Plane(size: size.padded(by: margins), values: wrapPaddedSamples(values, of: size, channels: 1, by: margins))
    }

    /// This plane moved right by `x` and down by `y`; what leaves it comes in at the other side.
    public func rolled(x: Int, y: Int) -> Plane { wrapPadded(by: Margins(left: x, right: -x, top: y, bottom: -y)) }
}

extension RGBImage {
    /// This image with margins in which it repeats.
    public func wrapPadded(by margins: Margins) -> RGBImage {
        RGBImage(size: size.padded(by: margins), values: wrapPaddedSamples(values, of: size, channels: 3, by: margins))
    }

    /// This image moved right by `x` and down by `y`; what leaves it comes in at the other side.
    public func rolled(x: Int, y: Int) -> RGBImage { wrapPadded(by: Margins(left: x, right: -x, top: y, bottom: -y)) }
}

extension Picture {
    /// This picture, samples unchanged, moved right by `x` and down by `y`; what leaves it comes in at the other side.
    public func rolled(x: Int, y: Int) -> Picture {
        let margins = Margins(left: x, right: -x, top: y, bottom: -y)
        return switch samples {
        case .eight(let values):
            Picture(
                size: size, layout: layout,
                samples: .eight(wrapPaddedSamples(values, of: size, channels: layout.channels, by: margins)))
        case .sixteen(let values):
            Picture(
                size: size, layout: layout,
                samples: .sixteen(wrapPaddedSamples(values, of: size, channels: layout.channels, by: margins)))
        }
    }
}
