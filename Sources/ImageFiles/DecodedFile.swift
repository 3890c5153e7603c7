internal import Raster

/// What a codec makes of a whole file, where it reads the metadata too.
struct DecodedFile {
    var picture: Picture
    var facts: SourceFacts
    var metadata: ImageMetadata
    var notes: [String]
    /// Those that tell how a file made from it will differ: mostly what it will not hold.
    var losses: [String] = []
    /// Those of the notes that tell of more than the picture: other pictures, videos, channels, unknown bytes.
    var companions: [String] = []
}
