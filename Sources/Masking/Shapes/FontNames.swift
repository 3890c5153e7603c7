internal import CTypeface
internal import PlainText

/// What a font is called by itself.
public struct FontNames: Sendable, Equatable {
    /// "DejaVu Sans Mono"; empty where the font does not say, as are the others.
    public let family: String
    /// "Bold Oblique"
    public let style: String
    /// "DejaVuSansMono-BoldOblique"
    public let postScript: String
    public let isBold: Bool
    public let isItalic: Bool

    /// The names of the first font in a file; `nil` for what is no font with outlines. Names have at most 255 bytes.
    public init?(of font: String) {
        var names = ctypeface_names()
        guard unsafe ctypeface_read_names(font.nativePath, &names) == CTYPEFACE_OK else { return nil }
        family = Self.text(names.family)
        style = Self.text(names.style)
        postScript = Self.text(names.postscript)
        isBold = names.is_bold
        isItalic = names.is_italic
    }

    private static func text<Bytes>(_ bytes: Bytes) -> String {
        let all = unsafe withUnsafeBytes(of: bytes) { unsafe Array($0) }
        return String(decoding: all.prefix { $0 != 0 }, as: UTF8.self)
    }
}
