/// Pixels added on each side of a picture or rectangle.
public struct Margins: Sendable, Hashable {
    public var left: Int
    public var right: Int
    public var top: Int
    public var bottom: Int

    public init(left: Int = 0, right: Int = 0, top: Int = 0, bottom: Int = 0) {
        self.left = left
        self.right = right
        self.top = top
        self.bottom = bottom
    }

    public var horizontal: Int { left + right }
    public var vertical: Int { top + bottom }
    public var isZero: Bool { left == 0 && right == 0 && top == 0 && bottom == 0 }
    /// What takes these margins off again.
    public var negated: Margins { Margins(left: -left, right: -right, top: -top, bottom: -bottom) }
}

extension PixelSize {
    /// This size with the margins around it.
    public func padded(by margins: Margins) -> PixelSize {
        PixelSize(width: width + margins.horizontal, height: height + margins.vertical)
    }
}

extension PixelRect {
    /// This rectangle without `pixels` on each of its sides (with more when negative).
    public func insetBy(_ pixels: Int) -> PixelRect {
        PixelRect(x: x + pixels, y: y + pixels, width: width - 2 * pixels, height: height - 2 * pixels)
    }

    /// This rectangle with its origin moved.
    public func offsetBy(x dx: Int, y dy: Int) -> PixelRect {
        PixelRect(x: x + dx, y: y + dy, width: width, height: height)
    }
}

/// The index inside `0 ..< count` that `index` falls on when a line of samples is continued by reflection without
/// repeating the edge sample (`… 2 1 0 1 2 … n−1 n−2 …`, the "reflect" of NumPy and PyTorch), any number of times.
public func reflectedIndex(_ index: Int, count: Int) -> Int {
    precondition(count > 0, "nothing to reflect")
    if index >= 0 && index < count { return index }
    if count == 1 { return 0 }
    let period = 2 * (count - 1)
    let phase = ((index % period) + period) % period
    return phase < count ? phase : period - phase
}
