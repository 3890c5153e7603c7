internal import PlainText
public import Raster

/// What a picture file says beside its pixels, in a form that either format can be written from.
public struct ImageMetadata: Sendable, Equatable {
    /// The ICC profile, byte for byte.
    public var iccProfile: [UInt8]?
    /// The EXIF block from its TIFF header on, with the orientation reset to upright.
    public var exif: [UInt8]?
    /// The XMP packet, UTF-8, with what a JPEG keeps of it in further segments.
    public var xmp: [UInt8]?
    /// The Photoshop resources of a JPEG's APP13, which hold the IPTC record.
    public var photoshopResources: [UInt8]?
    /// The text chunks of a PNG other than XMP, those that say how it was made included, and the comments of a JPEG
    /// (keyword `Comment`).
    public var text: [TextEntry] = []
    public var density: PixelDensity?
    /// The colour chunks of a PNG (gAMA, cHRM, sRGB, cICP, mDCV, cLLI), as they stood.
    public var colorChunks: [PNGChunk] = []
    /// What else of a PNG stays true (pCAL, sCAL), as it stood.
    public var plainChunks: [PNGChunk] = []
    /// How the source JPEG was coded, so that a JPEG made from it is coded the same way.
    public var jpegCoding: JPEGCoding?
    /// Whether a TIFF's colours were stored multiplied by alpha; they are again in a TIFF made from it.
    public var hasAssociatedAlpha = false
    /// The stored samples of such a TIFF, where straight ones do not give them back.
    public var associatedSource: AssociatedSource?
    /// Whether a TIFF does not say that its extra sample is alpha; nor does a TIFF made from it.
    public var hasUnspecifiedAlpha = false
    /// The colours of an indexed PNG. A PNG made from it is indexed, too, where its colours are few enough.
    public var palette: PNGPalette?
    /// 1, 2 or 4 of a PNG of so many bits of grey. A PNG made from it is of so few, too, where they hold its samples.
    public var grayDepth: Int?

    public init() {}
}

/// One text of a PNG or comment of a JPEG.
public struct TextEntry: Sendable, Equatable {
    /// 1 to 79 Latin-1 characters.
    public var keyword: String
    public var text: String
    /// RFC 3066 language of an iTXt chunk, and its keyword in that language.
    public var language: String
    public var translatedKeyword: String

    public init(keyword: String, text: String, language: String = "", translatedKeyword: String = "") {
        self.keyword = keyword
        self.text = text
        self.language = language
        self.translatedKeyword = translatedKeyword
    }

    /// By their bytes: `==` of long texts takes the square of a run of combining marks.
    public static func == (first: TextEntry, second: TextEntry) -> Bool {
        first.keyword.hasSameBytes(as: second.keyword) && first.text.hasSameBytes(as: second.text)
            && first.language.hasSameBytes(as: second.language)
            && first.translatedKeyword.hasSameBytes(as: second.translatedKeyword)
    }
}

/// How many pixels a length holds when the picture is printed.
public struct PixelDensity: Sendable, Equatable {
    public enum Unit: Sendable, Equatable {
        /// Only the ratio of `x` to `y` means something.
        case aspect
        case perMetre
        case perInch
        case perCentimetre
    }
    public var x: UInt32
    public var y: UInt32
    public var unit: Unit

    public init(x: UInt32, y: UInt32, unit: Unit) {
        self.x = x
        self.y = y
        self.unit = unit
    }
}

/// A PNG chunk as it stands in the file, without length and CRC.
public struct PNGChunk: Sendable, Equatable {
    /// Four ASCII letters.
    public var type: String
    public var data: [UInt8]

    public init(type: String, data: [UInt8]) {
        self.type = type
        self.data = data
    }
}

/// How a JPEG's samples are coded.
public struct JPEGCoding: Sendable, Equatable {
    public enum Color: Sendable, Equatable {
        case gray
        case yCbCr
        case rgb
        case cmyk
        case ycck
    }

