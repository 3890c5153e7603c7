/// A working picture: three 32-bit floats a pixel, interleaved R G B, row-major, top row first.
///
/// Values are display-encoded (the file's transfer curve, sRGB when nothing else is known) and nominally 0…1; a network
/// may overshoot, and whoever rounds to integers clamps.
public struct RGBImage: Sendable, Equatable {
    public let size: PixelSize
    /// `width · height · 3` values.
    public var values: [Float]

    /// Traps unless `values.count` is `width · height · 3`.
    public init(size: PixelSize, values: [Float]) {
        precondition(values.count == size.area * 3, "value count does not fit \(size) RGB")
        self.size = size
        self.values = values
    }

    public init(size: PixelSize, repeating color: (red: Float, green: Float, blue: Float) = (0, 0, 0)) {
        self.size = size
        values = [Float](repeating: 0, count: size.area * 3)
        for pixel in 0 ..< size.area {
            values[pixel * 3] = color.red
            values[pixel * 3 + 1] = color.green
            values[pixel * 3 + 2] = color.blue
        }
    }

    public var width: Int { size.width }
    public var height: Int { size.height }
}
