import PlainText
import Testing

@Suite struct TrimmedTests {
    @Test(arguments: [("", ""), (" \t\r\n", ""), ("a", "a"), ("\u{2003}a b \n", "a b"), ("a\u{A0}", "a")])
    func `White space around a text goes, within it stays`(text: String, expected: String) {
        #expect(text.trimmed == expected)
        #expect(text[...].trimmed == expected)
    }
}
