import PlainText
import Testing

@Suite struct LookupNameTests {
    @Test func `A name has at most 1000 bytes`() {
        #expect(!String(repeating: "a", count: 1000).isTooLongForName)
        #expect(String(repeating: "a", count: 1001).isTooLongForName)
        #expect(String(repeating: "é", count: 501).isTooLongForName)
    }

    @Test func `Texts are compared by their bytes`() {
        #expect("a\u{301}".hasSameBytes(as: "a\u{301}"))
        // The same to Swift, in other bytes.
        #expect(!"a\u{301}".hasSameBytes(as: "\u{E1}"))
        #expect("parameters: a".startsWithBytes(of: "parameters: "))
        // A mark joins the space.
        #expect("parameters: \u{301}".startsWithBytes(of: "parameters: "))
        #expect(!"par".startsWithBytes(of: "parameters"))
    }

    @Test(.timeLimit(.minutes(1))) func `A long run of marks takes one pass`() {
        let marks = String(repeating: "\u{301}\u{323}", count: 250_000)
        #expect((marks + "a").hasSameBytes(as: marks + "a"))
        #expect((marks + "a").startsWithBytes(of: marks))
    }
}
