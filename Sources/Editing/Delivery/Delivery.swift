public import ImageFiles
public import Raster

/// Where the pictures of an edit go, each as soon as it is made.
public enum Delivery: Sendable {
    /// To files, with a contact sheet of several.
    case files(OutputChoice)
    /// To a closure, encoded; nothing is written. What it throws ends the edit.
    case bytes(BytesChoice, to: @Sendable (EncodedPicture) throws -> Void)

    /// Whether the pictures say how they were made.
    var metadata: Bool {
        switch self {
        case .files(let choice): choice.metadata
        case .bytes(let choice, _): choice.metadata
        }
    }
}

/// How pictures are encoded that go to no file.
public struct BytesChoice: Sendable, Equatable {
    /// The edited picture's own where `nil`; PNG where there is none, or where its format is only read.
    public var format: ImageFormat?
    /// Whether the result says how it was made.
    public var metadata: Bool
    /// What messages call a single picture; what a file of it would be called where `nil`.
    public var name: String?

    public init(format: ImageFormat? = nil, metadata: Bool = true, name: String? = nil) {
        self.format = format
        self.metadata = metadata
        self.name = name
    }
}

/// A picture of an edit as a file would hold it.
public struct EncodedPicture: Sendable, Equatable {
    /// What a file of it would be called: "photo-inpaint-2.png".
    public var name: String
    public var bytes: [UInt8]
    public var format: ImageFormat
    public var size: PixelSize
    public var seed: UInt64

    public init(name: String, bytes: [UInt8], format: ImageFormat, size: PixelSize, seed: UInt64) {
        self.name = name
        self.bytes = bytes
        self.format = format
        self.size = size
        self.seed = seed
    }
}
