internal import Editing

/// The one or two words of a command whose IMAGE may be left out.
struct Positionals: Equatable {
    let image: String?
    let prompt: String?

    /// Two words are image and prompt. A single one is the image where it is `-`, names what is there and is no folder
    /// (a file, a pipe, a device), or ends as a picture does; else it is the prompt.
    init(_ first: String?, _ second: String?) {
        if let second {
            image = first
            prompt = second
        } else if let first, Self.isImage(first) {
            image = first
            prompt = nil
        } else {
            image = nil
            prompt = first
        }
    }

    /// Whether a word is the name of a file that is there and ends as a picture does.
    static func isPictureFile(_ word: String) -> Bool { hasPictureEnding(word) && FileSystem.isFile(word) }

    private static func isImage(_ word: String) -> Bool {
        word == "-" || hasPictureEnding(word) || FileSystem.holdsBytes(word)
    }

    private static func hasPictureEnding(_ word: String) -> Bool {
        let endings = [
            ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic",
            ".heif", ".avif", ".jxl",
        ]
        let lowered = word.lowercased()
        return endings.contains { lowered.hasSuffix($0) }
    }
}
