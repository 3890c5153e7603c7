import PlainText
import Testing

@Suite struct NativePathTests {
    /// Names as the system may hold them.
    static let names: [[UInt8]] = [
        Array("plain.png".utf8), Array("Füße 🦊.png".utf8), Array("e\u{301}.png".utf8), [],
        [0x63, 0x61, 0x66, 0xE9], [0xE9, 0x2F, 0xFF, 0xFE], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xF0, 0x9F, 0xA6],
        // Overlong, a surrogate, beyond Unicode.
        [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        // The escape's own scalars, and the one before them.
        [0xF4, 0x8F, 0xBA, 0x80], [0xF4, 0x8F, 0xBB, 0xBF, 0xE9], [0xF4, 0x8F, 0xB9, 0xBF],
        [0xF4, 0x8F], [0x80], (1 ... 255).map { UInt8($0) },
    ]

    @Test(arguments: names)
    func `A name comes back as the bytes it was`(bytes: [UInt8]) {
        let text = String(nativeBytes: bytes)
        #expect(text.nativeBytes == bytes)
        #expect(text.nativePath == bytes.map { CChar(truncatingIfNeeded: $0) } + [0])
        #expect(String(decoding: text.utf8, as: UTF8.self) == text)
    }

    @Test func `No two names become one text`() {
        let texts = Self.names.map { Array(String(nativeBytes: $0).utf8) }
        #expect(Set(texts).count == Self.names.count)
    }

    @Test func `A name can be taken apart and put together`() {
        let text = String(nativeBytes: [0x61, 0x2F, 0xE9, 0x2E, 0x70])
        let parts = text.split(separator: "/")
        #expect(parts.count == 2)
        #expect(("x/" + parts[1] + "ng").nativeBytes == [0x78, 0x2F, 0xE9, 0x2E, 0x70, 0x6E, 0x67])
    }

    @Test func `People are shown what can be printed`() {
        let text = String(nativeBytes: [0x63, 0x61, 0x66, 0xE9, 0x1B, 0x5B, 0x0A, 0xC3, 0xA9])
        #expect(text.printable == "caf\\xE9\\x1B[\né")
        #expect(text.printableLine == "caf\\xE9\\x1B[\\x0Aé")
        #expect(String("a\tb\nc").lineWithControlsShown == "a\\x09b\\x0Ac")
        #expect(text.withBytesShown == "caf\\xE9\u{1B}[\né")
        #expect(text.repaired == "caf\u{FFFD}\u{1B}[\né")
        #expect("é\t🦊".printable == "é\t🦊")
    }
}
