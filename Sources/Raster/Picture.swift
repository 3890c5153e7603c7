/// A picture as a file holds it: integer samples at the file's own depth, interleaved, row-major, top row first.
///
/// Nothing here knows colour management or EXIF: whoever decodes a file has already turned it upright.
public struct Picture: Sendable, Equatable {
    /// What the samples of one pixel mean, in order. Alpha is straight (not premultiplied).
    public enum Layout: Int, Sendable, CaseIterable {
        case gray = 1
        case grayAlpha = 2
        case rgb = 3
        case rgba = 4

        /// Samples a pixel.
        public var channels: Int { rawValue }
        /// Channels that carry colour: 1 or 3.
        public var colorChannels: Int { self == .gray || self == .grayAlpha ? 1 : 3 }
        public var hasAlpha: Bool { self == .grayAlpha || self == .rgba }
    }

    /// The samples, `width · height · layout.channels` of them.
    public enum Samples: Sendable, Equatable {
        /// 0…255
        case eight([UInt8])
        /// 0…65535, native endian
        case sixteen([UInt16])

        public var count: Int {
            switch self {
            case .eight(let values): values.count
            case .sixteen(let values): values.count
            }
        }
    }

    public let size: PixelSize
    public let layout: Layout
    public var samples: Samples

    /// Traps unless `samples.count` is `width · height · channels` of a picture of at least one pixel.
    public init(size: PixelSize, layout: Layout, samples: Samples) {
        precondition(size.width > 0 && size.height > 0, "a picture has at least one pixel")
        precondition(samples.count == size.area * layout.channels, "sample count does not fit \(size) \(layout)")
        self.size = size
        self.layout = layout
        self.samples = samples
    }

    public var width: Int { size.width }
    public var height: Int { size.height }
    /// Bits a sample: 8 or 16.
    public var depth: Int {
        switch samples {
        case .eight: 8
        case .sixteen: 16
        }
    }
    /// The largest sample value: 255 or 65535.
    public var maximum: Int { depth == 8 ? 255 : 65535 }
}
