internal import Parallel
public import Raster

/// Masks by colour: how near each pixel comes to some colours in Lab.
public struct ColorSelection: Sendable, Equatable {
    /// Up to this distance (ΔE*ab) a pixel is wholly covered.
    public var tolerance: Float
    /// Over this much more (ΔE*ab) coverage falls linearly to 0.
    public var softness: Float

    /// Traps on negative or not finite values.
    public init(tolerance: Float = 20, softness: Float = 5) {
        precondition(tolerance >= 0 && softness >= 0 && (tolerance + softness).isFinite, "distances are 0 or more")
        self.tolerance = tolerance
        self.softness = softness
    }

    /// Coverage 0…1 at a distance in ΔE*ab.
    public func coverage(distance: Float) -> Float {
        if distance <= tolerance { return 1 }
        guard softness > 0, distance < tolerance + softness else { return 0 }
        return 1 - (distance - tolerance) / softness
    }

    /// Every pixel by its distance from the nearest of `colors`.
    public func mask(of picture: Picture, colors: [LabColor]) -> Mask {
        let pixels = LabPixels(picture)
        var plane = Plane(size: picture.size)
        for index in (0 ..< picture.size.area).untilCancelled {
            plane.values[index] = coverage(distance: Self.distance(pixels[index], colors))
        }
        return Mask(coverage: plane)
    }

    /// The pixels that hang together with one of `points` and come near its colour (a magic wand): a flood over
    /// neighbours that are covered at all. Each point has its own colour, the mean of a square of `radius` around it.
    /// `diagonal` lets the flood pass corners. Traps on points outside the picture.
    public func flood(of picture: Picture, points: [(x: Int, y: Int)], radius: Int = 1, diagonal: Bool = false) -> Mask
    {
        let pixels = LabPixels(picture)
        let size = picture.size
        var plane = Plane(size: size)
        var seen = [Bool](repeating: false, count: size.area)
        var waiting: [Int] = []
        for point in points {
            precondition(
                point.x >= 0 && point.y >= 0 && point.x < size.width && point.y < size.height,
                "\(point) lies outside \(size)")
            let color = pixels.mean(x: point.x, y: point.y, radius: radius)
            for index in seen.indices { seen[index] = false }
            let start = point.y * size.width + point.x
            // The point itself is always covered: it was pointed at.
            plane.values[start] = 1
            seen[start] = true
            waiting.append(start)
            while let index = waiting.popLast(), !Cancellation.isCancelled {
                let (x, y) = (index % size.width, index / size.width)
                for dy in -1 ... 1 {
                    for dx in -1 ... 1 where (dx != 0 || dy != 0) && (diagonal || dx == 0 || dy == 0) {
                        let (column, row) = (x + dx, y + dy)
                        guard column >= 0, row >= 0, column < size.width, row < size.height else { continue }
                        let neighbour = row * size.width + column
                        if seen[neighbour] { continue }
                        seen[neighbour] = true
                        let share = coverage(distance: pixels[neighbour].distance(to: color))
                        guard share > 0 else { continue }
                        plane.values[neighbour] = max(plane.values[neighbour], share)
                        waiting.append(neighbour)
                    }
                }
            }
        }
        return Mask(coverage: plane)
    }

    /// The colour at a pixel of a picture: the mean of a square of `radius` around it. Traps outside the picture.
    public static func color(of picture: Picture, x: Int, y: Int, radius: Int = 1) -> LabColor {
        LabPixels(picture).mean(x: x, y: y, radius: radius)
    }

    private static func distance(_ color: LabColor, _ colors: [LabColor]) -> Float {
        var nearest = Float.infinity
        for other in colors { nearest = min(nearest, color.distance(to: other)) }
        return nearest
    }
}

extension Mask {
    /// The pixels whose lightness (CIELAB L*, 0…100) lies in `range`, with coverage falling linearly to 0 over
    /// `softness` beyond either end.
    public init(lightnessOf picture: Picture, in range: ClosedRange<Float>, softness: Float = 5) {
        let pixels = LabPixels(picture)
        let fall = ColorSelection(tolerance: 0, softness: softness)
        var plane = Plane(size: picture.size)
        for index in (0 ..< picture.size.area).untilCancelled {
            let lightness = pixels[index].lightness
            plane.values[index] = fall.coverage(
                distance: max(0, range.lowerBound - lightness, lightness - range.upperBound))
        }
        self.init(coverage: plane)
    }

    /// The picture's own transparency: transparent is covered, or, with `.keep` or `.opaque`, what is opaque. An alpha
    /// that is nearly opaque throughout counts as opaque. `nil` for a picture without alpha.
    public init?(alphaOf picture: Picture, meaning: MaskMeaning = .repaint) {
        let isReversed = meaning == .keep || meaning == .opaque
        guard let alpha = MaskAlpha(picture) else { return nil }
        let mask =
            alpha.isNearlyOpaque
            ? .uniform(isReversed ? 1 : 0, size: picture.size)
            : Mask(picture, meaning: isReversed ? .opaque : .transparent)
        self.init(
            coverage: mask.coverage,
            reading: Reading(
                .alpha, isReversed: isReversed,
                findings: alpha.isNearlyOpaque && alpha.low < alpha.high ? [alpha.steadyFinding] : []))
    }
}
