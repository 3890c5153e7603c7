internal import Editing
internal import ImageFiles
internal import Raster

/// Escape sequences by which a terminal shows a picture.
enum TerminalGraphics: Sendable {
    /// https://sw.kovidgoyal.net/kitty/graphics-protocol/ (kitty, Ghostty, WezTerm, Konsole)
    case kitty
    /// https://iterm2.com/documentation-images.html (iTerm2, WezTerm, mintty, VS Code)
    case iterm
    /// DEC's sixels, in up to 256 colours (xterm -ti vt340, foot, mlterm, contour, Windows Terminal, recent tmux).
    case sixel

    /// Asks a terminal what it is: primary device attributes (DA1; VT510 Reference Manual, chapter 5).
    static let attributesRequest = "\u{1B}[c"

    /// Whether an answer to `attributesRequest`, `ESC [ ? 62 ; 4 ; … c`, names sixels, which is attribute 4; `nil` where
    /// it is none, or not all of it.
    static func namesSixels(_ answer: some Sequence<UInt8>) -> Bool? {
        let text = String(decoding: Array(answer), as: UTF8.self)
        // Keys that were pressed meanwhile may stand before it.
        guard let start = text.firstIndex(of: "\u{1B}"), text[start...].hasPrefix("\u{1B}[?") else { return nil }
        let rest = text[start...].dropFirst(3)
        guard let end = rest.firstIndex(where: { !$0.isNumber && $0 != ";" }), rest[end] == "c" else { return nil }
        // The first number is the terminal's class.
        return rest[..<end].split(separator: ";").dropFirst().contains("4")
    }

    /// What the terminal says of itself in the environment; `nil` where it is not known to show pictures in either of
    /// the first two ways. A multiplexer in between would not pass the sequences on.
    static var supported: TerminalGraphics? {
        if FileSystem.environment("TMUX") != nil { return nil }
        let terminal = FileSystem.environment("TERM") ?? ""
        if terminal.hasPrefix("screen") || terminal.hasPrefix("tmux") { return nil }
        if FileSystem.environment("KITTY_WINDOW_ID") != nil || terminal == "xterm-kitty" || terminal == "xterm-ghostty"
        {
            return .kitty
        }
        switch FileSystem.environment("TERM_PROGRAM") {
        case "ghostty"?: return .kitty
        case "iTerm.app"?, "WezTerm"?, "mintty"?, "vscode"?: return .iterm
        default: return nil
        }
    }

    /// The longest side of a picture that is sent.
    static let longestSide = 800

    /// Lines that a live preview is high.
    static let previewRows = 12
    /// Pixels that a line is high at least, where pictures are measured in them (sixels).
    private static let leastRowHeight = 16

    /// A live preview in `previewRows` lines above the cursor's, in place of the one before; the cursor stays.
    /// - Parameter isFirst: makes room for it.
    func previewEscape(for picture: Picture, isFirst: Bool) throws -> String {
        let rows = Self.previewRows
        let room = isFirst ? String(repeating: "\n", count: rows) : ""
        return room + "\r\u{1B}[\(rows)A\u{1B}7" + (try escape(for: picture, rows: rows)) + "\u{1B}8\u{1B}[\(rows)B"
    }

    /// The picture, scaled down to `longestSide`, as PNG in the terminal's escape sequence.
    /// - Parameter rows: the lines that it is high, in which case the cursor stays and one picture takes the place of another;
    ///   `nil` for its own size.
    func escape(for picture: Picture, rows: Int? = nil) throws -> String {
        let longest = max(picture.width, picture.height)
        var shown = picture
        let height = rows.flatMap { self == .sixel ? $0 * Self.leastRowHeight : nil }
        let limit = height.map { longest * $0 / picture.height } ?? Self.longestSide
        if longest > limit {
            let scale = Double(limit) / Double(longest)
            let size = PixelSize(
                width: max(1, Int(Double(picture.width) * scale)), height: max(1, Int(Double(picture.height) * scale)))
            shown = Picture(RGBImage(picture).resized(to: size, filter: .area))
        }
        if self == .sixel { return SixelEncoder(RGBImage(shown)).escape }
        let png = try ImageFile.encode(shown, format: .png, name: "the preview").bytes
        let text = Self.base64(png)
        switch self {
        case .sixel, .iterm:
            let place = rows.map { "height=\($0);preserveAspectRatio=1;doNotMoveCursor=1;" } ?? ""
            return "\u{1B}]1337;File=inline=1;\(place)size=\(png.count):\(text)\u{7}"
        case .kitty:
            // At most 4096 bytes a piece; `m=1` says that more follow.
            var pieces: [String] = []
            var rest = text.utf8[...]
            var isFirst = true
            while !rest.isEmpty {
                let piece = rest.prefix(4096)
                rest = rest.dropFirst(4096)
                // A picture of the same number takes the place of the one before.
                let place = rows.map { "i=6,p=1,q=2,C=1,r=\($0)," } ?? ""
                let control = (isFirst ? "a=T,f=100," + place : "") + "m=\(rest.isEmpty ? 0 : 1)"
                pieces.append("\u{1B}_G\(control);\(String(decoding: piece, as: UTF8.self))\u{1B}\\")
                isFirst = false
            }
            return pieces.joined()
        }
    }

    /// RFC 4648, section 4.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start ..< min(start + 3, bytes.count)]
            var value = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            value <<= UInt32(8 * (3 - group.count))
            for place in 0 ..< 4 {
                result.append(
                    place <= group.count ? alphabet[Int(value >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
