internal import PlainText

/// How a picture was made, as its file says it.
public struct Provenance: Sendable, Equatable {
    /// The `parameters` text, read.
    public var infotext: Infotext?
    /// The kind of source, from XMP.
    public var digitalSourceType: DigitalSourceType?

    public init(infotext: Infotext?, digitalSourceType: DigitalSourceType?) {
        self.infotext = infotext
        self.digitalSourceType = digitalSourceType
    }

    /// Of a picture that was edited by a model under these settings.
    public static func edited(_ infotext: Infotext) -> Provenance {
        Provenance(infotext: infotext, digitalSourceType: .compositeWithTrainedAlgorithmicMedia)
    }

    /// Of a picture that a model made from a text alone.
    public static func generated(_ infotext: Infotext) -> Provenance {
        Provenance(infotext: infotext, digitalSourceType: .trainedAlgorithmicMedia)
    }

    /// The keyword under which PNG text holds the infotext.
    static let keyword = "parameters"

    /// What metadata says: PNG text first, the last of several, as other programs read it; then an edit's own record in
    /// XMP, which stands there when the EXIF comment is someone else's; then that comment. XMP for the kind of source.
    init?(_ metadata: ImageMetadata) {
        let packet = metadata.xmp.map { XMPPacket($0) }
        let text =
            metadata.text.last { $0.keyword == Self.keyword }?.text ?? packet?.parameters
            ?? metadata.exifComment.flatMap { Self.looksLikeInfotext($0) ? $0 : nil }
        infotext = text.map(Infotext.init(parsing:))
        digitalSourceType = packet?.digitalSourceType
        if infotext == nil, digitalSourceType == nil { return nil }
    }

    /// Whether a record is one that this program wrote: it names itself as the version.
    static func isOwn(_ text: String) -> Bool {
        Infotext(parsing: text)["Version"]?.startsWithBytes(of: programName + " ") == true
    }

    private static let programName = "editor"

    /// A camera's or person's own comment is not taken for settings.
    static func looksLikeInfotext(_ comment: String) -> Bool { !Infotext(parsing: comment).parameters.isEmpty }
}

/// IPTC's vocabulary of where a picture comes from, `http://cv.iptc.org/newscodes/digitalsourcetype/`.
public enum DigitalSourceType: Sendable, Equatable {
    /// A picture in which a trained model repainted or added a part.
    case compositeWithTrainedAlgorithmicMedia
    /// A picture that a trained model made.
    case trainedAlgorithmicMedia
    case digitalCapture
    /// Any other term, as its URI.
    case other(uri: String)

    private static let vocabulary = "http://cv.iptc.org/newscodes/digitalsourcetype/"

    public init(uri: String) {
        switch uri {
        case Self.vocabulary + "compositeWithTrainedAlgorithmicMedia": self = .compositeWithTrainedAlgorithmicMedia
        case Self.vocabulary + "trainedAlgorithmicMedia": self = .trainedAlgorithmicMedia
        case Self.vocabulary + "digitalCapture": self = .digitalCapture
        default: self = .other(uri: uri)
        }
    }

    public var uri: String {
        switch self {
        case .compositeWithTrainedAlgorithmicMedia: Self.vocabulary + "compositeWithTrainedAlgorithmicMedia"
        case .trainedAlgorithmicMedia: Self.vocabulary + "trainedAlgorithmicMedia"
        case .digitalCapture: Self.vocabulary + "digitalCapture"
        case .other(let uri): uri
        }
    }
}
