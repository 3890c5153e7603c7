import PlainText
import Testing

@testable import Editing

@Suite struct FileReportTests {
    @Test func `Control characters of a file are shown, not sent to the terminal`() {
        let text = FileReport.text(
            of: [
                .init(label: "comment", text: "a\u{1B}]0;x\u{7}b\r\nc\u{9B}2J", name: "comment", value: .null),
                // The bytes of a path stay, here E9 of a name that is no UTF-8.
                .init(label: "file", text: "caf\u{10FEE9}\u{1B}.png", name: "file", value: .null),
            ], namedBy: .keys)
        #expect(
            text == """
                comment:  a\\x1B]0;x\\x07b
                          c\\x9B2J
                file:     caf\u{10FEE9}\\x1B.png
                """)
    }
}
