/// Text to the numbers of the tokens that a text encoder was trained with, in windows of a fixed length.
public protocol Tokenizer: Sendable {
    /// Tokens of a window.
    var windowLength: Int { get }
    /// Where the tokens of the text may stand in a window: behind what begins it, and before what ends it at the
    /// latest.
    var contentRange: Range<Int> { get }
    /// The tokens of a text, without those that begin and end a window, however many there are.
    func tokens(_ text: String) -> [Int]
    /// One window: what begins it, as many of the tokens as fit, what ends it, padding.
    func window(_ tokens: some Sequence<Int>) -> [Int]
}

extension Tokenizer {
    /// The most tokens of a text in a window.
    public var contentLength: Int { contentRange.count }
}