    /// Sampling factors and quantisation table of one component.
    public struct Component: Sendable, Equatable {
        public var horizontal: Int
        public var vertical: Int
        /// Index into `tables`.
        public var table: Int
    }

    public var color: Color
    public var components: [Component]
    /// Quantisation tables of 64 entries in natural (row-major) order.
    public var tables: [[UInt16]]
    public var isProgressive: Bool
    public var isArithmetic: Bool
    /// The quality 1…100 at which the standard's example tables come closest to `tables`.
    public var estimatedQuality: Int

    /// The usual name of the chroma sampling: "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1" …; nil for grey.
    public var subsampling: String? {
        guard components.count >= 3 else { return nil }
        let (luma, chroma) = (components[0], components[1])
        guard chroma == Component(horizontal: 1, vertical: 1, table: chroma.table), components[2].horizontal == 1,
            components[2].vertical == 1
        else {
            let all = components.allSatisfy { $0.horizontal == luma.horizontal && $0.vertical == luma.vertical }
            return all ? "4:4:4" : components.map { "\($0.horizontal)x\($0.vertical)" }.joined(separator: ",")
        }
        switch (luma.horizontal, luma.vertical) {
        case (1, 1): return "4:4:4"
        case (2, 1): return "4:2:2"
        case (2, 2): return "4:2:0"
        case (1, 2): return "4:4:0"
        case (4, 1): return "4:1:1"
        case (4, 2): return "4:1:0"
        default: return components.map { "\($0.horizontal)x\($0.vertical)" }.joined(separator: ",")
        }
    }
}

/// What the file said about its pixels before they were decoded and turned upright.
public struct SourceFacts: Sendable, Equatable {
    public enum ColorType: String, Sendable {
        case gray = "grey"
        case grayAlpha = "grey + alpha"
        case rgb = "RGB"
        case rgba = "RGB + alpha"
        case palette = "palette"
        case yCbCr = "YCbCr"
        case cmyk = "CMYK"
        case ycck = "YCCK"
    }
    /// As stored, before the EXIF orientation was applied.
    public var storedSize: PixelSize
    /// Bits a sample (of a palette: bits an index): 1, 2, 4, 8, 16.
    public var bitDepth: Int
    public var colorType: ColorType
    /// Interlaced PNG or progressive JPEG.
    public var isInterlaced: Bool
    /// The EXIF orientation that was applied, 1…8.
    public var orientation: Int
    public var byteCount: Int
    /// Whether a WebP was compressed with loss.
    var isLossyWebP = false
}

/// A picture file, read.
public struct LoadedImage: Sendable {
    /// The pixels, upright.
    public var picture: Picture
    public var format: ImageFormat
    public var facts: SourceFacts
    public var metadata: ImageMetadata
    /// What the samples mean.
    public var colorSpace: ColorSpace
    /// How the picture was made, where the file says so.
    public var provenance: Provenance?
    /// The file itself, where it is a JPEG whose blocks a JPEG made from it can keep.
    public var jpegSource: JPEGSource?
    /// Plain sentences to say aloud: what was converted, what was damaged.
    public var notes: [String]
    /// Those of the notes that tell how a file made from it will differ: mostly what it will not hold.
    public var losses: [String] = []
    /// Those of the notes that tell of more than the picture, which a file made from it does not hold: other pages,
    /// frames, pictures, videos, channels, unknown bytes.
    public var companions: [String] = []
    /// Those of the notes that speak of what its samples mean.
    public var colorNotes: [String] = []

    /// The notes for whoever looks at its pixels and makes no file from it.
    public var pixelNotes: [String] { notes.filter { !losses.contains($0) } }

    /// Whether its compression may have changed samples a little.
    public var isLossy: Bool { [.jpeg, .avif, .heic].contains(format) || facts.isLossyWebP }

    /// The format of what is made of it where none is named: its own, or PNG where that is not written or could not hold
    /// the samples (a JPEG of 12 bits).
    public var formatOfResults: ImageFormat {
        format.isWritten && !(format == .jpeg && picture.depth > 8) ? format : .png
    }
}
