public import Masking
public import Raster

/// What `editor mask` made.
public struct MaskOutcome: Sendable {
    /// `-` for standard output.
    public var path: String
    public var mask: Mask
    /// The encoded mask, where it goes to standard output.
    public var standardOutput: [UInt8]?
    public var seconds: Double
    /// What the mask was made for: the picture, or the mask it was made from.
    public var picture: Picture
    /// Where an overlay was written.
    public var preview: String?

    /// The last line of `--json`.
    public var json: JSONObject {
        let mean = mask.coverage.values.reduce(0.0) { $0 + Double($1) } / Double(mask.size.area)
        return JSONObject([
            ("event", .text("done")),
            ("output", .text(path)),
            ("width", .integer(mask.size.width)),
            ("height", .integer(mask.size.height)),
            ("coveredPercent", .number(mask.summary.fraction * 100)),
            ("meanPercent", .number(mean * 100)),
            (
                "bounds",
                mask.bounds.map {
                    .list([.integer($0.x), .integer($0.y), .integer($0.width), .integer($0.height)])
                } ?? .null
            ),
            ("preview", preview.map { .text($0) } ?? .null),
            ("seconds", .number(seconds)),
        ])
    }

    /// The picture with the mask laid over it: covered pixels are tinted magenta in proportion, others keep their colour.
    public var overlay: Picture {
        let channels = picture.layout.channels
        let isGray = picture.layout.colorChannels == 1
        func tinted<Sample: FixedWidthInteger>(_ samples: [Sample]) -> [UInt8] {
            var result = [UInt8](repeating: 0, count: picture.size.area * 3)
            let maximum = Float(Sample.max)
            for pixel in 0 ..< picture.size.area {
                let share = 0.6 * mask.coverage.values[pixel]
                let first = pixel * channels
                for channel in 0 ..< 3 {
                    let tint: Float = channel == 0 ? 1 : channel == 1 ? 0 : 0.6
                    let value = Float(samples[first + (isGray ? 0 : channel)]) / maximum
                    result[pixel * 3 + channel] = quantized(value + share * (tint - value))
                }
            }
            return result
        }
        let samples =
            switch picture.samples {
            case .eight(let samples): tinted(samples)
            case .sixteen(let samples): tinted(samples)
            }
        return Picture(size: picture.size, layout: .rgb, samples: .eight(samples))
    }
}
