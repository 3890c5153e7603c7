/// How much a file may ask for before it is refused.
public struct DecodeLimits: Sendable, Equatable {
    /// Width times height; checked before any pixel is allocated. 2²⁸ by default.
    public var maximumPixels: Int
    /// Bytes of the file itself. 2³¹ by default.
    public var maximumBytes: Int
    /// Bytes of one inflated profile or text. 2²⁴ by default; longer ones are left out with a note.
    public var maximumMetadataBytes: Int

    /// Bytes of all texts and inflated profiles of a file together. 2²⁵ by default; what comes later is left out with a
    /// note.
    public var maximumMetadataSum: Int

    public init(
        maximumPixels: Int = 1 << 28, maximumBytes: Int = 1 << 31, maximumMetadataBytes: Int = 1 << 24,
        maximumMetadataSum: Int = 1 << 25
    ) {
        self.maximumPixels = maximumPixels
        self.maximumBytes = maximumBytes
        self.maximumMetadataBytes = maximumMetadataBytes
        self.maximumMetadataSum = maximumMetadataSum
    }
}
