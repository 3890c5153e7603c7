/// One 32-bit float a pixel, row-major, top row first: a mask's coverage (0…1), a luminance, a distance.
public struct Plane: Sendable, Equatable {
    public let size: PixelSize
    /// `width · height` values.
    public var values: [Float]

    /// Traps unless `values.count` is `width · height`.
    public init(size: PixelSize, values: [Float]) {
        precondition(values.count == size.area, "value count does not fit \(size)")
        self.size = size
        self.values = values
    }

    public init(size: PixelSize, repeating value: Float = 0) {
        self.size = size
        values = [Float](repeating: value, count: size.area)
    }

    public var width: Int { size.width }
    public var height: Int { size.height }

    public subscript(x: Int, y: Int) -> Float {
        get { values[y * size.width + x] }
        set { values[y * size.width + x] = newValue }
    }
}
