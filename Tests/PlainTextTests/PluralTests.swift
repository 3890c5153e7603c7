import PlainText
import Testing

@Suite struct PluralTests {
    @Test func `One of a thing is one`() {
        #expect(1.of("step") == "1 step")
        #expect(0.of("step") == "0 steps")
        #expect(UInt64(2).of("entry", plural: "entries") == "2 entries")
        #expect(1.verb("ends", "end") == "ends")
        #expect(3.verb("ends", "end") == "end")
    }
}
