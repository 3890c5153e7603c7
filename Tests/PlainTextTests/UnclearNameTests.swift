import PlainText
import Testing

@Suite struct UnclearNameTests {
    @Test func `Names whose ends or letters are not seen are shown so that they are`() {
        for (name, shown) in [
            ("art/flow", "art/flow"), ("my model", "my model"), ("art/flow ", "'art/flow '"), (" a", "' a'"),
            ("a  b", "'a  b'"), ("", "''"), ("a\u{200B}b", "a\\u{200B}b"), ("a\u{A0}", "a\\u{A0}"),
            ("a\nb", "a\\x0Ab"), ("a\tb", "a\\x09b"), ("é\u{301}", "é\u{301}"), ("模型", "模型"),
        ] {
            #expect(name.quotedIfUnclear == shown)
        }
    }
}
