internal import Parallel

extension RGBImage {
    /// The colour of `picture` as floats: sample / maximum. Grey is repeated in the three channels; alpha is dropped.
    public init(_ picture: Picture) {
        let channels = picture.layout.channels
        let isGray = picture.layout.colorChannels == 1
        func converted<Sample: FixedWidthInteger>(_ samples: [Sample]) -> [Float] {
            let maximum = Float(Sample.max)
            var result = [Float](repeating: 0, count: picture.size.area * 3)
            for pixel in (0 ..< picture.size.area).untilCancelled {
                let base = pixel * channels
                for channel in 0 ..< 3 {
                    result[pixel * 3 + channel] = Float(samples[base + (isGray ? 0 : channel)]) / maximum
                }
            }
            return result
        }
        switch picture.samples {
        case .eight(let samples): self.init(size: picture.size, values: converted(samples))
        case .sixteen(let samples): self.init(size: picture.size, values: converted(samples))
        }
    }
}

extension Picture {
    /// An opaque picture of `image`, clamped to 0…1 and rounded to nearest at `depth` (8 or 16) bits. Grey layouts take
    /// `luma`. A NaN becomes 0.
    public init(_ image: RGBImage, layout: Layout = .rgb, depth: Int = 8) {
        precondition(depth == 8 || depth == 16, "a picture has 8 or 16 bits a sample")
        func converted<Sample: FixedWidthInteger>(_: Sample.Type) -> [Sample] {
            let channels = layout.channels
            var result = [Sample](repeating: .max, count: image.size.area * channels)
            for pixel in (0 ..< image.size.area).untilCancelled {
                let red = image.values[pixel * 3]
                let green = image.values[pixel * 3 + 1]
                let blue = image.values[pixel * 3 + 2]
                if layout.colorChannels == 1 {
                    result[pixel * channels] = quantized(luma(red: red, green: green, blue: blue))
                } else {
                    result[pixel * channels] = quantized(red)
                    result[pixel * channels + 1] = quantized(green)
                    result[pixel * channels + 2] = quantized(blue)
                }
            }
            return result
        }
        self.init(
            size: image.size, layout: layout,
            samples: depth == 8 ? .eight(converted(UInt8.self)) : .sixteen(converted(UInt16.self)))
    }
}

/// `value` (nominally 0…1) as an integer sample: clamped, rounded to nearest; a NaN becomes 0.
///
/// Inlinable, so that other modules compile it for their own kind of sample: without that each call of a photo's millions
/// asks the runtime how to convert a number.
@inlinable
public func quantized<Sample: FixedWidthInteger>(_ value: Float) -> Sample {
    // `max` returns its other argument for a NaN on neither side reliably, hence the explicit comparison.
    guard value > 0 else { return 0 }
    return value >= 1 ? .max : Sample((value * Float(Sample.max)).rounded())
}

/// Rec. 709 luma of display-encoded values. Equal channels come back unchanged, to the last bit.
public func luma(red: Float, green: Float, blue: Float) -> Float {
    green + 0.2126 * (red - green) + 0.0722 * (blue - green)
}
